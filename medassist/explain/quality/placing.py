"""Does the map point at what is known to be there?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def placed(values: NDArray[Any], mask: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of the heat inside `mask` (same shape), whether the strongest voxel is, and chance.

    Only what speaks for the target counts. Of several strongest voxels most must lie inside. Empty for an empty map or
    mask, which have no answer.
    """
    heat = np.maximum(np.asarray(values, dtype=np.float64), 0.0)
    total = float(heat.sum())
    if total <= 0.0 or not mask.any():
        return {}
    strongest = heat == heat.max()
    return {
        "energy_in_mask": float(heat[mask].sum()) / total,
        "pointing_hit": float(np.count_nonzero(strongest & mask) * 2 > np.count_nonzero(strongest)),
        "mask_share": float(np.count_nonzero(mask)) / mask.size,
    }
