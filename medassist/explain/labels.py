"""The names of what can be explained: known, not compared with themselves, and on a whole image of one region."""

from __future__ import annotations

from medassist.entities.errors import UsageError
from medassist.entities.geometry import Geometry
from medassist.explain.whole import places
from medassist.inference.localizer import for_whole
from medassist.inference.packages import Package
from medassist.inference.ports import Label


def known_labels(package: Package, geometry: Geometry, target: str, against: str = "") -> tuple[str, str]:
    """Return two labels by their English names, "" for "", before anything is run.

    UsageError where `explain` would refuse them: nobody knows one, they are the same, or on a whole image they lie in
    different regions.
    """
    named = [one for one in (target, against) if one]
    if named and for_whole(package.localizer, geometry):
        place, other = places(package, *named)
        named = [one[2].label for one in (place, other) if one is not None]
    else:
        named = [label_of(package, one).label for one in named]
    found = iter(named)
    label, rival = (next(found) if one else "" for one in (target, against))
    if label:
        demand_two(label, rival)
    return label, rival


def demand_two(target: str, against: str) -> None:
    """Refuse one label in place of two (UsageError)."""
    if target == against:
        raise UsageError(
            "{target} cannot be compared with itself.", remedy="Name another label to compare with.", target=target
        )


def label_of(package: Package, target: str) -> Label:
    """Return the label of that English or Chinese name (UsageError names the known ones)."""
    for label in package.labels:
        if label.label.lower() == target.lower() or target == label.title_zh != "":
            return label
    raise UsageError(
        "The model {model} has no label {target}; it has {known}.",
        model=package.name,
        target=target,
        known=", ".join(label.label for label in package.labels),
    )
