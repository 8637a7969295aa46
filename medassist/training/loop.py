"""The training loop: batches, loss, moving average, validation, a checkpoint after every epoch."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import Refused
from medassist.progress import Progress
from medassist.training.augment import Augmentation
from medassist.training.checkpoint import load_checkpoint, save_checkpoint
from medassist.training.curves import Watch, recorded, unwatched
from medassist.training.place import Place, facing_cpu, moved
from medassist.training.precision import autocast
from medassist.training.recipe import Recipe
from medassist.training.state import State, begin, packed, put_back
from medassist.training.tasks.task import Loss, Sample, Validate

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """What is learned: samples, every one once per epoch, how they are varied, what is minimised and watched.

    `validate` returns figures whose "score" is better when larger. Where there is a `teacher`, the loss finds its
    answers to the same varied images under "taught".
    """

    samples: Sequence[Sample]
    augment: Augmentation
    loss: Loss
    validate: Validate
    teacher: Callable[[torch.Tensor], torch.Tensor] | None = None


@dataclass(frozen=True)
class Trained:
    """The weights to ship, the epoch they are from and the whole curve."""

    weights: dict[str, torch.Tensor]
    epoch: int
    curve: tuple[dict[str, float], ...]


def fit(
    recipe: Recipe,
    network: torch.nn.Module,
    lesson: Lesson,
    folder: Path,
    *,
    resume: bool,
    progress: Progress,
    place: Place | None = None,
    watch: Watch = unwatched,
) -> Trained:
    """Train `network` and keep checkpoint, curve and TensorBoard events in `folder`; `watch` sees the curve grow.

    With `resume` a run that was killed goes on after its last whole epoch to the same weights, bit by bit on a CPU with
    the same number of threads: an epoch depends on nothing but the checkpoint, the seed and its number. Refused when
    the loss becomes no number.
    """
    place = place or Place()
    state = begin(recipe, network, len(lesson.samples), place)
    kept = load_checkpoint(folder / "checkpoint.pt", recipe.fingerprint) if resume else None
    if kept is not None:
        put_back(state, kept)
        watch(tuple(state.curve))
    with recorded(folder if place.leads else None, state.epoch) as record:
        while state.epoch < recipe.schedule.epochs and not _stalled(recipe, state):
            _epoch(recipe, state, lesson, place, progress)
            _judge(recipe, state, lesson, place)
            if place.leads:
                save_checkpoint(packed(recipe, state), folder / "checkpoint.pt")
            record(state.curve)
            watch(tuple(state.curve))
    if recipe.schedule.patience and state.best_network is not None:
        return Trained(moved(state.best_network, "cpu"), state.best_epoch, tuple(state.curve))
    return Trained(moved(dict(state.shipped().state_dict()), "cpu"), state.epoch, tuple(state.curve))


def draw_order(seed: int, epoch: int, count: int) -> list[int]:
    """Return the sample numbers of one epoch, the same for the same seed and epoch."""
    return [int(i) for i in np.random.default_rng([seed, epoch]).permutation(count)]


def _epoch(recipe: Recipe, state: State, lesson: Lesson, place: Place, progress: Progress) -> None:
    import torch

    schedule, began, losses = recipe.schedule, time.monotonic(), []
    torch.manual_seed(schedule.seed * 1_000_003 + state.epoch + place.rank * 7_368_787)
    state.network.train()
    order = draw_order(schedule.seed, state.epoch, len(lesson.samples))
    batches = [order[i : i + schedule.batch_size] for i in range(0, len(order), schedule.batch_size)]
    for number, batch in enumerate(batches):
        progress.step("Training", (state.epoch + number / len(batches)) / schedule.epochs)
        mine = place.share(batch)
        drawn = [lesson.augment(dict(lesson.samples[i]), schedule.seed, state.epoch, i) for i in mine]
        losses.append(_step(recipe, state, _collated(drawn), len(batch), lesson, place))
    state.epoch += 1
    row = {
        "epoch": float(state.epoch),
        "loss": float(np.mean(losses)),
        "learning_rate": float(state.schedule.get_last_lr()[0]),
        "seconds": round(time.monotonic() - began, 1),
    }
    _demand_number(row["loss"], state.epoch)
    state.curve.append(row)


def _demand_number(loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        raise Refused(
            "The training came apart: the loss of epoch {epoch} is no number.",
            remedy="Take a smaller learning rate, clip the gradients, or train in float32.",
            epoch=epoch,
        )


def _collated(samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
    import torch
    from monai.data import MetaTensor

    def plain(value: torch.Tensor) -> torch.Tensor:
        tensor: torch.Tensor = value.as_tensor() if isinstance(value, MetaTensor) else value
        return tensor

    return {key: torch.stack([plain(sample[key]) for sample in samples]) for key in samples[0]}


def _step(
    recipe: Recipe, state: State, part: dict[str, torch.Tensor], total: int, lesson: Lesson, place: Place
) -> float:
    """Learn from one batch of `total` samples, of which `part` are here, and return the loss of the whole."""
    import torch

    batch: dict[str, torch.Tensor] = moved(part, place.device)
    state.optimiser.zero_grad(set_to_none=True)
    with autocast(state.short, place):
        output = state.learner(batch["image"])
    truth = {key: place.whole(value, total) for key, value in batch.items() if key != "image"}
    if lesson.teacher is not None:
        with torch.no_grad(), autocast(state.short, place):
            truth["taught"] = place.whole(lesson.teacher(batch["image"]).float(), total)
    value = lesson.loss(place.whole(output.float(), total), truth)
    # Processes average their gradients, each of which is that of its own part of the whole loss: the sum is meant.
    state.scaler.scale(value * place.size if place.size > 1 else value).backward()  # type: ignore[no-untyped-call]
    if recipe.schedule.gradient_clip:
        state.scaler.unscale_(state.optimiser)
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), recipe.schedule.gradient_clip)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    state.schedule.step()
    if state.average is not None:
        state.average.update_parameters(state.network)
    return float(value.detach())


def _judge(recipe: Recipe, state: State, lesson: Lesson, place: Place) -> None:
    schedule = recipe.schedule
    if state.epoch % schedule.validate_every == 0 or state.epoch == schedule.epochs:
        network = state.shipped()
        network.eval()
        with facing_cpu(network, place.device):
            figures = place.told(lambda: lesson.validate(network))
        state.curve[-1].update({key: round(value, 5) for key, value in figures.items()})
        if figures and figures["score"] > state.best_score:
            state.best_score, state.best_epoch = figures["score"], state.epoch
            state.best_network = {key: value.clone() for key, value in network.state_dict().items()}
    _log.info("%s", json.dumps(state.curve[-1]))


def _stalled(recipe: Recipe, state: State) -> bool:
    patience = recipe.schedule.patience
    return bool(patience) and state.best_epoch > 0 and state.epoch - state.best_epoch >= patience
