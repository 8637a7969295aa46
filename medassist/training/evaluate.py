"""What a package is worth on labelled rows it has never seen, by the road a reader's images take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UnreadableInput
from medassist.entities.prediction import ModelRef
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.progress import Progress
from medassist.training.layouts.reading import image_of, mask_of, read_table
from medassist.training.metrics import Measured, bootstrap, finding_metrics, mask_metrics
from medassist.training.record import TrainingRecord, read_record, refuse_leak
from medassist.training.refusals import picture_file, read_pictures, refusal_rates
from medassist.training.table import Row, Table, drawn, subject_hash, targets

Metrics = Mapping[str, Mapping[str, Measured]]

REPEATS, SUBGROUP_REPEATS = 1000, 300
SUBGROUP_COLUMNS = ("view", "sex")
SUBGROUP_PEOPLE = 5
AGE_BANDS = ((0, 39), (40, 59), (60, 120))
STAGE = "Evaluating"


@dataclass(frozen=True)
class Subgroup:
    """The same figures on a part of the rows."""

    n: int
    labels: Metrics


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on `n` rows: label -> metric -> value with a 95 % interval by subject."""

    model: ModelRef
    n: int
    subjects: int
    labels: Metrics
    subgroups: Mapping[str, Subgroup] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        return {
            "model": {"name": self.model.name, "version": self.model.version, "sha256": self.model.sha256},
            "n": self.n,
            "subjects": self.subjects,
            "labels": _metrics_json(self.labels),
            "subgroups": {
                name: {"n": group.n, "labels": _metrics_json(group.labels)} for name, group in self.subgroups.items()
            },
            "audit": {},
        }


