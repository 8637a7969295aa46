"""Masks as NIfTI label maps in the geometry of the series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.prediction import Mask
from medassist.entities.volume import Window
from medassist.report.case import Case, numbered
from medassist.report.instances import FILE_NAME, write_table
from medassist.report.rejected import without_rejected


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write mask.nii.gz, mask-2.nii.gz, … one per mask; voxel values are those of the model's segments (uint8).

    Objects one by one are numbered in it (int32), and instances.csv lists them.
    What the reader rejected is background, and a mask of nothing else is not written, as a label map tells no verdict.
    Labels that overlap become the fourth axis, 0 and 1 for each segment in its order, as MONAI writes them.
    Nothing where the slices form no regular grid: one affine would be wrong for some of them.
    """
    from medassist.imaging.convert import write_volume

    if not case.volume.is_regular:
        return ()
    paths = []
    for index, mask in enumerate(_told(case, mask) for _, mask in case.masks):
        if mask is None:
            continue
        path = folder / numbered("mask.nii.gz", index)
        labels = replace(case.volume, array_tzyx=_values(mask), unit="", windows=(Window(0.5, 1.0),), padding=None)
        write_volume(labels, path)
        paths.append(path)
        if mask.instances is not None:
            paths.append(write_table(mask.instances, folder / numbered(FILE_NAME, index)))
    return tuple(paths)


def _told(case: Case, mask: Mask) -> Mask | None:
    """Return a mask without what was rejected, None where nothing of what it holds is left."""
    labels = without_rejected(case, mask)
    if labels is mask.labels_zyx:
        return mask
    return replace(mask, labels_zyx=labels) if labels.any() else None


def _values(mask: Mask) -> NDArray[Any]:
    """Return what is written, (segment or 1, slice, row, column)."""
    if mask.instances is not None:
        return mask.instances.labels_zyx[None]
    if mask.overlapping:
        return np.stack([mask.region(one) for one in mask.segments]).astype(np.uint8)
    return mask.labels_zyx[None]
