"""Run one model on one series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, ClassScore, Mask, Prediction
from medassist.entities.volume import Volume
from medassist.inference.bundle import inferer, largest_components
from medassist.inference.devices import choose, one_core_free
from medassist.inference.network import load_network
from medassist.inference.packages import Label, Package
from medassist.inference.prepare import STAGE_HOME, Prepared, prepare, restore_labels
from medassist.inference.suitability import gate
from medassist.inference.windows import run_network
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch


@one_core_free()
def predict(
    package: Package,
    volume: Volume,
    *,
    checks: Sequence[Check] = (),
    device: str = "auto",
    override_reason: str = "",
    progress: Progress | None = None,
) -> Prediction:
    """Run a model on the first time point of a series.

    Refused when a check failed and no reason was typed, when the weights are not the promised ones, or when the
    series has no regular grid; Cancelled at the next window after `progress.cancel()`, leaving nothing behind.
    `timings_s`: prepare = network loaded and image on its grid; infer = windows, blending and the way home.
    """
    progress = progress or Progress()
    gate(checks, override_reason)
    started, began = datetime.now().astimezone().isoformat(timespec="seconds"), perf_counter()
    progress.step("Preparing the image")
    chosen = choose(device)
    network = load_network(package, chosen)
    progress.step("Preparing the image")
    prepared = prepare(package, volume)
    ready = perf_counter()
    with network.held(progress):
        logits = run_network(network.module, prepared.tensor, inferer(package), chosen, progress=progress)
    segmenter = package.task == "segmentation"
    mask = _mask(package, logits, prepared, progress) if segmenter else None
    scores = () if segmenter else class_scores(package, logits[0].numpy())
    finished = perf_counter()
    return Prediction(
        model=package.ref,
        series_key=volume.series.key,
        started=started,
        device=chosen,
        checks=tuple(checks),
        scores=scores,
        mask=mask,
        timings_s={"prepare": ready - began, "infer": finished - ready},
        override_reason=override_reason.strip(),
        notes=_notes(volume),
    )


def class_scores(package: Package, logits: NDArray[np.float32]) -> tuple[ClassScore, ...]:
    """Turn the logits (K,) of a classifier into scores at their operating points (Refused when K is too small)."""
    if logits.ndim != 1 or len(logits) <= max(label.value for label in package.labels):
        raise _wrong_outputs(package, logits.shape)
    return tuple(_score(label, float(logits[label.value])) for label in package.labels)


def probability(label: Label, logit: float) -> float:
    """Return sigmoid(slope * logit + intercept), Platt scaling with the package's parameters."""
    return float(0.5 * (1.0 + np.tanh(0.5 * (label.slope * logit + label.intercept))))


def _score(label: Label, logit: float) -> ClassScore:
    if not np.isfinite(logit):
        raise Refused("The model's score for {label} is not a number, so nothing can be said.", label=label.label)
    return ClassScore(
        label=label.label,
        probability=probability(label, logit),
        threshold=label.threshold,
        calibrated=label.calibrated,
        code=label.code,
        title_zh=label.title_zh,
        operating_point=label.operating_point,
    )


def _mask(package: Package, logits: torch.Tensor, prepared: Prepared, progress: Progress) -> Mask:
    import torch

    if logits.shape[1] != 1 + max(label.value for label in package.labels):
        raise _wrong_outputs(package, tuple(logits.shape[1:]))
    if logits.shape[2:] != prepared.tensor.shape[2:] or not torch.isfinite(logits).all():
        raise Refused("The model {model} gave no usable answer on this image.", model=package.name)
    progress.step(STAGE_HOME)
    shares = torch.softmax(logits[0], dim=0).numpy()
    scores = np.stack([prepared.to_zyx(channel) for channel in shares])
    labels = restore_labels(scores, prepared.grid, prepared.home, progress=progress)
    for step in largest_components(package):
        progress.step(STAGE_HOME)
        labels = step.apply(labels)
    return Mask(labels, prepared.home, package.segments)


def _wrong_outputs(package: Package, shape: tuple[int, ...]) -> Refused:
    return Refused(
        "The network of {model} writes {shape} outputs, which does not fit its {count} labels.",
        model=package.name,
        shape=" x ".join(map(str, shape)),
        count=len(package.labels),
    )


def _notes(volume: Volume) -> tuple[str, ...]:
    if volume.array_tzyx.shape[0] > 1:
        return ("Only the first time point of the series was analysed.",)
    return ()
