"""One picture of the demonstration: mean films and mean maps by source, and the two probes as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.shortcut_words import Heat
from medassist.entities.volume import Volume
from medassist.training.evaluation.plots.style import COLORS, INK, Drawing, save
from medassist.training.metrics import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 256
MEAN_OF = 8
"""Fewer films than this would show somebody instead of a mean."""


def mean_film(volumes: Sequence[Volume]) -> NDArray[np.float64] | None:
    """Return the mean of films (256, 256), None of too few to hide each of them."""
    from PIL import Image

    if len(volumes) < MEAN_OF:
        return None
    small = [Image.fromarray(one.array_zyx[0].astype(np.float32)).resize((SIDE, SIDE)) for one in volumes]
    mean: NDArray[np.float64] = np.mean([np.asarray(one, dtype=np.float64) for one in small], axis=0)
    return mean


def draw(
    path: Path,
    films: Mapping[str, Sequence[Volume]],
    areas: Mapping[str, Measured],
    maps: Mapping[str, Heat],
    others: Mapping[str, Heat],
    targets: tuple[str, str],
) -> None:
    """Write the picture; `films` by source, `targets` what this network and the shipped model were asked about."""

    def fill(figure: Figure) -> None:
        figure.set_size_inches(10.5, 6.6)
        above, below = np.ravel(figure.subfigures(2, 1, height_ratios=(1.0, 1.05), squeeze=False))
        method = next(iter(maps))
        panels = above.subplots(1, 2 * len(films))
        for at, (source, volumes) in enumerate(films.items()):
            film, name = mean_film(volumes), source.replace("_", " ")
            _map(panels[2 * at], film, maps[method].maps.get(source), f"this network, {name}")
            _map(panels[2 * at + 1], film, others[method].maps.get(source), f"shipped model, {name}")
        told = f"this network asked why {targets[0].lower()}, the shipped model why {targets[1].lower()}"
        above.suptitle(f"Mean {method} maps over mean films: {told}; dashed: the middle half", fontsize=9)
        left, right = below.subplots(1, 2, gridspec_kw={"width_ratios": (1.0, 1.6)})
        _aucs(left, areas)
        _shares(right, maps, others)

    save(Drawing(path.name, "", "", fill), path.parent)


def _map(axis: Axes, film: NDArray[np.float64] | None, heat: NDArray[np.float64] | None, title: str) -> None:
    from matplotlib.patches import Ellipse

    extent = (0.0, 1.0, 1.0, 0.0)
    if film is not None:
        axis.imshow(film, cmap="gray", extent=extent)
    if heat is not None:
        axis.imshow(heat, cmap="inferno", alpha=0.6, extent=extent, interpolation="bilinear", vmin=0.0)
    axis.add_patch(Ellipse((0.5, 0.5), 0.8, 0.8, fill=False, edgecolor="white", linestyle="--", linewidth=1))
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def _aucs(axis: Axes, areas: Mapping[str, Measured]) -> None:
    shown = ("whole", "middle blanked", "only the middle")
    for at, name in enumerate(shown):
        _bar(axis, at, areas[name], 0.5, COLORS[at], 0.6)
    axis.set_yticks(range(len(shown)), shown)
    axis.axvline(0.5, color=INK, linewidth=0.8)
    axis.set(xlim=(0.35, 1.0), ylim=(len(shown) - 0.4, -0.6), xlabel="AUC on people not seen", title="Blank-out probe")


def _shares(axis: Axes, maps: Mapping[str, Heat], others: Mapping[str, Heat]) -> None:
    for at, name in enumerate(maps):
        _bar(axis, at - 0.2, maps[name].outside, 0.0, COLORS[1], 0.35, "this network" if at == 0 else "")
        _bar(axis, at + 0.2, others[name].outside, 0.0, COLORS[0], 0.35, "shipped model" if at == 0 else "")
    axis.set_yticks(range(len(maps)), list(maps))
    axis.axvline(0.5, color=INK, linewidth=1.0, linestyle="--")
    axis.set(xlim=(0.0, 1.0), ylim=(len(maps) - 0.4, -0.6), xlabel="share of the heat (dashed: of the area)")
    axis.set_title("Heat outside of the middle")
    axis.legend(loc="lower right")


def _bar(axis: Axes, at: float, one: Measured, left: float, tint: str, height: float, label: str = "") -> None:
    axis.barh(at, one.value - left, left=left, color=tint, height=height, label=label or None)
    axis.plot([one.low, one.high], [at, at], color=INK, linewidth=1)
