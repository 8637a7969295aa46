"""What a reader made or changed by hand, for the audit trail: what kind of thing, never its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.prediction import NO_MODEL, Prediction
from medassist.session.state import Session

Change = tuple[str, str, str]
"""Key of the series, kind of thing, what became of it: "made", "changed" or "removed"."""


def changes(old: Session, new: Session) -> Iterator[Change]:
    """Yield what a reader made, changed or removed between two sessions."""
    yield from _masks(old, new)
    if old.findings is not new.findings:
        mine, before = _of_reader(new.findings), _of_reader(old.findings)
        yield from _apart(before, mine, "finding", lambda one: one.tracking_uid)
        known = {one.tracking_uid: one for one in old.findings}
        for one in new.findings:
            was = known.get(one.tracking_uid)
            if was is not None and _claim(was) != _claim(one):
                yield one.series_key, "finding", "changed"
    if old.measurements is not new.measurements:
        yield from _apart(old.measurements, new.measurements, "measurement", lambda one: one.uid)
        drawn = {one.uid: one for one in old.measurements}
        for changed in new.measurements:
            if changed.uid in drawn and drawn[changed.uid] != changed:
                yield changed.series_key, "measurement", "changed"


def is_readers_word(finding: Finding) -> bool:
    """Tell whether the name of a finding may have been typed by a reader, who may name a patient."""
    return (
        finding.model is None
        or finding.model == NO_MODEL
        or bool(finding.edited_by)
        or "slices_outlined" in finding.measurements
    )


def _masks(old: Session, new: Session) -> Iterator[Change]:
    if old.predictions is new.predictions:
        return
    before = {_run(one) for one in old.predictions}
    for one in by_hand(old, new):
        yield one.series_key, "mask", "changed" if _run(one) in before else "made"


def by_hand(old: Session, new: Session) -> tuple[Prediction, ...]:
    """Return the results whose mask a reader made or changed between two sessions."""
    before = {_run(one): one.edit for one in old.predictions}
    return tuple(one for one in new.predictions if one.edit is not before.get(_run(one)))


def _run(one: Prediction) -> tuple[str, ...]:
    return one.series_key, one.started, one.model.sha256, one.model.name


def _of_reader(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.model is None or one.model == NO_MODEL]


def _claim(one: Finding) -> tuple[object, ...]:
    return one.label, one.code, one.laterality, one.edited_by, one.center_lps


def _apart(old: Sequence[Any], new: Sequence[Any], kind: str, identity: Callable[[Any], str]) -> Iterator[Change]:
    before, after = {identity(one) for one in old}, {identity(one) for one in new}
    for one in new:
        if identity(one) not in before:
            yield one.series_key, kind, "made"
    for one in old:
        if identity(one) not in after:
            yield one.series_key, kind, "removed"
