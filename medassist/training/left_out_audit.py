"""The shortcut audit of a training folder, with the scores of the models that left each person out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.progress import Progress
from medassist.report.wording import Wording
from medassist.training.audit.questions import labels_of
from medassist.training.audit.shortcuts import audit
from medassist.training.evaluation.audited import CHINESE
from medassist.training.recipe import Recipe
from medassist.training.record import write_json
from medassist.training.table import Row, Table

FILE = "docs/audit.json"


def write_audit(
    recipe: Recipe, table: Table, rows: Sequence[Row], logits: NDArray[np.float32], out: Path, *, progress: Progress
) -> None:
    """Audit the labels that are members of the recipe's, and hold its cross-fitted models against simple ones.

    `logits` (rows, labels) are of models that had not seen the person. Label -> verdict, reasons (English, and Chinese
    under `reasons_zh_CN`) and figures go to `docs/audit.json`: under `model` how far the models are above the outer
    frame alone (`over_frame`) and above all trivial cues (`over_visible`, `over_together`), with intervals. Nothing is
    written where no label of the folder is a member of one of the recipe's.
    """
    there = set(labels_of(table))
    outputs = {name: at for at, label in enumerate(recipe.labels) for name in label.members if name in there}
    if not outputs:
        return
    at = {row.key: place for place, row in enumerate(table.rows)}
    places = [at[row.key] for row in rows]
    scores = {name: np.full(len(table.rows), np.nan) for name in outputs}
    for name, output in outputs.items():
        scores[name][places] = logits[:, output]
    found = audit(table, tuple(outputs), scores=scores, progress=progress)
    chinese = Wording(CHINESE)
    write_json(
        out / FILE,
        {
            name: {**judged.as_json(), f"reasons_{CHINESE}": [chinese.warning(one) for one in judged.sentences]}
            for name, judged in found.labels.items()
        },
    )


def read_audit(root: Path) -> Mapping[str, Any]:
    """Return what a package knows of the audit of its training folder, {} when it had none."""
    if not (root / FILE).is_file():
        return {}
    content: Mapping[str, Any] = json.loads((root / FILE).read_text(encoding="utf-8"))
    return content
