"""Maps that need no gradient: parts of the image are covered, and the score answers.

* Occlusion (Zeiler and Fergus, ECCV 2014): a window moves over the image; a voxel gets the mean loss of the score over
  the windows that cover it.
* RISE (Petsiuk et al., BMVC 2018): random smooth masks; a voxel gets the mean score of the masks that leave it visible.

What is covered shows the mean of the image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medassist.explain.asking import Asking, batch_for
from medassist.explain.baselines import mean
from medassist.explain.on_input import Found, OnInput
from medassist.explain.protocol import Question, Setting

if TYPE_CHECKING:
    import torch

SEED = 0
WINDOW = Setting("window", "Window, as a share of the image", 0.15, 0.03, 0.5, whole=False)
MASKS = Setting("masks", "Random masks", 300, 50, 4000)
CELLS = Setting("cells", "Cells of a mask along the longest side", 7, 3, 20)
VISIBLE = 0.5
STRIDES_PER_WINDOW = 2


def windows_of(question: Question) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the size of the window and its stride, in voxels along each axis of the input."""
    share, sizes = question.number(WINDOW), question.inputs.shape[2:]
    window = tuple(max(1, min(size, round(share * size))) for size in sizes)
    return window, tuple(max(1, one // STRIDES_PER_WINDOW) for one in window)


def _occlusion(question: Question, asking: Asking) -> Found:
    from captum.attr import Occlusion

    window, stride = windows_of(question)
    image, channels = question.inputs, question.inputs.shape[1]
    values = Occlusion(asking).attribute(
        image,
        sliding_window_shapes=(channels, *window),
        strides=(channels, *stride),
        baselines=mean(image),
        perturbations_per_eval=batch_for(image),
    )[0, 0]
    return Found(values, {"window_voxels": list(window), "stride_voxels": list(stride), "covered by": "mean"})


def _occlusion_cost(question: Question) -> float:
    window, stride = windows_of(question)
    places = [
        1 + math.ceil((size - one) / step)
        for size, one, step in zip(question.inputs.shape[2:], window, stride, strict=True)
    ]
    return 2.0 + math.prod(places)


def _rise(question: Question, asking: Asking) -> Found:
    import torch

    image, count, cover = question.inputs, question.count(MASKS), mean(question.inputs)
    random = torch.Generator().manual_seed(SEED)
    total, seen = torch.zeros(image.shape[2:]), torch.zeros(image.shape[2:])
    at_once = batch_for(image)
    for start in range(0, count, at_once):
        masks = random_masks(min(at_once, count - start), tuple(image.shape[2:]), question.count(CELLS), random)
        scores = asking(masks * image + (1.0 - masks) * cover).cpu()
        total += (scores.reshape(-1, *[1] * (image.ndim - 2)) * masks[:, 0]).sum(0)
        seen += masks[:, 0].sum(0)
    # The mean over all masks is what a voxel that does not matter gets: the map is what is more than that.
    overall = float(total.sum() / seen.sum())
    return Found(total / seen.clamp_min(1e-6) - overall, {"covered by": "mean"})


def random_masks(count: int, size: tuple[int, ...], cells: int, random: torch.Generator) -> torch.Tensor:
    """Return smooth masks (count, 1, *size) of 0 to 1: coarse random cells, enlarged and shifted at random."""
    import torch
    from torch.nn.functional import interpolate

    side = math.ceil(max(size) / cells)
    grid = [math.ceil(one / side) + 1 for one in size]
    coarse = (torch.rand((count, 1, *grid), generator=random) < VISIBLE).float()
    mode = "bilinear" if len(size) == 2 else "trilinear"
    fine = interpolate(coarse, size=[one * side for one in grid], mode=mode, align_corners=False)
    shifts = [int(torch.randint(0, side, (1,), generator=random)) for _ in size]
    part = tuple(slice(shift, shift + one) for shift, one in zip(shifts, size, strict=True))
    return fine[(slice(None), slice(None), *part)].clamp(0.0, 1.0)


COVERING = (
    OnInput(
        "occlusion",
        "Occlusion",
        _occlusion,
        _occlusion_cost,
        signed=True,
        settings=(WINDOW,),
        modules=("torch", "captum"),
    ),
    OnInput("rise", "RISE", _rise, lambda question: 1.0 + question.count(MASKS), signed=True, settings=(MASKS, CELLS)),
)
