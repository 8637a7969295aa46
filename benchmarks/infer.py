"""Inference: backends beside torch, end to end beside the bare forward passes and MONAI, and peak memory.

Times are processor seconds of this process, wall seconds beside them: with other work on the machine only the former
can be compared. Every round runs all in another order.
"""

from __future__ import annotations

import random
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.infer_memory import CODE, SHAPE
from benchmarks.processes import last_line

if TYPE_CHECKING:
    import torch

    from medassist.inference.network import LoadedNetwork
    from medassist.inference.packages import Package

Rows = dict[str, dict[str, float]]
HIPPOCAMPI = Path(__file__).resolve().parents[2] / "shared" / "data" / "hippocampus" / "images"
FILMS = Path(__file__).resolve().parents[2] / "shared" / "data" / "chest_xray_nih"
CASES = 24
MOST_OF_BARE, MOST_OF_TORCH, MOST_BYTES = 1.15, 0.55, 6 * 2**30
LEAST_DICE, MOST_SCORE_DIFFERENCE = 0.999, 1e-3


def measure(rounds: int, device: str = "cpu") -> Mapping[str, Mapping[str, float]]:
    """Return one row per variant: seconds, ratio to torch in f32 or to the bare forward, parity, bytes."""
    import torch

    from medassist.inference.devices import usable_cores
    from medassist.inference.packages import read

    torch.set_num_threads(max(1, usable_cores() - 1))
    models = Path(__file__).resolve().parents[1] / "models"
    rows: Rows = {}
    for name in ("hippocampus_mr", "chest_xray_findings"):
        rows |= _variants(read(models / name), rounds, device)
    rows |= _end_to_end(read(models / "hippocampus_mr"), rounds, device)
    if device == "cpu" and sys.platform == "linux":
        rows |= _memory()
    return rows


