"""Whether what a case file tells lies inside its series: what does not leads nowhere, and stops every report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.measurement import Measurement
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume


def within(values: Mapping[str, Any], volumes: Iterable[Volume]) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    """Leave out findings and measurements at slices, times or places that their series does not have, and say so."""
    by_key = {one.series.key: one for one in volumes}
    kept: dict[str, Any] = {
        "findings": tuple(one for one in values["findings"] if _fits(one, by_key[one.series_key])),
        "measurements": tuple(one for one in values["measurements"] if _lies(one, by_key[one.series_key])),
    }
    left = sum(len(values[name]) - len(kept[name]) for name in kept)
    note = warned("{count} findings or measurements lie outside their series; they are left out.", count=left)
    return {**values, **kept}, (note,) if left else ()


def _fits(finding: Finding, volume: Volume) -> bool:
    slices = [one for one in (finding.key_slice, *(finding.slices or ())) if one is not None]
    return all(_holds(one, volume) for one in slices) and all(map(math.isfinite, finding.center_lps or ()))


def _lies(measurement: Measurement, volume: Volume) -> bool:
    index, places = measurement.slice_index, [value for point in measurement.points_lps for value in point]
    inside = (index is None or _holds(index, volume)) and 0 <= measurement.time < len(volume.array_tzyx)
    return inside and bool(places) and all(map(math.isfinite, places))


def _holds(index: int, volume: Volume) -> bool:
    return 0 <= index < volume.geometry.shape_zyx[0]
