"""Does a method that works in another way see the same?"""

from __future__ import annotations

from collections.abc import Sequence

from medassist.entities.errors import Refused
from medassist.explain.covering import COVERING
from medassist.explain.gradcam import CAMS, layer_of
from medassist.explain.gradients import GRADIENTS
from medassist.explain.paths import PATHS
from medassist.explain.protocol import Explainer, Question
from medassist.explain.quality.asked import Asked, answered
from medassist.explain.quality.likeness import pooled, rank_correlation
from medassist.explain.score_cam import ScoreCam
from medassist.explain.superpixels import SUPERPIXELS
from medassist.progress import Progress

FAMILIES: tuple[Sequence[Explainer], ...] = ((*CAMS, ScoreCam()), GRADIENTS, PATHS, COVERING, SUPERPIXELS)
"""Those that work on any network; attention maps are compared with them, not they with attention."""


def second(explainer: Explainer, question: Question) -> Explainer | None:
    """Return the cheapest method of another family that can answer the question, None where there is none."""
    others = [
        one
        for family in FAMILIES
        if explainer.name not in {each.name for each in family}
        for one in family
        if _can(one, question)
    ]
    return min(others, key=lambda one: one.passes(question), default=None)


def _can(explainer: Explainer, question: Question) -> bool:
    """Tell whether a method may stand beside another: one that fails the sanity check by itself may not."""
    task = "classification" if question.region is None else "segmentation"
    if explainer.remark or not (explainer.applies_to(task) and explainer.availability().ok):
        return False
    try:
        return not explainer.reads_layer or bool(layer_of(question))
    except Refused:
        return False


def agreement(asked: Asked, other: Explainer, progress: Progress) -> dict[str, float]:
    """Return the rank correlation with the map of another method, over boxes as coarse as the coarser of both.

    Empty where the other method refuses this network.
    """
    try:
        found = answered(other, asked.question, progress)
    except Refused:
        return {}
    return {"agreement": rank_correlation(pooled(asked.values), pooled(found))}
