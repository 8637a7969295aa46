"""The order of the findings list, and the groups of its pieces: no widget, only rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from medassist.entities.finding import Finding, Judgement
from medassist.ui.wording import claim_title

CLAIM, WHERE, SIZE, ORIGIN, VERDICT = range(5)
GroupKey = tuple[str, str, str, int]
_FIRST = (Judgement.UNREVIEWED, Judgement.DEFERRED, Judgement.ACCEPTED, Judgement.EDITED, Judgement.REJECTED)


@dataclass(frozen=True)
class Group:
    """The row above the pieces of one segment."""

    key: GroupKey
    findings: tuple[Finding, ...]
    is_open: bool

    @property
    def to_judge(self) -> int:
        """How many of them nobody judged."""
        return sum(one.judgement is Judgement.UNREVIEWED for one in self.findings)


Row = Finding | Group


def rows_of(
    findings: Sequence[Finding], column: int | None, *, descending: bool = False, closed: Collection[GroupKey] = ()
) -> tuple[Row, ...]:
    """Return the rows of a list in order of a column, None for the order of models; pieces stay with their segment.

    A segment stands where its first piece would. What has no value in a column comes last, whichever way it is sorted.
    """
    ordered = list(findings) if column is None else _sorted(findings, column, descending)
    together: dict[object, list[Finding]] = {}
    for one in ordered:
        together.setdefault(_key(one) or one.tracking_uid, []).append(one)
    told: list[Row] = []
    for members in together.values():
        key = _key(members[0])
        if key is None or len(members) == 1:
            told += members
            continue
        is_open = key not in closed
        told.append(Group(key, tuple(members), is_open))
        told += members if is_open else []
    return tuple(told)


def _key(finding: Finding) -> GroupKey | None:
    if finding.component is None:
        return None
    origin = "" if finding.model is None else finding.model.sha256
    return finding.series_key, finding.target, origin, finding.segment_value or 0


def _sorted(findings: Sequence[Finding], column: int, descending: bool) -> list[Finding]:
    value = _VALUES[column]
    known = [one for one in findings if value(one) is not None]
    unknown = [one for one in findings if value(one) is None]
    return [*sorted(known, key=value, reverse=descending), *unknown]


def _size(finding: Finding) -> tuple[int, float] | None:
    """Return what a reader sorts by in the column of values: scores among scores, volumes among volumes."""
    long_axis = None if finding.diameters is None else finding.diameters.long_axis
    told = (finding.probability, finding.volume_ml, long_axis)
    return next(((kind, value) for kind, value in enumerate(told) if value is not None), None)


_VALUES: dict[int, Callable[[Finding], Any]] = {
    CLAIM: lambda one: claim_title(one).casefold(),
    WHERE: lambda one: one.key_slice,
    SIZE: _size,
    ORIGIN: lambda one: "" if one.model is None else one.model.name,
    VERDICT: lambda one: _FIRST.index(one.judgement),
}
