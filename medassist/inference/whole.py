"""Run a model that knows only crops on a whole image: find each region, look twice, and lay the answers home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Check, Mask, Prediction, Segment, Verdict
from medassist.entities.probabilities import Probabilities
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume
from medassist.inference.crops import Crop, cut, find_crops, lay_home
from medassist.inference.localizer import Region
from medassist.inference.packages import Package
from medassist.inference.probabilities import obstacle
from medassist.inference.uncertainty import as_map
from medassist.progress import Progress

LOOKS = 2
"""How often a crop is run: the second time it is centred on what the first one marked, as training crops were."""


@dataclass(frozen=True, eq=False)
class Marked:
    """What the model marked in one crop: labels of the package on the crop's true grid, 0 is background."""

    crop: Crop
    labels_zyx: NDArray[np.uint8]

    @property
    def volume_ml(self) -> float:
        """Return the volume of all labels together."""
        return float(np.count_nonzero(self.labels_zyx)) * self.crop.grid.voxel_volume_ml

    @property
    def touches_edge(self) -> bool:
        """Tell whether a label reaches the edge of the box, where more of it may lie beyond."""
        axes = range(3)
        return any(self.labels_zyx.take(end, axis=axis).any() for axis in axes for end in (0, -1))


def region_segments(package: Package) -> tuple[tuple[Region, tuple[Segment, ...]], ...]:
    """Return the regions of a package with the segments each has in the mask of a whole image."""
    regions = package.localizer.regions if package.localizer else ()
    many = len(package.segments)
    return tuple((region, region.segments(package.segments, 1 + at * many)) for at, region in enumerate(regions))


def run_regions(
    package: Package, volume: Volume, run: Callable[[Volume], Prediction], *, progress: Progress
) -> Prediction:
    """Run a model on every region of a whole image (Refused when no region can be found or lies in the image).

    `run` is called on crops. The prediction's mask lies on the grid of the series and has every label once per region;
    of each region the largest piece is kept. What lies outside of the image, was not marked or looks odd is noted.
    """
    began = perf_counter()
    crops = find_crops(package, volume, progress=progress)
    seen = [crop for crop in crops if crop.inside(volume.geometry)]
    if not seen:
        raise Refused("No region of the model {model} lies inside the image.", model=package.name)
    located = perf_counter() - began
    looked = [_look(volume, crop, run) for crop in seen]
    marked = [found for _, found in looked]
    last = looked[-1][0]
    prepared = located + sum(one.timings_s.get("prepare", 0.0) for one, _ in looked)
    said = [note for one, _ in looked for note in one.notes]
    shares, barred = _shares(package, looked, volume.geometry)
    said += [barred] if barred else []
    return replace(
        last,
        series_key=volume.series.key,
        started=looked[0][0].started,
        mask=_mask(package, marked, volume.geometry),
        uncertainty=_doubt(package, [(one.uncertainty, at.crop) for one, at in looked], volume),
        spread=_doubt(package, [(one.spread, at.crop) for one, at in looked], volume),
        probabilities=shares,
        checks=_worst([row for one, _ in looked for row in one.checks]),
        timings_s={"prepare": prepared, "infer": max(0.0, perf_counter() - began - prepared)},
        notes=tuple(dict.fromkeys((*said, *_notes(package, crops, marked)))),
    )


def _worst(rows: Sequence[Check]) -> tuple[Check, ...]:
    """Return of each check the row of the region that suits least."""
    severity = (Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL)
    by_name: dict[str, Check] = {}
    for row in sorted(rows, key=lambda one: severity.index(one.verdict)):
        by_name[row.name] = row
    return tuple(by_name.values())


def _look(volume: Volume, crop: Crop, run: Callable[[Volume], Prediction]) -> tuple[Prediction, Marked]:
    """Run the model on a crop, move the crop over what it marked, and run it again."""
    for again in range(LOOKS):
        prediction = run(cut(volume, crop))
        if prediction.mask is None or prediction.mask.overlapping:
            raise Refused("The model {model} gives no plain mask of a crop.", model=prediction.model.name)
        labels = largest_piece(crop.flipped(prediction.mask.labels_zyx))
        if not labels.any() or again == LOOKS - 1:
            break
        crop = centred(crop, labels)
    return prediction, Marked(crop, labels)


