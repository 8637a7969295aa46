"""The work on one study as parts of a file, and back: what is saved, what is checked, and what restoring means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from medassist.entities.errors import Refused
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.region import Region
from medassist.entities.saved_work import Offer, Restored, SeriesMark, Source
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume
from medassist.session import state
from medassist.session.actions import ShowVolume
from medassist.session.arrangement import Arrangement
from medassist.session.case_marks import mark_of, sources_of, study_name
from medassist.session.history import WORK, forget
from medassist.session.state import Session
from medassist.session.thresholds import with_settings
from medassist.storage.arrays import damaged
from medassist.storage.case_file import Decoder, Encoder, Saved, Work

BY_SERIES = ("findings", "predictions", "measurements", "probes", "heatmaps", "impressions")
BY_KEY = ("drafts", "views")
BY_MODEL = ("thresholds", "prevalences", "threshold_changes")
SAVED = (*dict.fromkeys((*WORK, *BY_SERIES, *BY_KEY, *BY_MODEL)), "region", "layers", "current", "arrangement")
"""The fields of `Session` that go into a file: the work, what was computed for it, and how it was looked at."""


@cache
def hints() -> Mapping[str, Any]:
    """Return the annotations of the saved fields."""
    noun = type("SavedWork", (), {"__annotations__": {name: Session.__annotations__[name] for name in SAVED}})
    return get_type_hints(noun, globalns=vars(state))


def studies_with_work(session: Session) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the studies work was done on, each with the keys of the series it is about."""
    found: dict[tuple[str, str], set[str]] = {}
    for key in dict.fromkeys(_worked_on(session)):
        if session.holds(key):
            found.setdefault(study_name(session, key), set()).add(key)
    return {name: frozenset(keys) for name, keys in found.items()}


def _worked_on(session: Session) -> Iterator[str]:
    for name in BY_SERIES:
        yield from (one.series_key for one in getattr(session, name))
    yield from session.drafts
    if session.region is not None:
        yield session.region.series_key


def values_of(session: Session, keys: frozenset[str]) -> dict[str, Any]:
    """Return the saved fields as far as they are about the series with these keys."""
    models = {(one.model.sha256, one.model.name) for one in session.predictions if one.series_key in keys}
    weights, names = {one for one, _ in models}, {one for _, one in models}
    values: dict[str, Any] = {name: _mine(getattr(session, name), keys) for name in BY_SERIES}
    values |= {name: {key: one for key, one in getattr(session, name).items() if key in keys} for name in BY_KEY}
    region = session.region
    return values | {
        "thresholds": {key: one for key, one in session.thresholds.items() if key[0] in weights},
        "prevalences": {key: one for key, one in session.prevalences.items() if key[0] in names},
        "threshold_changes": tuple(one for one in session.threshold_changes if one.model.sha256 in weights),
        "region": replace(region, before=None) if isinstance(region, Region) and region.series_key in keys else None,
        "layers": session.layers,
        "current": session.current if session.current in keys else "",
        "arrangement": (session.arrangement if session.current in keys else Arrangement()).only(keys),
    }


def _mine(things: Iterable[Any], keys: frozenset[str]) -> tuple[Any, ...]:
    return tuple(one for one in things if one.series_key in keys)


def parts_of(session: Session, keys: frozenset[str], names: Iterable[str] = SAVED) -> tuple[dict[str, Any], Encoder]:
    """Return the work on some series as parts of a file, with the arrays they name."""
    encoder, values = Encoder(), values_of(session, keys)
    parts = {name: encoder.part(values[name], hints()[name]) for name in names}
    marks = tuple(mark_of(session, key) for key in sorted(keys))
    parts["series"] = encoder.part(marks, tuple[SeriesMark, ...])
    parts["sources"] = encoder.part(sources_of(session, keys), tuple[Source, ...])
    return parts, encoder


def work_of(session: Session, key: str) -> Work:
    """Return the work on the study of a series for a case file, the series itself included."""
    mine = studies_with_work(session).get(study_name(session, key), frozenset())
    parts, encoder = parts_of(session, mine | {key})
    return Work(parts, encoder.arrays, now())


