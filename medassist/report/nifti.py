"""Masks as NIfTI label maps in the geometry of the series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from medassist.entities.volume import Window
from medassist.report.case import Case, numbered


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write mask.nii.gz, mask-2.nii.gz, … one per mask; voxel values are those of the model's segments (uint8).

    Labels that overlap become the fourth axis, 0 and 1 for each segment in its order, as MONAI writes them.
    Nothing where the slices form no regular grid: one affine would be wrong for some of them.
    """
    from medassist.imaging.convert import write_volume

    if not case.volume.is_regular:
        return ()
    paths = []
    for index, (_, mask) in enumerate(case.masks):
        path = folder / numbered("mask.nii.gz", index)
        values = np.stack([mask.region(one) for one in mask.segments]).astype(np.uint8) if mask.overlapping else None
        array = mask.labels_zyx[None] if values is None else values
        labels = replace(case.volume, array_tzyx=array, unit="", windows=(Window(0.5, 1.0),), padding=None)
        write_volume(labels, path)
        paths.append(path)
    return tuple(paths)
