"""What models that each left one fold out say about the training rows: more people than a test fold, so narrower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.inference.schema import Section, read_json
from medassist.training.evaluate import REPEATS, Subgroup
from medassist.training.metrics import Measured, bootstrap
from medassist.training.recipe import Recipe
from medassist.training.record import write_json
from medassist.training.table import Row
from medassist.training.tasks.choosing import task_of
from medassist.training.tasks.task import Sample

FILE = "docs/cross_validation.json"


def write_cross_validation(
    recipe: Recipe, rows: Sequence[Row], samples: Sequence[Sample], logits: NDArray[np.float32], out: Path
) -> None:
    """Measure every label on the left-out rows, also per view, and write it beside the card.

    That is its AUC, unless the task measures something else. The logits of different models are ranked together; that
    they differ a little in scale is part of the figure.
    """
    truth = np.stack([sample["label"].numpy() for sample in samples]) > 0.5
    measured = task_of(recipe).statistic or _Area
    content = {}
    for name, members in _groups(rows).items():
        labels = {
            label.label: bootstrap(
                measured(truth[members], logits[members], j), [rows[i].subject for i in members], repeats=REPEATS
            )
            for j, label in enumerate(recipe.labels)
        }
        plain = {label: {name: one.as_json() for name, one in found.items()} for label, found in labels.items()}
        content[name] = {"n": len(members), "labels": plain}
    write_json(out / FILE, content)


class _Area:
    """The statistic "area under the ROC curve" for the bootstrap; nothing when a class is missing."""

    def __init__(self, truth: NDArray[np.bool_], logits: NDArray[np.float32], label: int) -> None:
        self.truth, self.scores = truth[:, label], logits[:, label]

    def __call__(self, rows: NDArray[np.intp]) -> dict[str, float]:
        from sklearn.metrics import roc_auc_score

        truth = self.truth[rows]
        return {"auc": float(roc_auc_score(truth, self.scores[rows]))} if truth.any() and not truth.all() else {}


def _groups(rows: Sequence[Row]) -> dict[str, list[int]]:
    groups = {"all": list(range(len(rows)))}
    for view in sorted({row.columns.get("view", "") for row in rows} - {""}):
        groups[f"view={view}"] = [i for i, row in enumerate(rows) if row.columns.get("view") == view]
    return groups


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
