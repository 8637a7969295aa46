"""What one plane shows of the session, as arrays: grey values, labels, heat. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.arriving import Arriving
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.slab import Slab
from medassist.entities.study import Series
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.oblique import ObliqueLayout
from medassist.imaging.projection import project, slices_of
from medassist.imaging.render import to_gray8
from medassist.imaging.slicing import Layout, Plane, native_plane
from medassist.language import localized, tr
from medassist.session.reslicing import can_be_resliced
from medassist.session.state import Session, View
from medassist.ui.wording import label_title


@dataclass(frozen=True, eq=False)
class Shown:
    """One plane of one series at one slice and time point.

    Attributes:
        volume: the series; while it loads the slice that is shown, as a volume of its own, or where that is not
            there yet another one.
        layout: how the plane lies on the grid of the whole series; `index` counts its slices.
        arriving: what is there of a series that still loads, None when it is whole.
        slab: how thick the plane is, None for a single slice. Overlays are those of the slice in the middle.
    """

    volume: Volume
    plane: Plane
    layout: Layout
    index: int
    time: int = 0
    arriving: Arriving | None = None
    slab: Slab | None = None

    @property
    def oblique(self) -> ObliqueLayout | None:
        """The place of a plane that is turned out of the axes of the volume, None for one that is not."""
        return self.layout if isinstance(self.layout, ObliqueLayout) else None

    @property
    def slices(self) -> range:
        """The slices whose values are shown: one, or those of the slab."""
        return slices_of(self.slab, self.index, self.layout.count, self.layout.through_mm)

    @property
    def is_plain(self) -> bool:
        """Whether every pixel is a voxel, so that what is drawn or measured there is what is seen."""
        return self.oblique is None and len(self.slices) == 1

    @property
    def is_there(self) -> bool:
        """Whether the slice is read: planes across the slices wait for all of them."""
        if self.arriving is None:
            return True
        return self.layout.through_axis == 2 and self.index in self.arriving.slices

    @property
    def _own_index(self) -> int:
        """Where `volume` holds the slice."""
        return self.index if self.arriving is None else 0

    def position_lps(self, row: float, column: float) -> NDArray[np.float64]:
        """Return where a display pixel lies (LPS mm); slices of an irregular stack know their own place."""
        world = self.layout.to_lps(row, column, self.index)
        origins = self.volume.slice_origins_lps
        if self.volume.is_regular or origins is None or self.layout.through_axis != 2:
            return world
        if not self.is_there:
            return world
        offset: NDArray[np.float64] = origins[self._own_index] - self.layout.geometry.to_world([0, 0, self.index])
        return world + offset

    def voxel(self, row: float, column: float) -> tuple[int, int, int] | None:
        """Return slice, row and column index of the voxel under a display position, None outside."""
        geometry = self.layout.geometry
        i, j, k = np.rint(geometry.to_index(self.layout.to_lps(row, column, self.index))).astype(int)
        depth, height, width = geometry.shape_zyx
        return (int(k), int(j), int(i)) if 0 <= i < width and 0 <= j < height and 0 <= k < depth else None

    def value(self, voxel: tuple[int, int, int]) -> Any:
        """Return the value of a voxel of the slice (KeyError while it is not there): a number, or three of a colour."""
        if not self.is_there:
            raise KeyError(voxel)
        k, j, i = voxel
        return self.volume.array_tzyx[self.time, k if self.arriving is None else 0, j, i]

    def extract(self) -> AnyArray:
        """Return the values that are shown in display orientation: (rows, columns[, 3])."""
        return self._values

    @cached_property
    def _values(self) -> AnyArray:
        array = self.volume.array_tzyx[self.time]
        if self.is_plain or self.slab is None:
            return self.layout.extract(array, self._own_index, linear=True)
        if self.oblique is None:
            return self._behind(array)
        return self._turned(self.oblique, array, self.slab)

    def _turned(self, oblique: ObliqueLayout, array_zyx: AnyArray, slab: Slab) -> AnyArray:
        """Project the slices of a slab that is turned; what lies outside the volume counts as no value."""
        stack = np.stack([oblique.extract(array_zyx, index, linear=True) for index in self.slices])
        for each, index in zip(stack, self.slices, strict=True):
            each[~oblique.inside(index)] = np.nan
        seen = project(stack, slab.projection)
        known = ~np.isnan(seen)
        return np.where(known, seen, seen[known].min(initial=np.inf) if known.any() else 0).astype(np.float32)

    def _behind(self, array_zyx: AnyArray) -> AnyArray:
        """Project the slices of a slab that are stored or cut straight through, without a copy of them."""
        assert self.slab is not None  # noqa: S101 - the caller looked
        within = [slice(None)] * 3
        within[2 - self.layout.through_axis] = slice(self.slices.start, self.slices.stop)
        flat = project(np.moveaxis(array_zyx[tuple(within)], 2 - self.layout.through_axis, 0), self.slab.projection)
        rows_first = self.layout.down_axis > self.layout.right_axis
        upright = flat if rows_first else flat.T
        down, right = (-1 if flipped else 1 for flipped in (self.layout.down_flipped, self.layout.right_flipped))
        return upright[::down, ::right]

    def seen_value(self, row: float, column: float) -> Any:
        """Return the value of the display pixel at a place inside: of a slab or between voxels, what is seen there."""
        rows, columns = self.layout.shape
        values = self.extract()
        return values[int(np.clip(np.rint(row), 0, rows - 1)), int(np.clip(np.rint(column), 0, columns - 1))]

    def same_pixels(self, other: Shown | None) -> bool:
        """Tell whether another one shows the very same values, so that they need not be taken again."""
        return (
            other is not None
            and self.volume is other.volume
            and self.layout is other.layout
            and other.arriving is None
            and (self.plane, self.index, self.time, self.slab) == (other.plane, other.index, other.time, other.slab)
        )


def shown_of(session: Session, plane: Plane, placed: Layout, before: Shown | None = None) -> Shown | None:
    """Return what one plane shows of the series on screen, None without one; `before` where it shows the same."""
    index, arriving = placed.index_of(session.view.cursor_lps), session.arriving
    if arriving is not None:
        here = arriving.slices.get(index) if placed.through_axis == 2 else None
        return Shown(here or arriving.sample, plane, placed, index, arriving=arriving)
    if session.volume is None:
        return None
    slab = session.view.slab if can_be_resliced(session.volume) else None
    now = Shown(session.volume, plane, placed, index, session.view.time, slab=slab)
    return before if before is not None and now.same_pixels(before) else now


def planes_of(volume: Volume) -> tuple[Plane, ...]:
    """Return the planes to show: all three for a regular volume of several slices, else the stored one."""
    return _planes(volume.series, volume.geometry)


def planes_shown(session: Session) -> tuple[Plane, ...]:
    """Return the planes to show of the series on screen; while it loads, those it will have."""
    if session.arriving is not None:
        return _planes(session.arriving.series, session.arriving.geometry)
    return () if session.volume is None else planes_of(session.volume)


def _planes(series: Series, geometry: Geometry) -> tuple[Plane, ...]:
    if not series.irregularity and geometry.shape_zyx[0] > 1:
        return (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL)
    return (native_plane(geometry),)


def picture(shown: Shown, view: View) -> AnyArray:
    """Return the 8-bit picture of a plane: (rows, columns) grey or (rows, columns, 3) colour."""
    values = shown.extract()
    inverted = shown.volume.inverted != view.inverted
    if shown.volume.is_color:
        return np.ascontiguousarray(np.bitwise_not(values) if view.inverted else values)
    window = view.window or shown.volume.windows[0]
    gray = np.ascontiguousarray(to_gray8(np.ascontiguousarray(values), window, inverted))
    if shown.oblique is not None:
        gray[~shown.oblique.inside(shown.index)] = 0  # nothing was scanned there, however the picture is inverted
    return gray


def labels(shown: Shown, labels_zyx: AnyArray) -> AnyArray:
    """Return the label slice of a plane."""
    return np.ascontiguousarray(shown.layout.extract(labels_zyx, shown.index))


def heat(shown: Shown, heatmap: Heatmap, native_cells: bool) -> NDArray[np.float32]:
    """Return the map of a plane as shares of its full scale in 0..1 (signed: -1..1); all zero without a scale.

    With `native_cells` every pixel takes the value of the cell that contains its centre, without any smoothing.
    """
    rows, columns = shown.layout.shape
    if heatmap.full_scale <= 0:
        return np.zeros((rows, columns), np.float32)
    values: NDArray[np.float32] = (
        _cells(shown, heatmap.native_zyx, heatmap.native_geometry)
        if native_cells
        else shown.layout.extract(heatmap.values_zyx, shown.index, linear=True)
    )
    share = np.asarray(values, dtype=np.float32) / np.float32(heatmap.full_scale)
    if shown.oblique is not None:
        share[~shown.oblique.inside(shown.index)] = 0
    np.clip(share, -1.0 if heatmap.signed else 0.0, 1.0, out=share)
    np.copyto(share, 0, where=np.isnan(share))  # `nan_to_num` takes many times as long
    return np.ascontiguousarray(share)


def _cells(shown: Shown, native_zyx: NDArray[np.float32], native: Geometry) -> NDArray[np.float32]:
    """Look up, for every display pixel, the cell its centre lies in (positions are linear in row and column)."""
    rows, columns = shown.layout.shape
    corner, right, down = (
        native.to_index(shown.layout.to_lps(row, column, shown.index)) for row, column in ((0, 0), (0, 1), (1, 0))
    )
    at = []
    for axis, size in enumerate(reversed(native.shape_zyx)):
        along = corner[axis] + (right - corner)[axis] * np.arange(columns)[None, :]
        along = along + (down - corner)[axis] * np.arange(rows)[:, None]
        at.append(np.clip(np.rint(along).astype(np.intp), 0, size - 1))
    found: NDArray[np.float32] = native_zyx[at[2], at[1], at[0]]
    return found


def overlay_problems(session: Session) -> tuple[str, ...]:
    """Say which overlays are not drawn, or show nothing, and why."""
    volume, problems = session.volume, []
    if volume is None:
        return ()
    if session.mask is not None and not session.mask.geometry.same_grid(volume.geometry):
        problems.append(tr("The mask lies on another grid than this series; it is not drawn."))
    problems += [
        tr("An overlay of a file lies on another grid than this series; it is not drawn: {title}.", title=one.title)
        for one in session.overlays_here
        if not all(grid.same_grid(volume.geometry) for grid in one.grids)
    ]
    heatmap = session.heatmap
    if heatmap is not None and not heatmap.geometry.same_grid(volume.geometry):
        problems.append(tr("The explanation map lies on another grid than this series; it is not drawn."))
    elif heatmap is not None and heatmap.full_scale <= 0:
        problems.append(
            tr("The explanation map of {label} is zero everywhere: this method found nothing that raised the score.",
               label=label_title(session, heatmap.target))
        )  # fmt: skip
    elif heatmap is not None and heatmap.means_nothing and heatmap.stamp is not None:
        reasons = " ".join(localized(one) for one in heatmap.stamp.reasons)
        label = label_title(session, heatmap.target)
        problems.append(tr("The explanation map of {label} is not drawn: {reasons}", label=label, reasons=reasons))
    return tuple(problems)


def map_drawn(session: Session, volume: Volume) -> Heatmap | None:
    """Return the map of a model that is drawn over a series; none that lies on another grid or means nothing."""
    layers, heatmap = session.layers, session.heatmap
    if heatmap is None or heatmap.means_nothing or not (layers.visible and layers.heatmap_visible):
        return None
    return heatmap if heatmap.geometry.same_grid(volume.geometry) else None
