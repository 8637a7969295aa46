"""What of a session may be seen: everything, or, in reader-first mode, nothing that a model said unheard."""

from __future__ import annotations

from dataclasses import replace

from medassist.entities.comparison import Comparison
from medassist.entities.finding import Finding
from medassist.entities.impression import Withheld
from medassist.entities.prediction import Prediction
from medassist.report.components import is_lesion
from medassist.session.focusing import claims
from medassist.session.impressions import is_revealed
from medassist.session.state import Session

FILTERED = ("predictions", "findings", "heatmaps", "probes", "withheld")


def seen(session: Session, before: tuple[Session, Session] | None = None) -> Session:
    """Return the session as faces see it; the session itself when nothing is hidden.

    Results of models, their findings, maps, probes and comparisons are left out on series the reader has not recorded
    a first impression of; regions a reader drew, measurements and a reader's findings stay. `withheld` names the series
    and what the models know, never what they found.

    Args:
        session: everything.
        before: the last session and what was seen of it. What is the same stays the very same object, so that whoever
            compares by identity sees no change where there is none.
    """
    hidden = _hidden(session)
    if not hidden:
        return session
    if before is not None and _same(session, before[0]) and _keys(before[1]) == hidden:
        known = {name: getattr(before[1], name) for name in FILTERED}
        return replace(session, comparison=_comparison(session, hidden), **known)
    kept = tuple(one for one in session.predictions if one.series_key not in hidden or not one.ran_alone)
    return replace(
        session,
        predictions=kept,
        findings=tuple(one for one in session.findings if _is_seen(one, kept, hidden)),
        heatmaps=tuple(one for one in session.heatmaps if one.series_key not in hidden),
        probes=tuple(one for one in session.probes if one.series_key not in hidden),
        comparison=_comparison(session, hidden),
        withheld=tuple(Withheld(key, _labels(session, key)) for key in hidden),
    )


def _hidden(session: Session) -> tuple[str, ...]:
    """Return the keys of series with results that may not be seen, in the order of the results."""
    if not session.reader_first:
        return ()
    ran = [one.series_key for one in session.predictions if one.ran_alone]
    drawn = {(one.series_key, one.model) for one in session.predictions if not one.ran_alone}
    claimed = (one for one in session.findings if one.model is not None)  # of a report read from a file, for example
    told = [*ran, *(one.series_key for one in claimed if (one.series_key, one.model) not in drawn),
            *(one.series_key for one in session.heatmaps)]  # fmt: skip
    return tuple(key for key in dict.fromkeys(told) if not is_revealed(session, key))


def _keys(session: Session) -> tuple[str, ...]:
    return tuple(one.series_key for one in session.withheld)


def _same(session: Session, other: Session) -> bool:
    return all(getattr(session, name) is getattr(other, name) for name in FILTERED)


def _is_seen(finding: Finding, kept: tuple[Prediction, ...], hidden: tuple[str, ...]) -> bool:
    if finding.model is None or finding.series_key not in hidden:
        return True
    return any(one.series_key == finding.series_key and claims(one, finding) for one in kept)


def _comparison(session: Session, hidden: tuple[str, ...]) -> Comparison | None:
    told = session.comparison
    return None if told is not None and told.first.series_key in hidden else told


def _labels(session: Session, key: str) -> tuple[tuple[str, str], ...]:
    """Return what the models of a series could have called, by name: their order may tell what they found."""
    told: dict[str, str] = {}
    for one in session.predictions:
        if one.series_key == key and one.ran_alone:
            told |= {score.label: score.title_zh for score in one.scores}
            segments = () if one.mask is None else one.mask.segments
            told |= {segment.label: segment.title_zh for segment in segments if is_lesion(segment)}
    return tuple(sorted(told.items()))
