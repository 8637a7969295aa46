"""A trained model asked twice: on the whole picture, and with the organ blanked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import Volume
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.progress import Progress
from medassist.training.layouts.reading import image_of, mask_of
from medassist.training.record import TrainingRecord, read_record
from medassist.training.table import Row, Table, subject_hash

Floats = NDArray[np.float64]
Hole = NDArray[np.bool_]

STAGE = "Blanking the organ"
MASKS_STAGE = "Reading masks"
_ELLIPSE = 0.4
"""Half axes of the blanked ellipse, as shares of width and height: half of the picture goes."""
_MAP = 128
"""Side of the map that joins the masks of all rows."""


@dataclass(frozen=True, eq=False)
class ModelScores:
    """Scores by label, (rows of the table,) each, NaN where the model has seen the person or was not run."""

    whole: Mapping[str, Floats] = field(repr=False)
    blanked: Mapping[str, Floats] = field(repr=False)


def scores_of_model(
    package: Package | None,
    table: Table,
    labels: Sequence[str],
    *,
    fill: float,
    given: Mapping[str, Floats] | None,
    device: str,
    progress: Progress,
) -> ModelScores | None:
    """Run a classifier on the rows of people it has not seen; None without one, or where it has seen everybody.

    `fill` is the grey value the organ is blanked with; `given` are scores of whole pictures that are known already:
    the model is then run on blanked ones only.
    """
    if package is None or package.task != "classification":
        return None if given is None else ModelScores(given, {})
    record = read_record(package)
    outputs = _outputs(package, record, labels)
    rows = [
        at
        for at, row in enumerate(table.rows)
        if subject_hash(row.subject) not in record.subjects and (given is None or _is_given(given, at))
    ]
    if not outputs or not rows:
        return None if given is None else ModelScores(given, {})
    hole = joined_masks(table, progress=progress)
    whole = {label: np.full(len(table.rows), np.nan) for label in outputs}
    blanked = {label: np.full(len(table.rows), np.nan) for label in outputs}
    for at in progress.over(rows, STAGE):
        volume = image_of(table, table.rows[at])
        if given is None:
            _keep(whole, at, outputs, package, volume, device)
        _keep(blanked, at, outputs, package, blank(volume, hole, fill), device)
    return ModelScores(whole if given is None else given, blanked)


def _is_given(given: Mapping[str, Floats], at: int) -> bool:
    return any(np.isfinite(scores[at]) for scores in given.values())


def _outputs(package: Package, record: TrainingRecord, labels: Sequence[str]) -> dict[str, int]:
    """Return, for each label of the folder that the model speaks of, which of its scores that is."""
    members = {label.label: {label.label, *label.members} for label in record.labels}
    found: dict[str, int] = {}
    for at, label in enumerate(package.labels):
        means = members.get(label.label, {label.label})
        found |= {name: at for name in labels if name in means and name not in found}
    return found


def _keep(
    scores: Mapping[str, Floats], at: int, outputs: Mapping[str, int], package: Package, volume: Volume, device: str
) -> None:
    told = predict(package, volume, device=device, progress=Progress()).scores
    for label, output in outputs.items():
        scores[label][at] = told[output].probability


def joined_masks(table: Table, *, progress: Progress) -> Hole | None:
    """Return where any row's mask has a voxel, (128, 128) over the picture; None in a folder without masks.

    The masks are joined, since the outline of one of them may itself tell the label.
    """
    rows = [row for row in table.rows if row.columns.get("mask")]
    if not rows:
        return None
    joined = np.zeros((_MAP, _MAP), np.bool_)
    for row in progress.over(rows, MASKS_STAGE):
        joined |= _stretched(_flat_mask(table, row), _MAP, _MAP)
    return joined


def _flat_mask(table: Table, row: Row) -> Hole:
    flat: Hole = np.any(mask_of(table, row, image_of(table, row)) > 0, axis=0)
    return flat


def _stretched(mask: Hole, rows: int, columns: int) -> Hole:
    """Return a mask (row, column) at another size; a pixel is set when any it covers is."""
    from PIL import Image

    share = Image.fromarray(mask.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    stretched: Hole = np.asarray(share) > 0
    return stretched


def blank(volume: Volume, joined: Hole | None, fill: float) -> Volume:
    """Return a volume whose organ is filled evenly with one value: nothing of the inside remains.

    The organ is where `joined` masks are, else an ellipse in the middle of each slice. The value must be the same for
    all pictures: one that followed the rest of each picture would carry what is outside to where the model looks.
    """
    _slices, rows, columns = volume.geometry.shape_zyx
    hole = ellipse(rows, columns) if joined is None else _stretched(joined, rows, columns)
    values = volume.array_tzyx.copy()
    values[:, :, hole] = np.asarray(fill).astype(values.dtype)
    return replace(volume, array_tzyx=values)


def ellipse(rows: int, columns: int) -> Hole:
    """Return the middle of a picture (row, column), half of its area."""
    down = (np.arange(rows) + 0.5) / rows - 0.5
    across = (np.arange(columns) + 0.5) / columns - 0.5
    inside: Hole = (down[:, None] / _ELLIPSE) ** 2 + (across[None] / _ELLIPSE) ** 2 <= 1.0
    return inside
