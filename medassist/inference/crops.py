"""Find the regions of a package in a whole image, cut them out for its network, and bring labels and maps home."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.errors import Refused, UnreadableInput
from medassist.entities.geometry import RAS_FROM_LPS, Geometry
from medassist.entities.volume import Volume
from medassist.imaging.registration import Alignment, align
from medassist.inference.localizer import Localizer, Region
from medassist.inference.packages import Package
from medassist.inference.prepare import demand_regular, restore, without_padding
from medassist.progress import Progress

CROP_MM = 0.5
"""Voxel size of a crop: fine, so that a border comes home within a quarter of a millimetre, however it is turned."""

_MARGIN_VOXELS = 2
_aligned: WeakKeyDictionary[Volume, dict[str, Alignment]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Crop:
    """The box of one region in the patient: columns run to the right, rows to the front, slices upwards of the organ.

    `grid` is true; where the region is mirrored, the network is shown the columns in reverse order.
    """

    region: Region
    grid: Geometry

    def flipped(self, values_zyx: NDArray[Any]) -> NDArray[Any]:
        """Turn values on `grid` to what the network sees, or back."""
        return np.ascontiguousarray(values_zyx[..., ::-1]) if self.region.mirrored else values_zyx

    def moved_to(self, center_lps: ArrayLike) -> Crop:
        """Return the same box around another point (LPS mm)."""
        affine = self.grid.affine_lps.copy()
        half = (np.array(self.grid.shape_zyx[::-1]) - 1) / 2
        affine[:3, 3] = np.asarray(center_lps) - affine[:3, :3] @ half
        return replace(self, grid=replace(self.grid, affine_lps=affine))

    def inside(self, home: Geometry) -> bool:
        """Tell whether the middle eighth of the box and its six faces' middles lie in the image."""
        last = np.array(self.grid.shape_zyx[::-1]) - 1
        halves = np.vstack([np.full((7, 3), 0.5) + 0.4 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])])
        index = home.to_index(self.grid.to_world(halves * last))
        return bool(((index > -0.5) & (index < np.array(home.shape_zyx[::-1]) - 0.5)).all())


def find_crops(package: Package, volume: Volume, *, progress: Progress) -> tuple[Crop, ...]:
    """Lay the template of the package over a whole image and return the box of every region, in or out of the image.

    Refused, with the figures, when the template does not fit; when the template is not the promised file; Cancelled.
    The alignment of a volume is kept as long as the volume is.
    """
    demand_regular(package, volume)
    localizer = package.localizer
    if localizer is None or volume.is_color:
        raise Refused("The model {model} looks for its regions in grey images only.", model=package.name)
    found = _aligned.setdefault(volume, {})
    if localizer.sha256 not in found:
        template = _template(package, localizer, progress)
        values = without_padding(volume, 0)
        found[localizer.sha256] = align(
            template.array_zyx, template.geometry, values, volume.geometry, progress=progress
        )
    alignment = found[localizer.sha256]
    _judge(package, localizer, alignment)
    uid = volume.geometry.frame_of_reference_uid
    return tuple(Crop(region, box_of(region, alignment, CROP_MM, uid)) for region in localizer.regions)


def _template(package: Package, localizer: Localizer, progress: Progress) -> Volume:
    """Read the template after its hash was checked (Refused when it is another file or no image)."""
    from medassist.imaging.load import load  # here, because it brings pydicom, which the first window does without
    from medassist.imaging.scan import scan

    path = localizer.template
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != localizer.sha256:
            raise Refused(
                "{file} is not the file its metadata promises: SHA-256 {expected}… expected, {found}… found.",
                file=path,
                expected=localizer.sha256[:12],
                found=digest[:12],
            )
        return load(scan(path, progress=progress).studies[0].series[0])
    except (OSError, UnreadableInput, IndexError) as error:
        raise Refused(
            "The template {file} of the model {model} cannot be read: {reason}.",
            file=path,
            model=package.name,
            reason=str(error).rstrip("."),
        ) from error


