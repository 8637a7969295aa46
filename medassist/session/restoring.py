"""Jobs on saved work: find it, check that it belongs to the pictures at hand, put it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medassist.entities.errors import MedAssistError, UnreadableInput, UsageError
from medassist.entities.saved_work import SeriesMark, Source
from medassist.entities.study import CHARSETS, Warned, warned
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import Action, AddScan, ShowResampled
from medassist.session.case_marks import check_pixels, place_of
from medassist.session.case_places import within
from medassist.session.case_values import demand_sound
from medassist.session.cases import (
    DropOffer,
    OfferWork,
    RestoreWork,
    check_grids,
    decoded,
    offer_of,
    studies_with_work,
    work_of,
)
from medassist.session.memory import budget_bytes
from medassist.session.state import Session
from medassist.storage import journal
from medassist.storage.case_file import FILE_NAME, SUFFIX, Decoder, Saved, read_case_file, write_case_file
from medassist.storage.offering import newest_to_offer


@dataclass(frozen=True, eq=False)
class InOrder:
    """Several actions as one."""

    actions: tuple[Action, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session after all of them."""
        for action in self.actions:
            session = action(session)
        return session


def is_case(path: Path) -> bool:
    """Tell whether a path is a case file, or an exported folder that holds one."""
    return path.suffix == SUFFIX if path.is_file() else (path / FILE_NAME).is_file()


def find_case(path: Path) -> Saved:
    """Return the work in a case file, an exported folder, or a folder of the journal (UnreadableInput for others)."""
    if not _exists(path):
        raise UnreadableInput("{path} does not exist.", path=path)
    if path.is_file():
        return read_case_file(path)
    if (path / FILE_NAME).is_file():
        return read_case_file(path / FILE_NAME)
    if (path / journal.BASE).is_file() or any(path.glob("journal-*.jsonl")):
        return journal.read_sitting(path)
    if (path / journal.ARRAYS).is_dir() and journal.sittings(path):
        return journal.newest_work(path)
    raise UnreadableInput(
        "{path} holds no work of MedAssist.",
        remedy="Give a file that ends with {suffix}, or its folder.",
        path=path,
        suffix=SUFFIX,
    )


def open_case(session: Session, path: Path, *, images: Sequence[Path] = (), progress: Progress) -> InOrder:
    """Open the images that saved work was made on, and restore it.

    `images` says where they are when they were moved. Raises UnreadableInput for a damaged file and for images that
    are not there, Refused when they are others now.
    """
    saved = find_case(path)
    actions: list[Action] = []
    if images or not _are_open(session, saved):
        for action in _scans(saved, images, progress):
            actions.append(action)
            session = action(session)
    return InOrder((*actions, restore(session, saved, progress=progress)))


def _are_open(session: Session, saved: Saved) -> bool:
    try:
        for mark in _marks(saved):
            place_of(session, mark)
    except MedAssistError:
        return False
    return True


def _scans(saved: Saved, images: Sequence[Path], progress: Progress) -> list[AddScan]:
    """Scan where the images were, or where they are said to be now."""
    told: tuple[Source, ...] = Decoder(saved).part("sources", tuple[Source, ...], ())
    charset = next((one.charset for one in told if one.charset in CHARSETS), "")
    places = tuple(images) or tuple(path for path in (Path(one.path) for one in told) if _exists(path))
    if not places:
        raise UnreadableInput(
            "The images of the saved work are not at {path} any more.",
            remedy="Open their folder, or say where they are (--images DIR).",
            path=told[0].path if told else saved.path,
        )
    return [jobs.open_path(place, charset=charset, progress=progress) for place in places]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero
        return False


def restore(session: Session, saved: Saved, *, progress: Progress) -> Action:
    """Check saved work against the images that are open, and return the action that puts it back.

    Raises UnreadableInput when the images are not open or the file is damaged, Refused when the patient, the pictures,
    their pixels or the grid are others than those the work was made on.
    """
    marks = _marks(saved)
    if not marks:
        raise UnreadableInput("{path} holds no work of MedAssist.", path=saved.path)
    before: list[Action] = []
    volumes: dict[str, Volume] = {}
    for mark in progress.over(marks, "Checking the images of the saved work"):
        volume = _volume(session, mark, place_of(session, mark), progress)
        check_pixels(mark, volume)
        if volume.series.raw is not None and not session.holds(volume.series.key):
            before.append(ShowResampled(volume))
        volumes[mark.key] = volume
    names = {key: one.series.key for key, one in volumes.items()}
    values, notes = decoded(saved, names, budget_bytes() // 2)
    for one in volumes.values():
        check_grids(values, one)
    values, outside = within(values, volumes.values())
    demand_sound(values, saved.path)
    shown = next((one for one in volumes.values() if one.series.key == values["current"]), None)
    known = (*notes, *outside, *_unknown_models(values))
    restored = RestoreWork(values, frozenset(names.values()), saved.saved_at, shown, known)
    return InOrder((*before, restored)) if before else restored


def _marks(saved: Saved) -> tuple[SeriesMark, ...]:
    found: tuple[SeriesMark, ...] = Decoder(saved).part("series", tuple[SeriesMark, ...], ())
    return found


def _volume(session: Session, mark: SeriesMark, key: str, progress: Progress) -> Volume:
    """Return the volume a mark stands for, loaded or interpolated again."""
    if mark.raw_key and mark.key in session.volumes:
        return session.volumes[mark.key]
    known = session.volumes.get(key)
    volume = known if known is not None else jobs.load_series(session.series(key), progress=progress).volume
    return jobs.resample_slices(volume, progress=progress).volume if mark.raw_key else volume


def _unknown_models(values: dict[str, Any]) -> tuple[Warned, ...]:
    """Say which models of the work are not installed here, or are others now: their results are shown as they were."""
    from medassist.inference.catalogue import packages

    known = {one.sha256 for one in packages()}
    models = dict.fromkeys(one.model for one in values["predictions"] if not one.by_hand)
    return tuple(
        warned("{model} {version} is not installed here; its results are shown as they were saved.",
               model=one.name, version=one.version)
        for one in models
        if one.sha256 not in known
    )  # fmt: skip


def look_for_work(study: tuple[str, str], *, progress: Progress) -> OfferWork | None:
    """Return the offer of the newest work on a study (UID and patient ID), None without any (UnreadableInput)."""
    progress.step("Looking for saved work")
    folder = journal.study_folder(*study)
    saved = newest_to_offer(folder, offer_of)
    if saved is None:
        return None
    return OfferWork(replace(offer_of(saved), study=study))


def take_offer(session: Session, folder: Path, *, progress: Progress) -> Action:
    """Restore work that was offered."""
    return restore(session, journal.read_sitting(folder), progress=progress)


def begin_afresh(folder: Path, *, progress: Progress) -> DropOffer:
    """Leave saved work aside: it stays on the disk and is not offered again (UnwritableOutput)."""
    progress.step("Beginning afresh")
    journal.set_aside(folder)
    return DropOffer(folder)


def save_case(session: Session, path: Path, *, progress: Progress) -> None:
    """Write the work on the study of the series on screen into one file (UsageError without any, UnwritableOutput)."""
    progress.step("Saving the case")
    if not any(session.current in keys for keys in studies_with_work(session).values()):
        raise UsageError("There is no work on the series on screen to save.", remedy="Make a finding, or run a model.")
    work = work_of(session, session.current)
    target = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    write_case_file(target, work.parts, work.arrays, work.saved_at)
