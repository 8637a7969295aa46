"""What an explanation will cost, told before it is run: passes of the network, and seconds from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Prediction
from medassist.explain.protocol import Explainer, Question

if TYPE_CHECKING:
    import torch

    from medassist.inference.network import LoadedNetwork


def passes_of(explainer: Explainer, shape: tuple[int, ...], *, region: bool, settings: Mapping[str, float]) -> float:
    """Return what a method will cost, in forward passes.

    Args:
        explainer: the method.
        shape: spatial shape of the input of the network.
        region: whether a region of a segmenter is explained.
        settings: numbers of the method, by their names.

    Costs are told from shapes alone: neither a network nor torch is needed.
    """
    inputs = cast("torch.Tensor", np.broadcast_to(np.float32(0), (1, 1, *shape)))
    marked = cast("torch.Tensor", np.broadcast_to(np.True_, shape)) if region else None
    return explainer.passes(Question(cast("LoadedNetwork", None), inputs, 0, marked, settings=settings))


def seconds_per_pass(prediction: Prediction, maps: Iterable[Heatmap]) -> float | None:
    """Return what one forward pass takes here, in seconds; None when nobody measured.

    Taken from the newest map of the same model (`maps`: oldest first), else from the run itself, whose network may have
    been run by another backend and in batches.
    """
    measured = [one for one in maps if one.model.sha256 == prediction.model.sha256 and one.seconds and one.passes]
    if measured:
        return measured[-1].seconds / measured[-1].passes
    ran = prediction.manifest
    seconds = (ran.computed_s or prediction.timings_s).get("infer", 0.0)
    views = ran.windows * (1 + len(ran.flips))
    return seconds / views if seconds > 0.0 and views else None
