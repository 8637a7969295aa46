"""DICOM Parametric Maps (PS3.3 A.75) as values on the grid of the series they refer to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef
from medassist.entities.study import Warned, warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.decoding import decode
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.objects.placing import Place, check_frame_of_reference, own_grid, place_of, sources_of
from medassist.imaging.objects.segments import code_in
from medassist.imaging.resample import resample
from medassist.progress import Progress

Values = NDArray[np.float32]
FOREIGN = ModelRef("", "", "")
"""The model of a map from a file: none that ran here."""


def read_map(
    ds: Dataset, path: Path, volume: Volume, progress: Progress
) -> tuple[tuple[Heatmap, ...], tuple[Warned, ...]]:
    """Return the maps of a Parametric Map on the grid of `volume`, one per label of its value mappings.

    Voxels without a value hold 0. Raises UnreadableInput for another frame of reference, for frames without a place
    and for damaged pixels.
    """
    check_frame_of_reference(tags.text((ds,), "FrameOfReferenceUID"), volume)
    stored = decode(ds, path)
    by_label: dict[str, list[tuple[Frame, Dataset, AnyArray]]] = defaultdict(list)
    for frame, values in zip(frames_of(ds, path), stored, strict=False):
        mapping = _mapping(ds, frame.index)
        by_label[tags.text((mapping,), "LUTLabel")].append((frame, mapping, values))
    maps, notes = [], []
    for label, pieces in by_label.items():
        values_zyx, remarks = _values(ds, pieces, volume, progress)
        maps.append(_heatmap(ds, label, pieces[0][1], values_zyx, volume))
        notes += remarks
    return tuple(maps), tuple(dict.fromkeys(notes))


def _heatmap(ds: Dataset, label: str, mapping: Dataset, values_zyx: Values, volume: Volume) -> Heatmap:
    unit = code_in(mapping, "MeasurementUnitsCodeSequence")
    plain = unit is None or unit.value in ("1", "{no units}")
    quantity = _quantity(mapping)
    return Heatmap(
        method=quantity or label or "Parametric map",
        target=tags.text((mapping,), "LUTExplanation") or tags.text((ds,), "ContentDescription") or label,
        model=FOREIGN,
        series_key=volume.series.key,
        values_zyx=values_zyx,
        geometry=volume.geometry,
        native_zyx=values_zyx,
        native_geometry=volume.geometry,
        parameters={"unit": "" if plain or unit is None else unit.value},
    )


def _mapping(ds: Dataset, index: int) -> Dataset:
    """Return the real world value mapping of a frame: its own, the shared one, or none (values as stored)."""
    for keyword, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        groups = tags.value_of((ds,), keyword)
        group = groups[at] if groups is not None and at < len(groups) else None
        items = tags.value_of((group,), "RealWorldValueMappingSequence") if group is not None else None
        if items:
            found: Dataset = items[0]
            return found
    return Dataset()


def _quantity(mapping: Dataset) -> str:
    """Return what the values are: the concept of the quantity definition named "Quantity"."""
    items = tags.value_of((mapping,), "QuantityDefinitionSequence") or []
    codes = [code_in(item, "ConceptCodeSequence") for item in items]
    return next((code.meaning for code in codes if code is not None), "")


def _real(stored: AnyArray, mapping: Dataset) -> Values:
    """Map stored values to real world values (PS3.3 C.7.6.16.2.11): by table, by slope and intercept, or not at all."""
    table = tags.numbers((mapping,), "RealWorldValueLUTData")
    if table is not None:
        first = tags.whole((mapping,), "RealWorldValueFirstValueMapped") or 0
        return np.take(np.array(table, np.float32), stored.astype(np.int64) - first, mode="clip")
    slope = tags.number((mapping,), "RealWorldValueSlope")
    intercept = tags.number((mapping,), "RealWorldValueIntercept")
    real = stored.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
    return np.nan_to_num(real, posinf=0.0, neginf=0.0).astype(np.float32)


def _values(
    ds: Dataset, pieces: Sequence[tuple[Frame, Dataset, AnyArray]], volume: Volume, progress: Progress
) -> tuple[Values, list[Warned]]:
    result = np.zeros(volume.geometry.shape_zyx, np.float32)
    elsewhere: list[tuple[Frame, Values]] = []
    filled: set[tuple[int, ...]] = set()
    for frame, mapping, stored in progress.over(pieces, "Reading the map", len(pieces)):
        place = place_of(frame, sources_of(ds, frame.index), volume)
        if place is None:
            elsewhere.append((frame, _real(stored, mapping)))
            continue
        spot = (*place.corner.tolist(), *place.right.tolist())
        if spot in filled:
            raise UnreadableInput("Several frames of {file} lie in the same place.", file=frame.path.name)
        filled.add(spot)
        _put(result, place, _real(stored, mapping))
    return result, list(_resampled(result, elsewhere, volume))


def _put(result: Values, place: Place, values: Values) -> None:
    rows, columns = (axis.reshape(-1) for axis in np.indices(values.shape))
    voxels = place.voxels(rows, columns)
    kept = ((voxels >= 0) & (voxels < np.array(result.shape[::-1]))).all(axis=1)
    column, row, index = voxels[kept].T
    result[index, row, column] = values.reshape(-1)[kept]


def _resampled(result: Values, elsewhere: Sequence[tuple[Frame, Values]], volume: Volume) -> Iterator[Warned]:
    if not elsewhere:
        return
    if not volume.is_regular:
        raise UnreadableInput(
            "The map lies between the slices of {series}, which form no regular grid; it cannot be laid over them.",
            series=volume.series.title,
        )
    grid, slices = own_grid([frame for frame, _ in elsewhere], volume.geometry)
    values = np.zeros(grid.shape_zyx, np.float32)
    for index, (_, plane) in zip(slices, elsewhere, strict=True):
        values[index] = plane
    result += resample(values, grid, volume.geometry, linear=True)
    yield warned("The map lies on another grid than this series; values between its voxels are interpolated.")