@dataclass(frozen=True, eq=False)
class RestoreWork:
    """Put saved work in place of whatever there is of the same series; nothing of either is mixed.

    Attributes:
        values: the saved fields.
        keys: of the series they are about.
        saved_at: when they were saved.
        volume: the series that was on screen, None to leave the screen as it is.
        notes: what a reader must know of it.
    """

    values: Mapping[str, Any]
    keys: frozenset[str]
    saved_at: str = ""
    volume: Volume | None = None
    notes: tuple[Warned, ...] = ()

    def __call__(self, session: Session) -> Session:
        """Return the session with the work as it was saved, and nothing to undo."""
        values = self.values
        told = Restored(tuple(sorted(self.keys)), self.saved_at, len(values["findings"]), self.notes)
        merged: dict[str, Any] = {name: (*self._others(getattr(session, name)), *values[name]) for name in BY_SERIES}
        merged |= {name: self._with_others(getattr(session, name), values[name]) for name in BY_KEY}
        after = replace(
            session if self.volume is None else ShowVolume(self.volume)(session),
            **merged,
            thresholds=MappingProxyType({**session.thresholds, **values["thresholds"]}),
            prevalences=MappingProxyType({**values["prevalences"], **session.prevalences}),
            threshold_changes=(*session.threshold_changes, *values["threshold_changes"]),
            region=values["region"] if values["region"] is not None else self._other_region(session),
            layers=values["layers"],
            restored=(*session.restored, told),
            offers=tuple(one for one in session.offers if not self.keys.intersection(one.series)),
        )
        if self.volume is not None and values["arrangement"].panes:
            after = replace(after, arrangement=replace(values["arrangement"], by_reader=True))
        others = (one if one.series_key in self.keys else with_settings(after, one) for one in after.findings)
        return forget(replace(after, findings=tuple(others)))

    def _others(self, things: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(one for one in things if one.series_key not in self.keys)

    def _with_others(self, mine: Mapping[str, Any], saved: Mapping[str, Any]) -> Mapping[str, Any]:
        return MappingProxyType({**{key: one for key, one in mine.items() if key not in self.keys}, **saved})

    def _other_region(self, session: Session) -> Region | None:
        region = session.region
        return None if region is None or region.series_key in self.keys else region


@dataclass(frozen=True)
class OfferWork:
    """Remember that work on an open study was found on disk, for the reader to take or leave."""

    offer: Offer

    def __call__(self, session: Session) -> Session:
        """Return the session with the offer, in place of an earlier one of the same folder.

        Older work than what was restored on the same series meanwhile is not offered.
        """
        offer = self.offer
        restored = (one for one in session.restored if not set(one.series).isdisjoint(offer.series))
        if any(not _is_later(offer.saved_at, one.saved_at) for one in restored):
            return session
        others = tuple(one for one in session.offers if one.folder != self.offer.folder)
        return replace(session, offers=(*others, self.offer))


def _is_later(one: str, other: str) -> bool:
    """Tell whether an ISO time is later than another; True for what is no time: nothing is withheld."""
    try:
        return datetime.fromisoformat(one) > datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return True


@dataclass(frozen=True)
class DropOffer:
    """Begin afresh: the saved work is not offered any more."""

    folder: Path

    def __call__(self, session: Session) -> Session:
        """Return the session without the offer."""
        return replace(session, offers=tuple(one for one in session.offers if one.folder != self.folder))


def offer_of(saved: Saved) -> Offer:
    """Return what is told of saved work before anybody restores it (UnreadableInput when it is damaged)."""
    decoder = Decoder(saved)
    marks: tuple[SeriesMark, ...] = decoder.part("series", tuple[SeriesMark, ...], ())
    findings = saved.parts.get("findings", [])
    if not isinstance(findings, list):
        raise damaged(saved.path)
    open_word = Judgement.UNREVIEWED.value
    judged = sum(isinstance(one, dict) and one.get("judgement", open_word) != open_word for one in findings)
    return Offer(saved.path, tuple(one.key for one in marks), saved.saved_at, len(findings), judged, notes=saved.notes)


def decoded(saved: Saved, names: Mapping[str, str], most_bytes: int) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    """Return the saved fields with the keys that the series have now, and what must be known of the file.

    `names` leads from the saved keys to those of now; `most_bytes` is how much its arrays may take. Raises
    UnreadableInput for a file that holds something else.
    """
    decoder = Decoder(replace(saved, parts=_renamed(saved.parts, names)), most_bytes)
    fresh = values_of(Session(), frozenset())
    values = {name: decoder.part(name, hints()[name], fresh[name]) for name in SAVED}
    checked, left_out = _about(values, frozenset(names.values()))
    return checked, (*saved.notes, *decoder.notes, *left_out)


def _about(values: dict[str, Any], keys: frozenset[str]) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    """Leave out what is about other series than those that were checked: it might belong to another patient."""
    kept: dict[str, Any] = {name: _mine(values[name], keys) for name in BY_SERIES}
    kept |= {name: {key: one for key, one in values[name].items() if key in keys} for name in BY_KEY}
    region = values["region"]
    kept["region"] = region if region is None or region.series_key in keys else None
    kept["current"] = values["current"] if values["current"] in keys else ""
    kept["arrangement"] = values["arrangement"].only(keys)
    left = sum(len(values[name]) - len(kept[name]) for name in (*BY_SERIES, "drafts"))
    note = warned("{count} results are about series the saved work does not list; they are left out.", count=left)
    return values | kept, (note,) if left else ()


def _renamed(told: Any, names: Mapping[str, str]) -> Any:
    """Return JSON in which series have their keys of now."""
    if all(before == now for before, now in names.items()):
        return told
    if isinstance(told, dict):
        return {
            names.get(name, name): names.get(one, one) if name in ("series_key", "current") and isinstance(one, str)
            else _renamed(one, names)
            for name, one in told.items()
        }  # fmt: skip
    return [_renamed(one, names) for one in told] if isinstance(told, list) else told


def check_grids(values: Mapping[str, Any], volume: Volume) -> None:
    """Refuse masks, maps and regions that lie on another grid than the series they are about."""
    if not all(one.same_grid(volume.geometry) for one in _grids(values, volume.series.key)):
        raise Refused(
            "The saved work lies on another grid than the series {series}, so it is not restored.",
            remedy="Open the images it was made on.",
            series=volume.series.title,
        )


def _grids(values: Mapping[str, Any], key: str) -> Iterator[Geometry]:
    """Yield the grid of everything that may be drawn over a series, also after going back to what a model marked."""
    for one in values["predictions"]:
        masks = [one.mask, None if one.edit is None else one.edit.original]
        held = [*masks, *(mask.instances for mask in masks if mask is not None), one.uncertainty, one.spread]
        held.append(one.probabilities)
        yield from (part.geometry for part in held if part is not None and one.series_key == key)
    others = [*values["heatmaps"], *([values["region"]] if isinstance(values["region"], Region) else [])]
    yield from (one.geometry for one in others if one.series_key == key)


def now() -> str:
    """Return the local ISO time."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
