"""The list of measurements as a table of text, for the clipboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medassist.entities.measurement import Measurement
from medassist.entities.volume import Volume
from medassist.imaging.measuring import remarks
from medassist.imaging.measuring_plane import drawn_on
from medassist.imaging.slicing import Plane, layout
from medassist.language import current_language, localized, tr
from medassist.report.measurement_words import UNITS, quantity_name
from medassist.report.measurements_csv import cell
from medassist.report.wording import Wording
from medassist.ui.measure_words import shape_word
from medassist.ui.viewer.texts import plane_name


def table_text(measurements: Sequence[Measurement], volume: Volume) -> str:
    """Return a heading and one line per measurement, columns apart by tabs; every figure has a column with its unit.

    Slices and time points count from 1, as on screen. What a reader typed never becomes a formula of a spreadsheet.
    """
    kinds = list(dict.fromkeys((one.name, one.unit) for each in measurements for one in each.quantities))
    heading = [tr("Name"), tr("Shape"), tr("Slice"), tr("Time"), *(_column(*kind) for kind in kinds), tr("Remark")]
    rows = [_row(one, volume, kinds) for one in measurements]
    return "\n".join("\t".join(cell(" ".join(one.split())) for one in row) for row in (heading, *rows)) + "\n"


def slice_text(measurement: Measurement, volume: Volume) -> str:
    """Return the number of the slice as on screen, counted from 1, with the plane where it is one across the slices."""
    if measurement.slice_index is not None:
        return str(measurement.slice_index + 1)
    drawn, geometry = drawn_on(measurement, volume), volume.geometry
    if drawn is None:
        return ""
    plane = next(one for one in Plane if layout(geometry, one).through_axis == drawn.axis)
    return f"{plane_name(plane)} {drawn.index + 1}"


def _row(one: Measurement, volume: Volume, kinds: Iterable[tuple[str, str]]) -> list[str]:
    values = {(each.name, each.unit): f"{each.value:.6g}" for each in one.quantities}
    told = " ".join(localized(each) for each in remarks(one, volume))
    place = slice_text(one, volume)
    return [one.label, shape_word(one.shape), place, str(one.time + 1), *(values.get(kind, "") for kind in kinds), told]


def _column(name: str, unit: str) -> str:
    written = UNITS.get(unit, unit)
    title = quantity_name(name, Wording(current_language()))
    return f"{title} ({written})" if written else title
