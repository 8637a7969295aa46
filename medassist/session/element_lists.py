"""The DICOM elements behind the slice on screen, and behind another one beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medassist.entities.element import ElementList
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.state import Session


@dataclass(frozen=True)
class Place:
    """One frame of a series: `position` counts `Series.frames`."""

    series: Series
    position: int


@dataclass(frozen=True, eq=False)
class ShowElements:
    """Show lists of elements: of one file, or of two to compare; () lets go of them."""

    lists: tuple[ElementList, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with them."""
        return replace(session, element_lists=self.lists)


def list_elements(places: tuple[Place, ...], *, progress: Progress) -> ShowElements:
    """Read every element of the files of some frames (UnreadableInput names the file and the reason)."""
    from medassist.imaging.elements import read_elements

    return ShowElements(tuple(read_elements(one.series, one.position, progress=progress) for one in places))


def place_on_screen(session: Session) -> Place | None:
    """Return the stored frame of the slice on screen, None where there is no DICOM file behind it.

    Of slices made by interpolation it is a stored one at the same share of the way.
    """
    volume = session.volume
    return None if volume is None else _nearest(volume, session.view.cursor_lps, session.view.time)


def place_beside(session: Session, series: Series) -> Place | None:
    """Return the frame of another series nearest to the crosshair, its middle one where that is not known."""
    volume, here = session.volumes.get(series.key), session.geometry
    if volume is not None and here is not None and _share_space(volume.geometry, here):
        return _nearest(volume, session.view.cursor_lps, 0)
    return Place(series, len(series.frames) // 2) if is_listable(series) else None


def is_listable(series: Series) -> bool:
    """Tell whether a series has DICOM files whose elements can be read."""
    return series.format == "DICOM" and bool(series.frames)


def _share_space(one: Geometry, other: Geometry) -> bool:
    return bool(one.frame_of_reference_uid) and one.frame_of_reference_uid == other.frame_of_reference_uid


def _nearest(volume: Volume, at_lps: tuple[float, float, float], time: int) -> Place | None:
    series, depth = volume.series.raw or volume.series, volume.geometry.shape_zyx[0]
    if not is_listable(series):
        return None
    k = int(np.clip(np.rint(volume.geometry.to_index(at_lps)[2]), 0, depth - 1))
    stored = max(len(series.frames) // max(series.times, 1), 1)
    if stored != depth:
        k = round(k / max(depth - 1, 1) * (stored - 1))
    return Place(series, min(k * series.times + min(time, series.times - 1), len(series.frames) - 1))
