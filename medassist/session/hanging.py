"""Which hanging rule fits the series that came on screen, and which series goes into which pane."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medassist.entities.hanging_rule import HangingRule, Place
from medassist.entities.pane_layout import PLANES
from medassist.entities.study import Series, SeriesKind, Study
from medassist.imaging.slicing import Plane
from medassist.session.arrangement import Pane
from medassist.session.arranging import Hang
from medassist.session.sameness import Sameness, sameness
from medassist.session.state import Session


def hang(session: Session, rules: Sequence[HangingRule]) -> Hang:
    """Return how the study on screen is hung: by the first rule that fits, as ever where none does.

    An earlier study that comes on screen hangs beside the newest one of the patient. A rule never takes the series on
    screen away: it fits only where one of its panes asks for it.
    """
    if session.holds(session.current):
        on_screen = session.series(session.current)
        for shown in (*_newest(session, on_screen), on_screen):
            for rule in rules:
                panes = _panes(session, rule, shown)
                as_ever = panes == () and shown is on_screen
                if panes is not None and (as_ever or session.current in [one.series_key for one in panes]):
                    return Hang(rule.layout, panes)
    return Hang(PLANES, ())


def _newest(session: Session, on_screen: Series) -> list[Series]:
    """Return the first picture of the same kind in the newest study of the patient, where a later one is open."""
    mine = session.study_of(on_screen.key)
    later = [one for one in _studies_like(session, mine, on_screen) if one.date > mine.date > ""]
    newest = max(later, key=_moment, default=None)
    return [one for one in _pictures(newest) if one.modality == on_screen.modality][:1]


def _panes(session: Session, rule: HangingRule, shown: Series) -> tuple[Pane, ...] | None:
    """Return what the panes of a rule show around a series; None where it does not fit."""
    study = session.study_of(shown.key)
    if not _fits(rule, shown, study):
        return None
    mine, earlier = _pictures(study), _pictures(prior_of(session, study, shown))
    if shown.key not in (one.key for one in mine):
        return None  # a part of a series is chosen by hand
    earlier.sort(key=lambda one: one.key != session.current)
    used: list[str] = []
    panes = []
    for place in rule.places:
        found = _first(place, earlier if place.prior else [shown, *mine], used)
        if found is None and not place.optional:
            return None
        used += [] if found is None else [found.key]
        panes.append(Pane("" if found is None else found.key, Plane(place.plane) if place.plane else None))
    return tuple(panes)


def _first(place: Place, among: Sequence[Series], used: Sequence[str]) -> Series | None:
    return next((one for one in among if one.key not in used and _suits(place, one)), None)


def prior_of(session: Session, study: Study, shown: Series) -> Study | None:
    """Return the newest open study of the same patient, by name and ID, that is earlier and has this modality."""
    earlier = (one for one in _studies_like(session, study, shown) if "" < one.date < study.date)
    return max(earlier, key=_moment, default=None)


def _studies_like(session: Session, study: Study, shown: Series) -> list[Study]:
    return [
        one
        for scan in session.scans
        for one in scan.studies
        if sameness(one, study) is Sameness.SAME
        and any(series.modality == shown.modality and _same_part(series, shown) for series in _pictures(one))
    ]


def _moment(study: Study) -> tuple[str, str]:
    return study.date, study.time


def _same_part(one: Series, other: Series) -> bool:
    return not (one.body_part and other.body_part) or one.body_part.upper() == other.body_part.upper()


def _pictures(study: Study | None) -> list[Series]:
    series = () if study is None else study.series
    return [one for one in series if one.kind is not SeriesKind.OTHER and one.shape_zyx[0] > 0]


def _fits(rule: HangingRule, series: Series, study: Study) -> bool:
    told = series.body_part or f"{study.description} {series.description}"
    words = f"{study.description} {series.description}"
    return (
        (not rule.modalities or series.modality.upper() in rule.modalities)
        and (not rule.body_parts or _named(rule.body_parts, told))
        and (not rule.words or _named(rule.words, words))
    )


def _suits(place: Place, series: Series) -> bool:
    words = series.description
    view = series.view_position or words
    return (
        (not place.modalities or series.modality.upper() in place.modalities)
        and (not place.sides or _side(series) in place.sides)
        and (not place.views or _named(place.views, view, side="[LR]?"))
        and (not place.words or _named(place.words, words))
        and not _named(place.not_words, words)
    )


def _side(series: Series) -> str:
    """Return the side of a film: the tag, else the letter before the view in its description ("RCC", "L MLO")."""
    if series.laterality:
        return series.laterality.upper()
    found = re.search(r"(?<![A-Z])([LR]) ?(?:CC|MLO)(?![A-Z])", series.description.upper())
    return found.group(1) if found else ""


def _named(words: Sequence[str], text: str, side: str = "") -> bool:
    """Tell whether one of the words stands in a text: whole in Latin letters, anywhere in Chinese.

    `side` is a pattern of what may stand before it: the L of "LCC".
    """
    text = text.upper()
    return any(
        re.search(rf"(?<![A-Z]){side}{re.escape(one)}(?![A-Z])", text) is not None if one.isascii() else one in text
        for one in words
    )
