"""What a package remembers of its training: enough to evaluate it on the right rows and to refuse the wrong ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.packages import Package
from medassist.inference.schema import Section, read_json
from medassist.training.recipe import LAYOUTS, Label, Recipe
from medassist.training.table import Row, subject_hash

FILE = "configs/training.json"


@dataclass(frozen=True)
class TrainingRecord:
    """How a package was trained.

    Attributes:
        layout: of the folder it was trained on.
        test_folds: folds that took no part in it, () when unknown.
        subjects: hashes of everyone who did: learning, choosing and calibrating.
        labels: what counts as positive for each label of the package.
        drawn_folds: how many folds were drawn by subject, with `seed`, from a folder that names none; 0 where it did.
    """

    layout: str
    test_folds: tuple[int, ...]
    subjects: frozenset[str]
    labels: tuple[Label, ...]
    drawn_folds: int = 0
    seed: int = 0


def training_content(
    recipe: Recipe, train: Sequence[Row], validation: Sequence[Row], epoch: int, curve: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """Return the content of training.json."""
    return {
        "recipe": "recipe.toml",
        "fingerprint": recipe.fingerprint,
        "layout": recipe.layout,
        "test_folds": list(recipe.split.test_folds),
        **({"drawn_folds": recipe.drawn_folds, "seed": recipe.schedule.seed} if recipe.drawn_folds else {}),
        "labels": [
            {"value": label.value, "label": label.label, "members": list(label.members), "unless": list(label.unless)}
            for label in recipe.offered
        ],
        "epoch": epoch,
        "rows": {"train": len(train), "validation": len(validation)},
        "subjects": {"train": _hashes(train), "validation": _hashes(validation)},
        "curve": [dict(point) for point in curve],
    }


def _hashes(rows: Iterable[Row]) -> list[str]:
    return sorted({subject_hash(row.subject) for row in rows})


def read_record(package: Package) -> TrainingRecord:
    """Return the record of a package; one that has none knows nobody and takes label names as they stand.

    Refused for a model that needs a box on every picture.
    """
    if package.task not in LAYOUTS:
        raise Refused("The model {model} needs a box on every picture: no data set brings them.", model=package.name)
    path = package.root / FILE
    if not path.is_file():
        labels = tuple(Label(one.value, one.label, (one.label,), (), {}) for one in package.labels)
        return TrainingRecord(LAYOUTS[package.task][0], (), frozenset(), labels)
    content = read_json(path)
    subjects = content.section("subjects")
    return TrainingRecord(
        layout=content.choice("layout", LAYOUTS[package.task]),
        test_folds=tuple(int(fold) for fold in content.items("test_folds")),
        subjects=frozenset(subjects.texts("train")) | frozenset(subjects.texts("validation")),
        labels=tuple(_label(section) for section in content.sections("labels")),
        drawn_folds=content.integer("drawn_folds", 0),
        seed=content.integer("seed", 0),
    )


def _label(section: Section) -> Label:
    return Label(section.integer("value"), section.text("label"), section.texts("members"), section.texts("unless"), {})


def refuse_leak(package: Package, record: TrainingRecord, rows: Sequence[Row]) -> None:
    """Raise Refused when any of `rows` is of someone the package was trained or tuned on."""
    known = {row.subject for row in rows if subject_hash(row.subject) in record.subjects}
    if known:
        raise Refused(
            "{count} of the {total} people in this data took part in the training of {model}.",
            remedy="Evaluate on people the model has never seen.",
            count=len(known),
            total=len({row.subject for row in rows}),
            model=package.name,
        )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write one JSON file of a package; lists of numbers stay on one line each at the deepest level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
