"""Where the windows of a sliding window lie, and how they are weighted: MONAI's rules, known before anything runs."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

DEFAULT_OVERLAP = 0.25
DEFAULT_MODE = "gaussian"


@dataclass(frozen=True)
class Plan:
    """The windows over one image; every tuple has one entry per spatial axis.

    Attributes:
        size: of the image; `padded` is at least as large as `roi`, `before` voxels of it lie before the image.
        roi: of a window.
        starts: where windows begin on each axis.
        batch: how many windows are run at once.
        options: mode, sigma_scale, padding_mode and cval as the bundle gave them.
    """

    size: tuple[int, ...]
    padded: tuple[int, ...]
    before: tuple[int, ...]
    roi: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]
    batch: int
    options: dict[str, Any]

    @property
    def count(self) -> int:
        """Return the number of windows."""
        count = 1
        for starts in self.starts:
            count *= len(starts)
        return count

    def windows(self) -> list[tuple[slice, ...]]:
        """Return every window, the last axis running fastest."""
        corners: list[tuple[int, ...]] = [()]
        for starts in self.starts:
            corners = [(*corner, start) for corner in corners for start in starts]
        return [
            tuple(slice(start, start + roi) for start, roi in zip(corner, self.roi, strict=True)) for corner in corners
        ]

    def batches(self) -> list[list[tuple[slice, ...]]]:
        """Return the windows in batches."""
        every = self.windows()
        return [every[at : at + self.batch] for at in range(0, len(every), self.batch)]

    def ends_column(self, window: tuple[slice, ...]) -> bool:
        """Tell whether no later window has the same start on the first two axes."""
        return all(part.start == starts[-1] for part, starts in zip(window[2:], self.starts[2:], strict=True))

    def next_start(self, axis: int, start: int) -> int:
        """Return where the window after the one at `start` begins on an axis, the end of the image for the last."""
        after = bisect_right(self.starts[axis], start)
        return self.starts[axis][after] if after < len(self.starts[axis]) else self.padded[axis]

    def weights(self) -> torch.Tensor:
        """Return the weight of every voxel of a window, float32."""
        from monai.data.utils import compute_importance_map

        options = {name: self.options[name] for name in ("mode", "sigma_scale") if name in self.options}
        weights: torch.Tensor = compute_importance_map(self.roi, **{"mode": DEFAULT_MODE, **options})
        return weights

    def pad(self, image: torch.Tensor) -> torch.Tensor:
        """Return `image` (1, C, …) with the margins an image smaller than a window needs."""
        from torch.nn.functional import pad

        margins: list[int] = []
        for size, padded, before in zip(self.size[::-1], self.padded[::-1], self.before[::-1], strict=True):
            margins += [before, padded - size - before]
        if not any(margins):
            return image
        mode = self.options.get("padding_mode", "constant")
        return pad(image, margins, mode=mode, value=self.options.get("cval", 0.0) if mode == "constant" else None)

    def crop(self, start: tuple[int, ...], values: torch.Tensor) -> tuple[tuple[int, ...], torch.Tensor] | None:
        """Return the part of `values` (C, …), which begin at `start` of the padded image, that lies in the image."""
        first = [max(at, before) for at, before in zip(start, self.before, strict=True)]
        last = [
            min(at + length, before + size)
            for at, length, before, size in zip(start, values.shape[1:], self.before, self.size, strict=True)
        ]
        if any(a >= b for a, b in zip(first, last, strict=True)):
            return None
        box = tuple(slice(a - at, b - at) for a, b, at in zip(first, last, start, strict=True))
        return tuple(a - before for a, before in zip(first, self.before, strict=True)), values[(slice(None), *box)]

    def with_batch(self, batch: int) -> Plan:
        """Return the same windows in batches of another size."""
        return replace(self, batch=batch)


def plan_windows(image_size: tuple[int, ...], options: dict[str, Any]) -> Plan:
    """Lay the windows of a bundle's SlidingWindowInferer over an image of `image_size`.

    A `roi_size` of None or below 1 takes the whole axis; `overlap` is the share of a window that the next one shares;
    an image smaller than a window is padded on both sides, the odd voxel behind.
    """
    axes = len(image_size)
    wanted = _per_axis(options["roi_size"], axes)
    overlaps = _per_axis(options.get("overlap", DEFAULT_OVERLAP), axes)
    roi = tuple(int(one) if one and one > 0 else size for one, size in zip(wanted, image_size, strict=True))
    padded = tuple(max(size, one) for size, one in zip(image_size, roi, strict=True))
    return Plan(
        size=image_size,
        padded=padded,
        before=tuple((large - size) // 2 for large, size in zip(padded, image_size, strict=True)),
        roi=roi,
        starts=tuple(_starts(*axis) for axis in zip(padded, roi, overlaps, strict=True)),
        batch=int(options.get("sw_batch_size", 1)),
        options=options,
    )


def _starts(size: int, roi: int, overlap: float) -> tuple[int, ...]:
    """Return where windows begin on one axis; the last one ends with the image."""
    interval = roi if roi == size else max(1, int(roi * (1 - overlap)))
    return (*range(0, size - roi, interval), size - roi)


def _per_axis(value: Any, axes: int) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] * axes
