"""Run a network over an image in overlapping windows, stopping between two windows when asked.

The blended answer comes out block by block, as soon as no later window can change a block, and each block is given
back at once: the memory for the sums grows with the cross-section of the image and the overlap, never with classes x
volume. Windows, weights and the order of the sums are MONAI's, so that the answer is the one of its
`sliding_window_inference`, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from medassist.entities.errors import Refused
from medassist.inference.bundle import Inferer
from medassist.inference.plan import Plan, plan_windows
from medassist.inference.shortage import is_shortage
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

Forward: TypeAlias = "Callable[[torch.Tensor], torch.Tensor]"
"""A network on its device: windows (N, C, …) to logits (N, K, …)."""

STAGE = "Running the model"
BLOCK_BYTES = 48 * 2**20
"""How large a block may grow before it is cut along the first axis."""


@dataclass(frozen=True, eq=False)
class Block:
    """Blended logits (C, …) of the box of the image that begins at voxel `start` (one number per axis)."""

    start: tuple[int, ...]
    logits: torch.Tensor

    @property
    def is_finite(self) -> bool:
        """Whether every logit is a number; one sum tells it, and is much quicker than asking each."""
        total = self.logits.sum()
        return bool(total.isfinite()) or bool(self.logits.isfinite().all())


def run_network(
    forward: Forward, image: torch.Tensor, inferer: Inferer, device: str, *, progress: Progress
) -> torch.Tensor:
    """Return the logits of `image` (1, C, …) on the CPU, all of them at once: for answers that are small.

    `progress.step` is called before each batch of windows and raises Cancelled there.
    """
    return answer_of(forward, image, planned(image, inferer), device, progress=progress)[None]


def answer_of(
    forward: Forward, image: torch.Tensor, plan: Plan | None, device: str, *, progress: Progress
) -> torch.Tensor:
    """Return all that the network says of `image` (1, C, …), without the first axis, on the CPU."""
    import torch

    found = blocks(forward, image, plan, device, progress=progress)
    first = next(found)
    if plan is None:
        list(found)
        return first.logits
    whole = torch.empty((len(first.logits), *plan.size))
    for block in (first, *found):
        box = tuple(slice(at, at + size) for at, size in zip(block.start, block.logits.shape[1:], strict=True))
        whole[(slice(None), *box)] = block.logits
    return whole


def planned(image: torch.Tensor, inferer: Inferer) -> Plan | None:
    """Return the windows over `image` (1, C, …), None when the network takes it whole."""
    return None if inferer.windows is None else plan_windows(tuple(image.shape[2:]), inferer.windows)


def blocks(
    forward: Forward, image: torch.Tensor, plan: Plan | None, device: str, *, progress: Progress
) -> Iterator[Block]:
    """Yield what the network says of `image` (1, C, …), on the CPU: blended windows, or one block without a plan.

    `progress.step` is called before each batch of windows and raises Cancelled there; Refused when the network does
    not fit the image. Errors for want of memory come as they are (see `shortage`).
    """
    if plan is not None:
        yield from blended(forward, image, plan, device, progress=progress)
        return
    progress.step(STAGE, 0.0)
    logits = forward_once(forward, image, device)[0]
    progress.step(STAGE, 1.0)
    yield Block((0,) * (image.ndim - 2), logits)


def blended(forward: Forward, image: torch.Tensor, plan: Plan, device: str, *, progress: Progress) -> Iterator[Block]:
    """Yield the blended logits of `image` (1, C, …) in blocks that fill it without overlap, on the CPU.

    The blocks come in the order of the windows: row of windows by row along the first axis, within it column by
    column along the second, and within a column by the first axis again; all other axes are whole.
    """
    import torch

    padded, sums = plan.pad(image), _Sums(plan)
    batches = plan.batches()
    for done, batch in enumerate(batches):
        progress.step(STAGE, done / len(batches))
        cut = [padded[(slice(None), slice(None), *window)] for window in batch]
        answers = forward_once(forward, torch.cat(cut) if len(cut) > 1 else cut[0], device)
        if tuple(answers.shape[2:]) != plan.roi:
            raise _other_size(tuple(answers.shape), plan)
        for window, answer in zip(batch, answers, strict=True):
            yield from sums.add(window, answer)
        del answers, answer  # not to be held while the network runs again
    progress.step(STAGE, 1.0)


class _Sums:
    """Weighted sums of the windows so far, in cells that are given back once their last window was added."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._weights = plan, plan.weights()
        self._channels, self._rows = 0, [0]
        self._columns = _edges(plan, 1) if len(plan.padded) > 1 else [0, 1]
        self._cells: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def add(self, window: tuple[slice, ...], answer: torch.Tensor) -> Iterator[Block]:
        """Add one window (C, …) and yield the blocks that are finished by it."""
        if not self._channels:
            self._channels, self._rows = len(answer), _cuts(self._plan, len(answer))
        for row in _touched(self._rows, window[0]):
            for column in self._touched_columns(window):
                self._add_to(row, column, window, answer)
        if self._plan.ends_column(window):
            yield from self._finished(window)

    def _touched_columns(self, window: tuple[slice, ...]) -> list[tuple[int, int]]:
        return _touched(self._columns, window[1]) if len(window) > 1 else [(0, 1)]

    def _add_to(
        self, row: tuple[int, int], column: tuple[int, int], window: tuple[slice, ...], answer: torch.Tensor
    ) -> None:
        total, count = self._cell(row, column)
        origin = (row[0], column[0], *[0] * len(window))[: len(window)]
        box = tuple(
            slice(max(part.start, at), min(part.stop, at + size))
            for part, at, size in zip(window, origin, count.shape, strict=True)
        )
        here = tuple(slice(part.start - at, part.stop - at) for part, at in zip(box, origin, strict=True))
        there = tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, window, strict=True))
        weights = self._weights[there]
        total[(slice(None), *here)] += answer[(slice(None), *there)] * weights
        count[here] += weights

    def _cell(self, row: tuple[int, int], column: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        key = row[0], column[0]
        if key not in self._cells:
            shape = (row[1] - row[0], column[1] - column[0], *self._plan.padded[2:])[: len(self._plan.padded)]
            self._cells[key] = torch.zeros((self._channels, *shape)), torch.zeros(shape)
        return self._cells[key]

    def _finished(self, window: tuple[slice, ...]) -> Iterator[Block]:
        """Give back what lies before the next row and the next column of windows."""
        until = [self._plan.next_start(axis, part.start) for axis, part in enumerate(window[:2])]
        done = [key for key in self._cells if all(at < end for at, end in zip(key, until, strict=False))]
        for row, column in sorted(done, key=lambda key: (key[1], key[0])):
            total, count = self._cells.pop((row, column))
            block = self._plan.crop((row, column, *[0] * len(window))[: len(window)], total.div_(count))
            if block is not None:
                yield Block(*block)


def _edges(plan: Plan, axis: int) -> list[int]:
    """Return where windows begin and end on an axis: between two of these all voxels have the same windows."""
    starts = plan.starts[axis]
    return sorted({*starts, *(start + plan.roi[axis] for start in starts)})


def _cuts(plan: Plan, channels: int) -> list[int]:
    """Return where cells begin and end on the first axis: where windows do, and between so that none grows large."""
    edges = _edges(plan, 0)
    width = max(b - a for a, b in pairwise(_edges(plan, 1))) if len(plan.padded) > 1 else 1
    plane = 4 * channels * width * prod(plan.padded[2:])
    most = max(1, BLOCK_BYTES // plane)
    return sorted({cut for a, b in pairwise(edges) for cut in range(a, b, most)} | {edges[-1]})


def _touched(edges: list[int], part: slice) -> list[tuple[int, int]]:
    return [(a, b) for a, b in pairwise(edges) if a < part.stop and b > part.start]


def forward_once(forward: Forward, windows: torch.Tensor, device: str) -> torch.Tensor:
    """Return the answer to one batch of windows as float32 on the CPU (Refused when the image does not fit)."""
    import torch

    try:
        # Not around a `yield`: the mode would hold for whoever takes the blocks, too.
        with torch.inference_mode():
            return forward(windows.to(device)).float().cpu()
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        if is_shortage(error):
            raise
        raise Refused(
            "The network cannot run on an input of {shape}: {reason}",
            shape=" x ".join(map(str, windows.shape)),
            reason=str(error).strip().splitlines()[0][:300],
        ) from error


def _other_size(found: tuple[int, ...], plan: Plan) -> Refused:
    return Refused(
        "The network answers a window of {window} voxels with {found}.",
        window=" x ".join(map(str, plan.roi)),
        found=" x ".join(map(str, found)),
    )


def count_batches(image_size: tuple[int, ...], options: dict[str, Any]) -> int:
    """Return how often the network will be called on an image of `image_size`."""
    return len(plan_windows(image_size, options).batches())
