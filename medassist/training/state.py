"""What changes while a network learns: made at the start, kept in the checkpoint, put back by --resume."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medassist.training.checkpoint import Checkpoint
from medassist.training.place import Place
from medassist.training.precision import half, scaler
from medassist.training.rates import share_of_rate
from medassist.training.recipe import Recipe

if TYPE_CHECKING:
    import torch


@dataclass
class State:
    """The loop owns it, nobody else changes it.

    `network` has the weights; `learner` is what is called to learn: the network, or what keeps it equal in all
    processes. `short` is the type of mixed precision, None for none.
    """

    network: torch.nn.Module
    learner: torch.nn.Module
    average: torch.optim.swa_utils.AveragedModel | None
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    short: torch.dtype | None
    scaler: torch.amp.GradScaler
    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -math.inf
    best_network: dict[str, Any] | None = None
    curve: list[dict[str, float]] = field(default_factory=list)

    def shipped(self) -> torch.nn.Module:
        """Return the network that would be shipped now: the moving average where there is one."""
        return self.average.module if self.average is not None else self.network


def begin(recipe: Recipe, network: torch.nn.Module, count: int, place: Place) -> State:
    """Return the state before the first epoch on `count` samples; the network moves to the device."""
    import torch

    schedule = recipe.schedule
    network = network.to(place.device)
    learner: torch.nn.Module = network
    if place.size > 1:
        if place.kind == "cuda":  # elsewhere torch cannot measure one batch across processes
            network = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        learner = torch.nn.parallel.DistributedDataParallel(network)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.optimiser.learning_rate, weight_decay=recipe.optimiser.weight_decay
    )
    short = half(schedule.precision, place)
    rates = _rates(recipe, optimiser, math.ceil(count / schedule.batch_size))
    return State(network, learner, _average(recipe, network), optimiser, rates, short, scaler(short, place))


def _average(recipe: Recipe, network: torch.nn.Module) -> torch.optim.swa_utils.AveragedModel | None:
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    if not recipe.schedule.ema_decay:
        return None
    mean = get_ema_multi_avg_fn(recipe.schedule.ema_decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=mean, use_buffers=True)


def _rates(recipe: Recipe, optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Return the learning rate over all batches, `steps` of them in an epoch."""
    import torch

    warmup, total = recipe.optimiser.warmup_epochs * steps, recipe.schedule.epochs * steps

    def share(step: int) -> float:
        return share_of_rate(step, warmup=warmup, total=total, cycles=recipe.optimiser.cycles)

    return torch.optim.lr_scheduler.LambdaLR(optimiser, share)


def packed(recipe: Recipe, state: State) -> Checkpoint:
    """Return what a checkpoint keeps."""
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
        scaler=state.scaler.state_dict() if state.scaler.is_enabled() else None,
    )


def put_back(state: State, checkpoint: Checkpoint) -> None:
    """Bring a fresh state to where a checkpoint was taken."""
    state.network.load_state_dict(checkpoint.network)
    if state.average is not None and checkpoint.average is not None:
        state.average.load_state_dict(checkpoint.average)
    state.optimiser.load_state_dict(checkpoint.optimiser)
    state.schedule.load_state_dict(checkpoint.schedule)
    if checkpoint.scaler is not None:
        state.scaler.load_state_dict(checkpoint.scaler)
    state.epoch, state.curve = checkpoint.epoch, list(checkpoint.curve)
    state.best_epoch, state.best_score = checkpoint.best_epoch, checkpoint.best_score
    state.best_network = checkpoint.best_network
