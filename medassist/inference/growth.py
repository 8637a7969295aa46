"""How large each step of a preparation makes an image, told without its pixels: one line may ask for terabytes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.devices import free_bytes

if TYPE_CHECKING:
    from monai.data import MetaTensor

GB = 1e9
MOST_BYTES_UNTOLD = 16_000_000_000
"""What a step may need where the system does not tell what is free."""
COPIES = 2
"""A step holds its image and one more of it."""
RESAMPLING_BYTES = 56
"""Spacing computes in float64 and holds the place of every voxel: measured 54 bytes for each (one channel)."""
_UNTELLABLE = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError)


def ghost(shape: tuple[int, ...], affine: Any) -> MetaTensor:
    """Return an image (C, X, Y[, Z]) of this shape that takes no memory."""
    import torch
    from monai.data import MetaTensor

    return MetaTensor(torch.zeros(1).expand(shape), affine=affine, meta={"space": "RAS"})


def grown(step: Any, image: MetaTensor) -> Any:
    """Do of a transform only what it does to the grid; a crop that has to see pixels first keeps the whole image."""
    from monai.transforms import BorderPad, CropForeground, DivisiblePad, RepeatChannel
    from monai.transforms.traits import LazyTrait

    if isinstance(step, CropForeground):
        wider = BorderPad(step.margin)(image, lazy=True) if step.margin else image
        return wider if step.k_divisible in (0, 1) else DivisiblePad(step.k_divisible)(wider, lazy=True)
    if isinstance(step, RepeatChannel):
        return image[:1].expand(image.shape[0] * step.repeats, *image.shape[1:])
    return step(image, lazy=True) if isinstance(step, LazyTrait) else image


def demand_room(model: str, step: Any, image: Any) -> None:
    """Refuse a step that needs more memory than is free, or that leaves a single voxel of an axis, before it runs.

    What cannot be told (the step fails on the grid alone) is left to the step, which fails in the same way.
    """
    from monai.transforms import Spacing

    before = tuple(int(size) for size in image.shape)
    try:
        after = shape_of(grown(step, ghost(before, getattr(image, "affine", None))))
    except _UNTELLABLE:
        return
    resampled = isinstance(step, Spacing) and after != before
    if resampled and any(new < 2 <= old for old, new in zip(before[1:], after[1:], strict=True)):
        raise Refused(
            "The preparation of the model {model} would leave {after} of {before} voxels ({step}).",
            model=model,
            step=type(step).__name__,
            before=_times(before[1:]),
            after=_times(after[1:]),
        )
    needed = math.prod(after) * (RESAMPLING_BYTES if resampled else COPIES * image.element_size())
    free = free_bytes("cpu")
    if needed > (MOST_BYTES_UNTOLD if free is None else free):
        raise _no_room(model, step, after, needed, free)


def shape_of(image: MetaTensor) -> tuple[int, ...]:
    """Return (C, X, Y[, Z]) as it will be once all that is pending is done."""
    return (int(image.shape[0]), *(int(size) for size in image.peek_pending_shape()))


def _no_room(model: str, step: Any, shape: tuple[int, ...], needed: int, free: int | None) -> Refused:
    remedy = "Close other programs or series, or use a machine with more memory."
    told = {
        "model": model,
        "step": type(step).__name__,
        "shape": _times(shape[1:]),
        "needed": f"{needed / GB:.1f}",
    }
    if free is None:
        return Refused(
            "There is not enough memory to run {model} on this image: its step {step} would make {shape} voxels of it "
            "and need {needed} GB, more than the {most} GB allowed where the system does not tell what is free.",
            remedy=remedy,
            **told,
            most=f"{MOST_BYTES_UNTOLD / GB:.0f}",
        )
    return Refused(
        "There is not enough memory to run {model} on this image: its step {step} would make {shape} voxels of it and "
        "need {needed} GB, and {free} GB are free.",
        remedy=remedy,
        **told,
        free=f"{free / GB:.1f}",
    )


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
