"""The door: a heatmap as it was shown goes in, its stamp comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Mask
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.volume import Volume
from medassist.explain.asking import outputs_of
from medassist.explain.labels import label_of
from medassist.explain.methods import explain, find, region_of, score_of
from medassist.explain.protocol import Attribution, Explainer, Layout, Question
from medassist.explain.quality.asked import Asked
from medassist.explain.quality.measuring import measured
from medassist.explain.quality.placing import placed
from medassist.explain.view import View, look
from medassist.explain.whole import explain_region
from medassist.inference.devices import choose, one_core_free
from medassist.inference.explaining import read_measured
from medassist.inference.localizer import for_whole
from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.inference.predict import predict
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    from medassist.explain.quality.asked import Chances


@one_core_free()
def stamp(
    package: Package,
    volume: Volume,
    heatmap: Heatmap,
    *,
    mask: Mask | None = None,
    reference: NDArray[np.bool_] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Stamp:
    """Measure a map that `explain` made, and judge it by the limits of the package.

    Args:
        package: the model the map explains.
        volume: the series the map lies on.
        heatmap: what `explain` returned.
        mask: the region that was explained, as it was given to `explain`.
        reference: bool (slice, row, column) on the grid of the series: where the truth lies, None where nobody knows.
        device: "auto" or a torch name.
        progress: cancelled between the passes.

    Refused for a map that is no attribution of this very model, or not of this series.
    """
    progress = progress or Progress()
    if heatmap.kind is not MapKind.ATTRIBUTION or heatmap.model.sha256 != package.sha256:
        raise Refused("This map is no explanation of the model {model}, so it cannot be measured.", model=package.name)
    if not heatmap.geometry.same_grid(volume.geometry):
        raise Refused("The map and the series have different grids, so it cannot be measured.")
    if for_whole(package.localizer, volume.geometry):
        found = _stamp_of_part(package, volume, heatmap, mask, device, progress)
    else:
        found = _stamp_of_all(package, volume, heatmap, mask, device, progress)
    if reference is None or found.standing is Standing.MEANINGLESS:
        return found
    return replace(found, numbers={**found.numbers, **placed(heatmap.values_zyx, reference)})


def _stamp_of_all(
    package: Package, volume: Volume, heatmap: Heatmap, mask: Mask | None, device: str, progress: Progress
) -> Stamp:
    asked = as_asked(package, volume, heatmap, mask=mask, device=device, progress=progress)
    known = read_measured(package.explanation, package.sha256, package.name).get(asked.explainer.name)
    usual = asked.question.layer in ("", package.explanation.layer) and not _changed(asked.explainer, asked.question)
    limits = package.explanation.limits
    return measured(
        asked, limits, score=heatmap.target_score, known=known if usual and known else None, progress=progress
    )


def _changed(explainer: Explainer, question: Question) -> bool:
    """Tell whether a reader chose other settings than the usual ones, under which the package measured."""
    return any(question.settings.get(one.name, one.default) != one.default for one in explainer.settings)


def _stamp_of_part(
    package: Package, volume: Volume, heatmap: Heatmap, mask: Mask | None, device: str, progress: Progress
) -> Stamp:
    """Measure the map of a whole image on the crop the network saw: there it is explained once more."""
    marked = mask if mask is not None else predict(package, volume, device=device, progress=progress).mask
    if marked is None or not marked.geometry.same_grid(volume.geometry):
        raise Refused("The mask and the series have different grids, so its region cannot be explained.")
    explainer = find(heatmap.method, "segmentation")
    stamps: list[Stamp] = []

    def explained(crop: Volume, label: Label, other: str, region: Mask) -> Heatmap:
        one = explain(
            package,
            crop,
            label.label,
            method=explainer.name,
            against=other,
            layer=heatmap.layer if explainer.reads_layer else "",
            settings=_settings(explainer, heatmap),
            mask=region,
            device=device,
            progress=progress,
        )
        stamps.append(_stamp_of_all(package, crop, one, region, device, progress))
        return one

    explain_region(
        package,
        volume,
        heatmap.target,
        marked,
        explained,
        against=heatmap.against,
        region=heatmap.region,
        progress=progress,
    )
    return stamps[0]


def as_asked(
    package: Package, volume: Volume, heatmap: Heatmap, *, mask: Mask | None, device: str, progress: Progress
) -> Asked:
    """Return a heatmap as the answer to the question that was asked, in the axes of the network's input."""
    task = "segmentation" if package.marks_voxels else package.task
    label, explainer = label_of(package, heatmap.target), find(heatmap.method, task)
    chosen = choose(device)
    region = heatmap.region
    marked = region_of(package, volume, label, mask, chosen, progress, region) if package.marks_voxels else None
    progress.step("Preparing the image")
    view = look(package, volume, marked)
    question = Question(
        load_network(package, chosen),
        view.inputs,
        label.output,
        view.region,
        label_of(package, heatmap.against).output if heatmap.against else None,
        heatmap.layer if explainer.reads_layer else "",
        _settings(explainer, heatmap),
    )
    return Asked(question, explainer, _answer(heatmap, view), _chances(package, label, view.region), label.threshold)


def _settings(explainer: Explainer, heatmap: Heatmap) -> dict[str, float]:
    chosen = {one.name: heatmap.parameters.get(one.name) for one in explainer.settings}
    return {name: float(value) for name, value in chosen.items() if isinstance(value, int | float)}


def _answer(heatmap: Heatmap, view: View) -> Attribution:
    """Return the cells of a heatmap in the axes of the input: the way of `view.cells_of` back."""
    axes = view.inputs.ndim - 2
    cells = np.ascontiguousarray(heatmap.native_zyx.transpose(2, 1, 0))
    local = np.linalg.inv(view.grid.affine_lps) @ heatmap.native_geometry.affine_lps
    first, step = (tuple(np.round(one[:axes], 9).tolist()) for one in (local[:3, 3], np.diag(local)[:3]))
    return Attribution(
        values=cells[:, :, 0] if axes == 2 else cells,
        layout=Layout(first, step),
        outputs=np.empty(0, dtype=np.float32),
        layer=heatmap.layer,
        quality=heatmap.quality,
    )


def _chances(package: Package, label: Label, region: torch.Tensor | None) -> Chances:
    def chances(logits: torch.Tensor) -> list[float]:
        return [score_of(package, label, outputs_of(one[None]), region) for one in logits]

    return chances
