"""What can be undone and done again: the values the work had before each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medassist.entities.study import Warned


@dataclass(frozen=True)
class Told:
    """A change in words, the word for it in the audit trail, and the keys of the series it is about."""

    title: Warned
    verb: str
    series: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Step:
    """What the fields of the work were before an action, or after one that was undone.

    Attributes:
        told: the step in words, and the word for it in the audit trail.
        values: the fields it changed, with their other value.
        kind: the class of the action; `open` while the next one of it belongs to the same step, as a dial that is
            still held.
        at: when it was made, in seconds of the monotonic clock.
    """

    told: Told
    values: Mapping[str, Any]
    kind: type = object
    open: bool = False
    at: float = 0.0

    @property
    def title(self) -> Warned:
        """What was done, for a person."""
        return self.told.title


@dataclass(frozen=True, eq=False)
class History:
    """Steps that can be undone (`past`, newest last) and done again (`future`, the next one last).

    `undone` and `redone` count how often either was asked for.
    """

    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()
    undone: int = 0
    redone: int = 0

    @property
    def to_undo(self) -> Step | None:
        """The step that `Undo` takes back."""
        return self.past[-1] if self.past else None

    @property
    def to_redo(self) -> Step | None:
        """The step that `Redo` does again."""
        return self.future[-1] if self.future else None
