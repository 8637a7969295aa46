"""One map under examination: the question it answers, the method that made it, and the map on the input's own grid."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.explain.protocol import Attribution, Explainer, Layout, Question
from medassist.explain.undisturbed import undisturbed
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    Chances = Callable[[torch.Tensor], list[float]]

STAGE = "Measuring the heatmap"


@dataclass(frozen=True, eq=False)
class Asked:
    """A map to be measured.

    Attributes:
        answer: the map as the method computed it.
        chances: from logits (B, …) to the probability of the target for each image.
        threshold: where the target counts as present.
    """

    question: Question
    explainer: Explainer
    answer: Attribution
    chances: Chances = field(repr=False)
    threshold: float = 0.5

    @property
    def size(self) -> tuple[int, ...]:
        """Spatial size of the input."""
        return tuple(self.question.inputs.shape[2:])

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """The map on every voxel of the input."""
        return on_input(self.answer.values, self.answer.layout, self.size)

    def again(self, question: Question, progress: Progress) -> NDArray[np.float32]:
        """Return the map of the same method for another question, on every voxel of the input."""
        return answered(self.explainer, question, progress)


def answered(explainer: Explainer, question: Question, progress: Progress) -> NDArray[np.float32]:
    """Return what a method answers, on every voxel of the input; waits for the network and lets it go again."""
    with question.network.held(progress):
        found = explainer.attribute(question, progress=progress)
    return on_input(found.values, found.layout, tuple(question.inputs.shape[2:]))


def on_input(values: NDArray[np.float32], layout: Layout, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Enlarge a map to the input, linear between the centres of its cells and constant beyond the outermost."""
    if layout == Layout.of_input(len(size)) and values.shape == size:
        return values
    from scipy.ndimage import map_coordinates

    lines = [
        (np.arange(voxels) - first) / step for voxels, first, step in zip(size, layout.first, layout.step, strict=True)
    ]
    places = np.stack(np.meshgrid(*lines, indexing="ij"))
    return np.asarray(map_coordinates(values, places, order=1, mode="nearest"), dtype=np.float32)


@contextlib.contextmanager
def at_rest(question: Question, progress: Progress) -> Iterator[None]:
    """Hold the network, as it is run, without gradients; it is left as it was found."""
    import torch

    with (
        question.network.held(progress),
        undisturbed(question.network.module),
        torch.inference_mode(False),
        torch.no_grad(),
    ):
        yield


class Within(Progress):
    """A stretch of a longer job: what is done of it counts from `start` on, up to `end` (shares of the whole)."""

    def __init__(self, whole: Progress, start: float = 0.0, end: float = 1.0) -> None:
        super().__init__()
        self._whole, self._start, self._length = whole, start, end - start

    def step(self, stage: str, fraction: float | None = None) -> None:  # noqa: ARG002 - one stage for all of it
        """Report to the whole job; raise `Cancelled` when that was asked to stop."""
        self._whole.step(STAGE, self._start + self._length * min(1.0, fraction or 0.0))
