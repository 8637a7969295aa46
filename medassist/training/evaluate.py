"""What a package is worth on labelled rows it has never seen, by the road a reader's images take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.evaluation.asking import REFUSALS, Question, cases
from medassist.training.evaluation.audited import audited
from medassist.training.evaluation.figures import confusion, figures, shares
from medassist.training.evaluation.parts import subgroups
from medassist.training.evaluation.result import Evaluation, Subgroup
from medassist.training.evaluation.robustness import measure
from medassist.training.layouts.reading import LAYOUTS, read_table
from medassist.training.recipe import Label
from medassist.training.record import TrainingRecord, read_record, refuse_leak
from medassist.training.refusals import PictureSet, picture_file, read_pictures, refusal_rates
from medassist.training.table import Row, Table, drawn, rows_in, subject_hash

__all__ = ["REPEATS", "SUBGROUP_REPEATS", "Evaluation", "Subgroup", "evaluate"]

REPEATS, SUBGROUP_REPEATS = 1000, 300
STAGE = "Evaluating"


def evaluate(
    package: Package,
    data: Path,
    *,
    folds: Sequence[int] | None = None,
    device: str = "auto",
    robustness: bool = False,
    audit: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a package on a folder of labelled data.

    With a column `fold` only the recipe's test folds are used (or `folds`); without one, or where the training left
    none out, every row. A folder with one .npz of pictures of other kinds than the model tells apart is asked for the
    shares that the model takes and refuses. With `robustness` some of the rows are asked again, spoiled and changed in
    order to mislead; with `audit` the labels of the folder are audited for shortcuts. Raises
    Refused when someone in these rows took part in the training, UnreadableInput naming the file.
    """
    progress = progress or Progress()
    record = read_record(package)
    pictures = _of_other_kinds(package, record, data)
    if pictures is not None:
        return _refusals(package, pictures, device, progress)
    table = _with_folds(record, _read(data, record))
    rows = _chosen(package, record, table, folds)
    refuse_leak(package, record, rows)
    question = Question(package, table, _labels(package, record), device)
    found = cases(question, rows, stage=STAGE, progress=progress)
    evaluation = Evaluation(
        model=package.ref,
        n=len(rows),
        subjects=len({row.subject for row in rows}),
        subgroups=subgroups(package, rows, found, repeats=SUBGROUP_REPEATS, progress=progress),
        labels=figures(package, found, repeats=REPEATS),
        kind=question.kind,
        shares=shares(package, found, repeats=REPEATS),
        confusion=confusion(package, found),
        cases=found,
    )
    if audit:
        evaluation = replace(evaluation, audit=audited(question, rows, found, progress=progress))
    if robustness:
        evaluation = replace(evaluation, robustness=measure(question, rows, progress=progress))
    return evaluation


def _of_other_kinds(package: Package, record: TrainingRecord, data: Path) -> PictureSet | None:
    """Return the pictures of a folder without an index whose kinds the model does not tell apart, else None."""
    path = picture_file(data)
    if path is None:
        return None
    pictures = read_pictures(path)
    told = {name for label in record.labels for name in (label.members or (label.label,))}
    return None if package.task == "classification" and set(pictures.kinds) <= told else pictures


def _refusals(package: Package, pictures: PictureSet, device: str, progress: Progress) -> Evaluation:
    rates = refusal_rates(package, pictures, device=device, progress=progress)
    return Evaluation(package.ref, len(pictures.kinds), len(set(pictures.groups)), rates, kind=REFUSALS)


def _read(data: Path, record: TrainingRecord) -> Table:
    """Read a folder in the layout of the training, or in the one that it has."""
    return read_table(data, record.layout if LAYOUTS[record.layout].recognises(data) else None)


def _labels(package: Package, record: TrainingRecord) -> tuple[Label, ...]:
    """Return what counts as positive for each label of the package, in its order (Refused for one that has none)."""
    known = {label.label: label for label in record.labels}
    missing = [label.label for label in package.labels if label.label not in known]
    if missing:
        raise Refused(
            "The training record of {model} does not say what counts as {label}.",
            model=package.name,
            label=missing[0],
        )
    return tuple(known[label.label] for label in package.labels)


def _with_folds(record: TrainingRecord, table: Table) -> Table:
    """Return a folder that names no folds with those of the training, where it is the folder of the training."""
    if table.has_folds or not record.drawn_folds:
        return table
    known = any(subject_hash(row.subject) in record.subjects for row in table.rows)
    return drawn(table, record.drawn_folds, record.seed) if known else table


def _chosen(package: Package, record: TrainingRecord, table: Table, folds: Sequence[int] | None) -> tuple[Row, ...]:
    if not table.has_folds:
        return table.rows
    wanted = tuple(folds) if folds is not None else record.test_folds
    if not wanted and record.subjects:
        return table.rows  # everybody the model knows was taught: whoever is left is a stranger
    if not wanted:
        raise Refused(
            "{model} does not say which folds took no part in its training.",
            remedy="Use data without a column fold.",
            model=package.name,
        )
    return rows_in(table, wanted)
