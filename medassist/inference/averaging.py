"""Test-time augmentation: the mean of what a network says of an image as it is and mirrored, each answer turned back.

Probabilities are averaged, not logits: a view that is sure then outweighs one that cannot tell no more than its
probability does. The mean is taken window by window and handed on as its logarithm, of which a softmax is the mean
again; so windows, blending, decision and the way home need not know of it, and no second volume is held. Where windows
overlap, their logarithms are blended as logits are: with no flips that is the answer without augmentation, since the
two differ by one number per window and voxel that is the same for every class. With flips it differs from averaging
whole mirrored runs, whose windows would lie elsewhere and be blended before the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from medassist.entities.errors import Cancelled
from medassist.entities.prediction import ClassScore
from medassist.entities.study import Warned, warned
from medassist.inference.embedding import Seen
from medassist.inference.flips import Flips
from medassist.inference.packages import Package
from medassist.inference.turns import Turn, turned, turned_back
from medassist.inference.windows import Forward
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch


def views(forward: Forward, flips: Flips) -> tuple[Forward, ...]:
    """Return the network on windows (N, C, …) as they are, and on each flip of them; the answers are not turned back.

    Only the first is compared with the training images, which the features of a mirrored one would blur.
    """
    return (forward, *(_mirrored(_aside(forward), flip) for flip in flips))


def _mirrored(forward: Forward, flip: tuple[int, ...]) -> Forward:
    return lambda windows: forward(windows.flip(_dims(flip)))


def _dims(flip: tuple[int, ...]) -> list[int]:
    return [2 + axis for axis in flip]


def averaged(
    forward: Forward, flips: Flips, progress: Progress, *, turns: Sequence[Turn] = (), spread: bool = False
) -> Forward:
    """Return a segmenter that answers windows (N, C, …) with the log of the mean softmax (N, K, …), as float32.

    A view of `turns` counts at each voxel as far as it holds it. With `spread` one more channel follows: the standard
    deviation over the image and its flips of the probability of the class whose mean is highest in the window.
    Cancelled between two views after `progress.cancel()`.
    """

    def answer(windows: torch.Tensor) -> torch.Tensor:
        import torch

        whole: torch.Tensor | None = None
        shares = _Spread()
        for flip, view in zip(((), *flips), views(forward, flips), strict=True):
            if progress.cancelled:
                raise Cancelled
            found = view(windows).float().log_softmax(dim=1)
            found = found.flip(_dims(flip)) if flip else found
            whole = found if whole is None else torch.logaddexp(whole, found)
            if spread:
                shares.add(found.exp())
        if whole is None:  # never: the image as it is is a view
            return windows
        more = shares.of(whole) if spread else None
        whole = _with_turns(aside, windows, whole.exp_(), 1 + len(flips), turns, progress) if turns else whole - counted
        return whole if more is None else torch.cat([whole, more], 1)

    aside, counted = _aside(forward), log(1 + len(flips))
    return answer


def _with_turns(
    forward: Forward, windows: torch.Tensor, total: torch.Tensor, count: int, turns: Sequence[Turn], progress: Progress
) -> torch.Tensor:
    """Return the log of the mean of `count` probabilities, summed in `total`, and those of the turned views."""
    seen = total.new_full(total[:, :1].shape, count)
    for turn in turns:
        if progress.cancelled:
            raise Cancelled
        share, held = turned_back(forward(turned(windows, turn)).float().softmax(dim=1), turn)
        total += share
        seen += held
    return (total / seen).log_()


def _aside(forward: Forward) -> Forward:
    """Return the network for views that are no part of the image, like mirrored ones."""
    return forward.unseen if isinstance(forward, Seen) else forward


class _Spread:
    """Running variance of probabilities (N, K, …): Welford, Technometrics 4:419, 1962. Two arrays for any views."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, share: torch.Tensor) -> None:
        self._count += 1
        if self._count == 1:
            self._mean, self._squares = share, share.new_zeros(share.shape)
            return
        away = share - self._mean
        self._mean = self._mean + away / self._count
        self._squares += away * (share - self._mean)

    def of(self, whole: torch.Tensor) -> torch.Tensor:
        """Return the standard deviation (N, 1, …) of the class that is highest in `whole`."""
        highest = whole.argmax(1, keepdim=True)
        return (self._squares.gather(1, highest) / self._count).clamp_(min=0.0).sqrt_()


def mean_scores(told: Sequence[Sequence[ClassScore]]) -> tuple[ClassScore, ...]:
    """Return the mean probability of every label over views, with the standard deviation over those views."""
    every = [[one.probability for one in label] for label in zip(*told, strict=True)]
    return tuple(
        replace(score, probability=fmean(found), spread=pstdev(found))
        for score, found in zip(told[0], every, strict=True)
    )


def note_of(package: Package) -> Warned:
    """Return what a reader must know of an answer that is a mean over views."""
    count = 1 + len(package.flips)
    if package.marks_voxels:
        return warned("The labels come from the mean of {count} views: the image as it is, and mirrored.", count=count)
    return warned(
        "The scores are the mean of {count} views: the image as it is, and mirrored; the calibration and the operating "
        "points of the model were measured without, and an explanation shows the image as it is.",
        count=count,
    )
