"""The training loop: batches, loss, warm-up and cosine, moving average, checkpoint after every epoch."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medassist.progress import Progress
from medassist.training.augment import Augmentation
from medassist.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from medassist.training.recipe import Recipe
from medassist.training.tasks.task import Loss, Sample, Validate

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


@dataclass
class _State:
    """What changes while training: the loop owns it, nobody else sees it."""

    network: torch.nn.Module
    average: torch.optim.swa_utils.AveragedModel | None
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    best_network: dict[str, Any] | None = None
    curve: list[dict[str, float]] = field(default_factory=list)

    def shipped(self) -> torch.nn.Module:
        """Return the network that would be shipped now: the moving average where there is one."""
        return self.average.module if self.average is not None else self.network


@dataclass(frozen=True)
class Trained:
    """The weights to ship, the epoch they are from and the whole curve."""

    weights: dict[str, torch.Tensor]
    epoch: int
    curve: tuple[dict[str, float], ...]


def fit(
    recipe: Recipe,
    network: torch.nn.Module,
    samples: Sequence[Sample],
    augment: Augmentation,
    loss: Loss,
    validate: Validate,
    folder: Path,
    *,
    resume: bool,
    progress: Progress,
) -> Trained:
    """Train `network` on `samples`, every one once per epoch, and keep checkpoint and curve in `folder`.

    `validate` returns figures whose "score" is better when larger.
    """
    state = _begin(recipe, network, len(samples))
    if resume:
        _restore(state, load_checkpoint(folder / "checkpoint.pt", recipe.fingerprint))
    while state.epoch < recipe.schedule.epochs and not _stalled(recipe, state):
        _epoch(recipe, state, samples, augment, loss, progress)
        _judge(recipe, state, validate)
        save_checkpoint(_checkpoint(recipe, state), folder / "checkpoint.pt")
        _write_curve(state.curve, folder / "curve.jsonl")
    if recipe.schedule.patience and state.best_network is not None:
        return Trained(state.best_network, state.best_epoch, tuple(state.curve))
    return Trained(dict(state.shipped().state_dict()), state.epoch, tuple(state.curve))


def _begin(recipe: Recipe, network: torch.nn.Module, count: int) -> _State:
    import torch
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    schedule = recipe.schedule
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.optimiser.learning_rate, weight_decay=recipe.optimiser.weight_decay
    )
    steps = math.ceil(count / schedule.batch_size)
    warmup, total = recipe.optimiser.warmup_epochs * steps, schedule.epochs * steps

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, total - warmup))))

    average = None
    if schedule.ema_decay:
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(schedule.ema_decay), use_buffers=True)  # type: ignore[no-untyped-call]
    return _State(network, average, optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, factor))


def draw_order(seed: int, epoch: int, count: int) -> list[int]:
    """Return the sample numbers of one epoch, the same for the same seed and epoch."""
    return [int(i) for i in np.random.default_rng([seed, epoch]).permutation(count)]


def _epoch(
    recipe: Recipe,
    state: _State,
    samples: Sequence[Sample],
    augment: Augmentation,
    loss: Loss,
    progress: Progress,
) -> None:
    import torch

    schedule, began, losses = recipe.schedule, time.monotonic(), []
    torch.manual_seed(schedule.seed * 1_000_003 + state.epoch)
    state.network.train()
    order = draw_order(schedule.seed, state.epoch, len(samples))
    batches = [order[i : i + schedule.batch_size] for i in range(0, len(order), schedule.batch_size)]
    for number, batch in enumerate(batches):
        progress.step("Training", (state.epoch + number / len(batches)) / schedule.epochs)
        drawn = [augment(dict(samples[i]), schedule.seed, state.epoch, i) for i in batch]
        losses.append(_step(recipe, state, _collated(drawn), loss))
    state.epoch += 1
    row = {
        "epoch": float(state.epoch),
        "loss": float(np.mean(losses)),
        "learning_rate": float(state.schedule.get_last_lr()[0]),
        "seconds": round(time.monotonic() - began, 1),
    }
    state.curve.append(row)


def _collated(samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
    import torch
    from monai.data import MetaTensor

    def plain(value: torch.Tensor) -> torch.Tensor:
        tensor: torch.Tensor = value.as_tensor() if isinstance(value, MetaTensor) else value
        return tensor

    return {key: torch.stack([plain(sample[key]) for sample in samples]) for key in samples[0]}


def _step(recipe: Recipe, state: _State, batch: dict[str, torch.Tensor], loss: Loss) -> float:
    import torch

    schedule = recipe.schedule
    state.optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=schedule.precision == "bfloat16"):
        output = state.network(batch["image"])
    value = loss(output.float(), batch)
    value.backward()  # type: ignore[no-untyped-call]
    if schedule.gradient_clip:
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), schedule.gradient_clip)
    state.optimiser.step()
    state.schedule.step()
    if state.average is not None:
        state.average.update_parameters(state.network)
    return float(value.detach())


def _judge(recipe: Recipe, state: _State, validate: Validate) -> None:
    schedule = recipe.schedule
    if state.epoch % schedule.validate_every == 0 or state.epoch == schedule.epochs:
        network = state.shipped()
        network.eval()
        figures = validate(network)
        state.curve[-1].update({key: round(value, 5) for key, value in figures.items()})
        if figures and figures["score"] > state.best_score:
            state.best_score, state.best_epoch = figures["score"], state.epoch
            state.best_network = {key: value.clone() for key, value in network.state_dict().items()}
    _log.info("%s", json.dumps(state.curve[-1]))


def _stalled(recipe: Recipe, state: _State) -> bool:
    patience = recipe.schedule.patience
    return bool(patience) and state.best_epoch > 0 and state.epoch - state.best_epoch >= patience


def _checkpoint(recipe: Recipe, state: _State) -> Checkpoint:
    return Checkpoint(
        fingerprint=recipe.fingerprint,
        epoch=state.epoch,
        network=state.network.state_dict(),
        average=state.average.state_dict() if state.average is not None else None,
        optimiser=state.optimiser.state_dict(),
        schedule=state.schedule.state_dict(),
        best_epoch=state.best_epoch,
        best_score=state.best_score,
        best_network=state.best_network,
        curve=state.curve,
    )


def _restore(state: _State, checkpoint: Checkpoint | None) -> None:
    if checkpoint is None:
        return
    state.network.load_state_dict(checkpoint.network)
    if state.average is not None and checkpoint.average is not None:
        state.average.load_state_dict(checkpoint.average)
    state.optimiser.load_state_dict(checkpoint.optimiser)
    state.schedule.load_state_dict(checkpoint.schedule)
    state.epoch, state.curve = checkpoint.epoch, list(checkpoint.curve)
    state.best_epoch, state.best_score = checkpoint.best_epoch, checkpoint.best_score
    state.best_network = checkpoint.best_network


def _write_curve(curve: Sequence[dict[str, float]], path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in curve), encoding="utf-8")
