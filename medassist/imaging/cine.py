"""When the frames of a cine were taken (PS3.3 C.7.6.5)."""

from __future__ import annotations

from itertools import accumulate

from pydicom import Dataset

from medassist.imaging import tags


def frame_times_ms(header: Dataset, count: int) -> tuple[float, ...]:
    """Return the time of each frame after the first one, in ms; () when the header does not tell.

    The vector of steps counts before the one step for all frames, and a recommended rate comes last.
    """
    layers = (header,)
    steps = tags.numbers(layers, "FrameTimeVector", count)
    if steps is not None and min(steps[1:], default=1.0) > 0:
        return tuple(accumulate((0.0, *steps[1:])))
    step = tags.number(layers, "FrameTime")
    if not step or step < 0:
        rate = tags.number(layers, "CineRate") or tags.number(layers, "RecommendedDisplayFrameRate") or 0.0
        step = 1000.0 / rate if rate > 0 else 0.0
    return tuple(index * step for index in range(count)) if step and count > 1 else ()
