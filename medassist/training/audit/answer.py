"""What the audit found, label by label, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from medassist.entities.study import Warned
from medassist.training.audit.cues import Group
from medassist.training.metrics import Measured

Why = str | Warned
"""Why a cue may tell a label, in the words of whoever declared it."""


class AuditVerdict(StrEnum):
    """What the audit says of one label."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    EXPLAINED = "explained"  # trivial things tell it, and someone declared why they may
    CAUTION = "caution"  # the data cannot tell, or a part of it alarms
    ALARM = "alarm"


SEVERITY = {AuditVerdict.PASS: 0, AuditVerdict.EXPLAINED: 1, AuditVerdict.CAUTION: 2, AuditVerdict.ALARM: 3}


@dataclass(frozen=True)
class Reason:
    """One thing that speaks against a label: which cue, how bad, the sentence, and why it is expected ("" if not)."""

    cue: str
    verdict: AuditVerdict
    sentence: Warned
    expected: Why = ""


@dataclass(frozen=True)
class CueArea:
    """How well one cue alone tells a label; `rising` says whether larger values speak for it.

    The value is the area in the better direction, found on all rows; the interval keeps that direction, so that it
    reaches below 0.5 where the direction was luck. None for a cue of several kinds, which is cross-validated.
    """

    group: Group
    area: Measured
    rising: bool | None


@dataclass(frozen=True)
class OfModel:
    """A trained model on the rows it has not seen, and against what needs no model.

    Attributes:
        whole: its area on whole pictures.
        blanked: its area with the organ blanked, None where it was not run so.
        lost: how much blanking the organ takes from it.
        over_frame: how far it is above the simple model of the outer frame.
        over_together: how far above the model of all trivial cues.
        over_visible: how far above the model of the trivial cues that a picture or its patient shows.
    """

    whole: Measured
    blanked: Measured | None = None
    lost: Measured | None = None
    over_frame: Measured | None = None
    over_together: Measured | None = None
    over_visible: Measured | None = None


@dataclass(frozen=True)
class LabelAudit:
    """The audit of one label: areas under the ROC curve with 95 % intervals by person.

    Attributes:
        positive: rows with the label; `negative` those it is held against, `against` what they say ("" for the rest).
        people: how many people have a positive row, and how many a negative one.
        cues: each trivial cue alone; `constant` names those that are the same everywhere.
        together: a logistic model on all of them, cross-validated by person.
        visible: the same without the cues of selection.
        frame: a simple model on the outer frame of the picture; `inside` on the rest; `gain` is inside less frame.
        within: part of the rows ("PA") -> the most telling cue there and its area, with an interval of 99.5 %.
        model: the trained model, None without one.
    """

    label: str
    against: str
    positive: int
    negative: int
    people: tuple[int, int]
    cues: Mapping[str, CueArea]
    constant: tuple[str, ...]
    together: Measured | None
    visible: Measured | None
    frame: Measured | None
    inside: Measured | None
    gain: Measured | None
    within: Mapping[str, tuple[str, Measured]] = field(default_factory=dict)
    model: OfModel | None = None

    @property
    def most_telling(self) -> str:
        """The name of the cue with the largest area, "" when there is none."""
        return max(self.cues, key=lambda name: self.cues[name].area.value, default="")


@dataclass(frozen=True)
class Judged:
    """A label with its verdict and what it rests on; a label that passes has a sentence, too."""

    audit: LabelAudit
    verdict: AuditVerdict
    reasons: tuple[Reason, ...]
    sentences: tuple[Warned, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract; sentences in English."""
        audit = self.audit
        return {
            "verdict": self.verdict.value,
            "reasons": [one.text() for one in self.sentences],
            "alarms": [
                {"cue": one.cue, "verdict": one.verdict.value, "expected": str(one.expected)} for one in self.reasons
            ],
            "against": audit.against,
            "positive": audit.positive,
            "negative": audit.negative,
            "people": {"positive": audit.people[0], "negative": audit.people[1]},
            "cues": {
                name: {"group": cue.group, **cue.area.as_json(), "rising": cue.rising}
                for name, cue in audit.cues.items()
            },
            "constant": list(audit.constant),
            **{name: _json(getattr(audit, name)) for name in ("together", "visible", "frame", "inside", "gain")},
            "within": {part: {"cue": cue, **area.as_json()} for part, (cue, area) in audit.within.items()},
            "model": None if audit.model is None else {name: _json(one) for name, one in vars(audit.model).items()},
        }


def _json(measured: Measured | None) -> dict[str, float | int] | None:
    return None if measured is None else measured.as_json()


@dataclass(frozen=True)
class Audit:
    """The audit of one folder."""

    name: str
    layout: str
    n: int
    people: int
    labels: Mapping[str, Judged]

    @property
    def verdict(self) -> AuditVerdict:
        """The worst verdict of all labels."""
        return max((one.verdict for one in self.labels.values()), key=SEVERITY.__getitem__, default=AuditVerdict.PASS)

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        return {
            "layout": self.layout,
            "n": self.n,
            "subjects": self.people,
            "verdict": self.verdict.value,
            "audit": {label: judged.as_json() for label, judged in self.labels.items()},
        }
