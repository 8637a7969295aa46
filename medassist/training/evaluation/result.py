"""What an evaluation found: figures with intervals, in parts, under stress, and beside them what the audit says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassist.entities.prediction import ModelRef
from medassist.inference.schema import Section, read_json
from medassist.training.metrics import Measured

ALL = "all"
"""The label under which figures over all classes stand, where classes exclude each other."""
Metrics = Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True)
class Case:
    """One row and what the model said of it.

    Attributes:
        subject: whose it is.
        figures: label -> name -> number. A classifier has `truth` and `score`; a segmenter its figures of agreement.
        refused: whether the model's own features say that this is not its kind of image.
        unsure: whether no class could be called, where classes exclude each other.
    """

    subject: str
    figures: Mapping[str, Mapping[str, float]]
    refused: bool = False
    unsure: bool = False


@dataclass(frozen=True)
class Subgroup:
    """The same figures on a part of the rows."""

    n: int
    labels: Metrics


@dataclass(frozen=True)
class Strained:
    """The main figure of a model on images changed at one level; `drop` is the share of it that was lost."""

    level: float
    measured: Measured
    drop: float


@dataclass(frozen=True)
class Strain:
    """One way to change images: its name, what its levels count, and the figure at each, mildest first."""

    name: str
    unit: str
    steps: tuple[Strained, ...]


@dataclass(frozen=True)
class Robustness:
    """How a model bears changed images.

    Attributes:
        metric: which figure; where there are several labels, its mean over them.
        clean: the same figure on the same rows unchanged; `attack_clean` on those that were attacked.
        strains: noise and its like, made to the image.
        attacks: changes made to the network's input in order to mislead, and at random; () with `why_not`.
        why_not: an English sentence, "" where attacks were made.
    """

    metric: str
    clean: Measured
    strains: tuple[Strain, ...]
    attack_clean: Measured | None = None
    attacks: tuple[Strain, ...] = ()
    why_not: str = ""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on `n` rows: label -> metric -> value with a 95 % interval by subject.

    `kind` is "findings", "classes", "masks", "objects" or "refusals"; `cases` are the rows in order, for the pictures;
    `shares` says how many rows the model itself would refuse or leave open; `audit` is what the shortcut audit says.
    """

    model: ModelRef
    n: int
    subjects: int
    labels: Metrics
    subgroups: Mapping[str, Subgroup] = field(default_factory=dict)
    kind: str = ""
    shares: Mapping[str, Measured] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] = ()
    robustness: Robustness | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[Case, ...] = field(default=(), repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        return {
            "model": {"name": self.model.name, "version": self.model.version, "sha256": self.model.sha256},
            "kind": self.kind,
            "n": self.n,
            "subjects": self.subjects,
            "labels": metrics_json(self.labels),
            "subgroups": {
                name: {"n": group.n, "labels": metrics_json(group.labels)} for name, group in self.subgroups.items()
            },
            **({"shares": _measured_json(self.shares)} if self.shares else {}),
            **({"confusion": [list(line) for line in self.confusion]} if self.confusion else {}),
            **({"robustness": _robustness_json(self.robustness)} if self.robustness else {}),
            "audit": dict(self.audit),
        }


def metrics_json(labels: Metrics) -> dict[str, Any]:
    """Return label -> metric -> its JSON object."""
    return {label: _measured_json(metrics) for label, metrics in labels.items()}


def _measured_json(metrics: Mapping[str, Measured]) -> dict[str, Any]:
    return {name: measured.as_json() for name, measured in metrics.items()}


def _robustness_json(robustness: Robustness) -> dict[str, Any]:
    content: dict[str, Any] = {"metric": robustness.metric, "clean": robustness.clean.as_json()}
    content["corruptions"] = [_strain_json(one) for one in robustness.strains]
    if robustness.attack_clean is not None:
        content["attack_clean"] = robustness.attack_clean.as_json()
        content["attacks"] = [_strain_json(one) for one in robustness.attacks]
    return content | ({"no_attacks": robustness.why_not} if robustness.why_not else {})


def _strain_json(strain: Strain) -> dict[str, Any]:
    steps = [{"level": one.level, **one.measured.as_json(), "drop": round(one.drop, 6)} for one in strain.steps]
    return {"name": strain.name, "unit": strain.unit, "levels": steps}


def read_evaluation(path: Path, model: ModelRef) -> Evaluation | None:
    """Read the figures of an evaluation.json for a card; None where there is none, or it is of other weights."""
    if not path.is_file():
        return None
    content = read_json(path)
    if content.section("model").text("sha256") != model.sha256:
        return None
    groups = content.section("subgroups", optional=True)
    audit = content.section("audit", optional=True)
    return Evaluation(
        model=model,
        n=content.integer("n"),
        subjects=content.integer("subjects"),
        labels=_metrics(content.section("labels")),
        subgroups={name: read_subgroup(groups.section(name)) for name in groups.data},
        kind=content.text("kind", ""),
        shares=read_measured(content.section("shares", optional=True)),
        audit=dict(audit.data),
    )


def read_subgroup(section: Section) -> Subgroup:
    """Read one part of the rows from JSON (Refused names what is wrong)."""
    return Subgroup(section.integer("n"), _metrics(section.section("labels")))


def _metrics(labels: Section) -> dict[str, dict[str, Measured]]:
    return {label: read_measured(labels.section(label)) for label in labels.data}


def read_measured(section: Section) -> dict[str, Measured]:
    """Read metric -> figure with its interval from JSON (Refused names what is wrong)."""
    return {
        name: Measured(one.number("value"), one.number("low"), one.number("high"), one.integer("n"))
        for name, one in ((name, section.section(name)) for name in section.data)
    }
