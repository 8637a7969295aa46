"""One model of a recipe: prepared samples, training, calibration, and the package that comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UsageError
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.bundle import CROSS_FITTED, VALIDATION, Operation, write_skeleton, write_weights
from medassist.training.cases import write_cases
from medassist.training.cross_validation import write_cross_validation
from medassist.training.curves import PICTURE, Watch, draw_curve, unwatched
from medassist.training.embedding import write_embedding
from medassist.training.ensemble import learn_members
from medassist.training.initial import begin_with
from medassist.training.left_out_audit import write_audit
from medassist.training.place import Place
from medassist.training.recipe import Recipe
from medassist.training.record import FILE, training_content, write_json
from medassist.training.table import Row, Table, split_rows
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from medassist.training.loop import Trained
    from medassist.training.tasks.task import LogitsOf, Loss, Sample

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What one model is made of, where it is written (`out`) and where its checkpoints are (`folder`).

    `loss` is minimised in place of the task's, by a network that learns from a `teacher`; `more` are samples without
    truth that it learns from besides.
    """

    recipe: Recipe
    out: Path
    folder: Path
    resume: bool
    progress: Progress
    place: Place
    watch: Watch = unwatched
    loss: Loss | None = None
    teacher: Callable[[torch.Tensor], torch.Tensor] | None = None
    more: Sequence[Sample] = ()

    def fit(self, samples: Sequence[Sample], checks: Sequence[Sample], name: str = "") -> tuple[nn.Module, Trained]:
        """Train one network from fresh weights; `name` is the sub-folder of its checkpoint."""
        from medassist.training.augment import build_augmentation
        from medassist.training.loop import Lesson, fit

        task = task_of(self.recipe)
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        network = fresh_network(self.recipe, self.out)
        _log.info("%s %d rows to learn from, %d to watch", name or "model", len(samples), len(checks))
        lesson = Lesson(
            [*samples, *self.more],
            build_augmentation(self.recipe.augmentation),
            self.loss or task.loss(self.recipe, samples),
            task.validation(self.recipe, checks),
            self.teacher,
        )
        trained = fit(
            self.recipe,
            network,
            lesson,
            folder,
            resume=self.resume,
            progress=self.progress,
            place=self.place,
            watch=self.watch,
        )
        network = network.cpu()
        network.load_state_dict(trained.weights)
        return network, trained


def fresh_network(recipe: Recipe, out: Path) -> nn.Module:
    """Return the network of a recipe, with the weights its seed draws or it begins with; `out` is its package."""
    import torch

    from medassist.inference.bundle import build_network

    torch.manual_seed(recipe.schedule.seed)
    network = build_network(read(out))
    if recipe.initial is not None:
        begin_with(recipe.initial, network)
    return network


def learn(run: Run, table: Table) -> None:
    """Write the package of a run (UnwritableOutput; UsageError when no rows are left to choose thresholds on)."""
    if run.recipe.ensemble is not None:
        learn_members(run, table, learn)
        return
    recipe, task = run.recipe, task_of(run.recipe)
    write_skeleton(recipe, run.out)
    package = read(run.out)
    train_rows, validation_rows = split_rows(recipe, table)
    samples = task.samples(recipe, package, table, train_rows, run.progress)
    checks = task.samples(recipe, package, table, validation_rows, run.progress) if validation_rows else []
    left_out = None
    if recipe.cross_fit and task.logits is not None:
        left_out = _cross_fitted(run, task.logits, samples, train_rows)
    network, trained = run.fit(samples, checks)
    if not run.place.leads:
        return
    if left_out is not None:
        write_cross_validation(recipe, train_rows, samples, left_out, run.out)
        if task.statistic is None:
            write_audit(recipe, table, train_rows, left_out, run.out, progress=run.progress)
    cases = None
    if task.logits is not None:
        cases = _cases(recipe, task.logits, network, left_out, samples, checks)
    judged = train_rows if left_out is not None else validation_rows
    operate = task.operations or _operations
    operations = () if cases is None else operate(*cases, [row.subject for row in judged])
    write_json(run.out / FILE, training_content(recipe, train_rows, validation_rows, trained.epoch, trained.curve))
    draw_curve(trained.curve, run.out / PICTURE)
    write_weights(recipe, run.out, network.state_dict(), operations)
    if cases is not None and task.has_curves:
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


def _cross_fitted(run: Run, logits_of: LogitsOf, samples: Sequence[Sample], rows: Sequence[Row]) -> NDArray[np.float32]:
    """Return (rows, labels) logits, each by a model that was trained without the fold of its row."""
    logits = np.empty((len(rows), len(run.recipe.labels)), np.float32)
    for fold in run.recipe.split.train_folds:
        inside = [i for i, row in enumerate(rows) if row.fold == fold]
        others = [sample for sample, row in zip(samples, rows, strict=True) if row.fold != fold]
        network, _ = run.fit(others, [samples[i] for i in inside], f"without-fold-{fold}")
        logits[inside] = logits_of(network, [samples[i] for i in inside])
    return logits


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