def misses(rows: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Name every limit of the project that the rows miss."""
    found = []
    for name, row in rows.items():
        if "end to end, " in name and "MONAI" not in name and row["of bare"] > MOST_OF_BARE:
            found.append(f"{name}: {row['of bare']:.2f} of the bare forward, at most {MOST_OF_BARE}")
        if name.endswith("what auto takes") and row["of torch"] > MOST_OF_TORCH:
            found.append(f"{name}: {row['of torch']:.2f} of torch, at most {MOST_OF_TORCH}")
        if name.endswith("what auto takes") and row.get("dice", 1.0) < LEAST_DICE:
            found.append(f"{name}: Dice {row['dice']:.4f}, at least {LEAST_DICE}")
        if name.endswith("what auto takes") and row.get("score difference", 0.0) > MOST_SCORE_DIFFERENCE:
            found.append(f"{name}: scores differ by {row['score difference']:.2g}, at most {MOST_SCORE_DIFFERENCE}")
        if row.get("bytes", 0.0) > MOST_BYTES:
            found.append(f"{name}: {row['bytes'] / 2**30:.2f} GiB, at most {MOST_BYTES / 2**30:.0f}")
    return tuple(found)


def _variants(package: Package, rounds: int, device: str) -> Rows:
    """Compare the ways to run one network on the same images (real ones where they are, else noise)."""
    from medassist.inference.network import load_network

    network = load_network(package, device)
    images = _images(package)
    ways = _ways(network, tuple(images[0].shape), device)
    cpu, wall = _interleaved({name: _over(way, images[:4]) for name, way in ways.items()}, rounds)
    reference = [ways["torch f32"](image.to(device)).float().cpu() for image in images]
    rows: Rows = {}
    for name, way in ways.items():
        answers = [way(image.to(device)).float().cpu() for image in images]
        rows[f"{package.name} | {name}"] = {
            "ms": 1000 * wall[name] / 4,
            "cpu ms": 1000 * cpu[name] / 4,
            "of torch": _ratio(cpu if device == "cpu" else wall, name, "torch f32"),
            **_agreement(package, reference, answers),
            "cases": len(images),
        }
    return rows


def _ways(network: LoadedNetwork, shape: tuple[int, ...], device: str) -> dict[str, Callable[[Any], Any]]:
    import copy

    import torch

    from medassist.inference.backends import openvino_backend, selection
    from medassist.inference.backends.torch_backend import torch_backend

    layout: Any = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    last: Any = copy.deepcopy(network.module)
    last.to(memory_format=layout)
    found: dict[str, Callable[[Any], Any]] = {
        "torch f32": network.module,
        "torch channels last": lambda image: last(image.to(memory_format=layout)),
        "torch bf16": torch_backend(network, "bf16").forward,
    }
    if device != "cpu":
        return found | {"torch f16": torch_backend(network, "f16").forward}
    if openvino_backend.availability().ok:
        found["OpenVINO f32"] = openvino_backend.openvino_backend(network, shape, "f32").forward
        if openvino_backend.knows_bf16():
            found["OpenVINO bf16"] = openvino_backend.openvino_backend(network, shape, "bf16").forward
        found["what auto takes"] = selection.select("auto", network, shape)[0].forward
    return found


def _over(way: Callable[[Any], Any], images: Sequence[torch.Tensor]) -> Callable[[], object]:
    import torch

    def run() -> object:
        with torch.inference_mode():
            return [way(image) for image in images]

    return run


def _images(package: Package) -> list[torch.Tensor]:
    """Return what the network gets of real images, of noise where there are none."""
    import torch

    from medassist.imaging.load import load
    from medassist.imaging.scan import scan
    from medassist.inference.prepare import prepare

    segmenter = package.task == "segmentation"
    files = sorted(HIPPOCAMPI.glob("*.nii.gz")) if segmenter else sorted(FILMS.rglob("*.png"))
    chosen = files[:: max(1, len(files) // CASES)][:CASES]
    if not chosen:
        shape = (1, 1, 48, 64, 48) if segmenter else (1, 1, 64, 64)
        return [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in range(8)]
    prepared = [prepare(package, load(scan(file).all_series()[0])).tensor for file in chosen]
    return [image for image in prepared if image.shape == prepared[0].shape]


def _agreement(package: Package, expected: Sequence[Any], found: Sequence[Any]) -> dict[str, float]:
    """Return the Dice of the worse label, over all cases and in its worst case, or how far a score differs at most."""
    import torch

    from medassist.inference.predict import class_scores

    if package.task == "segmentation":
        pairs = [(one.argmax(1), other.argmax(1)) for one, other in zip(expected, found, strict=True)]
        values = range(1, expected[0].shape[1])
        ours, theirs = (torch.cat([pair[side].flatten() for pair in pairs]) for side in (0, 1))
        return {
            "dice": min(_dice(ours == value, theirs == value) for value in values),
            "dice of the worst case": min(_dice(one == value, two == value) for one, two in pairs for value in values),
        }
    difference = 0.0
    for one, two in zip(expected, found, strict=True):
        scores = [class_scores(package, logits[0].numpy()) for logits in (one, two)]
        difference = max(difference, *(abs(a.probability - b.probability) for a, b in zip(*scores, strict=True)))
    return {"score difference": difference}


def _dice(one: Any, two: Any) -> float:
    total = float(one.sum() + two.sum())
    return 2 * float((one & two).sum()) / total if total else 1.0


def _end_to_end(package: Package, rounds: int, device: str) -> Rows:
    """Compare the engine with the bare forward passes of its windows, and with MONAI, on a volume of 45 windows."""
    import torch
    from monai.inferers import sliding_window_inference

    from medassist.inference.backends.selection import select
    from medassist.inference.bundle import inferer
    from medassist.inference.network import load_network
    from medassist.inference.windows import planned

    network, kind = load_network(package, device), inferer(package)
    image = torch.randn(1, 1, 96, 160, 96, generator=torch.Generator().manual_seed(0))
    plan = planned(image, kind)
    assert plan is not None
    plan = plan.with_batch(1)
    runs: dict[str, Callable[[], object]] = {}
    for name in dict.fromkeys(("torch", "auto")):
        backend = select(name, network, (1, 1, *plan.roi))[0]
        title = f"{backend.name} {backend.precision}"
        windows = [image[(slice(None), slice(None), *window)].contiguous().to(device) for window in plan.windows()]
        runs[f"bare, {title}"] = _over(backend.forward, windows)
        runs[f"end to end, {title}"] = _engine(package, backend.forward, image, plan, device)

    def monai() -> object:
        with torch.inference_mode():
            logits = sliding_window_inference(image.to(device), plan.roi, 1, network.module, overlap=0.5)
            return logits.argmax(1).to(torch.uint8).cpu()

    runs["end to end, MONAI, torch f32"] = monai
    cpu, wall = _interleaved(runs, rounds)
    rows: Rows = {}
    for name in runs:
        bare = "bare, " + name.rpartition(", ")[2]
        times = cpu if device == "cpu" else wall
        rows[f"{package.name}, {plan.count} windows | {name}"] = {
            "ms": 1000 * wall[name],
            "cpu ms": 1000 * cpu[name],
            "of bare": _ratio(times, name, bare),
        }
    return rows


def _engine(package: Package, forward: Any, image: torch.Tensor, plan: Any, device: str) -> Callable[[], object]:
    import numpy as np

    from medassist.entities.geometry import Geometry
    from medassist.inference.decide import Masking
    from medassist.inference.prepare import Prepared
    from medassist.inference.windows import blocks
    from medassist.progress import Progress

    x, y, z = image.shape[2:]
    grid = Geometry(np.diag([-1.0, -1.0, 1.0, 1.0]), (z, y, x))

    def run() -> object:
        whole = Masking(package, Prepared(image, grid, grid))
        for block in blocks(forward, image, plan, device, progress=Progress()):
            whole.add(block)
        return whole.finish(Progress())

    return run


def _memory() -> Rows:
    import json

    told = json.loads(last_line(CODE.format(shape=SHAPE, coarse=False)))
    assert told["wrong"] == 0.0, "a result nobody may measure"
    return {"512 x 512 x 300, 104 classes | whole process": {"bytes": float(told["peak"])}}


def _interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median processor and wall seconds of every run; the first round, which warms up, does not count."""
    cpu, wall = defaultdict(list), defaultdict(list)
    order = list(runs)
    for number in range(rounds + 1):
        random.Random(number).shuffle(order)  # noqa: S311 - an order, no secret
        for name in order:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                began = time.perf_counter(), time.process_time()
                runs[name]()
                _synchronise()
                if number:
                    wall[name].append(time.perf_counter() - began[0])
                    cpu[name].append(time.process_time() - began[1])
    return {name: median(values) for name, values in cpu.items()}, {name: median(v) for name, v in wall.items()}


def _synchronise() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _ratio(times: Mapping[str, float], name: str, reference: str) -> float:
    return times[name] / times[reference]
