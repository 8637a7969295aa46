"""Maps that add gradients up on the way from "nothing there" to the image.

They are complete: their sum is what the score gains on the way; the part that is missing is reported.

* Integrated gradients (Sundararajan et al., ICML 2017): from the darkest image, along a straight line.
* DeepLift (Shrikumar et al., ICML 2017): differences to the darkest image, handed back layer by layer.
* GradientSHAP (Lundberg and Lee, NeurIPS 2017; expected gradients, Erion et al. 2021): from the darkest, the mean and
  the blurred image, at random places of the line, with a little noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.explain.asking import BATCH, GRADIENT_PASS, Asking, as_module
from medassist.explain.baselines import blurred, darkest, mean
from medassist.explain.on_input import Found, OnInput
from medassist.explain.protocol import Question, Setting

if TYPE_CHECKING:
    import torch

SEED = 0
CAPTUM = ("torch", "captum")
STEPS = Setting("steps", "Steps on the line", 50, 8, 300)
SAMPLES = Setting("samples", "Random places", 24, 6, 300)
MOST_GAP = 0.05
"""DeepLift of captum 0.9.0 uses stale gradients where two non-linear layers follow each other (captum issue 1104): a
map that misses more of the score than this is not shown."""
_ANOTHER = "Choose integrated gradients."
SHAKEN = 0.02
"""Noise of GradientSHAP, as a share of the range of the image."""


def _integrated(question: Question, asking: Asking) -> Found:
    """Add up by Gauss-Legendre quadrature: 50 steps are then as exact as some hundred even ones."""
    from captum.attr import IntegratedGradients

    image, base = question.inputs, darkest(question.inputs)
    values = IntegratedGradients(asking, multiply_by_inputs=True).attribute(
        image, base, n_steps=question.count(STEPS), method="gausslegendre", internal_batch_size=BATCH
    )[0]
    return Found(values, {"baseline": "darkest value"}, {"completeness_gap": _gap(values, asking, image, base)})


def _deep_lift(question: Question, asking: Asking) -> Found:
    from captum.attr import DeepLift

    image, base = question.inputs, darkest(question.inputs)
    try:
        values = DeepLift(as_module(question, asking)).attribute(image.clone().requires_grad_(), base)[0]
    except (RuntimeError, AssertionError, AttributeError) as error:
        raise Refused(
            "DeepLift cannot follow this network: {reason}.", remedy=_ANOTHER, reason=str(error).split(".")[0]
        ) from error
    gap = _gap(values, asking, image, base)
    if gap > MOST_GAP:
        raise Refused(
            "DeepLift leaves {share} of the score unexplained on this network, so its map is not shown.",
            remedy=_ANOTHER,
            share=f"{gap:.0%}",
        )
    return Found(values.detach(), {"baseline": "darkest value"}, {"completeness_gap": gap})


def _gradient_shap(question: Question, asking: Asking) -> Found:
    import torch

    image, count = question.inputs, question.count(SAMPLES)
    bases = torch.cat([darkest(image), mean(image), blurred(image)])
    random = torch.Generator().manual_seed(SEED)
    size = SHAKEN * float(image.max() - image.min())
    total, gained = torch.zeros_like(image[0]), float(asking(image).detach()) - float(asking(bases).detach().mean())
    for start in range(0, count, BATCH):
        chosen = torch.arange(start, min(start + BATCH, count)) % len(bases)
        base = bases[chosen]
        alpha = torch.rand((len(chosen), *[1] * (image.ndim - 1)), generator=random)
        shaken = image + size * torch.randn(base.shape, generator=random)
        total += (asking.gradient(base + alpha * (shaken - base)).cpu() * (image - base)).sum(0)
    values = total / count
    return Found(values, {"baseline": "darkest value, mean, blurred"}, {"completeness_gap": _share(values, gained)})


def _gap(values: torch.Tensor, asking: Asking, image: torch.Tensor, base: torch.Tensor) -> float:
    """Return how much of what the score gains the map does not account for, as a share of it."""
    return _share(values, float(asking(image).detach()) - float(asking(base).detach()))


def _share(values: torch.Tensor, gained: float) -> float:
    return abs(float(values.detach().double().sum()) - gained) / max(abs(gained), 1e-6)


PATHS = (
    OnInput(
        "integratedgradients",
        "Integrated gradients",
        _integrated,
        lambda question: 3 + GRADIENT_PASS * question.count(STEPS),
        signed=True,
        settings=(STEPS,),
        modules=CAPTUM,
    ),
    OnInput("deeplift", "DeepLift", _deep_lift, lambda _question: 8.0, signed=True, modules=CAPTUM),
    OnInput(
        "gradientshap",
        "GradientSHAP",
        _gradient_shap,
        lambda question: 5 + GRADIENT_PASS * question.count(SAMPLES),
        signed=True,
        settings=(SAMPLES,),
    ),
)
