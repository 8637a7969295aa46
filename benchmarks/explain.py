"""Explanations: what every method costs in plain forward passes and in memory, beside captum's and MONAI's Grad-CAM.

Random weights: only costs are measured. One thread; times are processor seconds of this process, so that other work on
the machine counts little. A plain forward pass (inference mode) runs beside every method, in shuffled order. Memory is
the peak above what the process has after a run (Linux only).
"""

from __future__ import annotations

import copy
import random
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.explain_memory import HERE, peak_bytes
from medassist.explain.attention import ATTENTION
from medassist.explain.gradcam import CAMS
from medassist.explain.methods import METHODS
from medassist.explain.protocol import Explainer, Question
from medassist.inference.explaining import ExplanationSpec
from medassist.inference.network import LoadedNetwork
from medassist.inference.packages import Package
from medassist.progress import Progress

if TYPE_CHECKING:
    from torch import nn

Rows = dict[str, dict[str, float]]
FLAT, DEEP, SEEING = "DenseNet121, 224 x 224", "ResNet10, 96 x 96 x 96", "ViT-B/16, 224 x 224"
GRADCAM, FIRST, PLAIN = "gradcam", "gradcam, the first time", "plain forward pass"
CAPTUM, MONAI = "Grad-CAM of captum", "Grad-CAM of MONAI"
INTEGRATED = "integratedgradients"
MOST_FORWARDS, MOST_OF_CAPTUM, MOST_BYTES = 1.3, 0.5, 10**9
FEW = 20.0
"""Methods above so many forward passes are run once: their own many passes even out what a repetition would."""


@dataclass(frozen=True, eq=False)
class Case:
    """One network, an image, and what is measured on it."""

    title: str
    module: nn.Module
    shape: tuple[int, ...]
    layer: str
    explainers: tuple[Explainer, ...]
    monai_layer: str = ""

    def runs(self) -> dict[str, Callable[[], object]]:
        """Return what is measured, by name; the plain forward pass first."""
        import torch

        image = torch.rand(1, 1, *self.shape, generator=torch.Generator().manual_seed(0))
        network = LoadedNetwork(
            self.module, Package(Path(), "random", explanation=ExplanationSpec(layer=self.layer)), "cpu"
        )
        question = Question(network, image, 0)

        def plain() -> object:
            with torch.inference_mode():
                return self.module(image)

        def asked(one: Explainer) -> Callable[[], object]:
            return lambda: one.attribute(question, progress=Progress())

        return {PLAIN: plain} | {one.name: asked(one) for one in self.explainers} | self._compared(image, network)

    def _compared(self, image: Any, network: LoadedNetwork) -> dict[str, Callable[[], object]]:
        """Return Grad-CAM without what is remembered of the network, and the Grad-CAM of others."""
        import torch
        from captum.attr import LayerGradCam
        from monai.visualize import GradCAM

        from medassist.explain.layout import share_layouts

        def first() -> object:
            share_layouts(torch.nn.Identity(), self.module)  # which knows none
            return CAMS[0].attribute(Question(network, image, 0), progress=Progress())

        if not self.monai_layer:
            return {FIRST: first}
        captum = LayerGradCam(self.module, self.module.get_submodule(self.layer))
        # MONAI's hooks stay, and break a network whose next ReLU is in place: it gets a copy and the ReLU itself
        monai = GradCAM(copy.deepcopy(self.module), self.monai_layer)
        return {
            FIRST: first,
            CAPTUM: lambda: captum.attribute(image, 0),
            MONAI: lambda: monai(image, class_idx=0),
        }


def cases() -> tuple[Case, ...]:
    """Build the networks; parameters want gradients, as in any network a user loads."""
    import torch
    from monai.networks.nets import DenseNet121, ViT, resnet10

    class Answer(torch.nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.module(x)[0]
            return answer

    torch.manual_seed(0)
    flat = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2)
    deep = resnet10(spatial_dims=3, n_input_channels=1, num_classes=2)
    seeing = Answer(ViT(1, (224, 224), 16, classification=True, num_classes=14, spatial_dims=2, post_activation=""))
    plain = tuple(one for one in METHODS if one not in ATTENTION)
    return (
        Case(FLAT, flat.eval(), (224, 224), "features.norm5", plain, "class_layers.relu"),
        Case(DEEP, deep.eval(), (96, 96, 96), "layer4", CAMS, "layer4"),
        Case(SEEING, seeing.eval(), (224, 224), "module.blocks.11.norm1", (CAMS[0], *ATTENTION)),
    )


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return "network | method" -> forward passes, and peak memory above the network's own in MB."""
    import torch

    torch.set_num_threads(1)
    for library in ("sklearn.linear_model", "skimage.segmentation", "captum.attr"):
        import_module(library)  # loading them is no cost of a map
    rows: Rows = {}
    built = cases()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if HERE:
            for case in built:
                runs = case.runs()
                rows |= {f"{case.title} | {name}": {"MB": _megabytes(run, runs[GRADCAM])} for name, run in runs.items()}
        for case in built:
            for name, ratio in _forwards(case, rounds).items():
                key = f"{case.title} | {name}"
                rows[key] = {"forward passes": ratio, **rows.get(key, {})}
    return {name: row for name, row in rows.items() if row.get("forward passes")}


def misses(rows: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Name every limit of the project that the rows miss."""
    own, found = rows[f"{FLAT} | {GRADCAM}"], []
    if own["forward passes"] > MOST_FORWARDS:
        found.append(f"Grad-CAM takes {own['forward passes']:.2f} forward passes, at most {MOST_FORWARDS}")
    if "MB" in own:
        share = own["MB"] / rows[f"{FLAT} | {CAPTUM}"]["MB"]
        if share > MOST_OF_CAPTUM:
            found.append(f"Grad-CAM takes {share:.2f} of captum's memory, at most {MOST_OF_CAPTUM}")
        added = rows[f"{FLAT} | {INTEGRATED}"]["MB"]
        if added > MOST_BYTES / 1e6:
            found.append(f"integrated gradients take {added:.0f} MB, at most {MOST_BYTES / 1e6:.0f}")
    return tuple(found)


def _megabytes(run: Callable[[], object], before: Callable[[], object]) -> float:
    found = peak_bytes(run, before)
    return float("nan") if found is None else found / 1e6


def _forwards(case: Case, rounds: int) -> dict[str, float]:
    """Return by name the processor time of a run, as a share of the plain forward passes around it."""
    runs = case.runs()
    plain = runs.pop(PLAIN)
    cost: dict[str, list[float]] = {}
    for number in range(rounds + 1):  # the first round warms up
        order = [name for name in runs if number == 0 or median(cost[name]) < FEW]
        random.Random(number).shuffle(order)  # noqa: S311 - an order, no secret
        for name in order:
            try:
                cost.setdefault(name, []).append(_beside(runs[name], plain))
            except Exception as error:  # what a method refuses, and how peers fail
                print(f"{case.title} | {name}: {error}", file=sys.stderr)
                cost[name] = []
                del runs[name]
    return {PLAIN: 1.0} | {name: median(found[1:] or found) for name, found in cost.items() if found}


def _beside(run: Callable[[], object], plain: Callable[[], object]) -> float:
    times = [_seconds(plain), _seconds(plain), _seconds(run), _seconds(plain), _seconds(plain)]
    return times.pop(2) / median(times)


def _seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
