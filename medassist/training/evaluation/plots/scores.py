"""Classifiers: ROC, precision and recall, and whether a score of 0.7 is right seven times of ten."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.training.evaluation.plots.style import FAINT, INK, Drawing, Words, color, panels, told
from medassist.training.evaluation.result import Evaluation
from medassist.training.metrics import ECE_BINS, Measured, never_certain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Truth = NDArray[np.bool_]
Scores = NDArray[np.float64]
STRIP = 0.22
"""Height of the bars that count cases, in units of the axis; they lie below the curve, not behind it."""
Curve = Callable[["Axes", Truth, Scores, str, Words], None]


def drawings(evaluation: Evaluation, labels: tuple[str, ...], words: Words) -> tuple[Drawing, ...]:
    """Return the three pictures of a classifier; labels without cases of both kinds are left out."""
    both = [label for label in labels if "auc" in evaluation.labels.get(label, {})]
    if not both:
        return ()
    tr = words.wording.tr
    return (
        Drawing(
            "roc.png",
            tr("ROC curves"),
            tr("Above each curve the area under it with its 95 % interval; the dashed line is chance."),
            partial(_overlaid, evaluation=evaluation, labels=both, words=words, draw=_roc),
        ),
        Drawing(
            "precision-recall.png",
            tr("Precision and recall"),
            tr(
                "Above each curve its area with the 95 % interval; the dotted line is the share of them with the label."
            ),
            partial(_overlaid, evaluation=evaluation, labels=both, words=words, draw=_precision),
        ),
        Drawing(
            "reliability.png",
            tr("Reliability of the scores"),
            tr("On the diagonal a score is right as often as it says; bars below count the cases behind each point."),
            partial(_reliabilities, evaluation=evaluation, labels=both, words=words),
        ),
    )


def columns(evaluation: Evaluation, label: str) -> tuple[Truth, Scores]:
    """Return truth and score of every case for one label."""
    found = [case.figures[label] for case in evaluation.cases]
    return np.array([one["truth"] > 0.5 for one in found]), np.array([one["score"] for one in found])


def _overlaid(figure: Figure, evaluation: Evaluation, labels: list[str], words: Words, draw: Curve) -> None:
    axes = panels(figure, len(labels))
    for at, (axis, label) in enumerate(zip(axes, labels, strict=True)):
        draw(axis, *columns(evaluation, label), color(at), words)
        metric = "auc" if draw is _roc else "auprc"
        axis.set_title(f"{words.title(label)}\n{metric.upper()} {told(evaluation, label, metric)}")
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _roc(axis: Axes, truth: Truth, scores: Scores, tint: str, words: Words) -> None:
    from sklearn.metrics import roc_curve

    false_rate, true_rate, _ = roc_curve(truth, scores)
    axis.plot([0, 1], [0, 1], "--", color=FAINT, linewidth=1)
    axis.plot(false_rate, true_rate, color=tint, linewidth=1.8)
    axis.set(xlabel=words.wording.tr("1 − specificity"), ylabel=words.wording.tr("Sensitivity"))


def _precision(axis: Axes, truth: Truth, scores: Scores, tint: str, words: Words) -> None:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    axis.axhline(float(truth.mean()), linestyle=":", color=INK, linewidth=1)
    found = recall > 0.0  # before the first hit a precision of 0 says nothing
    axis.step(recall[found], precision[found], where="post", color=tint, linewidth=1.8)
    axis.set(xlabel=words.wording.tr("Sensitivity"), ylabel=words.wording.tr("Precision"))


def _reliabilities(figure: Figure, evaluation: Evaluation, labels: list[str], words: Words) -> None:
    axes = panels(figure, len(labels), height_in=3.3)
    for at, (axis, label) in enumerate(zip(axes, labels, strict=True)):
        _reliability(axis, *columns(evaluation, label), color(at), words)
        axis.set_title(f"{words.title(label)}\nECE {told(evaluation, label, 'ece')}")


def _reliability(axis: Axes, truth: Truth, scores: Scores, tint: str, words: Words) -> None:
    """Draw frequency against mean score by bins of equal width, with exact intervals, over the counts."""
    where = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    counts = np.bincount(where, minlength=ECE_BINS)
    filled = counts > 0
    mean = np.bincount(where, weights=scores, minlength=ECE_BINS)[filled] / counts[filled]
    share = np.bincount(where, weights=truth.astype(float), minlength=ECE_BINS)[filled] / counts[filled]
    _counts(axis, counts)
    axis.plot([0, 1], [0, 1], "--", color=FAINT, linewidth=1)
    ends = np.array([_interval(one, int(n)) for one, n in zip(share, counts[filled], strict=True)]).T
    axis.vlines(mean, *ends, color=tint, linewidth=1, alpha=0.6)
    axis.plot(mean, share, "o-", color=tint, linewidth=1.4, markersize=4, zorder=3)
    axis.set(xlim=(-0.02, 1.02), ylim=(-STRIP - 0.1, 1.02), yticks=np.linspace(0, 1, 6))
    axis.set(xlabel=words.wording.tr("Score"), ylabel=words.wording.tr("Share that has the label"))


def _counts(axis: Axes, counts: NDArray[np.intp]) -> None:
    heights = STRIP * counts / counts.max()
    centres = (np.arange(ECE_BINS) + 0.5) / ECE_BINS
    axis.bar(centres, heights, bottom=-STRIP - 0.1, width=0.9 / ECE_BINS, color=FAINT, zorder=1)
    for centre, height, count in zip(centres, heights, counts, strict=True):
        if count:
            axis.text(centre, height - STRIP - 0.09, str(count), ha="center", va="bottom", fontsize=6, color=INK)


def _interval(share: float, count: int) -> tuple[float, float]:
    found = never_certain(Measured(share, share, share, count), count)
    return found.low, found.high
