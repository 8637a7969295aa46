"""Which mirrored views of its input a package declares its network to have learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from medassist.entities.errors import Refused
from medassist.inference.schema import Section

if TYPE_CHECKING:
    from medassist.inference.packages import Package

Flips: TypeAlias = tuple[tuple[int, ...], ...]
"""One view per entry, as the spatial axes of the network's input that are reversed, x first."""


def read_flips(own: Section, dimensions: int) -> Flips:
    """Read `tta.flips` of the section "medassist", () where there is none (Refused naming file and key).

    Only who made the package knows: a network that tells left from right must not see the image mirrored.
    """
    if "tta" not in own.data:
        return ()
    section = own.section("tta")
    found = tuple(_axes(section, one, dimensions) for one in section.items("flips"))
    if len(set(found)) < len(found):
        raise _wrong(section, dimensions)
    return found


def _axes(section: Section, value: object, dimensions: int) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or not all(type(axis) is int for axis in value):
        raise _wrong(section, dimensions)
    if len(set(value)) < len(value) or not 0 <= min(value) <= max(value) < dimensions:
        raise _wrong(section, dimensions)
    return tuple(sorted(value))


def _wrong(section: Section, dimensions: int) -> Refused:
    return Refused(
        "{file}: the key {key} must be a list of different lists of axes from 0 to {last}.",
        file=section.file,
        key=section.place("flips"),
        last=dimensions - 1,
    )


def check_flips(package: Package) -> None:
    """Refuse test-time augmentation for a package that does not say which flips its network has learned."""
    if not package.flips:
        raise Refused(
            "The package of the model {model} declares no flips, so the image cannot be looked at mirrored.",
            remedy="Run it without test-time augmentation.",
            model=package.name,
        )
