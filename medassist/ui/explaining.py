"""The job that explains a result, and what of a result can be explained."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.errors import Refused
from medassist.entities.prediction import Prediction
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.actions import AddHeatmap
from medassist.session.analysing import explain_target
from medassist.session.measuring import package_of


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
    progress: Progress,
) -> AddHeatmap:
    """Explain one label of a prediction with the model that made it (Refused when its weights are others by now).

    `model` is the folder of a package that stands in no catalogue; `against` is a label to compare with.
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
        mask=prediction.mask,
        device=prediction.device,
        progress=progress,
    )


def obstacle(prediction: Prediction | None) -> str:
    """Say why no method can explain a prediction ("" when nothing speaks against it), from the format of its model."""
    package = package_of(prediction)
    return "" if package is None else package.explainable.reason
