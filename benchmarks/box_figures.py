"""Figures of one method on films with boxes, with intervals over patients, and the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.training.metrics import Measured, bootstrap

REPEATS = 2000
Z = 1.96
MEASURES = ("pointing", "energy")


@dataclass(frozen=True)
class Figures:
    """One row of the table.

    Attributes:
        values: `pointing`, `energy`, `chance`; `pointing_over_chance`, `energy_over_chance`; for methods also
            `pointing_over_others`, `energy_over_others`: how much more than the mean map of other patients; and
            `pointing_over_place`, `energy_over_place`: how much more than the place of other patients' boxes.
        empty: films without a map: nothing speaks for the target, or the method refused; misses without energy.
        fails: share of the stamped maps that fail or mean nothing, None where none was stamped.
        seconds: per film, with the stamps.
    """

    values: Mapping[str, Measured]
    empty: int = 0
    fails: float | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON."""
        figures = {name: one.as_json() for name, one in self.values.items()}
        return {**figures, "empty": self.empty, "stamp_fails": self.fails, "seconds": round(self.seconds, 3)}


def figures(
    found: Sequence[Mapping[str, float]],
    share: NDArray[np.float64],
    patients: Sequence[str],
    *,
    others: Sequence[Mapping[str, float]] | None = None,
    place: Sequence[Mapping[str, float]] | None = None,
    fails: float | None = None,
    seconds: float = 0.0,
) -> Figures:
    """Measure a method: all maps as `explain.quality.placing` answers, `share` (films,) of the boxes in the film."""
    columns = {**_columns(found), "chance": share}
    columns |= {f"{name}_over_chance": columns[name] - share for name in MEASURES}
    for against, rivals in (("others", others), ("place", place)):
        if rivals is not None:
            columns |= {f"{name}_over_{against}": columns[name] - one for name, one in _columns(rivals).items()}
    measured = bootstrap(
        lambda rows: {name: float(values[rows].mean()) for name, values in columns.items()}, patients, repeats=REPEATS
    )
    people = len(set(patients))
    measured["pointing"] = _at_least_wilson(measured["pointing"], people)
    over = measured["pointing_over_chance"]
    measured["pointing_over_chance"] = _shifted(measured["pointing"], over)
    return Figures(measured, sum(not one for one in found), fails, seconds)


def _columns(found: Sequence[Mapping[str, float]]) -> dict[str, NDArray[np.float64]]:
    return {
        "pointing": np.array([one.get("pointing_hit", 0.0) for one in found]),
        "energy": np.array([one.get("energy_in_mask", 0.0) for one in found]),
    }


def _at_least_wilson(share: Measured, people: int) -> Measured:
    """Return a share whose interval is no narrower than Wilson's of as many people (JASA 1927).

    No hit among seventeen films says little; drawing these films again would say 0 to 0.
    """
    middle = (share.value + Z**2 / (2 * people)) / (1 + Z**2 / people)
    half = Z / (1 + Z**2 / people) * np.sqrt(share.value * (1 - share.value) / people + Z**2 / (4 * people**2))
    return Measured(share.value, min(share.low, float(middle - half)), max(share.high, float(middle + half)), share.n)


def _shifted(share: Measured, over: Measured) -> Measured:
    """Return the difference to chance, whose interval is no narrower than that of the share itself."""
    chance = share.value - over.value
    return Measured(over.value, min(over.low, share.low - chance), max(over.high, share.high - chance), over.n)


def text_of(rows: Mapping[str, Figures]) -> str:
    """Return the table, and in a sentence what may be believed of it."""
    titles = ("pointing", "energy", "over chance", "over other films", "over their boxes")
    head = f"{'':22}{titles[0]:>18}{titles[1]:>18}" + "".join(f"{one:>20}" for one in titles[2:])
    head += "  fails  empty  s/film"
    lines = [head, *(_line(name, one) for name, one in rows.items())]
    chance = next(iter(rows.values())).values["chance"]
    lines.append(f"\nchance, the share of the film in boxes: {_told(chance)}; 95 % intervals over patients")
    return "\n".join([*lines, *conclusion(rows)])


def _line(name: str, one: Figures) -> str:
    told = [one.values.get(f"energy_over_{against}") for against in ("chance", "others", "place")]
    over = "".join(f"{'' if each is None else _told(each, sign=True):>20}" for each in told)
    fails = "-" if one.fails is None else f"{one.fails:.2f}"
    return (
        f"{name:22}{_told(one.values['pointing']):>18}{_told(one.values['energy']):>18}"
        f"{over}  {fails:>5}  {one.empty:>5}  {one.seconds:6.2f}"
    )


def _told(one: Measured, *, sign: bool = False) -> str:
    if sign:
        return f"{one.value:+.2f} ({one.low:+.2f},{one.high:+.2f})"
    return f"{one.value:.2f} ({one.low:.2f}-{one.high:.2f})"


def conclusion(rows: Mapping[str, Figures]) -> list[str]:
    """Return what the table says in sentences: who beats chance, and who knows anything of the film itself."""
    methods = {name: one for name, one in rows.items() if "energy_over_others" in one.values}
    lines = [_beat(methods, "chance", "chance")]
    blind = [name for name, one in rows.items() if name not in methods and _sure(one, "chance")]
    if blind:
        lines.append(f"Above chance without knowing any network: {', '.join(blind)}.")
    lines.append(_beat(methods, "others", "the mean map of the other patients' films, which knows nothing of the film"))
    lines.append(_beat(methods, "place", "the place where the boxes of the other patients lie"))
    failing = [name for name, one in methods.items() if one.fails]
    if failing:
        lines.append(f"The stamp doubts, on some or all of the films it measured: {', '.join(failing)}.")
    lines.append(
        f"With {len(methods)} methods and two measures, about one comparison in 40 would be above by luck alone."
    )
    return lines


def _sure(one: Figures, against: str) -> bool:
    """Tell whether pointing or energy lies above with its whole interval."""
    return any(one.values[f"{name}_over_{against}"].low > 0.0 for name in MEASURES)


def _beat(methods: Mapping[str, Figures], against: str, what: str) -> str:
    names = [name for name, one in methods.items() if _sure(one, against)]
    return f"Above {what}: {', '.join(names)}." if names else f"No method is above {what}."
