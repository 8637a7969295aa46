"""Maps that know nothing of the network: what any map must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.explain.protocol import Attribution, Layout
from medassist.explain.quality.likeness import REGIONS


def grain(answer: Attribution, size: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many input voxels a spot of a map is wide along each axis: a power of two, at least a region.

    Methods of like grain share their random maps.
    """
    return tuple(_power(max(step, voxels / REGIONS)) for step, voxels in zip(answer.layout.step, size, strict=True))


def _power(width: float) -> int:
    return 1 << max(0, round(float(np.log2(max(width, 1.0)))))


def random_map(size: tuple[int, ...], coarse: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Return a map of random cells of `coarse` voxels, linear between them; the same for the same numbers."""
    from medassist.explain.quality.asked import on_input

    cells = tuple(-(-voxels // cell) + 1 for voxels, cell in zip(size, coarse, strict=True))
    values = np.random.default_rng(seed).random(cells).astype(np.float32)
    return on_input(values, Layout((0.0,) * len(size), tuple(float(cell) for cell in coarse)), size)
