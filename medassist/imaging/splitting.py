"""Take one SeriesInstanceUID apart into stacks that belong together, and each stack into positions and times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from medassist.entities.study import Warned, warned
from medassist.imaging.builds import labelled_builds
from medassist.imaging.clocks import FIRST_TIME_OF_DAY, NAMES
from medassist.imaging.frames import Frame
from medassist.imaging.grid import SAME_PLACE_MM, distances_along_normal, irregularities, tilt_degrees

_SAME_DIRECTION = 1e-4  # 0.1 mm over a metre
_SAME_SPACING = 1e-3
_LEAST_SLICES, _LEAST_IN_STACK = 3, 2
_build = attrgetter("rows", "columns", "samples", "frame_of_reference", "component")
_ACQUISITION, _B_VALUE = NAMES.index("acquisition"), NAMES.index("b-value")


@dataclass(frozen=True)
class Part:
    """Frames that belong together: `places[p][t]` is time point t at position p, positions ascending.

    Attributes:
        label: why this part is one of several ("" when the series is whole).
        complete: whether every position has equally many time points.
        times_by: what tells the time points apart, one of `clocks.NAMES`; "" when there is only one.
        remarks: what a reader must know about the split.
    """

    places: tuple[tuple[Frame, ...], ...]
    label: str = ""
    complete: bool = True
    times_by: str = ""
    remarks: tuple[Warned, ...] = ()

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
    for name, group in labelled_builds(_by_build(frames)):
        for label, members in _by_contrast(group):
            parts.append((", ".join(text for text in (label, name) if text), members))
    several = len(parts) > 1
    ordered = [_ordered(members, label if several else "") for label, members in _distinct(parts)]
    return [one for part in ordered for stack in _by_stack(part) for one in _by_acquisition(stack)]


def _by_stack(part: Part) -> list[Part]:
    """Take apart stacks of one direction that do not stand evenly together, as the scanner named them (StackID)."""
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in part.frames:
        groups[frame.stack].append(frame)
    if len(groups) < 2 or "" in groups or _stands_evenly(part):
        return [part]
    ordered = sorted(groups.items(), key=lambda item: (len(item[0]), item[0]))
    parts = [_ordered(members, f"{part.label} stack {name}".strip()) for name, members in ordered]
    if any(len(one.places) < _LEAST_IN_STACK for one in parts):
        return [part]
    remark = warned("Split by stack: the {count} stacks of this series do not form one regular grid.", count=len(parts))
    return [replace(one, remarks=(*one.remarks, remark)) for one in parts]


def _stands_evenly(part: Part) -> bool:
    """Tell whether frames form one grid, or would but for a tilted gantry."""
    first = [place[0] for place in part.places]
    return part.complete and (not irregularities(first) or tilt_degrees(first) is not None)


def _by_acquisition(part: Part) -> list[Part]:
    """Take apart acquisitions that overlap without covering the same positions; each must be whole in itself."""
    if part.complete:
        return [part]
    groups: dict[float | None, list[Frame]] = defaultdict(list)
    for frame in part.frames:
        groups[frame.clocks[_ACQUISITION]].append(frame)
    if len(groups) < 2 or None in groups:
        return [part]
    ordered = sorted(groups.items(), key=lambda item: item[0] or 0.0)
    parts = [_ordered(members, f"{part.label} acquisition {number:g}".strip()) for number, members in ordered]
    if not all(one.complete and len(one.places) >= _LEAST_SLICES for one in parts):
        return [part]
    remark = warned(
        "Split by acquisition: the {count} acquisitions of this series overlap, but cover different positions.",
        count=len(parts),
    )
    return [replace(one, remarks=(*one.remarks, remark)) for one in parts]


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
    return (
        _build(one) == _build(other)
        and (
            one.orientation == other.orientation
            or np.allclose(one.orientation or (), other.orientation or (), rtol=0, atol=_SAME_DIRECTION)
        )
        and (
            one.spacing_mm == other.spacing_mm
            or np.allclose(one.spacing_mm or (), other.spacing_mm or (), rtol=_SAME_SPACING, atol=0)
        )
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
    (lambda value: "no echo" if value is None else f"echo {value:g}", lambda frame: frame.echo[0]),
    (lambda value: "no TE" if value is None else f"TE {value:g}", lambda frame: frame.echo[1]),
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
    ordered = tuple(tuple(sorted(place, key=lambda frame: _reading(frame, clock))) for place in places)
    complete = len({len(place) for place in places}) == 1
    times_by = _times_by(places, clock) if complete and len(places[0]) > 1 else ""
    told: tuple[Warned, ...] = ()
    if len(places) == 1 < len(group):
        told = (warned("All {count} pictures lie at one position; they are shown as time points.", count=len(group)),)
    return Part(ordered, label, complete, times_by, told)


def _times_by(places: Sequence[Sequence[Frame]], clock: int) -> str:
    """Name what tells time points apart: b-values where they do as well, whatever counts them."""
    b_values = {frozenset(frame.clocks[_B_VALUE] for frame in place) for place in places}
    by_b_value = len(b_values) == 1 and None not in (found := b_values.pop()) and len(found) == len(places[0])
    return NAMES[_B_VALUE if by_b_value else clock]


def _reading(frame: Frame, clock: int) -> tuple[float, float]:
    return frame.clocks[clock] or 0.0, frame.clocks[-1] or 0.0


def _clock(places: Sequence[Sequence[Frame]]) -> int:
    """Choose the first clock that tells all frames at every position apart; the instance number settles ties.

    Counting clocks must also show the same values everywhere; times of day differ from slice to slice.
    """
    for which in range(len(places[0][0].clocks)):
        readings = [[frame.clocks[which] for frame in place] for place in places]
        apart = all(None not in reading and len(set(reading)) == len(reading) for reading in readings)
        if apart and (which >= FIRST_TIME_OF_DAY or len({frozenset(reading) for reading in readings}) == 1):
            return which
    return len(NAMES) - 1


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
