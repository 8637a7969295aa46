"""What the smallest change that is meant to mislead does to a model: FGSM and PGD, and a random change of equal size.

The change is made to what the network gets, in units of the standard deviation of that input. FGSM: Goodfellow et al.,
arXiv:1412.6572; PGD: Madry et al., arXiv:1706.06083, in the largest norm. A random sign of the same size tells what of
the fall is malice and what is mere noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.inference.plan import Plan
from medassist.inference.postprocess import decision
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

ATTACKS = ("random", "fgsm", "pgd")
LEVELS = (0.005, 0.01, 0.02, 0.05, 0.1)
UNIT = "largest change, in SD of the input"
STEPS = 5


def attacked(
    package: Package,
    image: torch.Tensor,
    plan: Plan | None,
    truth: NDArray[np.bool_] | None,
    *,
    attack: str,
    level: float,
    device: str,
    key: str = "",
) -> torch.Tensor:
    """Return an image that raises the loss of the network most, or at random; the network is left as it was.

    Args:
        package: whose network is attacked; it is locked meanwhile.
        image: (1, C, …) as the network gets it.
        plan: the windows it is run in, None for the whole image.
        truth: (labels,) of a classifier. A segmenter is led away from its own answer (None), which near the truth is
            the truth and, unlike it, gives nothing away (Kurakin et al., arXiv:1611.01236, on label leaking).
        attack: one of ATTACKS.
        level: the largest change of any value, in standard deviations of `image`.
        device: torch name.
        key: what the random signs are drawn from.
    """
    import torch

    size = level * float(image.std())
    if attack == "random":
        named = int.from_bytes(hashlib.sha256(f"{key}/{level}".encode()).digest()[:7], "little")
        signs = np.random.default_rng(named).choice(np.array([-1.0, 1.0], np.float32), tuple(image.shape))
        return image + size * torch.from_numpy(signs)
    steps, stride = (1, size) if attack == "fgsm" else (STEPS, 2.0 * size / STEPS)
    network = load_network(package, device)
    with network.held(Progress()), torch.inference_mode(False), torch.enable_grad():
        loss = _loss(package, truth)
        wanted = _answers(network.module, image, plan, device)
        changed = image.detach().clone()
        for _ in range(steps):
            uphill = _gradient(network.module, changed, wanted, plan, loss, device).sign()
            changed = image + (changed + stride * uphill - image).clamp(-size, size)
    return changed.detach()


def can_be_misled(package: Package, image: torch.Tensor, plan: Plan | None, device: str) -> bool:
    """Tell whether the answer of the network to `image` (1, C, …) depends on it by a gradient."""
    import torch

    network = load_network(package, device)
    with network.held(Progress()), torch.inference_mode(False), torch.enable_grad():
        source = image.detach().clone().requires_grad_()
        answer = _logits(network.module, _window(source, plan, 0).to(device))
        if not answer.requires_grad:
            return False
        (found,) = torch.autograd.grad(answer.sum(), source, allow_unused=True)
    return found is not None and bool(found.any())


def _gradient(
    module: torch.nn.Module,
    image: torch.Tensor,
    wanted: list[torch.Tensor],
    plan: Plan | None,
    loss: Loss,
    device: str,
) -> torch.Tensor:
    """Return the gradient of the loss summed over all windows; one window at a time is in memory."""
    import torch

    source = image.detach().clone().requires_grad_()
    total = torch.zeros_like(image)
    for at, own in enumerate(wanted):
        (part,) = torch.autograd.grad(loss(_logits(module, _window(source, plan, at).to(device)), own), source)
        total += part
    return total


def _answers(module: torch.nn.Module, image: torch.Tensor, plan: Plan | None, device: str) -> list[torch.Tensor]:
    """Return what the network says of each window before anything is changed."""
    import torch

    with torch.no_grad():
        return [_logits(module, _window(image, plan, at).to(device)) for at in range(1 if plan is None else plan.count)]


def _logits(module: torch.nn.Module, image: torch.Tensor) -> torch.Tensor:
    answer = module(image)
    logits: torch.Tensor = answer[0] if isinstance(answer, tuple | list) else answer
    return logits


def _window(image: torch.Tensor, plan: Plan | None, at: int) -> torch.Tensor:
    return image if plan is None else plan.pad(image)[(slice(None), slice(None), *plan.windows()[at])]


def _loss(package: Package, truth: NDArray[np.bool_] | None) -> Loss:
    """Return `loss(logits, own answer)`, larger where the network is more wrong."""
    from torch.nn.functional import binary_cross_entropy_with_logits as binary
    from torch.nn.functional import cross_entropy

    if package.marks_voxels:
        if package.task == "segmentation" and decision(package).threshold is not None:
            return lambda logits, own: binary(logits, (own > 0).float())
        return lambda logits, own: cross_entropy(logits, own.argmax(dim=1))
    if truth is None:
        raise ValueError("a classifier is led away from the truth, which is missing")
    outputs = [label.value for label in package.labels]
    if package.exclusive:
        return lambda logits, _own: cross_entropy(logits, _tensor([outputs[int(truth.argmax())]], logits))
    return lambda logits, _own: binary(logits[:, outputs], _tensor([truth.astype(np.float32)], logits))


def _tensor(values: list[int] | list[NDArray[np.float32]], like: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.as_tensor(np.asarray(values), device=like.device)
