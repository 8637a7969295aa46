"""Run a model and explain what it found: jobs of the window, and the whole trip of the command line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.prediction import Mask, Prediction
from medassist.entities.study import Study
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.actions import AddHeatmap, AddPrediction
from medassist.session.explaining import rivals
from medassist.session.jobs import run_model

if TYPE_CHECKING:
    from medassist.inference.packages import Package

MOST_TARGETS = 3
"""How many labels are explained unless somebody asks for one."""


def explain_target(
    volume: Volume,
    package: Package,
    target: str,
    *,
    method: str = "",
    against: str = "",
    layer: str = "",
    settings: Mapping[str, float] | None = None,
    mask: Mask | None = None,
    region: ExplainedRegion | None = None,
    device: str = "auto",
    progress: Progress,
) -> AddHeatmap:
    """Compute one attribution map; `method` "" takes the one the package recommends.

    `against` is a label to compare with, `layer` one of the network, `settings` numbers of the method by their names;
    `region` is explained in place of all that `mask` holds of the target.
    """
    from medassist.explain.methods import explain

    chosen = method or package.explanation.method
    found = explain(
        package,
        volume,
        target,
        method=chosen,
        against=against,
        layer=layer,
        settings=settings,
        mask=mask,
        region=region,
        device=device,
        progress=progress,
    )
    return AddHeatmap(found)


def _known_labels(package: Package, volume: Volume, target: str, against: str) -> tuple[str, str]:
    """Return the labels by their own names (UsageError where they cannot be explained or compared)."""
    from medassist.explain.labels import known_labels

    return known_labels(package, volume.geometry, target, against)


def _demand_method(package: Package, method: str, layer: str, settings: Mapping[str, float] | None) -> None:
    """Refuse a method, layer or setting nobody knows (UsageError, Refused)."""
    from medassist.explain.methods import checked

    checked(method, "segmentation" if package.marks_voxels else package.task, layer=layer, settings=settings)


def default_targets(
    prediction: Prediction, most: int = MOST_TARGETS, *, against: str = "", package: Package | None = None
) -> tuple[str, ...]:
    """Name what is worth explaining: the largest segments, or the positive classes, highest score first.

    When no class reaches its operating point, the one that comes nearest to it is named. With `against` only what can
    be compared with that label of `package` is.
    """
    labels = [one.label for one in (prediction.mask.segments if prediction.mask is not None else prediction.scores)]
    fitting = rivals(package, labels, against)
    if prediction.mask is not None:
        mask = prediction.mask
        largest = sorted(mask.segments, key=mask.voxels, reverse=True)
        return tuple(one.label for one in largest if one.label in fitting and mask.voxels(one))[:most]
    scores = [score for score in prediction.scores if score.label in fitting]
    ranked = sorted(scores, key=lambda score: score.probability / max(score.threshold, 1e-6), reverse=True)
    positive = tuple(score.label for score in ranked if score.positive)
    return positive[:most] or tuple(score.label for score in ranked[:1])


def analyze(
    study: Study,
    volume: Volume,
    package: Package,
    *,
    method: str = "",
    target: str = "",
    against: str = "",
    layer: str = "",
    settings: Mapping[str, float] | None = None,
    device: str = "auto",
    backend: str = "auto",
    override_reason: str = "",
    fresh: bool = False,
    uncertainty: bool = False,
    tta: bool = False,
    probabilities: bool = False,
    progress: Progress,
) -> tuple[AddPrediction, tuple[AddHeatmap, ...], dict[str, float]]:
    """Run a model and explain what it found; `method` "none" skips the explanation.

    A package that names no layer to explain, or cannot be explained, gets none either, unless a method is asked for.
    What cannot be explained as asked is refused before anything is run.
    The maps of a method that was asked for are measured where that is cheap (`stamps.is_cheap`).
    Returns the actions and the seconds spent (`prepare`, `infer`, `explain`, and `stamp` where maps were measured).
    """
    if probabilities and not package.marks_voxels:
        raise Refused(
            "The model {model} marks no voxels, so no probabilities of them can be written.", model=package.name
        )
    chosen = method or package.explanation.method
    if method != "none" and (method or layer or settings):
        _demand_method(package, chosen, layer, settings)
    if method != "none" and (target or against):
        target, against = _known_labels(package, volume, target, against)
    added = run_model(
        study,
        volume,
        package,
        device=device,
        backend=backend,
        override_reason=override_reason,
        fresh=fresh,
        uncertainty=uncertainty,
        tta=tta,
        probabilities=probabilities,
        progress=progress,
    )
    prediction = added.prediction
    began = time.perf_counter()
    asked = bool(method or target or against or layer)
    silent = method == "none" or not (asked or (package.explanation.layer and package.explainable.ok))
    targets = () if silent else (target,) if target else default_targets(prediction, against=against, package=package)
    maps = tuple(
        explain_target(
            volume,
            package,
            one,
            method=method,
            against=against,
            layer=layer,
            settings=settings,
            mask=prediction.mask,
            device=prediction.device,
            progress=progress,
        )
        for one in targets
    )
    timings = {**prediction.timings_s, "explain": time.perf_counter() - began}
    if method not in ("", "none"):
        began = time.perf_counter()
        maps = tuple(_stamped(volume, package, one, prediction, progress) for one in maps)
        timings["stamp"] = time.perf_counter() - began
    return added, maps, timings


def _stamped(
    volume: Volume, package: Package, added: AddHeatmap, prediction: Prediction, progress: Progress
) -> AddHeatmap:
    """Return a map with its stamp, where that is cheap."""
    from medassist.session.stamps import is_cheap, stamp_heatmap

    if not is_cheap(package, added.heatmap):
        return added
    found = stamp_heatmap(
        volume, package, added.heatmap, mask=prediction.mask, device=prediction.device, progress=progress
    )
    return AddHeatmap(replace(added.heatmap, stamp=found.stamp))
