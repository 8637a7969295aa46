"""First impressions: the reader looks before a model is heard, and both are held against each other afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from medassist.entities.finding import Finding, Judgement
from medassist.entities.impression import Impression, Presence
from medassist.entities.parts import find
from medassist.entities.prediction import ModelRef, Prediction
from medassist.session.state import Session

LONGEST_TEXT = 2000


@dataclass(frozen=True)
class SetReaderFirst:
    """Hide what models say of a series until a first impression of it is recorded, or show it at once."""

    on: bool

    def __call__(self, session: Session) -> Session:
        """Return the session in that mode."""
        return session if session.reader_first is self.on else replace(session, reader_first=self.on)


@dataclass(frozen=True)
class RecordImpression:
    """Keep the first impression of a series; a second one is none, and is not kept."""

    impression: Impression

    def __call__(self, session: Session) -> Session:
        """Return the session with it; the same session where there is one already, or it says nothing."""
        new = self.impression
        says = bool(new.text.strip()) or bool(new.answers)
        if not says or impression_of(session, new.series_key) is not None:
            return session
        kept = replace(new, text=new.text.strip()[:LONGEST_TEXT])
        return replace(session, impressions=(*session.impressions, kept))


def impression_of(session: Session, key: str) -> Impression | None:
    """Return the first impression of a series; that of the slices a grid was made of counts for both."""
    root = _root(session, key)
    return next((one for one in session.impressions if _root(session, one.series_key) == root), None)


def is_revealed(session: Session, key: str) -> bool:
    """Tell whether results on a series may be seen: the mode is off, or the reader has looked.

    Who has judged or changed a result has seen it: nothing is hidden from a reader again.
    """
    if not session.reader_first or impression_of(session, key) is not None:
        return True
    runs = tuple(one for one in session.predictions if one.series_key == key)
    drawn = {one.model for one in runs if not one.ran_alone}  # by the reader, who asked for it
    judged = (one for one in session.findings_of(key) if one.judgement is not Judgement.UNREVIEWED)
    seen = any(one.model is not None and one.model not in drawn for one in judged)
    return seen or any(one.edit is not None for one in runs if one.ran_alone)


def _root(session: Session, key: str) -> str:
    """Return the key of the series as stored that one was made of, or is a part of."""
    series = find(session.all_series(), key)
    if series is None:
        return key
    return series.raw.key if series.raw is not None else series.part_of or key


@dataclass(frozen=True)
class Agreed:
    """One label that a reader and a model both gave an answer to."""

    label: str
    reader: Presence
    model: bool

    @property
    def same(self) -> bool:
        """Whether they say the same."""
        return (self.reader is Presence.PRESENT) is self.model


def agreement(impression: Impression, prediction: Prediction, findings: tuple[Finding, ...]) -> tuple[Agreed, ...]:
    """Hold an impression against a result, label by label, at the threshold each finding stands at.

    What the reader was unsure of, or left open, is not counted. Of a lesion one piece is enough.
    """
    said: dict[str, bool] = {}
    for one in findings:
        if one.model == prediction.model and one.series_key == prediction.series_key:
            said[one.target] = said.get(one.target, False) or one.present
    clear = (Presence.PRESENT, Presence.ABSENT)
    return tuple(
        Agreed(label, answer, said[label])
        for label, answer in impression.answers.items()
        if answer in clear and label in said
    )


@dataclass(frozen=True)
class Compared:
    """An impression held against a result."""

    series_key: str
    model: ModelRef
    answers: tuple[Agreed, ...]


def news(old: Session, new: Session) -> Iterator[Compared]:
    """Yield what can be held against each other since: a new impression and its results, or a new result."""
    for impression in new.impressions:
        fresh = impression not in old.impressions
        for one in new.predictions:
            same = _root(new, one.series_key) == _root(new, impression.series_key)
            if not same or not one.ran_alone or not (fresh or _is_new(one, old)):
                continue
            told = agreement(impression, one, new.findings)
            if told:
                yield Compared(one.series_key, one.model, told)


def _is_new(prediction: Prediction, old: Session) -> bool:
    """Tell whether a model ran; a mask that was changed by hand is no other run."""
    runs = {(one.series_key, one.model, one.started) for one in old.predictions}
    return (prediction.series_key, prediction.model, prediction.started) not in runs


def keep_agreement(old: Session, new: Session) -> None:
    """Write down what `news` tells (UnwritableOutput when it cannot be written)."""
    from medassist.storage.agreement import record

    for one in news(old, new):
        answers = {told.label: (told.reader.value, told.model) for told in one.answers}
        record(one.series_key, one.model, answers)
