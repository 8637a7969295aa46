"""How much memory a run will take: told before it starts."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from medassist.inference.packages import Package
from medassist.inference.plan import Plan
from medassist.inference.shape import answer_on_meta, ghost_of

if TYPE_CHECKING:
    import torch
    from torch import nn

WORKSPACE = 1.5
"""How many times the largest sum of arrays alive at once a forward pass is expected to take; hippocampus_mr takes 1.24
(torch on the CPU, windows of 96 and of 144 voxels): layouts and scratch of the kernels."""


@dataclass(frozen=True)
class Forecast:
    """Bytes a run is expected to need beyond what the process has now: for the network, and for the sums of windows."""

    network: int
    sums: int

    @property
    def total(self) -> int:
        """Return all of it."""
        return self.network + self.sums


def forecast(package: Package, module: nn.Module, image_shape: tuple[int, ...], plan: Plan | None) -> Forecast | None:
    """Return what a run on an image (1, C, …) will need, None when the network cannot be asked.

    The network: a + b * voxels of a batch, from medassist.memory of metadata.json (`base_bytes`, `bytes_per_voxel`,
    measured), else from the arrays that are alive at once when shapes alone run through it. The sums: every label
    over the overlap of two rows of windows, one column of windows, one answer and its weighted copy.
    """
    window = tuple(image_shape[2:]) if plan is None else plan.roi
    shape = (1 if plan is None else plan.batch, image_shape[1], *window)
    line, asked = _line(package), _asked(module, shape)
    if asked.labels is None or (line is None and asked.peak is None):
        return None
    labels = 4 * asked.labels
    voxels = shape[0] * prod(window)
    network = int(WORKSPACE * (asked.peak or 0)) if line is None else int(line[0] + line[1] * voxels)
    return Forecast(network, labels * _voxels_held(plan, window) + 4 * prod(image_shape) + prod(image_shape[2:]))


@dataclass(frozen=True)
class _Asked:
    """What shapes alone tell of a network: the most bytes alive at once, None for TorchScript, and its outputs."""

    peak: int | None
    labels: int | None


_answers: weakref.WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Asked]] = weakref.WeakKeyDictionary()


def _asked(module: nn.Module, shape: tuple[int, ...]) -> _Asked:
    """Ask a network once for each shape: copying and running a ghost took longer than a film of 64 x 64 pixels."""
    known = _answers.setdefault(module, {})
    if shape not in known:
        live, ghost = _Live(), ghost_of(module)
        watched = live.watch(ghost)
        answer = answer_on_meta(ghost, shape)
        known[shape] = _Asked(live.peak if watched else None, None if answer is None else int(answer.shape[1]))
    return known[shape]


def _line(package: Package) -> tuple[float, float] | None:
    record: object = package.metadata
    for key in ("medassist", "memory"):
        record = record.get(key) if isinstance(record, Mapping) else None
    numbers = [record.get(key) for key in ("base_bytes", "bytes_per_voxel")] if isinstance(record, Mapping) else []
    if len(numbers) != 2 or not all(isinstance(one, int | float) and one >= 0 for one in numbers):
        return None
    return float(numbers[0]), float(numbers[1])  # type: ignore[arg-type]


def _voxels_held(plan: Plan | None, window: tuple[int, ...]) -> int:
    """Return how many voxels of answers are held at once."""
    if plan is None:
        return 2 * prod(window)
    starts = plan.starts[0]
    overlap = max((a + plan.roi[0] - b for a, b in pairwise(starts)), default=0)
    column = plan.roi[0] * 2 * prod(plan.roi[1:2]) * prod(plan.padded[2:])
    return max(overlap, 0) * prod(plan.padded[1:]) + column + 2 * plan.batch * prod(window)


class _Live:
    """Count the bytes of inputs and outputs of layers that are alive, and the most there ever were."""

    def __init__(self) -> None:
        self.now, self.peak = 0, 0
        self._known: set[int] = set()

    def watch(self, module: nn.Module) -> bool:
        """Look at what goes into and comes out of every layer from now on; False for TorchScript, which lets nobody."""
        import torch

        layers = [layer for layer in module.modules() if not list(layer.children())]
        if any(isinstance(layer, torch.jit.ScriptModule) for layer in layers):
            return False
        for layer in layers:
            layer.register_forward_pre_hook(self._before)
            layer.register_forward_hook(self._after)
        return True

    def _before(self, _layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        for one in inputs:
            self._add(one)

    def _after(self, _layer: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
        self._add(output)

    def _add(self, one: torch.Tensor | Any) -> None:
        storage = getattr(one, "untyped_storage", None)
        if storage is None or id(one) in self._known:
            return
        size = one.numel() * one.element_size()
        self._known.add(id(one))
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(one, self._remove, id(one), size)

    def _remove(self, identity: int, size: int) -> None:
        self._known.discard(identity)
        self.now -= size
