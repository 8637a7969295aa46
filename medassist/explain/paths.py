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
from medassist.explain.asking import GRADIENT_PASS, Asking, as_module, batch_for
from medassist.explain.baselines import blurred, darkest, mean
from medassist.explain.held import held
from medassist.explain.on_input import Found, OnInput
from medassist.explain.pieces import walked
from medassist.explain.protocol import Question, Setting

if TYPE_CHECKING:
    import torch

SEED = 0
CAPTUM = ("torch", "captum")
STEPS = Setting("steps", "Steps on the line", 50, 8, 300)
SAMPLES = Setting("samples", "Random places", 24, 6, 300)
FINE_GAP = 0.01
"""Integrated gradients that miss more of the score than this are computed again, more finely."""
MOST_OFTEN = 2
"""How many times the wanted steps that may take."""
MOST_GAP = 0.05
"""DeepLift of captum 0.9.0 uses stale gradients where two non-linear layers follow each other (captum issue 1104): a
map that misses more of the score than this is not shown."""
_ANOTHER = "Choose integrated gradients."
SHAKEN = 0.02
"""Noise of GradientSHAP, as a share of the range of the image."""


def _integrated(question: Question, asking: Asking) -> Found:
    """Add up by Gauss-Legendre quadrature: 50 steps are then as exact as some hundred even ones.

    A map that still misses more than `FINE_GAP` of the score is computed again on pieces chosen by the score.
    """
    from captum.attr import IntegratedGradients

    image, base, steps = question.inputs, darkest(question.inputs), question.count(STEPS)
    with held(question.network.module, image.to(question.network.device)) as kept:
        values = IntegratedGradients(asking, multiply_by_inputs=True).attribute(
            image, base, n_steps=steps, method="gausslegendre", internal_batch_size=batch_for(image)
        )[0]
        taken, gap = steps, _gap(values, asking, image, base)
        if gap > FINE_GAP:
            values, taken = walked(asking, image, base, (steps, MOST_OFTEN * steps), FINE_GAP / 2.0)
            gap = _gap(values, asking, image, base)
    return Found(values, _told(kept, baseline="darkest value", gradients=taken), {"completeness_gap": gap})


def _integrated_cost(question: Question) -> float:
    """Return what lies between one walk and the two or three that a score with sharp turns takes."""
    return 3.0 + 2.0 * GRADIENT_PASS * question.count(STEPS)


def _told(kept: tuple[str, ...], **parameters: object) -> dict[str, object]:
    """Return the parameters of a map, with the parts of the network that were held."""
    return {**parameters, "held": ", ".join(kept)} if kept else parameters


def _deep_lift(question: Question, asking: Asking) -> Found:
    from captum.attr import DeepLift

    image, base = question.inputs, darkest(question.inputs)
    with held(question.network.module, image.to(question.network.device)) as kept:
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
    return Found(values.detach(), _told(kept, baseline="darkest value"), {"completeness_gap": gap})


def _gradient_shap(question: Question, asking: Asking) -> Found:
    import torch

    image, count = question.inputs, question.count(SAMPLES)
    bases = torch.cat([darkest(image), mean(image), blurred(image)])
    with held(question.network.module, image.to(question.network.device)) as kept:
        gained = float(asking(image).detach()) - float(asking(bases).detach().mean())
        values = _expected(asking, image, bases, count)
    told = _told(kept, baseline="darkest value, mean, blurred")
    return Found(values, told, {"completeness_gap": share_missing(values, gained)})


def _expected(asking: Asking, image: torch.Tensor, bases: torch.Tensor, count: int) -> torch.Tensor:
    """Return the mean of the gradients at `count` places between each base and the image, times the way there."""
    import torch

    random, size = torch.Generator().manual_seed(SEED), SHAKEN * float(image.max() - image.min())
    total, at_once = torch.zeros_like(image[0]), batch_for(image)
    for start in range(0, count, at_once):
        chosen = torch.arange(start, min(start + at_once, count)) % len(bases)
        base = bases[chosen]
        alpha = torch.rand((len(chosen), *[1] * (image.ndim - 1)), generator=random)
        shaken = image + size * torch.randn(base.shape, generator=random)
        total += (asking.gradient(base + alpha * (shaken - base)).cpu() * (image - base)).sum(0)
    return total / count


def _gap(values: torch.Tensor, asking: Asking, image: torch.Tensor, base: torch.Tensor) -> float:
    """Return how much of what the score gains the map does not account for, as a share of it."""
    return share_missing(values, float(asking(image).detach()) - float(asking(base).detach()))


def share_missing(values: torch.Tensor, gained: float) -> float:
    """Return how much of what the score gained is not in the map, as a share of it."""
    return abs(float(values.detach().double().sum()) - gained) / max(abs(gained), 1e-6)


PATHS = (
    OnInput(
        "integratedgradients",
        "Integrated gradients",
        _integrated,
        _integrated_cost,
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
