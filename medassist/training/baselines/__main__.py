"""`python -m medassist.training.baselines DATA [--model NAME]`: what can be had without learning, beside a model.

DATA is a folder of pictures with numbered nuclei. Where it names folds, only the highest is looked at; with `--tune`
the settings are those that fit its other folds best, else those that fit the training folds of nuclei_he. The model is
a name or a folder; it is refused on pictures it has learned from. Intervals are by field.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.inference.catalogue import find
from medassist.language import localized
from medassist.progress import Progress
from medassist.training.baselines.nuclei import Objects, Picture, Settings, nuclei, tuned
from medassist.training.evaluate import REPEATS, evaluate
from medassist.training.instance_metrics import instance_metrics
from medassist.training.layouts.reading import image_of, mask_of, read_table
from medassist.training.metrics import Indices, Measured, bootstrap
from medassist.training.table import Row, Table

FIGURES = ("pq", "aji", "f1_iou50", "count_error")


Values = Mapping[str, NDArray[np.float64]]
"""By figure, one value per row."""


def classical(table: Table, rows: Sequence[Row], settings: Settings) -> Values:
    """Return the figures of the classical method on each row."""
    cases = (_case(table, row) for row in rows)
    return _columns([instance_metrics(nuclei(picture, settings), truth) for picture, truth in cases])


def learned(model: str, data: Path, rows: Sequence[Row]) -> Values:
    """Return the figures of a model on the same rows (Refused where it has learned from them)."""
    folds = sorted({row.fold for row in rows if row.fold is not None}) or None
    cases = evaluate(find(model), data, folds=folds, device="cpu", progress=Progress()).cases
    return _columns([next(iter(one.figures.values())) for one in cases])


def mean(values: Values, rows: Sequence[Row]) -> dict[str, Measured]:
    """Return means over rows, with 95 % intervals by subject."""

    def means(chosen: Indices) -> dict[str, float]:
        return {name: float(column[chosen].mean()) for name, column in values.items()}

    return bootstrap(means, [row.subject for row in rows], repeats=REPEATS)


def _columns(found: Sequence[Mapping[str, float]]) -> Values:
    return {name: np.array([one[name] for one in found], dtype=np.float64) for name in FIGURES}


def _case(table: Table, row: Row) -> tuple[Picture, Objects]:
    volume = image_of(table, row)
    if not volume.is_color:
        raise UnreadableInput("{path}: the picture {key} has no colours.", path=table.root, key=row.key)
    return volume.array_zyx[0], mask_of(table, row, volume)[0]


def split(table: Table) -> tuple[list[Row], list[Row]]:
    """Return the rows to choose settings on, and those to test: the highest fold, or all where there are no folds."""
    if not table.has_folds:
        return [], list(table.rows)
    last = max(row.fold or 0 for row in table.rows)
    return [row for row in table.rows if row.fold != last], [row for row in table.rows if row.fold == last]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of the classical method, and of a model beside it."""
    parser = argparse.ArgumentParser(prog="python -m medassist.training.baselines", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--model", default="", metavar="NAME")
    parser.add_argument("--tune", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        _print(asked.data, asked.model, tune=asked.tune)
    except MedAssistError as problem:
        print(localized(problem), file=sys.stderr)  # noqa: T201 - a command
        return problem.exit_code
    return 0


def _print(data: Path, model: str, *, tune: bool) -> None:
    table = read_table(data, "picture_pairs")
    learning, testing = split(table)
    settings = Settings()
    if tune and learning:
        cases = [_case(table, row) for row in learning]
        settings = tuned([picture for picture, _ in cases], [truth for _, truth in cases])
    print(settings)  # noqa: T201 - a command
    simple = classical(table, testing, settings)
    _line("classical", mean(simple, testing))
    if model:
        found = learned(model, data, testing)
        _line("model", mean(found, testing))
        _line("difference", mean({name: found[name] - simple[name] for name in FIGURES}, testing))


def _line(name: str, figures: Mapping[str, Measured]) -> None:
    cells = (f"{key} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for key, one in figures.items())
    print(f"{name:12} {'  '.join(cells)}")  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
