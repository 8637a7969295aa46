"""Maps of the gradient to the input.

* Saliency (Simonyan et al., ICLR workshop 2014): the size of the gradient.
* Input x Gradient (Shrikumar et al. 2016): signed, exact where the network is linear.
* SmoothGrad (Smilkov et al. 2017): the mean saliency over noisy copies.
* Guided backpropagation (Springenberg et al. 2015): negative gradients stopped at every ReLU. Redraws edges whatever
  the network has learned (Adebayo et al., NeurIPS 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.explain.asking import GRADIENT_PASS, Asking, as_module, batch_for
from medassist.explain.on_input import Found, OnInput
from medassist.explain.protocol import Question, Setting

if TYPE_CHECKING:
    import torch

SEED = 0
COPIES = Setting("copies", "Noisy copies", 16, 4, 100)
NOISE = Setting("noise", "Noise, as a share of the range of the image", 0.1, 0.01, 0.5, whole=False)
FAILS_SANITY = "Guided backpropagation redraws edges whatever the network has learned: it fails the sanity check."


def _saliency(question: Question, asking: Asking) -> Found:
    return Found(asking.gradient(question.inputs)[0].abs())


def _input_times_gradient(question: Question, asking: Asking) -> Found:
    return Found(question.inputs[0] * asking.gradient(question.inputs)[0].cpu())


def _smooth(question: Question, asking: Asking) -> Found:
    image, copies = question.inputs, question.count(COPIES)
    size = question.number(NOISE) * float(image.max() - image.min())
    total = image.new_zeros(image.shape[1:])
    for noisy in noisy_copies(image, copies, size):
        total += asking.gradient(noisy).abs().sum(0).cpu()
    return Found(total / copies)


def noisy_copies(image: torch.Tensor, copies: int, size: float) -> list[torch.Tensor]:
    """Return `copies` noisy images in batches (B, C, *spatial); the same for the same image and numbers."""
    import torch

    random, at_once = torch.Generator().manual_seed(SEED), batch_for(image)
    batches = []
    for start in range(0, copies, at_once):
        count = min(at_once, copies - start)
        noise = torch.randn((count, *image.shape[1:]), generator=random)
        batches.append(image + size * noise)
    return batches


def _guided(question: Question, asking: Asking) -> Found:
    from captum.attr import GuidedBackprop

    method = GuidedBackprop(as_module(question, asking))
    return Found(method.attribute(question.inputs.clone().requires_grad_())[0].abs())


GRADIENTS = (
    OnInput("saliency", "Saliency", _saliency, lambda _question: 1 + GRADIENT_PASS),
    OnInput(
        "inputxgradient", "Input x Gradient", _input_times_gradient, lambda _question: 1 + GRADIENT_PASS, signed=True
    ),
    OnInput(
        "smoothgrad",
        "SmoothGrad",
        _smooth,
        lambda question: 1 + GRADIENT_PASS * question.count(COPIES),
        settings=(COPIES, NOISE),
    ),
    OnInput(
        "guidedbackprop",
        "Guided backpropagation",
        _guided,
        lambda _question: 1 + GRADIENT_PASS,
        modules=("torch", "captum"),
        remark=FAILS_SANITY,
    ),
)
