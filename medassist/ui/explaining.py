"""The job that explains a result, and what of a result can be explained."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.errors import Refused
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.prediction import Prediction
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.actions import AddHeatmap
from medassist.session.analysing import explain_target
from medassist.session.explained import Voxel, drawn, part_at
from medassist.session.measuring import package_of
from medassist.session.references import Reference


def explain(
    volume: Volume,
    prediction: Prediction,
    target: str,
    method: str,
    *,
    model: str = "",
    against: str = "",
    layer: str = "",
    settings: Mapping[str, float] | None = None,
    voxel: Voxel | None = None,
    marked: Reference | None = None,
    progress: Progress,
) -> AddHeatmap:
    """Explain one label of a prediction with the model that made it (Refused when its weights are others by now).

    `model` is the folder of a package that stands in no catalogue; `against` is a label to compare with.
    Of a segmenter the part is explained that holds `voxel` (slice, row, column), or what the reader `marked`.
    """
    from medassist.inference.catalogue import find

    package = find(model or prediction.model.name)
    if package.sha256 != prediction.model.sha256:
        raise Refused(
            "The model {model} was replaced after it gave this result, so it cannot explain it.",
            remedy="Run the model again.",
            model=package.name,
        )
    return explain_target(
        volume,
        package,
        target,
        method=method,
        against=against,
        layer=layer,
        settings=settings,
        mask=prediction.model_mask,
        region=_region(prediction, target, voxel, marked),
        device=prediction.device,
        progress=progress,
    )


def _region(
    prediction: Prediction, target: str, voxel: Voxel | None, marked: Reference | None
) -> ExplainedRegion | None:
    if marked is not None:
        return drawn(marked)
    if voxel is None or prediction.model_mask is None:
        return None
    segment = next((one for one in prediction.model_mask.segments if one.label == target), None)
    return None if segment is None else part_at(prediction.model_mask, segment, voxel)


def obstacle(prediction: Prediction | None) -> str:
    """Say why no method can explain a prediction ("" when nothing speaks against it), from the format of its model."""
    package = package_of(prediction)
    return "" if package is None else package.explainable.reason
