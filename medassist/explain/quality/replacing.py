"""Deletion and insertion (Petsiuk et al., BMVC 2018): does the score go where the map says it comes from?

Regions (see `likeness`; region perturbation, Samek et al., IEEE TNNLS 2017) are replaced by the blurred image in the
order of the map's mean there, most important first, and the score is asked on the way; deletion should fall at once,
insertion (the way back) rise at once. Both are read against random maps as coarse as the map in question: a coarse map
cannot follow a small cue, and no order at all has a deletion well below 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.explain.asking import Asking, batch_for
from medassist.explain.baselines import blurred
from medassist.explain.protocol import Question
from medassist.explain.quality.asked import Asked, Within, at_rest
from medassist.explain.quality.likeness import edges_of, pooled
from medassist.explain.quality.random_maps import grain, random_map
from medassist.explain.quality.remembering import remembered
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

STEPS = 16
RANDOM_MAPS = 3
SEED = 0
PER_MAP = 2.0 * (STEPS - 1)
PASSES = 2.0 + PER_MAP * (1 + RANDOM_MAPS)


@dataclass(frozen=True)
class Replaced:
    """Areas under the two curves, as shares of the larger score of both ends (0 to about 1)."""

    deletion: float
    insertion: float


def replaced(asked: Asked, progress: Progress) -> dict[str, float]:
    """Return `deletion_auc`, `insertion_auc`, those of random maps, and `gain_over_random`: what both gain together.

    Empty where the image scores nothing, so that nothing can be lost.
    """
    end = (2.0 + PER_MAP) / PASSES
    with at_rest(asked.question, progress):
        asking = Asking(asked.question, Within(progress, 0.0, end), 2.0 + PER_MAP)
        ends = _ends(asked, asking)
        if ends[0] <= 0.0:
            return {}
        own = _areas(asked, asking, asked.values, ends)
    coarse = grain(asked.answer, asked.size)
    key = ("random maps", coarse, asked.threshold, _identity(asked.question))
    by_chance = remembered(asked.question, key, lambda: _by_chance(asked, coarse, ends, Within(progress, end, 1.0)))
    return {
        "deletion_auc": own.deletion,
        "insertion_auc": own.insertion,
        "random_deletion_auc": by_chance.deletion,
        "random_insertion_auc": by_chance.insertion,
        "gain_over_random": (by_chance.deletion - own.deletion) + (own.insertion - by_chance.insertion),
    }


def _by_chance(asked: Asked, coarse: tuple[int, ...], ends: tuple[float, float], progress: Progress) -> Replaced:
    with at_rest(asked.question, progress):
        asking = Asking(asked.question, progress, PER_MAP * RANDOM_MAPS)
        found = [_areas(asked, asking, random_map(asked.size, coarse, seed), ends) for seed in range(RANDOM_MAPS)]
    return Replaced(float(np.mean([one.deletion for one in found])), float(np.mean([one.insertion for one in found])))


def _ends(asked: Asked, asking: Asking) -> tuple[float, float]:
    """Return the target's probability for the image as it is and for the blurred one."""
    import torch

    image = asked.question.inputs
    as_it_is, gone = asked.chances(asking.logits(torch.cat([image, blurred(image)])))
    return as_it_is, gone


def _areas(asked: Asked, asking: Asking, values: NDArray[np.float32], ends: tuple[float, float]) -> Replaced:
    import torch

    image, turn = asked.question.inputs, torch.from_numpy(order(values))
    empty = blurred(image)
    fall = _asked_about(asked, asking, image, empty, turn)
    rise = _asked_about(asked, asking, empty, image, turn)
    as_it_is, gone = ends
    full = max(ends)  # a blurred image may score more than the image itself: shares of a faint score say nothing then
    return Replaced(_area([as_it_is, *fall, gone]) / full, _area([gone, *rise, as_it_is]) / full)


def _asked_about(
    asked: Asked, asking: Asking, start: torch.Tensor, end: torch.Tensor, turn: torch.Tensor
) -> list[float]:
    """Return the probability on the way from `start` to `end`, 1 of 16 regions after the other."""
    import torch

    shares, found = [step / STEPS for step in range(1, STEPS)], list[float]()
    at_once = batch_for(end)
    for at in range(0, len(shares), at_once):
        images = [torch.where(turn < share, end, start) for share in shares[at : at + at_once]]
        found += asked.chances(asking.logits(torch.cat(images)))
    return found


def order(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return when the region of each voxel has its turn, from 0 (first) to below 1; equal ones in random order."""
    means = pooled(values)
    chance = np.random.default_rng(SEED).random(means.size)
    places = np.empty(means.size)
    places[np.lexsort((chance, -means.ravel()))] = np.arange(means.size) / means.size
    turn: NDArray[np.float64] = places.reshape(means.shape)
    for axis, voxels in enumerate(values.shape):
        turn = np.repeat(turn, np.diff(edges_of(voxels)), axis=axis)
    return turn


def _area(curve: list[float]) -> float:
    return float(np.mean((np.array(curve[1:]) + np.array(curve[:-1])) / 2.0))


def _identity(question: Question) -> tuple[object, ...]:
    """Return what makes two questions the same: the image, the class and the region."""
    pixels = hashlib.sha256(question.inputs.numpy().tobytes()).hexdigest()
    region = "" if question.region is None else hashlib.sha256(question.region.numpy().tobytes()).hexdigest()
    return pixels, question.output, region
