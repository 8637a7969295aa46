"""Places of the same shape elsewhere in the body: what the same change does there gives a score change its scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medassist.entities.errors import Refused
from medassist.entities.probe import Area, Means
from medassist.entities.volume import Volume
from medassist.explain.probing.body import Mask
from medassist.explain.probing.replacing import Way, opposite

COUNT = 8
SEED = 0
TRIES = 600
LEAST_IN_BODY = 0.9
"""Share of a control that must lie in the body, of the share that the region itself has there."""


def elsewhere(
    volume: Volume, area: Area, way: Way, body: Mask, touched: Mask, *, count: int = COUNT, seed: int = SEED
) -> tuple[Area, ...]:
    """Return up to `count` areas of the same shape inside the body, drawn at random but the same on every run.

    None of them meets `touched`, the region with its edge. Where the mirror side is taken, neither does the side it is
    taken from: else a control would copy the region itself to another place. Fewer, or none, where there is no room.
    """
    random = np.random.default_rng(seed)
    free = np.array(volume.geometry.shape_zyx) - area.inside_zyx.shape
    least = LEAST_IN_BODY * float(body[area.box][area.inside_zyx].mean())
    found: dict[tuple[int, int, int], Area] = {}
    for _ in range(TRIES):
        z, y, x = (int(random.integers(0, room + 1)) for room in free)
        one = replace(area, corner_zyx=(z, y, x))
        inside = one.inside_zyx
        if touched[one.box][inside].any() or body[one.box][inside].mean() < least:
            continue
        if way.how is Means.MIRROR and not _mirrors_freely(volume, one, body, touched):
            continue
        found[one.corner_zyx] = one
        if len(found) == count:
            break
    return tuple(found.values())


def _mirrors_freely(volume: Volume, one: Area, body: Mask, touched: Mask) -> bool:
    try:
        source = opposite(volume, one, body)
    except Refused:
        return False
    return not touched[source.box][source.inside_zyx].any()
