"""Cross-validation: for every fold a model that never saw it, trained as the shipped one, and measured on it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medassist.entities.errors import UsageError
from medassist.inference.network import forget_networks
from medassist.inference.packages import Package, read
from medassist.training.cross_validation import FILE, read_cross_validation
from medassist.training.evaluate import REPEATS, SUBGROUP_REPEATS, evaluate
from medassist.training.evaluation.figures import figures
from medassist.training.evaluation.parts import subgroups
from medassist.training.evaluation.result import Evaluation, Metrics, Subgroup, metrics_json
from medassist.training.recipe import Recipe
from medassist.training.record import write_json
from medassist.training.run import Run, learn
from medassist.training.table import Row, Table

_log = logging.getLogger(__name__)

CALIBRATING_SHARE = 0.2
ALL = "all"


@dataclass(frozen=True)
class Left:
    """What one model said about the folds it never saw: `name` of the part, its rows and its evaluation."""

    name: str
    rows: tuple[Row, ...]
    evaluation: Evaluation


def left_out(recipe: Recipe, folds: Sequence[int], fold: int) -> Recipe:
    """Return the recipe with `fold` as its test fold and all others to learn from.

    Validation folds stay as many as they were and move on with the test fold, in a circle. Where thresholds would come
    from models that leave out one fold each, a fifth of the subjects gives them instead: no fold is left out twice.
    """
    split = recipe.split
    circle = sorted(folds)
    at = circle.index(fold)
    following = [*circle[at + 1 :], *circle[:at]]
    watched = tuple(sorted(following[: len(split.validation_folds)]))
    share = max(split.validation_share, CALIBRATING_SHARE) if recipe.cross_fit else split.validation_share
    learned = tuple(sorted(set(following) - set(watched)))
    if not learned:
        raise UsageError("The recipe {path} leaves no fold to learn from in a cross-validation.", path=recipe.path)
    moved = replace(split, train_folds=learned, validation_folds=watched, validation_share=share, test_folds=(fold,))
    return replace(recipe, split=moved, cross_fit=False)


def folds_of(table: Table) -> list[int]:
    """Return the folds of a table, in order."""
    return sorted({row.fold for row in table.rows if row.fold is not None})


def demand_folds(wanted: Collection[int], table: Table) -> None:
    """Raise UsageError for a fold that the data do not have."""
    known = folds_of(table)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise UsageError(
            "{path} has no fold {fold}; it has {known}.",
            path=table.root,
            fold=", ".join(map(str, unknown)),
            known=", ".join(map(str, known)) or "-",
        )


def measure_folds(
    run: Run, table: Table, data: Path, shipped: Evaluation | None, only: Collection[int] | None = None
) -> None:
    """Train and measure a model per fold, in `OUT.training/fold-F`, and write what they say together.

    The shipped model itself speaks for its own test folds (`shipped`). With `only`, no other fold is left out and
    measured. Only the first process measures and writes.
    """
    folds = folds_of(table)
    tested = run.recipe.split.test_folds
    parts = [_part(table, tested, shipped)] if shipped is not None else []
    for fold in folds:
        if fold in tested or (only is not None and fold not in only):
            continue
        one = replace(
            run,
            recipe=left_out(run.recipe, folds, fold),
            out=(run.folder if run.place.leads else run.out) / f"fold-{fold}" / "package",
            folder=run.folder / f"fold-{fold}",
        )
        _log.info("cross-validation: fold %d left out", fold)
        learn(one, table)
        if run.place.leads:
            forget_networks()
            measured = evaluate(read(one.out), data, folds=[fold], device=run.place.device, progress=run.progress)
            parts.append(_part(table, (fold,), measured))
    if run.place.leads:
        write_json(run.out / FILE, _content(read(run.out), parts, run))


def _part(table: Table, folds: Sequence[int], evaluation: Evaluation) -> Left:
    name = f"fold={'+'.join(str(fold) for fold in folds)}"
    return Left(name, tuple(row for row in table.rows if row.fold in folds), evaluation)


def _content(package: Package, parts: Sequence[Left], run: Run) -> dict[str, Any]:
    """Return part -> n and figures: all rows together, each fold, and the parts a reader would ask about.

    All rows together are held against the thresholds of the shipped package. Scores of different models are ranked
    together; that they differ a little in scale is part of the figure. Labels the package does not offer keep what
    models that left a training fold out said of them (`n` tells of how many rows).
    """
    rows = [row for part in parts for row in part.rows]
    cases = [case for part in parts for case in part.evaluation.cases]
    groups = {ALL: Subgroup(len(rows), figures(package, cases, repeats=REPEATS))}
    groups |= {part.name: Subgroup(part.evaluation.n, part.evaluation.labels) for part in sorted(parts, key=_named)}
    groups |= subgroups(package, rows, cases, repeats=SUBGROUP_REPEATS, progress=run.progress)
    before = read_cross_validation(package.root)
    return {
        name: {"n": group.n, "labels": metrics_json({**_withheld(package, before.get(name)), **group.labels})}
        for name, group in groups.items()
    }


def _withheld(package: Package, before: Subgroup | None) -> Metrics:
    offered = {label.label for label in package.labels}
    return {label: found for label, found in before.labels.items() if label not in offered} if before else {}


def _named(part: Left) -> str:
    return part.name
