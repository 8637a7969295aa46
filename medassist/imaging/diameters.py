"""The longest diameter of a region in one slice and the one across it, as radiologists measure lesions (RECIST 1.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.diameters import Diameters

Points = NDArray[np.float64]

STEPS_PER_PIXEL = 2
TOLERANCE = 1e-6


def diameters(region_zyx: NDArray[np.bool_], spacing: tuple[float, float]) -> Diameters | None:
    """Return the longest diameter in any slice of a region and the longest one across it; None for an empty region.

    Args:
        region_zyx: bool (slice, row, column).
        spacing: distance between rows and between columns.

    The outline runs half way between pixels inside and outside, so that one pixel is one pixel long. The long axis
    joins the two points of the outlines of one slice that lie farthest apart; the short axis is the longest straight
    line inside the region at a right angle to it (Eisenhauer et al., Eur J Cancer 45:228-247, 2009).
    """
    size = np.array(spacing)
    best: tuple[float, int, Points] | None = None
    for index, reach in _by_reach(region_zyx, size):
        if best is not None and reach <= best[0]:
            break
        ends = _farthest(_rim(region_zyx[index]) * size)
        length = float(np.linalg.norm(ends[1] - ends[0]))
        if best is None or length > best[0]:
            best = length, index, ends
    if best is None:
        return None
    length, index, ends = best
    outlines = [one * size for one in _outlines(region_zyx[index])]
    across = _across(outlines, ends, float(size.min()) / STEPS_PER_PIXEL)
    first, second, third, fourth = ((row, column) for row, column in (np.concatenate([ends, across]) / size).tolist())
    return Diameters(index, length, float(np.linalg.norm(across[1] - across[0])), (first, second, third, fourth))


def _by_reach(region_zyx: NDArray[np.bool_], size: Points) -> list[tuple[int, float]]:
    """Return (slice, diagonal of its bounding box) of slices that hold something, the longest diagonal first."""
    reaches = []
    for index in np.flatnonzero(region_zyx.any(axis=(1, 2))).tolist():
        sides = [np.flatnonzero(region_zyx[index].any(axis=axis)) for axis in (1, 0)]
        extent = np.array([side[-1] - side[0] + 1 for side in sides]) * size
        reaches.append((index, float(np.linalg.norm(extent))))
    return sorted(reaches, key=lambda one: -one[1])


def _rim(plane: NDArray[np.bool_]) -> Points:
    """Return the points of the outline, (n, 2), that lie outermost in their row or column: all corners of its hull."""
    sides = []
    for marked in (plane, plane.T):
        lines = np.flatnonzero(marked.any(axis=1))
        first, last = marked[lines].argmax(axis=1), marked.shape[1] - 1 - marked[lines, ::-1].argmax(axis=1)
        sides.append(np.concatenate([np.stack([lines, first - 0.5], axis=1), np.stack([lines, last + 0.5], axis=1)]))
    return np.concatenate([sides[0], sides[1][:, ::-1]])


def _outlines(plane: NDArray[np.bool_]) -> list[Points]:
    from skimage.measure import find_contours

    return [one - 1.0 for one in find_contours(np.pad(plane, 1).astype(np.float32), 0.5)]


def _farthest(points: Points) -> Points:
    """Return the two points that lie farthest apart, (2, 2); they are corners of the convex hull."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist, squareform

    corners: Points = points[ConvexHull(points).vertices]
    apart = squareform(pdist(corners))
    ends: Points = corners[list(np.unravel_index(apart.argmax(), apart.shape))]
    return ends


def _across(outlines: list[Points], ends: Points, step: float) -> Points:
    """Return the ends (2, 2) of the longest line inside the outlines at a right angle to the line between `ends`."""
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    turn = np.stack([along, [-along[1], along[0]]])
    turned = [(one - ends[0]) @ turn.T for one in outlines]
    starts, stops = (np.concatenate([one[at] for one in turned]) for at in (slice(None, -1), slice(1, None)))
    length = float(np.linalg.norm(ends[1] - ends[0]))
    best = np.array([[length / 2, 0.0], [length / 2, 0.0]])
    places = np.arange(step / 2, length, step)
    for at in places[np.argsort(np.abs(places - length / 2), kind="stable")]:  # of equals, the one nearest the middle
        crossed = (starts[:, 0] <= at) != (stops[:, 0] <= at)
        first, last = starts[crossed], stops[crossed]
        share = (at - first[:, 0]) / (last[:, 0] - first[:, 0])
        heights = np.sort(first[:, 1] + share * (last[:, 1] - first[:, 1]))
        widths = heights[1::2] - heights[::2]
        if widths.size and widths.max() > best[1, 1] - best[0, 1] + TOLERANCE * length:
            widest = int(widths.argmax())
            best = np.array([[at, heights[2 * widest]], [at, heights[2 * widest + 1]]])
    found: Points = best @ turn + ends[0]
    return found
