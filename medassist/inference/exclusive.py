"""Whether the classes of a classifier exclude each other, as its metadata say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.inference.schema import Section

if TYPE_CHECKING:
    from medassist.inference.ports import Label


def read_exclusive(own: Section, task: str, labels: Sequence[Label]) -> bool:
    """Read the key "exclusive" of the metadata.

    Refused unless there are two classes or more that stand for all outputs of the network, with one slope and no
    intercept: a softmax with one temperature.
    """
    if not own.flag("exclusive", False):
        return False
    whole = {label.value for label in labels} == set(range(len(labels))) and len(labels) > 1
    one_temperature = {(label.slope, label.intercept) for label in labels} == {(labels[0].slope, 0.0)}
    if task != "classification" or not whole or not one_temperature or not labels[0].slope > 0:
        raise Refused(
            "{file}: the key {key} needs a classification of two classes or more, numbered from 0, with one slope "
            "above 0 for all and no intercept.",
            file=own.file,
            key=own.place("exclusive"),
        )
    return True