def largest_piece(labels_zyx: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the labels of the largest connected piece, all labels taken together: a region holds one organ."""
    from scipy import ndimage

    pieces, count = ndimage.label(labels_zyx)
    if count < 2:
        return labels_zyx
    kept = 1 + np.bincount(pieces.ravel())[1:].argmax()
    return np.where(pieces == kept, labels_zyx, 0).astype(np.uint8)


def centred(crop: Crop, marked_zyx: NDArray[Any]) -> Crop:
    """Return the crop moved over the middle of the box around what is not 0."""
    found = np.argwhere(marked_zyx)[:, ::-1]
    return crop.moved_to(crop.grid.to_world((found.min(axis=0) + found.max(axis=0)) / 2.0))


def _mask(package: Package, marked: Sequence[Marked], home: Geometry) -> Mask:
    """Lay every region home with the values of its own segments; where two meet, the later one wins."""
    labels = np.zeros(home.shape_zyx, np.uint8)
    by_name = {region.name: segments for region, segments in region_segments(package)}
    for one in marked:
        table = np.zeros(256, np.uint8)
        for known, segment in zip(package.segments, by_name[one.crop.region.name], strict=True):
            table[known.value] = segment.value
        lay_home(table[one.labels_zyx], one.crop, labels, home, linear=False)
    return Mask(labels, home, tuple(segment for segments in by_name.values() for segment in segments))


def _doubt(package: Package, looked: Sequence[tuple[Heatmap | None, Crop]], volume: Volume) -> Heatmap | None:
    """Lay the entropies or spreads of every crop home; beyond the crops nobody looked, and the map is 0."""
    maps = [(one, crop) for one, crop in looked if one is not None]
    if not maps:
        return None
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    for doubt, crop in maps:
        lay_home(crop.flipped(doubt.values_zyx), crop, values, volume.geometry, linear=True)
    home = volume.geometry
    return as_map(package, volume.series.key, values, home, values, home, kind=maps[0][0].kind)


def _shares(
    package: Package, looked: Sequence[tuple[Prediction, Marked]], home: Geometry
) -> tuple[Probabilities | None, Warned | None]:
    """Lay the probabilities of every crop home, each at the segments of its region; None with the reason, if any."""
    by_name = {region.name: segments for region, segments in region_segments(package)}
    values = tuple(one.value for segments in by_name.values() for one in segments)
    if any(one.probabilities is None for one, _ in looked):
        return None, None
    barred = obstacle(package, (home,), len(values))
    if barred is not None:
        return None, barred
    shares = np.zeros((len(values), *home.shape_zyx), np.uint8)
    for prediction, at in looked:
        for known, segment in zip(package.segments, by_name[at.crop.region.name], strict=True):
            steps = None if prediction.probabilities is None else prediction.probabilities.of(known.value)
            if steps is not None:
                there = np.zeros(home.shape_zyx, np.float32)
                lay_home(at.crop.flipped(steps.astype(np.float32)), at.crop, there, home, linear=True)
                shares[values.index(segment.value)] = np.rint(there)
    return Probabilities(shares, home, values), None


def _notes(package: Package, crops: Sequence[Crop], marked: Sequence[Marked]) -> list[Warned]:
    found = {one.crop.region.name: one for one in marked}
    usual = package.localizer.volume_ml if package.localizer else None
    told = [warned("Sides were told apart by the header alone: a mirrored image cannot be recognised.")]
    for crop in crops:
        side, one = Warned(crop.region.name), found.get(crop.region.name)
        if one is None:
            told.append(warned("{side}: the region lies outside of the image and was not looked at.", side=side))
        elif not one.labels_zyx.any():
            told.append(warned("{side}: the model marked nothing in the region it was led to.", side=side))
        else:
            told += _oddities(one, side, usual)
    return told


def _oddities(one: Marked, side: Warned, usual: tuple[float, float] | None) -> list[Warned]:
    told = []
    if one.touches_edge:
        told.append(
            warned("{side}: the mask reaches the edge of its box; part of the organ may be missing.", side=side)
        )
    if usual is not None and not usual[0] <= one.volume_ml <= usual[1]:
        told.append(
            warned(
                "{side}: {volume} ml were marked, usual are {low} to {high} ml; check whether the place is right.",
                side=side,
                volume=f"{one.volume_ml:.1f}",
                low=f"{usual[0]:g}",
                high=f"{usual[1]:g}",
            )
        )
    return told
