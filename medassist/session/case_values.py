"""Whether what a case file tells can be drawn and written: a file made by hand must not end a report as a bug."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.measurement import Measurement
from medassist.entities.prediction import Prediction, Segment
from medassist.entities.volume import Window
from medassist.imaging.measuring import has_its_points


def demand_sound(values: Mapping[str, Any], path: Path) -> None:
    """Refuse colours, windows, times and drawings that nothing could show (UnreadableInput with what is wrong)."""
    for noun in _nouns(values.values()):
        problem = _problem(noun, path)
        if problem is not None:
            raise problem


def _problem(noun: Any, path: Path) -> UnreadableInput | None:
    if isinstance(noun, Segment) and not all(0 <= one <= 255 for one in noun.color):
        return UnreadableInput("{path} is damaged: a colour in it lies outside 0 to 255.", path=path)
    if isinstance(noun, Window) and not (math.isfinite(noun.center) and math.isfinite(noun.width) and noun.width > 0):
        return UnreadableInput("{path} is damaged: a grey scale in it has no width.", path=path)
    if isinstance(noun, Prediction) and not _is_time(noun.started):
        return UnreadableInput("{path} is damaged: it does not say when a model ran.", path=path)
    if isinstance(noun, Measurement) and not has_its_points(noun):
        return UnreadableInput("{path} is damaged: a drawing in it has not the points of its shape.", path=path)
    return None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _nouns(values: Iterable[Any]) -> Iterator[Any]:
    """Yield every noun among values and inside them; arrays hold none."""
    waiting = list(values)
    while waiting:
        one = waiting.pop()
        if dataclasses.is_dataclass(one):
            yield one
            waiting += [getattr(one, each.name) for each in dataclasses.fields(one)]
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, tuple | list | frozenset):
            waiting += one
