"""What models that each left one fold out say about the training rows: more people than a test fold, so narrower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.inference.schema import Section, read_json
from medassist.training.calibration import Calibration
from medassist.training.evaluate import REPEATS, Subgroup
from medassist.training.evaluation.parts import FEW_PEOPLE, parts
from medassist.training.evaluation.result import metrics_json
from medassist.training.judging import judged
from medassist.training.metrics import Bools, Floats, Indices, Measured, Statistic, binary_figures, bootstrap
from medassist.training.recipe import Recipe
from medassist.training.record import write_json
from medassist.training.table import Row
from medassist.training.tasks.choosing import task_of
from medassist.training.tasks.task import Sample

FILE = "docs/cross_validation.json"
ALL = "all"


def write_cross_validation(
    recipe: Recipe, rows: Sequence[Row], samples: Sequence[Sample], logits: NDArray[np.float32], out: Path
) -> None:
    """Measure every label on the left-out rows, also in parts of them, and write it beside the card.

    The areas are those of the logits: they come of different models and are ranked together; that they differ a little
    in scale is part of the figure. All else is what calibrations and thresholds from the other folds make of them. A
    part tells nothing of a label that fewer than five people have, or lack.
    """
    truth = np.stack([sample["label"].numpy() for sample in samples]) > 0.5
    statistics = _statistics(recipe, rows, truth, logits)
    content = {}
    for name, members in {ALL: list(range(len(rows))), **parts(rows)}.items():
        inside = [rows[at] for at in members]
        labels = {
            label.label: _measured_on(statistics[j], np.array(members), [row.subject for row in inside])
            if name == ALL or _enough(truth[members, j], inside)
            else {}
            for j, label in enumerate(recipe.labels)
        }
        content[name] = {"n": len(members), "labels": metrics_json(labels)}
    write_json(out / FILE, content)


def _statistics(
    recipe: Recipe, rows: Sequence[Row], truth: NDArray[np.bool_], logits: NDArray[np.float32]
) -> list[Statistic]:
    """Return what is measured of each label, of row numbers: what its task says, else the figures of a finding."""
    own = task_of(recipe).statistic
    if own is not None:
        return [own(truth, logits, at) for at in range(len(recipe.labels))]
    columns = zip(truth.T, logits.T.astype(np.float64), strict=True)
    return [_finding(wanted, scores, *judged(rows, wanted, scores)) for wanted, scores in columns]


def _finding(truth: Bools, logits: Floats, probability: Floats, answered: Bools) -> Statistic:
    plain = Calibration().probability(logits)
    ranked, calibrated = binary_figures(truth, plain, answered), binary_figures(truth, probability, answered)

    def figures(rows: Indices) -> dict[str, float]:
        areas = {name: value for name, value in ranked(rows).items() if name in ("auc", "auprc")}
        return {**calibrated(rows), **areas}

    return figures


def _measured_on(statistic: Statistic, members: Indices, subjects: Sequence[str]) -> dict[str, Measured]:
    def inside(rows: Indices) -> Mapping[str, float]:
        return statistic(members[rows])

    return bootstrap(inside, subjects, repeats=REPEATS)


def _enough(truth: Bools, rows: Sequence[Row]) -> bool:
    people = ({row.subject for row, has in zip(rows, truth, strict=True) if has == wanted} for wanted in (True, False))
    return min(map(len, people)) >= FEW_PEOPLE


def read_cross_validation(root: Path) -> Mapping[str, Subgroup]:
    """Return what a package knows of its cross-validation, {} when it had none."""
    if not (root / FILE).is_file():
        return {}
    content = read_json(root / FILE)
    return {name: _subgroup(content.section(name)) for name in content.data}


def _subgroup(section: Section) -> Subgroup:
    labels = section.section("labels")
    return Subgroup(section.integer("n"), {label: _measured(labels.section(label)) for label in labels.data})


def _measured(section: Section) -> dict[str, Measured]:
    return {
        name: Measured(one.number("value"), one.number("low"), one.number("high"), one.integer("n"))
        for name, one in ((name, section.section(name)) for name in section.data)
    }
