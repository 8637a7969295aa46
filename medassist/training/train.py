"""From a recipe and a folder of labelled data to a complete model package with its measured card."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput, UnwritableOutput, UsageError
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.bundle import CROSS_FITTED, VALIDATION, Operation, write_skeleton, write_weights
from medassist.training.cases import write_cases
from medassist.training.cross_validation import write_cross_validation
from medassist.training.embedding import write_embedding
from medassist.training.layouts.reading import read_table
from medassist.training.recipe import Recipe, read_recipe
from medassist.training.record import FILE, training_content, write_json
from medassist.training.table import Row, Table, split_rows, with_folds
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    from torch import nn

    from medassist.training.loop import Trained
    from medassist.training.tasks.task import LogitsOf, Sample

_log = logging.getLogger("medassist.training")


def train(recipe_path: Path, data: Path, out: Path, *, resume: bool = False, progress: Progress | None = None) -> Path:
    """Train the model of a recipe and write its package to `out`; return `out`.

    Checkpoint, log and curve lie beside it in `OUT.training`; with `resume` an interrupted run goes on from
    there to the result an uninterrupted one would have had (same machine, same number of threads). The test
    folds are looked at once, at the end, for the card.

    Raises UsageError for the recipe, UnreadableInput for the data, UnwritableOutput for `out`, Refused for
    parts MedAssist does not know, and Cancelled.
    """
    progress = progress or Progress()
    recipe = read_recipe(recipe_path)
    table = with_folds(recipe, read_table(data, recipe.layout))
    train_rows, validation_rows = split_rows(recipe, table)
    if not train_rows:
        raise UnreadableInput("{path} has no rows in the training folds.", path=data / "index.csv")
    folder = _training_folder(out)
    write_skeleton(recipe, out)
    with _logged(folder / "log.txt"):
        _learn(_Run(recipe, out, folder, resume, progress), table, train_rows, validation_rows)
        _measure(recipe, table, data, out, progress)
    return out


def _training_folder(out: Path) -> Path:
    folder = out.with_name(out.name + ".training")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=folder, reason=error.strerror) from error
    return folder


@dataclass(frozen=True)
class _Run:
    """One call of `train`: where it reads and writes, and how."""

    recipe: Recipe
    out: Path
    folder: Path
    resume: bool
    progress: Progress

    def fit(self, samples: Sequence[Sample], checks: Sequence[Sample], name: str = "") -> tuple[nn.Module, Trained]:
        """Train one network from fresh weights; `name` is the sub-folder of its checkpoint."""
        from medassist.training.augment import build_augmentation
        from medassist.training.loop import fit

        task = task_of(self.recipe)
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        network = _fresh_network(self.recipe, self.out)
        _log.info("%s %d rows to learn from, %d to watch", name or "model", len(samples), len(checks))
        trained = fit(
            self.recipe,
            network,
            samples,
            build_augmentation(self.recipe.augmentation),
            task.loss(self.recipe, samples),
            task.validation(self.recipe, checks),
            folder,
            resume=self.resume,
            progress=self.progress,
        )
        network.load_state_dict(trained.weights)
        return network, trained


def _learn(run: _Run, table: Table, train_rows: Sequence[Row], validation_rows: Sequence[Row]) -> None:
    recipe, package, task = run.recipe, read(run.out), task_of(run.recipe)
    samples = task.samples(recipe, package, table, train_rows, run.progress)
    checks = task.samples(recipe, package, table, validation_rows, run.progress) if validation_rows else []
    left_out = None
    if recipe.cross_fit and task.logits is not None:
        left_out = _cross_fitted(run, task.logits, samples, train_rows)
    if left_out is not None:
        write_cross_validation(recipe, train_rows, samples, left_out, run.out)
    network, trained = run.fit(samples, checks)
    cases = None
    if task.logits is not None:
        cases = _cases(recipe, task.logits, network, left_out, samples, checks)
    judged = train_rows if left_out is not None else validation_rows
    operations = () if cases is None else _operations(*cases, [row.subject for row in judged])
    content = training_content(recipe, train_rows, validation_rows, trained.epoch, trained.curve)
    write_json(run.out / FILE, content)
    write_weights(recipe, run.out, network.state_dict(), operations)
    if cases is not None:
        write_cases(recipe, run.out, *cases, CROSS_FITTED if left_out is not None else VALIDATION)
    write_embedding(recipe, run.out, samples, train_rows)


def _cases(
    recipe: Recipe,
    logits_of: LogitsOf,
    network: nn.Module,
    left_out: NDArray[np.float32] | None,
    samples: Sequence[Sample],
    checks: Sequence[Sample],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return logits and truth (cases, labels) of cases whose network had not seen them (UsageError without any)."""
    if left_out is None and not checks:
        raise UsageError("The recipe {path} leaves no rows to choose thresholds on.", path=recipe.path)
    logits = logits_of(network, checks) if left_out is None else left_out
    return logits, np.stack([sample["label"].numpy() for sample in (checks if left_out is None else samples)])


def _cross_fitted(
    run: _Run, logits_of: LogitsOf, samples: Sequence[Sample], rows: Sequence[Row]
) -> NDArray[np.float32]:
    """Return (rows, labels) logits, each by a model that was trained without the fold of its row."""
    logits = np.empty((len(rows), len(run.recipe.labels)), np.float32)
    for fold in run.recipe.split.train_folds:
        inside = [i for i, row in enumerate(rows) if row.fold == fold]
        others = [sample for sample, row in zip(samples, rows, strict=True) if row.fold != fold]
        network, _ = run.fit(others, [samples[i] for i in inside], f"without-fold-{fold}")
        logits[inside] = logits_of(network, [samples[i] for i in inside])
    return logits


def _fresh_network(recipe: Recipe, out: Path) -> nn.Module:
    import torch

    from medassist.inference.bundle import build_network

    torch.manual_seed(recipe.schedule.seed)
    return build_network(read(out))


def _operations(
    logits: NDArray[np.float32], truth: NDArray[np.float32], subjects: Sequence[str]
) -> tuple[Operation, ...]:
    """Calibrate every label of a classifier and choose its threshold, on rows its network has not learned from."""
    from medassist.training.calibration import choose_threshold, fit_platt

    operations = []
    for scores, wanted in zip(logits.T.astype(np.float64), truth.T.astype(np.float64), strict=True):
        calibration = fit_platt(scores, wanted, subjects)
        operations.append((calibration, choose_threshold(calibration.probability(scores), wanted, subjects)))
    return tuple(operations)


def _measure(recipe: Recipe, table: Table, data: Path, out: Path, progress: Progress) -> None:
    """Evaluate the finished package on the test folds and write its cards; without test rows they say so."""
    from medassist.inference.network import forget_networks
    from medassist.training.card import write_cards
    from medassist.training.evaluate import evaluate

    forget_networks()
    tested = any(row.fold in recipe.split.test_folds for row in table.rows)
    evaluation = evaluate(read(out), data, device="cpu", progress=progress) if tested else None
    if evaluation is not None:
        write_json(out / "docs/evaluation.json", evaluation.as_json())
    write_cards(recipe, read(out), evaluation, out)


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Append what training says to a file; it names counts and figures, never a subject."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _log.addHandler(handler)
    level = _log.level
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.setLevel(level)
        _log.removeHandler(handler)
        handler.close()
