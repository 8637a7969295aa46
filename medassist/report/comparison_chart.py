"""Deletion and insertion of several methods in one drawing: dots with intervals, beside those of random maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medassist.report.comparison import Figure

LABEL_PX = 230
WIDTH_PX = 420
ROW_PX = 34
TOP_PX = 30


@dataclass(frozen=True)
class Dot:
    """One figure: its place along the axis, its interval (None without one), its colour; hollow for random maps."""

    x: float
    y: float
    low: float | None
    high: float | None
    color: str
    hollow: bool


@dataclass(frozen=True)
class Chart:
    """Everything the drawing holds, in pixels; `names` and `ticks` with their places."""

    width: int
    height: int
    names: tuple[tuple[str, float], ...]
    ticks: tuple[tuple[str, float], ...]
    dots: tuple[Dot, ...]
    legend: tuple[tuple[str, str], ...]


_KINDS = (
    ("deletion_auc", "#1660b0", False, -6.0),
    ("random_deletion_auc", "#1660b0", True, -6.0),
    ("insertion_auc", "#b8620b", False, 6.0),
    ("random_insertion_auc", "#b8620b", True, 6.0),
)


def chart_of(methods: Sequence[tuple[str, Mapping[str, Figure]]], kinds: tuple[str, str]) -> Chart | None:
    """Return the drawing of the methods whose curves were measured, None where none was; `kinds` name both curves."""
    shown = [(title, one) for title, one in methods if "deletion_auc" in one]
    if not shown:
        return None
    known = [one for _, found in shown for name, *_ in _KINDS if (one := found.get(name)) is not None]
    most = max(1.0, *(one.value if one.high is None else one.high for one in known))
    dots = tuple(
        Dot(_x(one.value, most), _y(row) + shift, _end(one.low, most), _end(one.high, most), color, hollow)
        for row, (_, found) in enumerate(shown)
        for name, color, hollow, shift in _KINDS
        if (one := found.get(name)) is not None
    )
    return Chart(
        LABEL_PX + WIDTH_PX + 30,
        TOP_PX + ROW_PX * len(shown) + 10,
        tuple((title, _y(row)) for row, (title, _) in enumerate(shown)),
        tuple((f"{most * step / 4:.2g}", _x(most * step / 4, most)) for step in range(5)),
        dots,
        ((kinds[0], "#1660b0"), (kinds[1], "#b8620b")),
    )


def _x(value: float, most: float) -> float:
    return round(LABEL_PX + WIDTH_PX * max(0.0, value) / most, 1)


def _end(value: float | None, most: float) -> float | None:
    return None if value is None else _x(value, most)


def _y(row: int) -> float:
    return TOP_PX + ROW_PX * (row + 0.5)
