"""From a recipe and a folder of labelled data to a complete model package with its measured card."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import UnreadableInput, UnwritableOutput, UsageError
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.bundle import Operation, write_skeleton, write_weights
from medassist.training.datasets import Row, Table, read_table, split_rows
from medassist.training.recipe import Recipe, read_recipe
from medassist.training.record import FILE, training_content, write_json

if TYPE_CHECKING:
    from torch import nn

    from medassist.training.loop import Trained
    from medassist.training.samples import Sample

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
    table = read_table(data, recipe.layout)
    train_rows, validation_rows = split_rows(recipe, table)
    if not train_rows:
        raise UnreadableInput("{path} has no rows in the training folds.", path=data / "index.csv")
    folder = _training_folder(out)
    write_skeleton(recipe, out)
    with _logged(folder / "log.txt"):
        _learn(recipe, table, train_rows, validation_rows, out, folder, resume, progress)
        _measure(recipe, table, data, out, progress)
    return out


def _training_folder(out: Path) -> Path:
    folder = out.with_name(out.name + ".training")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=folder, reason=error.strerror) from error
    return folder


def _learn(
    recipe: Recipe,
    table: Table,
    train_rows: Sequence[Row],
    validation_rows: Sequence[Row],
    out: Path,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> None:
    from medassist.training.augment import build_augmentation
    from medassist.training.loop import fit
    from medassist.training.losses import build_loss
    from medassist.training.samples import prepare_samples
    from medassist.training.validation import build_validation

    network, package = _fresh_network(recipe, out), read(out)
    samples = prepare_samples(recipe, package, table, train_rows, progress=progress)
    checks = prepare_samples(recipe, package, table, validation_rows, progress=progress)
    _log.info("%d rows to learn from, %d to watch, fingerprint %s", len(samples), len(checks), recipe.fingerprint)
    trained: Trained = fit(
        recipe,
        network,
        samples,
        build_augmentation(recipe.augmentation),
        build_loss(recipe),
        build_validation(recipe, checks),
        folder,
        resume=resume,
        progress=progress,
    )
    network.load_state_dict(trained.weights)
    operations = _operations(recipe, network, checks, validation_rows)
    write_json(out / FILE, training_content(recipe, train_rows, validation_rows, trained.epoch, trained.curve))
    write_weights(recipe, out, network.state_dict(), operations)


def _fresh_network(recipe: Recipe, out: Path) -> nn.Module:
    import torch

    from medassist.inference.bundle import build_network

    torch.manual_seed(recipe.schedule.seed)
    return build_network(read(out))


def _operations(
    recipe: Recipe, network: nn.Module, checks: Sequence[Sample], rows: Sequence[Row]
) -> tuple[Operation, ...]:
    """Calibrate every label of a classifier and choose its threshold, on the validation rows."""
    from medassist.training.calibration import choose_threshold, fit_platt
    from medassist.training.validation import logits_of

    if recipe.task == "segmentation":
        return ()
    if not checks:
        raise UsageError("The recipe {path} leaves no rows to choose thresholds on.", path=recipe.path)
    logits = logits_of(network, checks).astype(np.float64)
    truth = np.stack([sample["label"].numpy() for sample in checks]).astype(np.float64)
    subjects = [row.subject for row in rows]
    operations = []
    for column in range(len(recipe.labels)):
        calibration = fit_platt(logits[:, column], truth[:, column], subjects)
        probability = calibration.probability(logits[:, column])
        operations.append((calibration, choose_threshold(probability, truth[:, column], subjects)))
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
