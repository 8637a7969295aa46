"""Explain, cancel, explain, again and again: what stays behind?

Every round asks the job of the window three times with the next method: to the end, cancelled from another thread in
mid-computation, and to the end again, which must give the same map. Counted after a tenth of the rounds and at the end:
hooks and gradients on the network, tensors alive in the process, and its resident memory.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.explain_memory import HERE, status_bytes
from medassist.entities.errors import Cancelled
from medassist.entities.prediction import Mask
from medassist.entities.volume import Volume
from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.progress import Progress, Step
from medassist.session.analysing import explain_target

if TYPE_CHECKING:
    from torch import nn

Setting = Mapping[str, float]
METHODS: tuple[tuple[str, Setting], ...] = (
    ("gradcam", {}),
    ("saliency", {}),
    ("occlusion", {"window": 0.5}),
    ("guidedbackprop", {}),
    ("integratedgradients", {"steps": 8}),
    ("scorecam", {"channels": 8}),
    ("lime", {"samples": 50, "pieces": 10}),
)
MOST_GROWTH = 0.02
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_WAIT_S = 60.0


@dataclass(frozen=True, eq=False)
class Asked:
    """What is explained in every round."""

    package: Package
    volume: Volume
    target: str
    mask: Mask | None = None

    def job(self, method: str, settings: Setting, progress: Progress) -> np.ndarray:
        """Run the job of the window and return the map."""
        action = explain_target(
            self.volume, self.package, self.target, method=method, settings=settings, mask=self.mask, device="cpu",
            progress=progress,
        )  # fmt: skip
        return action.heatmap.values_zyx


@dataclass(frozen=True)
class Left:
    """What is there at one moment."""

    hooks: int
    gradients: int
    tensors: int
    resident: int


def play(asked: Asked, rounds: int, methods: Sequence[tuple[str, Setting]] = METHODS) -> dict[str, float]:
    """Play the rounds and return what stayed; AssertionError when a map changed or nothing was cancelled."""
    cancelled, early = 0, max(len(methods), rounds // 10)
    first = before = _left(asked.package)
    for number, (method, settings) in enumerate(islice(cycle(methods), rounds)):
        if number == early:
            before = _left(asked.package)
        whole = asked.job(method, settings, Progress())
        cancelled += _cancelled_midway(asked, method, settings)
        assert np.array_equal(whole, asked.job(method, settings, Progress())), f"{method} gave another map"
    after = _left(asked.package)
    return {
        "rounds": rounds,
        "cancelled": cancelled,
        "hooks": after.hooks - first.hooks,
        "gradients": after.gradients,
        "tensors": after.tensors - before.tensors,
        "growth": after.resident / before.resident - 1.0 if before.resident else 0.0,
    }


def _cancelled_midway(asked: Asked, method: str, settings: Setting) -> bool:
    """Run the job in a thread and cancel it from here once it computes; tell whether it stopped."""
    computing, go_on, stopped = threading.Event(), threading.Event(), list[bool]()

    def listen(step: Step) -> None:
        if step.stage == "Computing the heatmap":
            computing.set()
            go_on.wait(_WAIT_S)

    def run() -> None:
        try:
            asked.job(method, settings, progress)
        except Cancelled:
            stopped.append(True)
        finally:
            computing.set()

    progress = Progress(listen)
    thread = threading.Thread(target=run)
    thread.start()
    computing.wait(_WAIT_S)
    progress.cancel()
    go_on.set()
    thread.join(_WAIT_S)
    return bool(stopped)


def _left(package: Package) -> Left:
    import torch

    gc.collect()
    module: nn.Module = load_network(package, "cpu").module
    hooks = sum(len(getattr(part, one)) for part in module.modules() for one in HOOKS)
    gradients = sum(one.grad is not None for one in module.parameters())
    tensors = sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())
    return Left(hooks, gradients, tensors, status_bytes("VmRSS") if HERE else 0)


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return one row for the shipped classifier of films and one for a tiny DenseNet."""
    import torch

    from medassist.inference.packages import read

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        packages = (
            read(Path(__file__).resolve().parents[1] / "models" / "chest_xray_findings"),
            read(_tiny(Path(folder) / "tiny")),
        )
        rows = {}
        for one in packages:
            rows[one.name] = play(Asked(one, _film(one), one.labels[0].label), rounds)
            print(one.name, rows[one.name], file=sys.stderr, flush=True)  # the next takes minutes
        return rows


def _film(package: Package) -> Volume:
    from medassist.inference.self_test import usual_image

    return usual_image(package, Progress())


def _tiny(root: Path) -> Path:
    """Write a package of a DenseNet of two small blocks, on films of 64 x 64."""
    import torch
    from monai.networks.nets import DenseNet

    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    parts = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "init_features": 4, "growth_rate": 4}
    network = {"_target_": "DenseNet", **parts, "block_config": [1, 1]}
    torch.manual_seed(0)
    torch.save(DenseNet(**parts, block_config=(1, 1)).state_dict(), root / "models" / "model.pt")
    metadata = {
        "version": "1",
        "medassist": {
            "title": {"en": "Tiny"},
            "task": "classification",
            "weights": {
                "file": "models/model.pt",
                "sha256": hashlib.sha256((root / "models" / "model.pt").read_bytes()).hexdigest(),
            },
            "input": {"dimensions": 2},
            "labels": [{"value": 0, "label": "Something", "threshold": 0.5}],
            "explanation": {"layer": "features.norm5"},
        },
    }
    resize = {"_target_": "Resized", "keys": "image", "spatial_size": [64, 64], "mode": "bilinear"}
    inference = {
        "network_def": network,
        "preprocessing": {"_target_": "Compose", "transforms": [resize]},
        "inferer": {"_target_": "SimpleInferer"},
    }
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (root / "configs" / "inference.json").write_text(json.dumps(inference), encoding="utf-8")
    return root


def misses(rows: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Name what stayed behind."""
    found = []
    for name, row in rows.items():
        found += [f"{name}: {row[one]:.0f} {one} stayed" for one in ("hooks", "gradients", "tensors") if row[one] > 0]
        if row["growth"] > MOST_GROWTH:
            found.append(f"{name}: memory grew by {row['growth']:.1%}, at most {MOST_GROWTH:.0%}")
        if row["cancelled"] < row["rounds"]:
            found.append(f"{name}: {row['cancelled']:.0f} of {row['rounds']:.0f} were cancelled")
    return tuple(found)
