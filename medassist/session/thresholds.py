"""Thresholds and prevalences the reader sets: a threshold belongs to the weights, a prevalence to the place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import ClassScore, ModelRef

if TYPE_CHECKING:
    from medassist.session.state import Session

Key = tuple[str, str]


@dataclass(frozen=True)
class ThresholdChange:
    """One change of a threshold by the reader, for the audit trail."""

    model: ModelRef
    label: str
    before: float
    after: float


@dataclass(frozen=True)
class SetThreshold:
    """Call one label of one set of weights present from another probability on, None for the package's own.

    Findings nobody judged follow at once, those of a later run of the same weights too; what the reader judged stays
    as it was judged. While a dial is still moving the change is not `settled` and nothing goes into the trail.
    """

    model_sha256: str
    label: str
    threshold: float | None
    settled: bool = True

    def __call__(self, session: Session) -> Session:
        """Return the session with the threshold (ValueError outside 0..1); unchanged for what no model said."""
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"a threshold lies between 0 and 1, not at {self.threshold}")
        about = next((one for one in session.findings if self._is_of(one)), None)
        if about is None or about.model is None or about.own_threshold is None or not self.model_sha256:
            return session
        own, key = about.own_threshold, (self.model_sha256, self.label)
        chosen = own if self.threshold is None else self.threshold
        thresholds = {known: value for known, value in session.thresholds.items() if known != key}
        if chosen != own:
            thresholds[key] = chosen
        after = replace(session, thresholds=MappingProxyType(thresholds))
        findings = tuple(with_settings(after, one) if self._is_of(one) else one for one in session.findings)
        before = _last_settled(session, key, own)
        news = (ThresholdChange(about.model, self.label, before, chosen),) if self.settled and before != chosen else ()
        return replace(after, findings=findings, threshold_changes=(*session.threshold_changes, *news))

    def _is_of(self, finding: Finding) -> bool:
        if finding.read_from:  # what a file claims stays as it was claimed there
            return False
        same = finding.model is not None and finding.model.sha256 == self.model_sha256
        return same and finding.target == self.label and finding.probability is not None


@dataclass(frozen=True)
class SetPrevalence:
    """Say how common a finding of a model is among the reader's patients: a share in 0..1, None for unknown."""

    model_name: str
    label: str
    prevalence: float | None

    def __call__(self, session: Session) -> Session:
        """Return the session with the prevalence, in the findings too (ValueError outside 0..1)."""
        if self.prevalence is not None and not 0.0 < self.prevalence < 1.0:
            raise ValueError(f"a prevalence lies between 0 and 1, not at {self.prevalence}")
        key = (self.model_name, self.label)
        kept: dict[Key, float] = {known: value for known, value in session.prevalences.items() if known != key}
        if self.prevalence is not None:
            kept[key] = self.prevalence
        after = replace(session, prevalences=MappingProxyType(kept))
        return replace(after, findings=tuple(with_settings(after, one) for one in session.findings))


def changes_between(old: Session, new: Session) -> tuple[ThresholdChange, ...]:
    """Return what of the thresholds changed when both were set as a whole: by undoing, or with a case."""
    findings, told = (*new.findings, *old.findings), []
    for key in {**old.thresholds, **new.thresholds}:
        about = next((one for one in findings if one.model is not None and (one.model.sha256, one.target) == key), None)
        if about is None or about.model is None or about.own_threshold is None:
            continue
        before, after = (one.thresholds.get(key, about.own_threshold) for one in (old, new))
        if before != after:
            told.append(ThresholdChange(about.model, key[1], before, after))
    return tuple(told)


def with_settings(session: Session, finding: Finding) -> Finding:
    """Return a classifier's finding as the reader set threshold and prevalence; a judged one keeps its threshold."""
    if finding.model is None or finding.probability is None or finding.threshold is None:
        return finding
    known = replace(finding, prevalence=session.prevalences.get((finding.model.name, finding.target)))
    own = finding.own_threshold
    if own is None or finding.judgement is not Judgement.UNREVIEWED:
        return known
    chosen = session.thresholds.get((finding.model.sha256, finding.target), own)
    return replace(
        known,
        threshold=chosen,
        package_threshold=None if chosen == own else own,
        present=finding.probability >= chosen,
    )


def at_threshold(session: Session, model: ModelRef, score: ClassScore) -> ClassScore:
    """Return a score of a model at the threshold the reader set for its weights, else as it is."""
    return replace(score, threshold=session.thresholds.get((model.sha256, score.label), score.threshold))


def _last_settled(session: Session, key: Key, own: float) -> float:
    """Return the threshold the trail knows."""
    changes = (one for one in reversed(session.threshold_changes) if (one.model.sha256, one.label) == key)
    return next((one.after for one in changes), own)


def prevalences_to_keep(prevalences: Mapping[Key, float]) -> str:
    """Return prevalences as the text the settings keep: a JSON object {"MODEL/LABEL": share}."""
    return json.dumps({f"{model}/{label}": value for (model, label), value in prevalences.items()}, ensure_ascii=False)


def prevalences_of(kept_text: str) -> Mapping[Key, float]:
    """Read the text the settings keep; what is no share between 0 and 1 is left out."""
    try:
        stored = json.loads(kept_text)
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        stored = {}
    kept = {
        (model, label): float(value)
        for name, value in stored.items()
        for model, found, label in (name.partition("/"),)
        if found and isinstance(value, int | float) and not isinstance(value, bool) and 0.0 < value < 1.0
    }
    return MappingProxyType(kept)
