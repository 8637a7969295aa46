"""Parameter randomisation (Adebayo et al., NeurIPS 2018): a map that survives random weights shows no learning.

The map of the network is compared with those of copies of it: one whose last layer is random, one all of whose layers
are. The network itself is never touched.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import Refused
from medassist.explain.gradients import noisy_copies
from medassist.explain.layout import share_layouts
from medassist.explain.protocol import Question
from medassist.explain.quality.asked import Asked, Within
from medassist.explain.quality.last_layers import last_layers
from medassist.explain.quality.likeness import pooled, rank_correlation, similarity
from medassist.inference.network import LoadedNetwork
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

DRAWS = 3
SEED = 0
MEASURING_COPIES = 4
MEASURING_NOISE = 0.1


def randomised(asked: Asked, progress: Progress) -> dict[str, float]:
    """Return SSIM and |rank correlation| to the maps of networks random in the last layer ("top") and in all ("all").

    Means over `DRAWS` networks; a network the method cannot explain any more is left out.
    """
    found: dict[str, list[float]] = {}
    for at in range(2 * DRAWS):
        kind, seed = ("top", "all")[at // DRAWS], SEED + at % DRAWS
        within = Within(progress, at / (2 * DRAWS), (at + 1) / (2 * DRAWS))
        within.step("")
        try:
            values = asked.again(replace(asked.question, network=_random(asked.question, kind, seed, within)), within)
        except Refused:
            continue
        if not np.isfinite(values).all():
            continue
        own, there = pooled(asked.values), pooled(values)
        found.setdefault(f"randomised_{kind}_ssim", []).append(similarity(own, there))
        found.setdefault(f"randomised_{kind}_rank", []).append(abs(rank_correlation(own, there)))
    return {name: float(np.mean(numbers)) for name, numbers in found.items()}


def _random(question: Question, kind: str, seed: int, progress: Progress) -> LoadedNetwork:
    """Return a copy of the network with random weights."""
    import torch

    network = question.network
    with network.held(progress):
        module = copy.deepcopy(network.module)
        share_layouts(network.module, module)
    random = torch.Generator().manual_seed(seed)
    parts = last_layers(module, question) if kind == "top" else list(module.modules())
    with torch.inference_mode(False), torch.no_grad():
        for part in parts:
            _make_random(part, random)
        if kind == "all":
            _measure_again(module, question.inputs.to(network.device))
    module.requires_grad_(False)
    return LoadedNetwork(module.eval(), network.package, network.device)


def _make_random(part: nn.Module, random: torch.Generator) -> None:
    """Draw a part's own weights anew, as large as they are; what a normalisation learned becomes nothing."""
    import torch
    from torch import nn

    norms = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
    if isinstance(part, norms):
        part.reset_parameters()
        return
    for parameter in part.parameters(recurse=False):
        size = float(parameter.float().square().mean().sqrt())
        drawn = torch.randn(parameter.shape, generator=random) * size
        parameter.copy_(drawn.to(parameter))


def _measure_again(module: nn.Module, image: torch.Tensor) -> None:
    """Let batch normalisations measure what random weights send them: else the signal dies on its way."""
    import torch
    from torch import nn

    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    module.eval()
    for part in norms:
        part.momentum = 1.0
        part.train()
    size = MEASURING_NOISE * float(image.max() - image.min())
    (images,) = noisy_copies(image.cpu(), MEASURING_COPIES, size)
    module(torch.as_tensor(images, device=image.device))
