"""What a reader thought of a series before any model was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Presence(Enum):
    """What a reader says of one label; UNSURE is an answer too, that agrees with nothing and against nothing."""

    PRESENT = "present"
    ABSENT = "absent"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Impression:
    """The first impression of one series; recorded once, before results are seen.

    Attributes:
        series_key: the series it is about.
        by, at: the reader, and when (local ISO time).
        text: free words.
        answers: by label of a model; labels without an answer were left open.
    """

    series_key: str
    by: str
    at: str
    text: str = ""
    answers: Mapping[str, Presence] = field(default_factory=dict)


@dataclass(frozen=True)
class Withheld:
    """Results that are there and not shown yet: which series, and what its models know. Not what they found.

    Attributes:
        series_key: the series.
        labels: (label, Chinese title) of everything its models could have called, by name.
    """

    series_key: str
    labels: tuple[tuple[str, str], ...] = ()
