"""Explanations: what every method costs in plain forward passes and in memory, beside captum's and MONAI's Grad-CAM.

Random weights: only costs are measured. One thread; times are processor seconds of this process, so that other work on
the machine counts little. A plain forward pass (inference mode) runs before and after every method, in shuffled order.
Memory is the peak above what the process had before (Linux only).
"""

from __future__ import annotations

import contextlib
import copy
import random
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.explain_memory import HERE, alone, clocked
from medassist.entities.errors import Refused
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
"""Methods of more forward passes are run once: their own many passes even out what a repetition would."""


SLOW = 0.2
"""Networks of longer passes, in seconds, are run once."""


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

        return {PLAIN: plain} | self._compared(image, network) | {one.name: asked(one) for one in self.explainers}

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
        Case(DEEP, deep.eval(), (96, 96, 96), "layer4", CAMS[:1], "layer4"),
        Case(SEEING, seeing.eval(), (224, 224), "module.blocks.11.norm1", (CAMS[0], *ATTENTION)),
    )


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return "network | method" -> forward passes, and peak memory above that before it in MB."""
    import torch

    torch.set_num_threads(1)
    for library in ("sklearn.linear_model", "skimage.segmentation", "captum.attr"):
        import_module(library)  # loading them is no cost of a map
    rows: Rows = {}
    built = cases()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in built if HERE else ():
            rows |= _alone(case)
        for case in built:
            for name, ratio in _forwards(case, rounds, rows).items():
                rows.setdefault(f"{case.title} | {name}", {})["forward passes"] = ratio
                _tell(f"{case.title} | {name}", rows)
    return rows


def _tell(name: str, rows: Rows) -> None:
    """Say a row as soon as it is known: all of them take minutes."""
    print(name, rows[name], file=sys.stderr, flush=True)


def misses(rows: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Name every limit of the project that the rows miss."""
    own, found = rows[f"{FLAT} | {GRADCAM}"], []
    if own["forward passes"] > MOST_FORWARDS:
        found.append(f"Grad-CAM takes {own['forward passes']:.2f} forward passes, at most {MOST_FORWARDS}")
    if "MB" in own:  # a second map goes where the first one was, and seems to take nothing
        share = max(own["MB"], rows[f"{FLAT} | {FIRST}"]["MB"]) / rows[f"{FLAT} | {CAPTUM}"]["MB"]
        if share > MOST_OF_CAPTUM:
            found.append(f"Grad-CAM takes {share:.2f} of captum's memory, at most {MOST_OF_CAPTUM}")
        added = rows[f"{FLAT} | {INTEGRATED}"]["MB"]
        if added > MOST_BYTES / 1e6:
            found.append(f"integrated gradients take {added:.0f} MB, at most {MOST_BYTES / 1e6:.0f}")
    return tuple(found)


def _alone(case: Case) -> Rows:
    """Return the rows of what runs in a process of its own; what a method refuses has none."""
    runs, rows = case.runs(), Rows()
    for name, run in runs.items():
        taken = alone(run, runs[PLAIN], runs[GRADCAM])
        if taken is not None:
            rows[f"{case.title} | {name}"] = {
                "forward passes": taken.seconds / taken.plain_seconds,
                "MB": taken.peak / 1e6,
            }
            _tell(f"{case.title} | {name}", rows)
    return rows


def _forwards(case: Case, rounds: int, known: Rows) -> dict[str, float]:
    """Return by name the processor time of a run, as a share of the plain passes before and after it.

    Methods of many passes, and networks of slow ones, are left as they were measured once.
    """
    runs = case.runs()
    plain = runs.pop(PLAIN)
    if known and clocked(plain) > SLOW:
        return {}
    cheap = [name for name in runs if not known or _passes(case, name, known) < FEW]
    cost: dict[str, list[float]] = {name: [] for name in cheap}
    for number in range(rounds + 1):  # the first round warms up
        random.Random(number).shuffle(cheap)  # noqa: S311 - an order, no secret
        for name in cheap:
            with contextlib.suppress(Refused):
                before, own, after = (clocked(one) for one in (plain, runs[name], plain))
                cost[name] += [2.0 * own / (before + after)] if number else []
    return {name: median(found) for name, found in cost.items() if found}


def _passes(case: Case, name: str, known: Rows) -> float:
    """Return what a run was found to cost in a process of its own; one that failed there is not tried again."""
    return known.get(f"{case.title} | {name}", {}).get("forward passes", FEW)
