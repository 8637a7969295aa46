"""How well a mask agrees with the truth: overlap, distance of the borders, volume."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Bools = NDArray[np.bool_]

SURFACE_TOLERANCE_MM = 1.0
"""How far two borders may lie apart and still count as one in `surface_dice_1mm`."""


def mask_metrics(
    found: Bools, truth: Bools, spacing_zyx_mm: tuple[float, float, float], *, calibrated: bool = True
) -> dict[str, float]:
    """Return the figures of one label in one case.

    Args:
        found: (slice, row, column) of the model.
        truth: the same grid.
        spacing_zyx_mm: distance of voxel centres.
        calibrated: False where the spacing is no millimetres: distances are then in pixels, named so, and volumes
            left out.

    `dice` is 1 when both masks are empty. `hd95_mm` is the 95 % Hausdorff distance both ways and is left out when
    either is empty; `surface_dice_1mm` is the share of both borders that lie within 1 mm of the other one (Nikolov
    et al., arXiv:1809.04430), 0 when one mask is empty, 1 when both are. `volume_error_ml` is absolute,
    `volume_bias_ml` is signed: positive where the model finds too much; of a single slice both are areas (mm2).
    Distances by MONAI.
    """
    sizes = int(found.sum()), int(truth.sum())
    figures = {"dice": 2.0 * int((found & truth).sum()) / sum(sizes) if sum(sizes) else 1.0}
    flat = found.shape[0] == 1
    grid = spacing_zyx_mm[1:] if flat else spacing_zyx_mm
    mine, wanted = (found[0], truth[0]) if flat else (found, truth)
    if not calibrated:
        return figures | ({"hd95_px": _hausdorff_95(mine, wanted, (1.0,) * len(grid))} if all(sizes) else {})
    figures["surface_dice_1mm"] = _surface_dice(mine, wanted, grid) if all(sizes) else float(not any(sizes))
    if all(sizes):
        figures["hd95_mm"] = _hausdorff_95(mine, wanted, grid)
    surplus = (sizes[0] - sizes[1]) * float(np.prod(grid))
    if flat:
        return figures | {"area_error_mm2": abs(surplus), "area_bias_mm2": surplus}
    return figures | {"volume_error_ml": abs(surplus) / 1000.0, "volume_bias_ml": surplus / 1000.0}


def _hausdorff_95(found: Bools, truth: Bools, spacing: tuple[float, ...]) -> float:
    from monai.metrics import compute_hausdorff_distance

    with warnings.catch_warnings():
        # MONAI 1.6 warns here about an argument that MONAI itself passes.
        warnings.simplefilter("ignore", FutureWarning)
        distance = compute_hausdorff_distance(
            _batch(found), _batch(truth), include_background=True, percentile=95, spacing=list(spacing)
        )
    return float(distance[0, 0])


def _surface_dice(found: Bools, truth: Bools, spacing: tuple[float, ...]) -> float:
    from monai.metrics import compute_surface_dice

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        share = compute_surface_dice(
            _batch(found), _batch(truth), [SURFACE_TOLERANCE_MM], include_background=True, spacing=list(spacing)
        )
    return float(share[0, 0])


def _batch(mask: Bools) -> torch.Tensor:
    import torch

    return torch.from_numpy(mask[None, None].astype(np.float32))
