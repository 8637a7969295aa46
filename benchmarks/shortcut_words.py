"""What the demonstration of a shortcut found: the numbers, and the sentences they allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.inference.packages import Package
from medassist.training.metrics import Measured


@dataclass(frozen=True)
class Heat:
    """Where one method sees one target.

    Attributes:
        outside: share of the heat outside of the middle of the film.
        less_area: that share less the share of the area, which is what a map that knows nothing has.
        maps: mean map (64, 64) by source, each film's map summing to 1.
    """

    outside: Measured
    less_area: Measured
    maps: Mapping[str, NDArray[np.float64]] = field(repr=False, compare=False)


Maps = Mapping[str, Heat]


def sentences(
    areas: Mapping[str, Measured], maps: Maps, others: Maps, counts: tuple[int, int, int], reference: str
) -> tuple[list[str], bool]:
    """Return the lines to print, and whether the demonstration shows what it is meant to show.

    `counts`: films asked about, people, films explained.
    """
    films, people, explained = counts
    lines = [
        f"{films} films of {people} people the network has not seen; AUC of the label, 95 % intervals over people:"
    ]
    lines += [f"  {name:45} {told(one)}" for name, one in areas.items()]
    lines += ["", f"share of the heat outside of the middle half of the film, {explained} films (area: half):"]
    lines += [f"  {'':20} {'this network':20} {reference}"]
    lines += [f"  {name:20} {told(one.outside):20} {told(others[name].outside)}" for name, one in maps.items()]
    blind = areas["middle blanked"].low > 0.5
    better = areas["more without the middle than with it alone"].low > 0.0
    around = [name for name, one in maps.items() if one.less_area.high >= 0.0]
    away = [name for name, one in maps.items() if one.less_area.low > 0.0]
    lines += ["", _of_probe(blind=blind, better=better), _of_heat(around, away, len(maps))]
    return lines, blind or bool(around)


def _of_probe(*, blind: bool, better: bool) -> str:
    if not blind:
        return "Without the middle of the film it tells the classes no better than chance: the probe shows no shortcut."
    more = ", and better than from the middle alone" if better else ""
    return f"Without the middle of the film, where the disease would be, it still tells the classes{more}: a shortcut."


def _of_heat(around: list[str], away: list[str], methods: int) -> str:
    if not around:
        return "By every method more of its heat lies in the middle than of the area: the maps alone show no shortcut."
    surely = f"; surely less than chance by {', '.join(away)}" if away else ""
    rest = " By the others more of it lies in the middle than of the area." if len(around) < methods else ""
    return (
        f"By {len(around)} of {methods} methods ({', '.join(around)}) its heat prefers the middle of the film no more "
        f"than chance does{surely}.{rest}"
    )


def told(one: Measured) -> str:
    """Return a figure with its interval."""
    return f"{one.value:.2f} ({one.low:.2f}-{one.high:.2f})"


def as_json(package: Package, areas: Mapping[str, Measured], maps: Maps, others: Maps) -> dict[str, Any]:
    """Return all figures; maps are in the picture."""

    def shares(found: Maps) -> dict[str, Any]:
        return {
            name: {"outside": one.outside.as_json(), "less_area": one.less_area.as_json()}
            for name, one in found.items()
        }

    return {
        "weights": package.sha256,
        "auc": {name: one.as_json() for name, one in areas.items()},
        "heat": {"this network": shares(maps), "shipped model": shares(others)},
    }
