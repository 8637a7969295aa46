"""Which part of a segmenter's answer is explained: what lies under the crosshair, or a place the reader drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.prediction import Mask, Segment
from medassist.session.references import Reference, references
from medassist.session.state import Session

UNDER_CROSSHAIR = "part under the crosshair"
DRAWN = "region of the reader"

Voxel = tuple[int, int, int]


def cursor_voxel(session: Session) -> Voxel | None:
    """Return slice, row and column of the voxel under the crosshair, None without a series."""
    if session.volume is None:
        return None
    last = np.array(session.volume.geometry.shape_zyx) - 1
    index = np.rint(session.volume.geometry.to_index(session.view.cursor_lps))[::-1]
    k, j, i = np.clip(index, 0, last).astype(int).tolist()
    return k, j, i


def segments_under_crosshair(session: Session) -> tuple[Segment, ...]:
    """Return what the model on screen marked under the crosshair."""
    voxel, prediction = cursor_voxel(session), session.prediction
    mask = None if prediction is None else prediction.model_mask
    if voxel is None or mask is None or session.volume is None or not mask.geometry.same_grid(session.volume.geometry):
        return ()
    return mask.at(int(mask.labels_zyx[voxel]))


def drawn_regions(session: Session) -> tuple[Reference, ...]:
    """Return the regions of the reader on the series on screen; the one being drawn comes last."""
    return tuple(one for one in references(session) if not one.source)


def part_at(mask: Mask, segment: Segment, voxel: Voxel) -> ExplainedRegion:
    """Return the connected part of a segment that holds a voxel, an object where the model tells them apart.

    Voxels are connected by their faces. A voxel outside of the segment gives a region without any.
    """
    inside = mask.region(segment)
    if not inside[voxel]:
        return ExplainedRegion(UNDER_CROSSHAIR, np.zeros_like(inside), mask.geometry)
    numbers: NDArray[np.int32]
    if mask.instances is not None:
        numbers = mask.instances.labels_zyx
    else:
        from scipy.ndimage import label

        numbers, _count = label(inside)
    return ExplainedRegion(UNDER_CROSSHAIR, inside & (numbers == numbers[voxel]), mask.geometry)


def drawn(reference: Reference) -> ExplainedRegion:
    """Return what a reader marked as the region to explain."""
    return ExplainedRegion(DRAWN, reference.region, reference.mask.geometry)
