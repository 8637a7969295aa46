"""Which class is taken for which, where classes exclude each other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medassist.training.evaluation.plots.style import INK, Drawing, Words
from medassist.training.evaluation.result import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawings(evaluation: Evaluation, labels: tuple[str, ...], words: Words) -> tuple[Drawing, ...]:
    """Return the confusion matrix, nothing where classes may meet."""
    if not evaluation.confusion:
        return ()
    tr = words.wording.tr
    return (
        Drawing(
            "confusion.png",
            tr("Confusion matrix"),
            tr("Rows are the true classes, columns what the model answered; the shade is the share of the row."),
            partial(_matrix, counts=np.array(evaluation.confusion), labels=labels, words=words),
        ),
    )


def _matrix(
    figure: Figure, counts: np.ndarray[tuple[int, int], np.dtype[np.int64]], labels: tuple[str, ...], words: Words
) -> None:
    side = 1.8 + 0.62 * len(labels)
    figure.set_size_inches(side + 0.6, side)
    axis = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), count in np.ndenumerate(counts):
        light = share[row, column] > 0.5
        axis.text(column, row, str(count), ha="center", va="center", color="white" if light else INK, fontsize=9)
    titles = [words.title(label) for label in labels]
    axis.set_xticks(range(len(labels)), titles, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(labels)), titles)
    axis.set(xlabel=words.wording.tr("Answered"), ylabel=words.wording.tr("True"))
    axis.grid(visible=False)
