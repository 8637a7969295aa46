"""A question put to a model by changing its image: what was replaced, how, and what that did to the answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef
from medassist.entities.region import Region
from medassist.entities.study import Warned

PROBABILITY, MILLILITRES, VOXELS = "probability", "ml", "px"
LEAST_SHARE = 1e-12


class Means(Enum):
    """What takes the place of a region: the mean of what lies around it, itself blurred, or the other side."""

    MEAN = "mean"
    BLUR = "blur"
    MIRROR = "mirror"


class Place(Enum):
    """How a region was chosen."""

    MARKED = "marked"
    BOX = "box"
    CURSOR = "cursor"
    HOTTEST = "hottest"
    OUTSIDE = "outside"


@dataclass(frozen=True, eq=False)
class Spot:
    """A region as it is asked for.

    Attributes:
        place: how it is chosen; it says which of the others counts.
        region: what a reader drew (MARKED: what is marked, BOX: the box itself).
        heatmap: the map whose strongest spot is meant (HOTTEST).
        center_lps, radius_mm: a ball, on a film a disc (CURSOR).
    """

    place: Place
    region: Region | None = None
    heatmap: Heatmap | None = None
    center_lps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    radius_mm: float = 0.0


@dataclass(frozen=True, eq=False)
class Area:
    """Voxels of a grid, kept as the smallest box around them.

    `corner_zyx` is the first voxel of the box, `inside_zyx` bool (slice, row, column) tells which voxels of it count.
    """

    geometry: Geometry
    corner_zyx: tuple[int, int, int]
    inside_zyx: NDArray[np.bool_]

    @classmethod
    def of(cls, mask_zyx: NDArray[np.bool_], geometry: Geometry) -> Area:
        """Return the area of a mask (slice, row, column) on its grid (ValueError for an empty one or another grid)."""
        if mask_zyx.shape != geometry.shape_zyx or not mask_zyx.any():
            raise ValueError(f"no area in a mask {mask_zyx.shape} on the grid {geometry.shape_zyx}")
        lines = [np.flatnonzero(mask_zyx.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        z, y, x = (slice(int(line[0]), int(line[-1]) + 1) for line in lines)
        inside = np.ascontiguousarray(mask_zyx[z, y, x])
        inside.setflags(write=False)
        return cls(geometry, (z.start, y.start, x.start), inside)

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The slices (slice, row, column) of the box."""
        z, y, x = (slice(at, at + size) for at, size in zip(self.corner_zyx, self.inside_zyx.shape, strict=True))
        return z, y, x

    def mask(self) -> NDArray[np.bool_]:
        """Return it on the whole grid (slice, row, column)."""
        whole = np.zeros(self.geometry.shape_zyx, dtype=bool)
        whole[self.box] = self.inside_zyx
        return whole

    @cached_property
    def voxels(self) -> int:
        """How many voxels count."""
        return int(np.count_nonzero(self.inside_zyx))

    @cached_property
    def key_slice(self) -> int:
        """Index of the slice that holds most of it."""
        return self.corner_zyx[0] + int(self.inside_zyx.sum(axis=(1, 2)).argmax())

    @property
    def slices(self) -> tuple[int, int]:
        """First and last slice, both inside, from 0."""
        return self.corner_zyx[0], self.corner_zyx[0] + self.inside_zyx.shape[0] - 1

    @cached_property
    def center_lps(self) -> tuple[float, float, float]:
        """Mean of the voxel centres (LPS mm)."""
        middle = np.argwhere(self.inside_zyx).mean(axis=0) + self.corner_zyx
        x, y, z = (float(one) for one in self.geometry.to_world(middle[::-1]))
        return x, y, z

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the grid's shape, the corner and the voxels: the same region has the same hash."""
        told = repr((self.geometry.shape_zyx, self.corner_zyx, self.inside_zyx.shape)).encode()
        return hashlib.sha256(told + np.packbits(self.inside_zyx).tobytes()).hexdigest()


@dataclass(frozen=True)
class Reading:
    """What the model said of one label before and after: a probability, or what it marked outside of the region."""

    label: str
    before: float
    after: float
    title_zh: str = ""

    @property
    def change(self) -> float:
        """How much it grew."""
        return self.after - self.before

    @property
    def log_odds(self) -> tuple[float, float]:
        """Natural log-odds before and after, of probabilities only; where Platt scaling is plain, the logit itself."""
        before, after = (min(max(one, LEAST_SHARE), 1.0 - LEAST_SHARE) for one in (self.before, self.after))
        return float(np.log(before / (1.0 - before))), float(np.log(after / (1.0 - after)))


@dataclass(frozen=True, eq=False)
class Probe:
    """One region replaced, and what became of the answer. The changed image itself is not kept.

    Attributes:
        area: what was replaced, `place` how it was chosen; `edge_mm` is the width of the soft edge around it.
        how, sigma_mm: what took its place; the standard deviation of the blur, 0 where nothing was blurred.
        target, readings: the label in question, and what was said of every label, in the order of the model.
        unit: of the readings: PROBABILITY, or of what a segmenter marks outside of the region MILLILITRES or VOXELS.
        controls: how much the same change moved the target at other places of the same size, one number each.
        notes: what a reader must know of it, for a person.
        before_rgb, after_rgb: the slice that holds most of the region as shown, uint8 (row, column, 3), made smaller;
            the second one is no image of the patient and is only shown with a mark that says so.
        seconds, runs: what it took, and how often the model was run.
        kept_by, kept_at: the reader who kept it as counter-evidence, and when; "" for one not kept.
    """

    model: ModelRef
    series_key: str
    target: str
    area: Area
    place: Place
    how: Means
    readings: tuple[Reading, ...]
    unit: str = PROBABILITY
    controls: tuple[float, ...] = ()
    edge_mm: float = 0.0
    sigma_mm: float = 0.0
    notes: tuple[Warned, ...] = ()
    created: str = ""
    before_rgb: NDArray[np.uint8] | None = field(default=None, repr=False)
    after_rgb: NDArray[np.uint8] | None = field(default=None, repr=False)
    seconds: float = 0.0
    runs: int = 0
    kept_by: str = ""
    kept_at: str = ""

    @property
    def reading(self) -> Reading:
        """What was said of the target."""
        return next(one for one in self.readings if one.label == self.target)

    @property
    def exceeds(self) -> bool | None:
        """Whether the change is larger than every control's; None where there are no controls to compare with."""
        return abs(self.reading.change) > max(map(abs, self.controls)) if self.controls else None

    @property
    def stands_out(self) -> bool | None:
        """Whether it is so by more than the largest control lies above the median one; None without controls.

        Of nine places that mean nothing one is always the first: larger alone says little.
        """
        if not self.controls:
            return None
        sizes = np.abs(self.controls)
        clearly = 2.0 * float(sizes.max()) - float(np.median(sizes))
        return bool(self.exceeds) and abs(self.reading.change) > clearly
