"""Segmenters: how the figures of the cases are spread, which a mean hides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medassist.training.evaluation.plots.style import INK, Drawing, Words, color, panels
from medassist.training.evaluation.result import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = {
    "masks": ("dice", "surface_dice_1mm", "hd95_mm", "hd95_px", "volume_bias_ml", "area_bias_mm2"),
    "objects": ("pq", "aji", "f1_iou50", "count_bias"),
}
NAMES = {
    "dice": "Dice",
    "surface_dice_1mm": "Surface Dice (1 mm)",
    "hd95_mm": "HD95 (mm)",
    "hd95_px": "HD95 (px)",
    "volume_bias_ml": "Volume error (ml)",
    "area_bias_mm2": "Area error (mm²)",
    "pq": "PQ",
    "aji": "AJI",
    "f1_iou50": "F1 (IoU > 0.5)",
    "count_bias": "Count error",
}


def drawings(evaluation: Evaluation, labels: tuple[str, ...], words: Words) -> tuple[Drawing, ...]:
    """Return the picture of a segmenter's cases."""
    shown = [name for name in SHOWN[evaluation.kind] if _values(evaluation, labels[0], name).size]
    tr = words.wording.tr
    return (
        Drawing(
            "cases.png",
            tr("Figures of the single cases"),
            tr("Every point is a case; the box holds the middle half of them and its line is the median."),
            partial(_spread, evaluation=evaluation, labels=labels, shown=shown, words=words),
        ),
    )


def _spread(figure: Figure, evaluation: Evaluation, labels: tuple[str, ...], shown: list[str], words: Words) -> None:
    axes = panels(figure, len(shown), columns=2, width_in=3.9, height_in=max(1.6, 0.62 * len(labels) + 1.0))
    for axis, name in zip(axes, shown, strict=True):
        for at, label in enumerate(labels):
            _row(axis, _values(evaluation, label, name), at)
        axis.set_title(words.wording.tr(NAMES[name]))
        axis.set_yticks(range(len(labels)), [words.title(label) for label in labels])
        axis.set_ylim(len(labels) - 0.4, -0.6)
        if "bias" in name:
            axis.axvline(0.0, color=INK, linewidth=0.8)


def _values(evaluation: Evaluation, label: str, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = [case.figures[label] for case in evaluation.cases]
    return np.array([one[name] for one in found if name in one], np.float64)


def _row(axis: Axes, values: np.ndarray[tuple[int], np.dtype[np.float64]], at: int) -> None:
    """Draw one label: a box over points that are moved apart, always in the same way."""
    if not values.size:
        return
    apart = np.random.default_rng(at).uniform(-0.22, 0.22, values.size)
    axis.plot(values, at + apart, "o", color=color(at), markersize=3, alpha=0.55, markeredgewidth=0)
    axis.boxplot(
        values,
        positions=[at],
        orientation="horizontal",
        widths=0.5,
        showfliers=False,
        manage_ticks=False,
        medianprops={"color": INK, "linewidth": 1.4},
        boxprops={"color": INK, "linewidth": 0.9},
        whiskerprops={"color": INK, "linewidth": 0.9},
        capprops={"color": INK, "linewidth": 0.9},
    )
