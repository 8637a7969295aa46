"""Take one SeriesInstanceUID apart into stacks that belong together, and each stack into positions and times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from medassist.imaging.clocks import FIRST_TIME_OF_DAY
from medassist.imaging.frames import Frame
from medassist.imaging.grid import SAME_PLACE_MM, distances_along_normal

_SAME_DIRECTION = 1e-4  # 0.1 mm over a metre
_SAME_SPACING = 1e-3


@dataclass(frozen=True)
class Part:
    """Frames that belong together: `places[p][t]` is time point t at position p, positions ascending.

    Attributes:
        label: why this part is one of several ("" when the series is whole).
        complete: whether every position has equally many time points.
    """

    places: tuple[tuple[Frame, ...], ...]
    label: str = ""
    complete: bool = True

    @property
    def times(self) -> int:
        """Number of time points, 1 when they are incomplete."""
        return len(self.places[0]) if self.complete else 1

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All frames, position by position, then by time."""
        return tuple(frame for place in self.places for frame in place)


def split(frames: Sequence[Frame]) -> list[Part]:
    """Split placed frames of one series by size, frame of reference, orientation, kind, echo, and order them."""
    parts = []
    groups = _by_build(frames)
    for group in groups:
        for label, members in _by_contrast(group):
            parts.append((label, members))
    several = len(parts) > 1
    return [_ordered(members, label if several else "") for label, members in _distinct(parts)]


def _by_build(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Group frames that could lie on one grid."""
    groups: list[list[Frame]] = []
    for frame in frames:
        home = next((group for group in groups if _same_build(group[0], frame)), None)
        if home is None:
            groups.append([frame])
        else:
            home.append(frame)
    return groups


def _same_build(one: Frame, other: Frame) -> bool:
    facts = ("rows", "columns", "samples", "frame_of_reference", "component")
    return (
        all(getattr(one, fact) == getattr(other, fact) for fact in facts)
        and np.allclose(one.orientation or (), other.orientation or (), rtol=0, atol=_SAME_DIRECTION)
        and np.allclose(one.spacing_mm or (), other.spacing_mm or (), rtol=_SAME_SPACING, atol=0)
    )


def _by_contrast(group: list[Frame]) -> list[tuple[str, list[Frame]]]:
    """Split frames that share positions by image type or echo, when every part then covers all positions."""
    name = group[0].component
    if len(positions(group)) == len(group):
        return [(name, group)]
    for label, fact in _CONTRASTS:
        sorted_out = defaultdict(list)
        for frame in group:
            sorted_out[fact(frame)].append(frame)
        if len(sorted_out) > 1 and _cover_the_same(list(sorted_out.values())):
            ordered = sorted(sorted_out.items(), key=lambda item: str(item[0]))
            return [
                (_joined(name, label(value), rest), part)
                for value, members in ordered
                for rest, part in _by_contrast(members)
            ]
    return [(name, group)]


def _joined(*labels: str) -> str:
    """Join labels without repeating a word."""
    return " ".join(dict.fromkeys(" ".join(labels).split()))


_CONTRASTS: tuple[tuple[Callable[[Hashable], str], Callable[[Frame], Hashable]], ...] = (
    (lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "", lambda frame: frame.image_type[2:]),
    (lambda value: f"echo {value:g}", lambda frame: frame.echo[0]),
    (lambda value: f"TE {value:g}", lambda frame: frame.echo[1]),
)


def _cover_the_same(groups: list[list[Frame]]) -> bool:
    counts = [len(positions(group)) for group in groups]
    everything = len(positions([frame for group in groups for frame in group]))
    return all(count == everything for count in counts)


def positions(group: Sequence[Frame]) -> list[list[Frame]]:
    """Group frames of one orientation by their place along the normal, ascending."""
    along = distances_along_normal(group)
    order = np.argsort(along, kind="stable")
    places: list[list[Frame]] = []
    last = -np.inf
    for index in order:
        if along[index] - last > SAME_PLACE_MM:
            places.append([])
            last = along[index]
        places[-1].append(group[index])
    return places


def _ordered(group: Sequence[Frame], label: str) -> Part:
    places = positions(group)
    clock = _clock(places)
    ordered = tuple(tuple(sorted(place, key=clock)) for place in places)
    return Part(ordered, label, len({len(place) for place in places}) == 1)


def _clock(places: Sequence[Sequence[Frame]]) -> Callable[[Frame], tuple[float, ...]]:
    """Choose the first clock that tells all frames at every position apart; the instance number settles ties.

    Counting clocks must also show the same values everywhere; times of day differ from slice to slice.
    """
    for which in range(len(places[0][0].clocks)):
        readings = [[frame.clocks[which] for frame in place] for place in places]
        apart = all(None not in reading and len(set(reading)) == len(reading) for reading in readings)
        if apart and (which >= FIRST_TIME_OF_DAY or len({frozenset(reading) for reading in readings}) == 1):
            return lambda frame: (frame.clocks[which] or 0.0, frame.clocks[-1] or 0.0)
    return lambda frame: (frame.clocks[-1] or 0.0,)


def _distinct(parts: list[tuple[str, list[Frame]]]) -> list[tuple[str, list[Frame]]]:
    """Number parts that would carry the same label; a part without one is the series proper."""
    labels = [label for label, _ in parts]
    seen: dict[str, int] = defaultdict(int)
    result = []
    for label, members in parts:
        seen[label] += 1
        own = label if labels.count(label) == 1 else f"{label or 'part'} {seen[label]}"
        result.append((own, members))
    return result
