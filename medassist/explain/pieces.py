"""The line from "nothing there" to the image, walked in pieces: short ones where the score turns, long ones elsewhere.

What the score gains over a piece is known exactly from its two ends, so it is known, too, how far a piece's one
gradient misses it. The pieces that miss most are cut in three (the middle one keeps the gradient) until the steps are
used up. The integral is that of integrated gradients (Sundararajan et al., ICML 2017), only its places are chosen, as
in Bhat and Raychowdhury 2023 (arXiv 2302.11107), who choose them by the score alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medassist.explain.asking import Asking, batch_for

if TYPE_CHECKING:
    import torch

_Span = tuple[float, float, float, float]
"""Where a piece starts and ends, and the scores there."""

FIRST = 10
AT_ONCE = 2
"""Pieces cut between two looks at which of them misses most."""


@dataclass(frozen=True, eq=False)
class _Piece:
    start: float
    end: float
    before: float
    after: float
    slope: torch.Tensor
    along: float

    @property
    def length(self) -> float:
        """How much of the line it is."""
        return self.end - self.start

    @property
    def misses(self) -> float:
        """What the piece does not account for, with its sign."""
        return self.along * self.length - (self.after - self.before)


def walked(
    asking: Asking, image: torch.Tensor, base: torch.Tensor, steps: tuple[int, int], gap: float
) -> tuple[torch.Tensor, int]:
    """Return the map (C, *spatial) from `base` to `image` (1, C, *spatial), and the number of gradients taken.

    The first of `steps` is taken, and up to the second while the map misses more than the share `gap` of what the
    score gains. The gradients are kept meanwhile: as many times the memory of the image.
    """
    import torch

    line, (least, most) = _Line(asking, image, base), steps
    ends = np.linspace(0.0, 1.0, FIRST + 1).tolist()
    scores = line.scores(ends)
    pieces = line.pieces(list(zip(ends, ends[1:], scores, scores[1:], strict=False)))
    while len(pieces) + 2 * AT_ONCE <= most:
        missing = abs(sum(one.misses for one in pieces))
        if len(pieces) >= least and missing <= gap * abs(scores[-1] - scores[0]):
            break
        pieces.sort(key=lambda one: -abs(one.misses))
        pieces = [*pieces[AT_ONCE:], *line.cut(pieces[:AT_ONCE])]
    total = torch.zeros_like(image[0])
    for one in pieces:
        total += one.slope * one.length
    return total * line.way[0], len(pieces)


@dataclass(frozen=True, eq=False)
class _Line:
    asking: Asking
    image: torch.Tensor
    base: torch.Tensor

    @property
    def way(self) -> torch.Tensor:
        return self.image - self.base

    def scores(self, places: Sequence[float]) -> list[float]:
        """Return the score at places from 0 to 1."""
        return [float(one) for images in self._images(places) for one in self.asking(images)]

    def pieces(self, spans: Sequence[_Span]) -> list[_Piece]:
        """Return pieces with the gradient at their middles."""
        middles = [(start + end) / 2.0 for start, end, *_ in spans]
        slopes = [one for images in self._images(middles) for one in self.asking.gradient(images).cpu()]
        return [_Piece(*span, one, float((one * self.way[0]).sum())) for span, one in zip(spans, slopes, strict=True)]

    def cut(self, pieces: Sequence[_Piece]) -> list[_Piece]:
        """Return thirds of pieces."""
        places = [place for one in pieces for place in (one.start + one.length / 3.0, one.end - one.length / 3.0)]
        scores, outer, middle = self.scores(places), [], []
        for at, one in enumerate(pieces):
            (first, second), (low, high) = places[2 * at : 2 * at + 2], scores[2 * at : 2 * at + 2]
            outer += [(one.start, first, one.before, low), (second, one.end, high, one.after)]
            middle.append(_Piece(first, second, low, high, one.slope, one.along))
        return [*self.pieces(outer), *middle]

    def _images(self, places: Sequence[float]) -> Iterator[torch.Tensor]:
        size = batch_for(self.image)
        for at in range(0, len(places), size):
            chosen = self.image.new_tensor(places[at : at + size]).reshape(-1, *[1] * (self.image.ndim - 1))
            yield self.base + chosen * self.way
