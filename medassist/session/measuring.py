"""Which maps are measured unasked, and the job that measures one: what the window does after it has explained."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from medassist.entities.errors import MedAssistError, Refused
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.stamps import AddStamp, is_cheap, stamp_heatmap
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.inference.packages import Package


def prediction_of(session: Session, heatmap: Heatmap) -> Prediction | None:
    """Return the newest result on the map's series that its model gave, None when that is gone."""
    here = (one for one in reversed(session.predictions) if one.series_key == heatmap.series_key)
    return next((one for one in here if one.model == heatmap.model and one.prompt is None), None)


def package_of(prediction: Prediction | None) -> Package | None:
    """Return the package that gave a result, None where it stands in no catalogue or has other weights by now."""
    from medassist.inference.catalogue import find

    if prediction is None:
        return None
    try:
        package = find(prediction.model.name)
    except MedAssistError:  # a folder that stands in no catalogue; the job says what is wrong
        return None
    return package if package.sha256 == prediction.model.sha256 else None


def next_to_measure(session: Session, tried: Container[Heatmap]) -> Heatmap | None:
    """Return the newest map of the series on screen that is cheap to measure and was not yet, none of `tried`.

    A map is measured only while the result it explains is there, of the weights that are installed.
    """
    packages: dict[ModelRef, Package | None] = {}  # looking one up reads files
    for heatmap in reversed(session.heatmaps):
        known = heatmap.stamp is not None or heatmap in tried or heatmap.kind is not MapKind.ATTRIBUTION
        if known or session.volume is None or heatmap.series_key != session.current:
            continue
        if heatmap.model not in packages:
            packages[heatmap.model] = package_of(prediction_of(session, heatmap))
        package = packages[heatmap.model]
        if package is not None and is_cheap(package, heatmap):
            return heatmap
    return None


def measure(volume: Volume, prediction: Prediction, heatmap: Heatmap, *, progress: Progress) -> AddStamp:
    """Measure a map with the model that made it (Refused when its weights are others by now)."""
    package = package_of(prediction)
    if package is None:
        raise Refused(
            "The model {model} was replaced after it gave this result, so its maps cannot be measured.",
            remedy="Run the model again.",
            model=prediction.model.name,
        )
    return stamp_heatmap(volume, package, heatmap, mask=prediction.model_mask, device=prediction.device,
                         progress=progress)  # fmt: skip