def _judge(package: Package, localizer: Localizer, alignment: Alignment) -> None:
    small, _, large = alignment.scales
    fits = (
        alignment.similarity >= localizer.similarity
        and alignment.covered >= localizer.covered
        and localizer.scale[0] <= small <= large <= localizer.scale[1]
        and alignment.degrees <= localizer.degrees
        and np.linalg.det(alignment.to_patient[:3, :3]) > 0
    )
    if fits:
        return
    raise Refused(
        "The model {model} did not find its region: its template does not fit this image (similarity {similarity}, at "
        "least {least}; inside the image {covered} %, at least {least_covered} %; scaled {small} to {large}, allowed "
        "{low} to {high}; turned by {degrees} degrees, at most {most}).",
        remedy="It needs a whole upright head of the kind it was made for, or a crop around the region.",
        model=package.name,
        similarity=f"{alignment.similarity:.2f}",
        least=f"{localizer.similarity:.2f}",
        covered=f"{100 * alignment.covered:.0f}",
        least_covered=f"{100 * localizer.covered:.0f}",
        small=f"{small:.2f}",
        large=f"{large:.2f}",
        low=f"{localizer.scale[0]:g}",
        high=f"{localizer.scale[1]:g}",
        degrees=f"{alignment.degrees:.0f}",
        most=f"{localizer.degrees:g}",
    )


def box_of(region: Region, alignment: Alignment, spacing_mm: float, uid: str) -> Geometry:
    """Return the grid of a region: its size in the patient's own millimetres, its axes turned with the template."""
    tilt = np.radians(region.tilt_degrees)
    forward = np.array(
        [[1.0, 0.0, 0.0], [0.0, np.cos(tilt), -np.sin(tilt)], [0.0, np.sin(tilt), np.cos(tilt)]]
    )  # the front (-y in LPS) goes down (-z)
    affine = np.eye(4)
    affine[:3, :3] = alignment.rotation @ forward @ RAS_FROM_LPS[:3, :3] * spacing_mm
    columns, rows, slices = (max(1, round(size / spacing_mm)) for size in region.size_mm)
    box = Crop(region, Geometry(affine, (slices, rows, columns), uid))
    return box.moved_to(alignment.place(region.center_lps_mm)).grid


def cut(volume: Volume, crop: Crop) -> Volume:
    """Return the first time point inside a crop as the network shall see it, 0 beyond the image.

    A mirrored one bears no frame of reference: nothing may lay it over the patient as it is.
    """
    part, grid = _around(volume.geometry, crop.grid)
    values = without_padding(volume, 0)[part].astype(np.float32)
    seen = restore(values, grid, crop.grid, linear=True, fill=float(values.min(initial=0.0)))
    uid = "" if crop.region.mirrored else crop.grid.frame_of_reference_uid
    geometry = replace(crop.grid, frame_of_reference_uid=uid)
    series = replace(volume.series, shape_zyx=geometry.shape_zyx, times=1, frames=(), raw=None)
    return Volume(series, crop.flipped(seen)[None], geometry, unit=volume.unit, windows=volume.windows)


def lay_home(values_zyx: NDArray[Any], crop: Crop, home_zyx: NDArray[Any], home: Geometry, *, linear: bool) -> None:
    """Write values on a crop's true grid into an array on the grid of the series, where they are not 0."""
    part, grid = _around(home, crop.grid)
    there = restore(values_zyx, crop.grid, grid, linear=linear)
    np.copyto(home_zyx[part], there, where=there != 0)


def _around(home: Geometry, box: Geometry) -> tuple[tuple[slice, slice, slice], Geometry]:
    """Return the part of the series (slice, row, column) that holds a box, and its grid."""
    last = np.array(box.shape_zyx[::-1]) - 1
    corners = home.to_index(box.to_world([corner * last for corner in np.ndindex(2, 2, 2)]))
    sizes = np.array(home.shape_zyx[::-1])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - _MARGIN_VOXELS, 0, sizes - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + _MARGIN_VOXELS + 1, low + 1, sizes)
    affine = home.affine_lps.copy()
    affine[:3, 3] = home.to_world(low)
    (x, y, z), (to_x, to_y, to_z) = low.tolist(), high.tolist()
    part = (slice(z, to_z), slice(y, to_y), slice(x, to_x))
    return part, replace(home, affine_lps=affine, shape_zyx=(to_z - z, to_y - y, to_x - x))
