"""Objects of files in the session: what waits for its images, what is laid over them, what is read beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medassist.entities.document import Document
from medassist.entities.errors import UnreadableInput
from medassist.entities.overlay import Overlay
from medassist.entities.study import Series, SeriesKind, Warned, warned
from medassist.entities.volume import Volume
from medassist.imaging.objects.kinds import OVERLAID, READ, kind_of
from medassist.imaging.objects.relations import images_of
from medassist.progress import Progress
from medassist.session.actions import Action, MoveCursor, SetWindow, ShowVolume
from medassist.session.imported import measured_overlay, with_document, with_overlay, without_claims
from medassist.session.state import Session


def can_open(series: Series) -> bool:
    """Tell whether an object without pictures can be opened."""
    return kind_of(series.sop_class_uid) in READ and bool(series.frames)


def is_overlay(series: Series) -> bool:
    """Tell whether an object is laid over pictures, so that it needs them first."""
    return kind_of(series.sop_class_uid) in OVERLAID


def target_of(session: Session, series: Series) -> Series | None:
    """Return the series an object is shown with: the one on screen if it refers to it, else the first it refers to."""
    found = images_here(session, series)
    return next((one for one in found if one.key == session.current), None) or (found[0] if found else None)


def images_here(session: Session, series: Series) -> tuple[Series, ...]:
    """Return the open series an object refers to; where several patients share a UID, those of its own alone."""
    found = images_of(series, session.all_series())
    if session.holds(session.current):
        on_screen = session.series(session.current)
        found += images_of(series, [on_screen] if on_screen not in found else [])  # a part is listed nowhere
    own = tuple(one for one in found if _patient_id(session, one.key) == _patient_id(session, series.key))
    return own or found


def patient_problem(session: Session, series: Series) -> Warned | None:
    """Say that an object names another patient than the images it refers to; None where it is said to be the same."""
    mine = _patient_id(session, series.key)
    if series.kind is not SeriesKind.OTHER or all(
        _patient_id(session, one.key) == mine for one in images_here(session, series)
    ):
        return None
    return warned("It names another patient ID than the images it refers to: it may belong to somebody else.")


def _patient_id(session: Session, key: str) -> str:
    return session.study_of(key).patient.patient_id if session.holds(key) else ""


def awaited(session: Session) -> tuple[Series, ...]:
    """Return the objects that wait, oldest first; one whose file was opened again and is gone counts no more."""
    known = {one.key: one for one in session.all_series()}
    return tuple(known[key] for key in session.awaited if key in known)


def load_object(series: Series, volume: Volume | None, *, progress: Progress) -> Action:
    """Read one object: an overlay onto the grid of `volume`, or a document (UnreadableInput says why not)."""
    from medassist.imaging.objects.read import read_document, read_overlay

    if volume is not None and is_overlay(series):
        overlay = read_overlay(series, volume, progress=progress)
        return AddOverlay(measured_overlay(overlay, volume, progress=progress))
    return AddDocument(read_document(series, volume, progress=progress))


def load_overlays(session: Session, *, progress: Progress) -> AddOverlays:
    """Read everything that can be laid over the series on screen (UnreadableInput when one of them cannot)."""
    from medassist.imaging.objects.read import read_overlay

    volume = session.volume
    if volume is None:
        raise UnreadableInput("There is no series with pictures here.")
    objects = [one for one in session.all_series() if is_overlay(one) and _belongs(session, one, volume.series)]
    read = [read_overlay(one, volume, progress=progress) for one in objects]
    return AddOverlays(tuple(measured_overlay(one, volume, progress=progress) for one in read))


def _belongs(session: Session, one: Series, images: Series) -> bool:
    return any(image.key == images.key for image in images_here(session, one))


@dataclass(frozen=True)
class AwaitObject:
    """Remember an object the reader asked for: it is opened as soon as its images are on screen."""

    key: str

    def __call__(self, session: Session) -> Session:
        """Return the session with the object waiting, once."""
        return replace(session, awaited=(*(one for one in session.awaited if one != self.key), self.key))


@dataclass(frozen=True)
class ForgetObject:
    """Wait for an object no longer: it is open, or cannot be opened."""

    key: str

    def __call__(self, session: Session) -> Session:
        """Return the session without it in the queue."""
        return replace(session, awaited=tuple(one for one in session.awaited if one != self.key))


@dataclass(frozen=True, eq=False)
class AddOverlay:
    """Lay what a file holds over its series, and look at it; the same object read again replaces itself."""

    overlay: Overlay

    def __call__(self, session: Session) -> Session:
        """Return the session with the overlay on top."""
        new = _doubted(session, self.overlay)
        kept = tuple(one for one in session.overlays if (one.key, one.series_key) != (new.key, new.series_key))
        session = ForgetObject(new.key)(replace(session, overlays=(*kept, new), focus=""))
        session = with_overlay(session, new)
        if new.focus_lps is None or new.series_key != session.current:
            return session
        return MoveCursor(new.focus_lps)(session)


def _doubted(session: Session, overlay: Overlay) -> Overlay:
    problem = patient_problem(session, session.series(overlay.key)) if session.holds(overlay.key) else None
    return overlay if problem is None else replace(overlay, notes=(problem, *overlay.notes), claims=())


@dataclass(frozen=True, eq=False)
class AddOverlays:
    """Lay several overlays over their series, in order."""

    overlays: tuple[Overlay, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with all of them."""
        for one in self.overlays:
            session = AddOverlay(one)(session)
        return session


@dataclass(frozen=True)
class RemoveOverlay:
    """Take an overlay of a file away from one series."""

    key: str
    series_key: str

    def __call__(self, session: Session) -> Session:
        """Return the session without it and without the findings it brought that nobody judged."""
        gone = (self.key, self.series_key)
        for one in session.overlays:
            session = without_claims(session, one) if (one.key, one.series_key) == gone else session
        return replace(session, overlays=tuple(one for one in session.overlays if (one.key, one.series_key) != gone))


@dataclass(frozen=True, eq=False)
class AddDocument:
    """Keep a document as the newest, with its findings; a presentation state also changes how its series is shown.

    A document of another patient is read, but none of its findings is taken over.
    """

    document: Document

    def __call__(self, session: Session) -> Session:
        """Return the session with the document, and with the window and polarity a presentation state asks for."""
        new = self.document
        problem = patient_problem(session, session.series(new.key)) if session.holds(new.key) else None
        if problem is not None:
            new = replace(new, notes=(problem, *new.notes), claims=(), drawings=())
        kept = tuple(one for one in session.documents if one.key != new.key)
        session = ForgetObject(new.key)(replace(session, documents=(*kept, new)))
        return _presented(with_document(session, new), new)


def _presented(session: Session, document: Document) -> Session:
    wanted, volume = document.presentation, session.volumes.get(document.series_key)
    if wanted is None or volume is None:
        return session
    listed = tuple(dict.fromkeys((*volume.windows, *wanted.windows)))
    if listed != volume.windows:
        volume = replace(volume, windows=listed)
    session = ShowVolume(volume)(session)
    if wanted.windows:
        session = SetWindow(wanted.windows[0])(session)
    # The state says what low values look like; what MONOCHROME1 says is replaced by it, not turned once more.
    view = replace(session.view, inverted=wanted.white_is_low != volume.inverted)
    return replace(session, views={**session.views, volume.series.key: view})
