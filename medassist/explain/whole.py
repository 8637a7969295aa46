"""Explain a region of a whole image: the crop the network saw is explained, and its map is laid home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UsageError
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask, Segment
from medassist.entities.volume import Volume
from medassist.inference.crops import Crop, cut, find_crops, lay_home
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.inference.prepare import restore
from medassist.inference.whole import centred, region_segments
from medassist.progress import Progress

CROP_ONLY = "The map was computed on the crop around the region; beyond it, it is zero."

Explained = Callable[[Volume, Label, str, Mask], Heatmap]


def explain_region(
    package: Package,
    volume: Volume,
    name: str,
    mask: Mask,
    explained: Explained,
    *,
    against: str = "",
    region: ExplainedRegion | None = None,
    progress: Progress,
) -> Heatmap:
    """Return the map of one segment of a whole image, on the grid of the series.

    Args:
        package: the model, which finds its own regions.
        volume: the whole image.
        name: of the segment ("Left anterior hippocampus"), in English or Chinese.
        mask: what the model marked, on the grid of the series.
        explained: explains a label of the package, compared with another one or "", on a crop and its mask.
        against: name of the segment of the same region it is compared with, "" for none.
        region: what is explained in place of all that `mask` holds of the segment; the crop stays where it was.
        progress: cancelled between the stages.

    UsageError for a name nobody knows or of another region, Refused when the mask holds nothing of it.
    """
    (place, segments, wanted, label), other = places(package, name, against)
    crop = next(one for one in find_crops(package, volume, progress=progress) if one.region.name == place)
    crop = centred(crop, _on_crop(mask, segments, crop, package))
    labels = _on_crop(mask, segments, crop, package)
    if region is not None:
        inside = restore(region.on(volume.geometry).view(np.uint8), volume.geometry, crop.grid, linear=False)
        labels = np.where(inside > 0, np.uint8(label.value), np.uint8(0))
    if not (labels == label.value).any():
        raise Refused("The mask holds no voxel of {target}, so there is nothing to explain.", target=wanted.label)
    seen = cut(volume, crop)
    found = explained(
        seen,
        label,
        "" if other is None else other[3].label,
        Mask(crop.flipped(labels), seen.geometry, package.segments),
    )
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    lay_home(crop.flipped(found.values_zyx), crop, values, volume.geometry, linear=True)
    return replace(
        found,
        target=wanted.label,
        against="" if other is None else other[2].label,
        series_key=volume.series.key,
        values_zyx=values,
        geometry=volume.geometry,
        native_geometry=_true_cells(found.native_geometry, crop),
        notes=tuple(dict.fromkeys((CROP_ONLY, *found.notes))),
    )


Place = tuple[str, tuple[Segment, ...], Segment, Label]
"""The region's name, all its segments, the one asked for and the label it stands for."""


def places(package: Package, name: str, against: str = "") -> tuple[Place, Place | None]:
    """Return what two names stand for (UsageError for one nobody knows, or of another region)."""
    place, other = _place(package, name), _place(package, against) if against else None
    if other is not None and other[0] != place[0]:
        raise UsageError(
            "{target} and {other} lie in different regions, so they cannot be compared.",
            remedy="Name a label of the same region.",
            target=place[2].label,
            other=other[2].label,
        )
    return place, other


def _place(package: Package, name: str) -> Place:
    for region, segments in region_segments(package):
        for segment, label in zip(segments, package.labels, strict=True):
            if segment.label.lower() == name.lower() or segment.title_zh == name != "":
                return region.name, segments, segment, label
    raise UsageError(
        "The model {model} has no label {target}; it has {known}.",
        model=package.name,
        target=name,
        known=", ".join(one.label for _, segments in region_segments(package) for one in segments),
    )


def _on_crop(mask: Mask, segments: Sequence[Segment], crop: Crop, package: Package) -> NDArray[np.uint8]:
    """Return the labels of the package on the true grid of a crop (Refused when the region was not marked)."""
    table = np.zeros(256, np.uint8)
    for segment, known in zip(segments, package.segments, strict=True):
        table[segment.value] = known.value
    labels: NDArray[np.uint8] = restore(table[mask.labels_zyx], mask.geometry, crop.grid, linear=False)
    if not labels.any():
        raise Refused(
            "The mask holds no voxel of {target}, so there is nothing to explain.",
            target=", ".join(one.label for one in segments),
        )
    return labels


def _true_cells(cells: Geometry, crop: Crop) -> Geometry:
    """Return the grid of the map's cells in the patient: seen in a mirror, they lie on the other side of the crop."""
    uid = crop.grid.frame_of_reference_uid
    if not crop.region.mirrored:
        return replace(cells, frame_of_reference_uid=uid)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror[0, 3] = crop.grid.shape_zyx[2] - 1
    seen_to_true = crop.grid.affine_lps @ mirror @ np.linalg.inv(crop.grid.affine_lps)
    return replace(cells, affine_lps=seen_to_true @ cells.affine_lps, frame_of_reference_uid=uid)
