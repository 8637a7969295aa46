"""Several neighbouring slices as one picture: the largest, the smallest or the mean value behind every pixel."""

from __future__ import annotations

import math

import numpy as np

from medassist.entities.slab import Projection, Slab
from medassist.entities.volume import AnyArray


def slices_of(slab: Slab | None, index: int, count: int, through_mm: float) -> range:
    """Return the slices of a slab around slice `index` of `count` that lie `through_mm` apart.

    As many on both sides as come nearest to the thickness, fewer at the ends of the volume. A slab that is no thicker
    than a slice, or whose thickness is no number, holds the slice alone.
    """
    on_each_side = 0
    if slab is not None and math.isfinite(slab.thickness_mm) and through_mm > 0:
        on_each_side = max(0, math.floor(min(slab.thickness_mm / through_mm, 2.0 * count) / 2))
    return range(max(0, index - on_each_side), min(count, index + on_each_side + 1))


def project(values: AnyArray, projection: Projection) -> AnyArray:
    """Return one slice (rows, columns) of several (slices, rows, columns).

    The largest and the smallest value keep their dtype, the mean is float32. NaN counts as no value, and is returned
    where there is none. A slice alone is returned as it is.
    """
    if len(values) == 1:
        alone: AnyArray = values[0]
        return alone
    if projection is Projection.MEAN:
        return _mean(values)
    extreme = np.fmax if projection is Projection.MAXIMUM else np.fmin
    found: AnyArray = extreme.reduce(values, axis=0)
    return found


def _mean(values: AnyArray) -> AnyArray:
    if values.dtype.kind != "f":
        whole: AnyArray = values.mean(axis=0, dtype=np.float32)
        return whole
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float32)
    mean: AnyArray = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return mean
