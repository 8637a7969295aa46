"""Parts of a series that holds several pictures at every position: one b-value, time or acquisition each.

They are derived from the series whenever somebody asks, and listed nowhere: the series itself stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from medassist.entities.study import Series, Warned, warned

_MARK = "#volume "


def parts_of(series: Series) -> tuple[Series, ...]:
    """Return one series per time point, with a key, frames and a place of its own; () when there is only one.

    A file without frames to choose from (NIfTI) has no parts.
    """
    return tuple(_part(series, time) for time in range(series.times)) if _has_parts(series) else ()


def split_reason(series: Series) -> Warned:
    """Say what tells the parts of a series apart."""
    what = series.times_by or "instance number"
    return warned("Each position holds {count} pictures, told apart by {what}.", count=series.times, what=Warned(what))


def find(series: Iterable[Series], key: str) -> Series | None:
    """Return the series with `key` among some series and their parts, None when there is none."""
    for one in series:
        if one.key == key:
            return one
        mark = f"{one.key}{_MARK}"
        number = key.removeprefix(mark) if key.startswith(mark) else ""
        if number.isdecimal() and _has_parts(one) and 0 < int(number) <= one.times:
            return _part(one, int(number) - 1)
    return None


def _has_parts(series: Series) -> bool:
    return series.times > 1 and len(series.time_labels) == series.times


def _part(series: Series, time: int) -> Series:
    return replace(
        series,
        key=f"{series.key}{_MARK}{time + 1}",
        part=", ".join(text for text in (series.part, series.time_labels[time].text()) if text),
        part_of=series.key,
        frames=series.frames[time :: series.times],
        times=1,
        times_by="",
        time_labels=(series.time_labels[time],),
        slice_times_s=series.slice_times_s if time == 0 else (),
        raw=None if series.raw is None else _part(series.raw, time),
    )
