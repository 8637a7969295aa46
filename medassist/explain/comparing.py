"""How alike two maps of one series are, and where they differ.

Both maps lie on the grid of the image, and are compared there, as they are drawn: no map is made coarser to please
the other. A map of large cells is smooth between them, so that it cannot follow the detail of a fine one; where the
cells differ much in size a note says so. Where only one of the maps is signed, or none, what speaks for the target
is compared: values below zero count as zero, as they are drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medassist.entities.comparison import Comparison
from medassist.entities.errors import Refused
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.study import Warned, warned
from medassist.explain.quality.likeness import rank_correlation, similarity

MOST_VOXELS = 2_000_000
"""Figures of larger images are of every second, third, … voxel along each axis: ranks take memory and time."""
CELLS_DIFFER = 1.5
MANY_ZEROS = 0.5
LEAST_WINDOW = 3
LETTERS = ("A", "B")

Values = NDArray[np.float32]


def compare(first: Heatmap, second: Heatmap) -> Comparison:
    """Compare two maps on the grid of their image (Refused for maps of other series, grids or kinds).

    The rank correlation is Spearman's over the voxels. The structural similarity is that of Wang et al. 2004, of what
    speaks for the targets, each map on its own scale. The difference is that of the shares of each map's own full
    scale, and itself a share of the largest there can be: shapes are compared, not strengths.
    """
    _demand_comparable(first, second)
    signed = first.signed and second.signed
    values = [_compared(one, signed) for one in (first, second)]
    samples = [_sampled(one) for one in values]
    constant = [float(np.ptp(one)) == 0.0 for one in samples]
    correlation = None if any(constant) else rank_correlation(*samples)
    likeness, notes = _similarity(samples), _notes((first, second), samples, constant)
    apart = _difference(first, second, values, signed)  # the last: it takes the room of the values
    return Comparison(first, second, apart, correlation, likeness, samples[0].size, notes)


def _demand_comparable(first: Heatmap, second: Heatmap) -> None:
    if first.series_key != second.series_key:
        raise Refused("Maps of different series cannot be compared.", remedy="Choose two maps of one series.")
    if not first.geometry.same_grid(second.geometry):
        raise Refused(
            "The two maps lie on different grids, so they cannot be compared.", remedy="Compute both of them again."
        )
    if first.kind is not second.kind:
        raise Refused(
            "An explanation and a map of uncertainty cannot be compared.", remedy="Choose two maps of one kind."
        )


def _compared(heatmap: Heatmap, signed: bool) -> Values:
    values: Values = np.nan_to_num(heatmap.values_zyx)
    return values if signed else np.maximum(values, np.float32(0.0), out=values)


def _sampled(values: Values) -> Values:
    """Return evenly spread voxels, at most about `MOST_VOXELS`; a picture without a slice axis."""
    flat = values[0] if len(values) == 1 else values
    step = int(np.ceil((values.size / MOST_VOXELS) ** (1.0 / flat.ndim)))
    return flat[(slice(None, None, step),) * flat.ndim]


def _similarity(samples: list[Values]) -> float | None:
    """Return the structural similarity; None where nothing speaks for a target, or a window does not fit in."""
    fits = min(samples[0].shape) >= LEAST_WINDOW
    return similarity(*samples) if fits and all(float(one.max()) > 0.0 for one in samples) else None


def _difference(first: Heatmap, second: Heatmap, values: list[Values], signed: bool) -> Heatmap:
    """Return A minus B as a map, from -1 to 1: the ends are as far apart as two such maps can be."""
    apart, other = values
    apart /= _scale(first)
    other /= _scale(second)
    apart -= other
    apart /= np.float32(2.0 if signed else 1.0)
    return Heatmap(
        method="Difference",
        target=first.target,
        model=first.model,
        series_key=first.series_key,
        values_zyx=apart,
        geometry=first.geometry,
        native_zyx=apart,
        native_geometry=first.geometry,
        kind=MapKind.DIFFERENCE,
        signed=True,
    )


def _scale(heatmap: Heatmap) -> np.float32:
    return np.float32(heatmap.full_scale if heatmap.full_scale > 0 else 1.0)


def _notes(maps: tuple[Heatmap, Heatmap], samples: list[Values], constant: list[bool]) -> tuple[Warned, ...]:
    notes = [
        warned("Map {letter} has the same value everywhere, so there is no rank correlation.", letter=letter)
        for letter, alike in zip(LETTERS, constant, strict=True)
        if alike
    ]
    if maps[0].signed is not maps[1].signed:
        notes.append(
            warned("Only one of the maps also shows what speaks against its target: what speaks for it is compared.")
        )
    return (*notes, *_cells_note(maps), *_zeros_note(samples, constant))


def _cells_note(maps: tuple[Heatmap, Heatmap]) -> tuple[Warned, ...]:
    """Warn when the cells of one map are much wider than those of the other, as the cube (or square) root of both."""
    dimensions = 2 if maps[0].geometry.shape_zyx[0] == 1 else 3
    widths = [one.native_geometry.voxel_volume_ml ** (1.0 / dimensions) for one in maps]
    wide, fine = (0, 1) if widths[0] > widths[1] else (1, 0)
    times = widths[wide] / widths[fine]
    if times < CELLS_DIFFER:
        return ()
    return (
        warned(
            "Map {wide} was computed on cells {times} times as wide as those of map {fine}: detail of the finer cells "
            "can lower the figures.",
            wide=LETTERS[wide],
            fine=LETTERS[fine],
            times=f"{times:.1f}",
        ),
    )


def _zeros_note(samples: list[Values], constant: list[bool]) -> tuple[Warned, ...]:
    """Warn when both maps are zero in most of the image: ranks count that as agreement."""
    share = float(np.mean((samples[0] == 0) & (samples[1] == 0)))
    if any(constant) or share <= MANY_ZEROS:
        return ()
    told = f"{int(100 * share)} %"
    return (warned("Both maps are zero in {share} of the image, which can raise the figures.", share=told),)
