"""The door of the shortcut audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UnreadableInput, UsageError
from medassist.entities.study import warned
from medassist.inference.packages import Package
from medassist.plugins import needs
from medassist.progress import Progress
from medassist.training.audit.answer import Audit, Judged, Why
from medassist.training.audit.blanking import ModelScores, scores_of_model
from medassist.training.audit.cues import cues_of
from medassist.training.audit.kinds import are_kinds_of_picture
from medassist.training.audit.looking import Look, look_at_all, smalls
from medassist.training.audit.one_label import Seen, audit_label
from medassist.training.audit.people import groups_of, people_of
from medassist.training.audit.questions import finds_nothing, labels_of, questions_of
from medassist.training.audit.verdict import EVERYTHING, judge
from medassist.training.table import INDEX, Table

STAGE = "Auditing shortcuts"
DECLARED = "expected_shortcuts"
"""Where a package (and `[package]` of its recipe) declares cues that may tell its labels: cue -> why."""


def audit(
    table: Table,
    labels: Sequence[str] = (),
    *,
    package: Package | None = None,
    scores: Mapping[str, NDArray[np.float64]] | None = None,
    expected: Mapping[str, Why] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Audit:
    """Audit labels of a folder for shortcuts; () stands for all it has but those that say nothing was found.

    `expected` maps a cue to why it may tell the labels ("*" stands for every cue); what a package declares under
    `expected_shortcuts` is added, and so is the nature of a set whose classes are kinds of picture.
    With a `package`, whose labels are those of the folder, its area is measured on the rows of people it has not
    seen, on whole pictures and with the organ blanked. `scores` (label -> (rows of the table,), NaN where none) takes
    the place of its scores on whole pictures, for rows that were scored before.

    Costs about 10 ms per picture of 512 x 512 and a few seconds per label of 1000 rows, on one core; with a package
    also one or two runs per picture. Draws and folds, and so the numbers, are the same each time.

    Raises UsageError for a label the folder does not have, UnreadableInput for a folder without labels, Refused where
    scikit-learn is not installed.
    """
    progress = progress or Progress()
    _demand_models()
    asked = asked_labels(table, labels)
    looks = look_at_all(table, progress=progress)
    fill = float(smalls(looks).mean())
    model = scores_of_model(package, table, asked, fill=fill, given=scores, device=device, progress=progress)
    declared = {**_declared(package), **(expected or {})}
    return audit_looked(table, looks, asked, declared, model, progress=progress)


def audit_looked(
    table: Table,
    looks: Sequence[Look],
    labels: Sequence[str],
    expected: Mapping[str, Why],
    model: ModelScores | None = None,
    *,
    progress: Progress,
) -> Audit:
    """Audit labels of rows whose pictures were opened before; `looks` and the scores of `model` are row by row."""
    people = people_of(table, looks)
    seen = Seen(cues_of(table, looks), smalls(looks), people, groups_of(table, people), model)
    declared = {**_nature(table), **expected}
    judged: dict[str, Judged] = {}
    for question in progress.over(questions_of(table, labels), STAGE, len(labels)):
        judged[question.label] = judge(audit_label(question, seen), declared)
    return Audit(table.root.resolve().name, table.layout, len(table.rows), len(np.unique(people)), judged)


def _demand_models() -> None:
    if not needs(["sklearn"]).ok:
        raise Refused(
            "The shortcut audit needs scikit-learn, which is not installed.",
            remedy="pip install 'medassist[train]' brings it.",
        )


def asked_labels(table: Table, labels: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the labels to audit: `labels`, or all that speak of a finding (UsageError, UnreadableInput)."""
    there = labels_of(table)
    if not there:
        raise UnreadableInput("{path} has no labels to audit.", path=table.root / INDEX)
    unknown = [label for label in labels if label not in there]
    if unknown:
        raise UsageError(
            "{path} has no label {label}; it has: {labels}.",
            path=table.root,
            label=", ".join(unknown),
            labels=", ".join(there),
        )
    return tuple(labels) or tuple(label for label in there if not finds_nothing(label)) or there


def _nature(table: Table) -> dict[str, Why]:
    there = labels_of(table)
    if not are_kinds_of_picture(there):
        return {}
    return {EVERYTHING: warned("the classes are kinds of picture and differ in modality on purpose")}


def _declared(package: Package | None) -> dict[str, Why]:
    """Return what a package declares; anything but texts under texts is left out."""
    own = {} if package is None else package.metadata.get("medassist", {})
    told = own.get(DECLARED, {}) if isinstance(own, dict) else {}
    return {str(cue): str(why) for cue, why in told.items() if why} if isinstance(told, dict) else {}
