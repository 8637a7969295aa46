"""The methods there are, and the one road every explanation takes: prepare, ask the network, bring the map home."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UsageError
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
from medassist.entities.volume import Volume
from medassist.explain.added import offers
from medassist.explain.attention import ATTENTION
from medassist.explain.covering import COVERING
from medassist.explain.gradcam import CAMS
from medassist.explain.gradients import GRADIENTS
from medassist.explain.labels import demand_two
from medassist.explain.labels import label_of as label_of
from medassist.explain.paths import PATHS
from medassist.explain.protocol import Attribution, Explainer, Question
from medassist.explain.score_cam import ScoreCam
from medassist.explain.superpixels import SUPERPIXELS
from medassist.explain.view import View, bring_home, cells_of, look
from medassist.explain.whole import explain_region
from medassist.inference.devices import choose, one_core_free
from medassist.inference.localizer import for_whole
from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.inference.postprocess import decision
from medassist.inference.predict import class_scores, predict
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

METHODS: tuple[Explainer, ...] = (*CAMS, ScoreCam(), *GRADIENTS, *PATHS, *COVERING, *SUPERPIXELS, *ATTENTION)


ALL_ZERO = "The map is all zero: at this layer nothing speaks for the target."
EVEN_CELLS = "The exact place of the cells could not be measured; they were taken to divide the image evenly."
WINDOW_ONLY = "The map was computed on one window of the image, around the region; beyond it, it is zero."
REGION_CUT = "The region reaches beyond the window; only its part inside the window was explained."
FIRST_TIME = "Only the first time point of the series was explained."


def methods() -> tuple[Explainer, ...]:
    """Return the built-in methods and those of other Python packages, which are imported here the first time."""
    return (*METHODS, *(one.listed for one in offers(METHODS) if not one.hidden))


def find(method: str, task: str) -> Explainer:
    """Return the method of that name or title ("gradcam", "Grad-CAM", "seg-gradcam") for `task`.

    UsageError names the known ones; Refused says why a known one cannot be used.
    """
    fitting = [one for one in methods() if one.applies_to(task)]
    for one in fitting:
        if _letters(method) in (_letters(one.name), _letters(one.title(task))):
            if not one.availability().ok:
                raise Refused("{method} cannot be used: {reason}.", method=method, reason=one.availability().reason)
            return one
    raise UsageError(
        "There is no explanation method called {method} here; there are {known}.",
        method=method,
        known=", ".join(one.name for one in fitting),
    )


def _letters(name: str) -> str:
    return re.sub("[-_ ]", "", name.lower())


def checked(method: str, task: str, *, layer: str = "", settings: Mapping[str, float] | None = None) -> Explainer:
    """Return the method of that name; UsageError for a layer or a setting it does not have, or out of its range."""
    found = find(method, task)
    if layer and not found.reads_layer:
        raise UsageError("{method} reads no layer, so none can be named.", method=found.title(task))
    known = {one.name: one for one in found.settings}
    for name, value in (settings or {}).items():
        if name not in known:
            raise UsageError(
                "{method} has no setting called {name}; it has {known}.",
                method=found.title(task),
                name=name,
                known=", ".join(known) or "-",
            )
        low, high = known[name].low, known[name].high
        if not low <= value <= high:
            raise UsageError(
                "{name} of {method} must lie between {low} and {high}.",
                name=name,
                method=found.title(task),
                low=f"{low:g}",
                high=f"{high:g}",
            )
    return found


@one_core_free()
def explain(
    package: Package,
    volume: Volume,
    target: str,
    *,
    method: str = "gradcam",
    against: str = "",
    layer: str = "",
    settings: Mapping[str, float] | None = None,
    mask: Mask | None = None,
    region: ExplainedRegion | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Heatmap:
    """Explain why the model gives `target` on the first time point of a series.

    Args:
        package: the model.
        volume: the series.
        target: a label of the package, by its English name.
        method: a name of `METHODS`.
        against: a label it is compared with ("why A and not B"), "" for the target alone.
        layer: the layer to read, for methods that read one; "" for the one the package names.
        settings: by name of a `Setting` of the method; what is missing has its default.
        mask: for a segmenter, the region of `target` to explain, on the grid of the series; None explains what the
            model itself segments.
        region: for a segmenter, what is explained in place of all that `mask` holds of `target`.
        device: "auto" or a torch name.
        progress: cancelled between the preparation, the computation and the way home.

    The map has the unit of the method and is not scaled. UsageError for an unknown label, method or setting; Refused
    when there is nothing to explain or the network does not allow it.
    """
    progress, settings = progress or Progress(), settings or {}
    task = "segmentation" if package.marks_voxels else package.task
    explainer = checked(method, task, layer=layer, settings=settings)
    if for_whole(package.localizer, volume.geometry):
        again = partial(explain, package, method=method, layer=layer, settings=settings, device=device,
                        progress=progress)  # fmt: skip
        return _explain_part(package, volume, target, against, mask, region, again, device, progress)
    label, other = label_of(package, target), label_of(package, against) if against else None
    demand_two(label.label, "" if other is None else other.label)
    if not package.explainable.ok:
        raise Refused("{model} cannot be explained: {reason}.", model=package.name, reason=package.explainable.reason)
    chosen = choose(device)
    marked = region_of(package, volume, label, mask, chosen, progress, region) if package.marks_voxels else None
    progress.step("Preparing the image")
    view = look(package, volume, marked)
    network = load_network(package, chosen)
    progress.step("Computing the heatmap")
    with network.held(progress):
        question = Question(
            network, view.inputs, label.output, view.region, None if other is None else other.output, layer, settings
        )
        began = perf_counter()
        answer = explainer.attribute(question, progress=progress)
        seconds = perf_counter() - began
    if not np.isfinite(answer.values).all():
        raise Refused("The heatmap of {target} holds values that are no numbers, so it is not shown.", target=target)
    progress.step("Bringing the heatmap home")
    native, native_grid = cells_of(view, answer)
    values = bring_home(view, answer, volume.geometry)
    return Heatmap(
        method=explainer.title(task),
        target=label.label,
        model=package.ref,
        series_key=volume.series.key,
        values_zyx=values,
        geometry=volume.geometry,
        native_zyx=native,
        native_geometry=native_grid,
        layer=answer.layer,
        target_score=score_of(package, label, answer.outputs, view.region),
        parameters=_named(_parameters(package, view, answer), region),
        quality={**answer.quality, **_quality(values, marked)},
        notes=_notes(volume, view, answer, explainer.remark),
        against="" if other is None else other.label,
        signed=answer.signed,
        seconds=seconds,
        passes=answer.passes or explainer.passes(question),
        region=region,
    )


def _explain_part(
    package: Package,
    volume: Volume,
    target: str,
    against: str,
    mask: Mask | None,
    region: ExplainedRegion | None,
    again: Callable[..., Heatmap],
    device: str,
    progress: Progress,
) -> Heatmap:
    """Explain a segment of a whole image on the crop the network saw; `again` explains a label of the package."""

    def explained(crop: Volume, label: Label, other: str, inside: Mask) -> Heatmap:
        return again(crop, label.label, against=other, mask=inside)

    marked = mask if mask is not None else predict(package, volume, device=device, progress=progress).mask
    if marked is None or not marked.geometry.same_grid(volume.geometry):
        raise Refused("The mask and the series have different grids, so its region cannot be explained.")
    found = explain_region(
        package, volume, target, marked, explained, against=against, region=region, progress=progress
    )
    return replace(found, region=region, parameters=_named(found.parameters, region))


def region_of(
    package: Package,
    volume: Volume,
    label: Label,
    mask: Mask | None,
    device: str,
    progress: Progress,
    region: ExplainedRegion | None = None,
) -> NDArray[np.bool_]:
    """Return the voxels to explain on the grid of the series (Refused when there are none)."""
    if region is not None:
        return region.on(volume.geometry)
    found = mask if mask is not None else predict(package, volume, device=device, progress=progress).mask
    if found is None or not found.geometry.same_grid(volume.geometry):
        raise Refused("The mask and the series have different grids, so its region cannot be explained.")
    inside = found.region(label.segment())
    if not inside.any():
        raise Refused("The mask holds no voxel of {target}, so there is nothing to explain.", target=label.label)
    return inside


def score_of(package: Package, label: Label, outputs: NDArray[np.float32], region: torch.Tensor | None) -> float:
    """Return the score of a classifier's label, or the mean share of a segmenter's class over the region."""
    if region is None:
        return next(one.probability for one in class_scores(package, outputs) if one.label == label.label)
    import torch

    shares = decision(package).shares(torch.from_numpy(outputs))
    return float(shares[label.output][region].mean())


def _parameters(package: Package, view: View, answer: Attribution) -> dict[str, object]:
    if view.region is None:
        return dict(answer.parameters)
    return {
        **answer.parameters,
        "target_score": f"mean {decision(package).activation or 'output'} over the region",
        "region_voxels": int(view.region.sum()),
        "window_voxels": list(view.window.size),
    }


def _named(parameters: Mapping[str, object], region: ExplainedRegion | None) -> dict[str, object]:
    return dict(parameters) if region is None else {**parameters, "region": region.name}


def _quality(values: NDArray[np.float32], region: NDArray[np.bool_] | None) -> dict[str, float]:
    """Return the share of the heat (what speaks for the target) outside of the region: inside, it is near-trivial."""
    heat = np.maximum(values, 0.0)
    total = float(heat.sum(dtype=np.float64))
    if region is None or total <= 0.0:
        return {}
    return {"share_outside_region": float(heat[~region].sum(dtype=np.float64)) / total}


def _notes(volume: Volume, view: View, answer: Attribution, remark: str) -> tuple[str, ...]:
    told = tuple(
        note
        for note, applies in (
            (ALL_ZERO, not answer.values.any()),
            (EVEN_CELLS, not answer.layout.followed),
            (WINDOW_ONLY, not view.whole),
            (REGION_CUT, not view.region_whole),
            (FIRST_TIME, volume.array_tzyx.shape[0] > 1),
        )
        if applies
    )
    return (remark, *told) if remark else told
