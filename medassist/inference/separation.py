"""From maps of a network to objects one by one: watershed from the cores, as the package's numbers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.inference.schema import Section

if TYPE_CHECKING:
    from medassist.inference.ports import InputSpec

CHANNELS = 3
"""Background, core and rim of an object, in this order: a softmax over them."""
TASK = "instances"
MOST_VOXELS = 100_000
MOST_SMOOTHING = 20
STEPS = 100
"""Probabilities that differ by less than one step are equal: rounding shall not decide where objects part."""


@dataclass(frozen=True)
class Separation:
    """How three maps become objects.

    Attributes:
        foreground: a pixel belongs to some object where one minus the probability of the background reaches this.
        core: connected pixels whose probability of being a core reaches this begin one object.
        least_core: pixels below which a core is noise.
        least_object: pixels below which an object is dropped.
        smoothing: standard deviation, in pixels, of a blur of the maps before all this; 0 for none.
    """

    foreground: float = 0.5
    core: float = 0.5
    least_core: int = 1
    least_object: int = 1
    smoothing: float = 0.0


def read_separation(own: Section, task: str, seen: InputSpec) -> Separation | None:
    """Read `instances` of a package of that task, None for another task (Refused naming the key that is wrong)."""
    if task != TASK:
        return None
    if seen.dimensions != 2:
        raise Refused(
            "{file}: the key {key} must be one of {choices}.",
            file=own.file,
            key=own.place("input.dimensions"),
            choices="2",
        )
    section = own.section("instances", optional=True)
    return Separation(
        foreground=_share(section, "foreground"),
        core=_share(section, "core"),
        least_core=_voxels(section, "least_core"),
        least_object=_voxels(section, "least_object"),
        smoothing=_smoothing(section),
    )


def _share(section: Section, key: str) -> float:
    value = section.number(key, 0.5)
    if not 0.0 < value < 1.0:
        raise Refused("{file}: the key {key} must lie between 0 and 1.", file=section.file, key=section.place(key))
    return value


def _smoothing(section: Section) -> float:
    value = section.number("smoothing", 0.0)
    if not 0.0 <= value <= MOST_SMOOTHING:
        raise Refused(
            "{file}: the key {key} must lie between {lowest} and {highest}.",
            file=section.file,
            key=section.place("smoothing"),
            lowest=0,
            highest=MOST_SMOOTHING,
        )
    return value


def _voxels(section: Section, key: str) -> int:
    value = section.integer(key, 1)
    if not 1 <= value <= MOST_VOXELS:
        raise Refused(
            "{file}: the key {key} must lie between {lowest} and {highest}.",
            file=section.file,
            key=section.place(key),
            lowest=1,
            highest=MOST_VOXELS,
        )
    return value


def separate(foreground: NDArray[np.float32], core: NDArray[np.float32], rule: Separation) -> NDArray[np.int32]:
    """Return one number per object, 0 for background, without gaps: the shape of the two maps.

    Args:
        foreground: probability (…) of any object.
        core: probability (…) of the core of an object, which touches no other core.
        rule: the thresholds.

    Cores are seeds; the rest of the foreground goes to the core from which it is reached over the highest
    probabilities of a core, and of equal ones to the nearer (watershed of Beucher and Lantuéjoul, 1979). Foreground
    without a core is dropped; a hole inside of one object belongs to it.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    if rule.smoothing:
        foreground, core = (ndimage.gaussian_filter(one, rule.smoothing) for one in (foreground, core))
    seeds, _ = ndimage.label(core >= rule.core, output=np.int32)
    seeds = _kept(seeds, rule.least_core)
    heights = -np.rint(core * STEPS)
    grown: NDArray[np.int32] = watershed(heights, seeds, mask=(foreground >= rule.foreground) | (seeds > 0))
    return _kept(_without_holes(grown.astype(np.int32, copy=False)), rule.least_object)


def _without_holes(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Fill the background that one object encloses, in place."""
    from scipy import ndimage

    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            part = labels[box]
            part[(part == 0) & ndimage.binary_fill_holes(part == number)] = number
    return labels


def consecutive(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the same objects numbered without gaps."""
    return _kept(labels, 1)


def _kept(labels: NDArray[np.int32], least: int) -> NDArray[np.int32]:
    """Return the objects of at least so many voxels, numbered anew without gaps."""
    sizes = np.bincount(labels.reshape(-1), minlength=1)
    stays = sizes >= least
    stays[0] = False
    numbers = np.zeros(len(sizes), np.int32)
    numbers[stays] = np.arange(1, np.count_nonzero(stays) + 1, dtype=np.int32)
    return numbers[labels]
