"""Why frames of one series cannot share a grid, in a few words: what a part of the series is called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medassist.imaging.frames import Frame
from medassist.imaging.grid import normal_of

_PLANES = ("sagittal", "coronal", "axial")


def labelled_builds(groups: Sequence[list[Frame]]) -> list[tuple[str, list[Frame]]]:
    """Name each group by the facts in which the groups differ."""
    firsts = [group[0] for group in groups]
    told = [[fact(frame) for frame in firsts] for fact in (_size, _colour, _direction, _spacing)]
    told += [_turns(firsts), _frames_of_reference(firsts)]
    used = [words for words in told if len(set(words)) > 1]
    labels = [", ".join(text for text in texts if text) for texts in zip(*used, strict=True)] or [""] * len(groups)
    return list(zip(labels, groups, strict=True))


def _turns(frames: Sequence[Frame]) -> list[str]:
    """Number the directions of slices nearest to the same plane."""
    seen: dict[str, list[tuple[float, ...]]] = {}
    words = []
    for frame in frames:
        name, own = _direction(frame), frame.orientation or ()
        known = seen.setdefault(name, [])
        at = next((n for n, other in enumerate(known) if np.allclose(own, other, rtol=0, atol=1e-4)), len(known))
        known[at:] = known[at:] or [own]
        words.append(f"direction {at + 1}")
    return words if any(len(known) > 1 for known in seen.values()) else [""] * len(frames)


def _frames_of_reference(frames: Sequence[Frame]) -> list[str]:
    order = list(dict.fromkeys(frame.frame_of_reference for frame in frames))
    return [f"frame of reference {order.index(frame.frame_of_reference) + 1}" for frame in frames]


def _size(frame: Frame) -> str:
    return f"{frame.columns} x {frame.rows}"


def _colour(frame: Frame) -> str:
    return "grey" if frame.samples == 1 else "colour"


def _direction(frame: Frame) -> str:
    """Name the plane nearest to the slices."""
    return _PLANES[int(np.abs(normal_of(frame.orientation or ())).argmax())]


def _spacing(frame: Frame) -> str:
    return "pixels of " + " x ".join(f"{value:.4g}" for value in reversed(frame.spacing_mm or ())) + " mm"
