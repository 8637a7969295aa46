"""What each time point of a series is: its b-value, acquisition or time, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from medassist.entities.study import Warned, warned
from medassist.imaging.clocks import NAMES, seconds_between
from medassist.imaging.frames import Frame

_B_VALUE, _TAKEN, _CONTENT = (NAMES.index(name) for name in ("b-value", "acquisition time", "content time"))
_WITH_SECONDS = ("dimension", "temporal position", "acquisition", "instance number")


def time_labels(places: Sequence[Sequence[Frame]], times_by: str) -> tuple[Warned, ...]:
    """Name every time point t of `places[p][t]`; () when there is only one.

    A value is only told where all positions share it. Times of day are told in seconds after the first time point,
    at the first position.
    """
    count = len(places[0])
    if count < 2:
        return ()
    b_values = [_shared(places, time, _B_VALUE) for time in range(count)]
    beside = times_by != "b-value" and None not in b_values and len(set(b_values)) > 1
    seconds = _seconds(places[0], _CONTENT if times_by == "content time" else _TAKEN)
    labels = []
    for time in range(count):
        label = _label(places, time, times_by, seconds)
        if times_by in _WITH_SECONDS and seconds:
            label = _joined(label, warned("{seconds} s", seconds=f"{seconds[time]:g}"))
        labels.append(_joined(label, _b_value(b_values[time])) if beside else label)
    return tuple(labels)


def _label(places: Sequence[Sequence[Frame]], time: int, times_by: str, seconds: Sequence[float]) -> Warned:
    shared = _shared(places, time, NAMES.index(times_by)) if times_by else None
    if times_by in ("acquisition time", "content time") and seconds:
        return warned("time {value} s", value=f"{seconds[time]:g}")
    if shared is not None and times_by == "b-value":
        return _b_value(shared)
    if shared is not None and times_by == "temporal position":
        return warned("time point {value}", value=f"{shared:g}")
    if shared is not None and times_by == "acquisition":
        return warned("acquisition {value}", value=f"{shared:g}")
    if shared is not None and times_by == "trigger time":
        return warned("trigger time {value} ms", value=f"{shared:g}")
    return warned("volume {value}", value=time + 1)


def _b_value(value: float | None) -> Warned:
    return warned("b = {value} s/mm²", value=f"{value:g}")


def _joined(one: Warned, more: Warned) -> Warned:
    return warned("{one}, {more}", one=one, more=more)


def _shared(places: Sequence[Sequence[Frame]], time: int, clock: int) -> float | None:
    """Return what a clock shows at one time point, None where positions disagree or do not say."""
    found = {place[time].clocks[clock] for place in places}
    return found.pop() if len(found) == 1 else None


def _seconds(place: Sequence[Frame], clock: int) -> tuple[float, ...]:
    """Return the seconds of the frames at one position after the first of them, () unless they grow and are known."""
    moments = [frame.clocks[clock] for frame in place]
    known = [moment for moment in moments if moment is not None]
    after = [seconds_between(known[0], moment) for moment in known]
    told = tuple(round(value, 3) for value in after if value is not None)
    growing = all(one < other for one, other in pairwise(told))
    return told if growing and len(told) == len(moments) else ()