def evaluate(
    package: Package,
    data: Path,
    *,
    folds: Sequence[int] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a package on a folder with an `index.csv`.

    With a column `fold` only the recipe's test folds are used (or `folds`), without one every row. A folder with one
    .npz of pictures and their kinds instead is asked for the shares that the model takes and refuses. Raises
    Refused when someone in these rows took part in the training, UnreadableInput naming the file.
    """
    progress = progress or Progress()
    pictures = picture_file(data)
    if pictures is not None:
        return _evaluate_refusals(package, pictures, device, progress)
    record = read_record(package)
    table = _with_folds(record, read_table(data, record.layout))
    rows = _chosen(package, record, table, folds)
    refuse_leak(package, record, rows)
    if package.task == "segmentation":
        return _evaluate_masks(package, table, rows, device, progress)
    return _evaluate_findings(package, record, table, rows, device, progress)


def _evaluate_refusals(package: Package, path: Path, device: str, progress: Progress) -> Evaluation:
    pictures = read_pictures(path)
    rates = refusal_rates(package, pictures, device=device, progress=progress)
    return Evaluation(package.ref, len(pictures.kinds), len(set(pictures.groups)), rates)


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
    if not wanted:
        raise Refused(
            "{model} does not say which folds took no part in its training.",
            remedy="Use data without a column fold.",
            model=package.name,
        )
    rows = tuple(row for row in table.rows if row.fold in wanted)
    if not rows:
        raise UnreadableInput("{path} has no rows in the folds {folds}.", path=table.root / "index.csv", folds=wanted)
    return rows


def _evaluate_masks(package: Package, table: Table, rows: Sequence[Row], device: str, progress: Progress) -> Evaluation:
    cases: dict[str, list[dict[str, float]]] = {label.label: [] for label in package.labels}
    for row in progress.over(rows, STAGE):
        volume = image_of(table, row)
        truth = mask_of(table, row, volume)
        mask = predict(package, volume, device=device, progress=Progress()).mask
        if mask is None:
            raise Refused("The model {model} gave no usable answer on this image.", model=package.name)
        column, line, slice_ = volume.geometry.spacing_mm
        for label in package.labels:
            found = mask.region(label.segment())
            cases[label.label].append(mask_metrics(found, truth == label.value, (slice_, line, column)))
    subjects = [row.subject for row in rows]
    labels = {label: _means(figures, subjects) for label, figures in cases.items()}
    return Evaluation(package.ref, len(rows), len(set(subjects)), labels)


def _means(figures: Sequence[Mapping[str, float]], subjects: Sequence[str]) -> dict[str, Measured]:
    """Return the mean over cases of every metric; `n` counts the cases that have it."""
    result: dict[str, Measured] = {}
    for name in ("dice", "hd95_mm", "volume_error_ml"):
        have = [i for i, one in enumerate(figures) if name in one]
        if have:
            values = np.array([figures[i][name] for i in have])
            result |= bootstrap(_MeanOf(name, values), [subjects[i] for i in have], repeats=REPEATS)
    return result


@dataclass(frozen=True)
class _MeanOf:
    """The statistic "mean of these values" for the bootstrap."""

    name: str
    values: NDArray[np.float64]

    def __call__(self, rows: NDArray[np.intp]) -> dict[str, float]:
        return {self.name: float(self.values[rows].mean())}


@dataclass(frozen=True)
class _FindingFigures:
    """The figures of one label of a classifier for the bootstrap."""

    truth: NDArray[np.bool_]
    probability: NDArray[np.float64]
    threshold: float

    def __call__(self, rows: NDArray[np.intp]) -> dict[str, float]:
        return finding_metrics(self.truth[rows], self.probability[rows], self.threshold)


def _evaluate_findings(
    package: Package, record: TrainingRecord, table: Table, rows: Sequence[Row], device: str, progress: Progress
) -> Evaluation:
    meaning = {label.label: label for label in record.labels}
    truth = targets(rows, [meaning[label.label] for label in package.labels]) > 0.5
    scores = np.empty(truth.shape, np.float64)
    for i, row in enumerate(progress.over(rows, STAGE)):
        found = predict(package, image_of(table, row), device=device, progress=Progress()).scores
        scores[i] = [score.probability for score in found]
    groups = dict(_subgroups(rows))
    subgroups = {}
    for name, members in progress.over(groups.items(), "Drawing intervals", len(groups)):
        subgroups[name] = Subgroup(len(members), _findings(package, rows, truth, scores, members, SUBGROUP_REPEATS))
    everyone = list(range(len(rows)))
    labels = _findings(package, rows, truth, scores, everyone, REPEATS)
    return Evaluation(package.ref, len(rows), len({row.subject for row in rows}), labels, subgroups)


def _findings(
    package: Package,
    rows: Sequence[Row],
    truth: NDArray[np.bool_],
    scores: NDArray[np.float64],
    members: Sequence[int],
    repeats: int,
) -> dict[str, dict[str, Measured]]:
    subjects = [rows[i].subject for i in members]
    return {
        label.label: bootstrap(
            _FindingFigures(truth[members, j], scores[members, j], label.threshold), subjects, repeats=repeats
        )
        if len(members) == len(rows) or _enough_people(subjects, truth[members, j])
        else {}
        for j, label in enumerate(package.labels)
    }


def _enough_people(subjects: Sequence[str], truth: NDArray[np.bool_]) -> bool:
    """Tell whether a part holds enough people with and without a label for its figures to mean anything."""
    names = np.asarray(subjects)
    return min(len(set(names[truth])), len(set(names[~truth]))) >= SUBGROUP_PEOPLE


def _subgroups(rows: Sequence[Row]) -> Iterable[tuple[str, list[int]]]:
    """Yield (name, row numbers) for every value of view and sex and for bands of age that occur."""
    for column in SUBGROUP_COLUMNS:
        for value in sorted({row.columns.get(column, "") for row in rows} - {""}):
            yield f"{column}={value}", [i for i, row in enumerate(rows) if row.columns.get(column) == value]
    for low, high in AGE_BANDS:
        inside = [i for i, row in enumerate(rows) if low <= _age(row) <= high]
        if inside:
            yield f"age={low}-{high}", inside


def _age(row: Row) -> float:
    text = row.columns.get("age", "")
    return float(text) if text.replace(".", "", 1).isdigit() else -1.0


def _metrics_json(labels: Metrics) -> dict[str, Any]:
    return {
        label: {name: measured.as_json() for name, measured in metrics.items()} for label, metrics in labels.items()
    }
