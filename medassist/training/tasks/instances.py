"""Objects one by one: every pixel is background, the core of an object or its rim, and rims that touch count more.

A watershed from the cores tells objects apart (`inference.separation`), so that what has to be learned is where two of
them meet: the idea of the weighted borders of U-Net (Ronneberger et al., MICCAI 2015). The rim of an object is a share
of its own half-width: a pixel or two would not part nuclei of fifty pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UsageError
from medassist.inference.packages import Package
from medassist.inference.prepare import prepare, restore
from medassist.inference.separation import CHANNELS, TASK, Separation, separate
from medassist.progress import Progress
from medassist.training.instance_metrics import instance_metrics
from medassist.training.layouts.layout import LabelMap
from medassist.training.layouts.reading import image_of, mask_of
from medassist.training.recipe import Recipe
from medassist.training.table import Row, Table
from medassist.training.tasks.task import STAGE, Loss, Sample, Task

if TYPE_CHECKING:
    import torch

GROUND, CORE, RIM, MEETING_RIM, MEETING_GROUND = range(5)
"""What a pixel is; the last two lie where two objects come close, and are learned as rim and as background."""
CHANNEL_OF = (0, 1, 2, 2, 0)
Plain = NDArray[np.uint8]


@dataclass(frozen=True)
class Rule:
    """How objects become classes of pixels and what these count; keys of `loss` in a recipe.

    Attributes:
        rim: share (0..1) of the half-width of an object that is its rim.
        least_rim: pixels of the thinnest rim.
        reach: pixels around which another object makes a meeting.
        meeting: how often a pixel of a meeting counts.
    """

    rim: float = 0.4
    least_rim: float = 1.5
    reach: int = 2
    meeting: float = 4.0


def rule_of(recipe: Recipe) -> Rule:
    """Read the rule of a recipe (UsageError names a key that is unknown or out of range)."""
    ranges = {"rim": (0.05, 0.95), "least_rim": (0.5, 50.0), "reach": (1, 50), "meeting": (1.0, 100.0)}
    for key, value in recipe.loss.items():
        low, high = ranges.get(key, (1.0, 0.0))
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise UsageError(
                "The key {key} of the recipe {path} is unknown or out of range.", path=recipe.path, key=f"loss.{key}"
            )
    return Rule(**recipe.loss)


def classes_of(objects: LabelMap, rule: Rule) -> Plain:
    """Return what every pixel is (row, column), for objects numbered on the same grid.

    The edge of the picture is no border: an object may go on beyond it.
    """
    from scipy import ndimage

    classes = np.zeros(objects.shape, np.uint8)
    for number, box in enumerate(ndimage.find_objects(objects), start=1):
        if box is not None:
            around = tuple(slice(max(0, one.start - 1), one.stop + 1) for one in box)
            _mark(classes[around], objects[around] == number, rule)
    meeting = _meetings(objects, rule.reach)
    classes[meeting & (classes == RIM)] = MEETING_RIM
    classes[meeting & (classes == GROUND)] = MEETING_GROUND
    return classes


def _mark(classes: Plain, inside: NDArray[np.bool_], rule: Rule) -> None:
    """Mark core and rim of one object in its box; one without a core keeps its innermost pixels as such."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]
    deepest = depth[inside].max()
    core = inside & (depth > max(rule.least_rim, rule.rim * deepest))
    if not core.any():
        core = inside & (depth >= deepest)
    classes[inside] = RIM
    classes[core] = CORE


def _meetings(objects: LabelMap, reach: int) -> NDArray[np.bool_]:
    """Tell which pixels have two different objects within `reach`."""
    from scipy import ndimage

    size, none = 2 * reach + 1, np.iinfo(np.int32).max
    highest = ndimage.maximum_filter(objects, size)
    lowest = ndimage.minimum_filter(np.where(objects > 0, objects, none), size)
    meeting: NDArray[np.bool_] = (highest > 0) & (lowest < none) & (highest != lowest)
    return meeting


def _samples(recipe: Recipe, package: Package, table: Table, rows: Sequence[Row], progress: Progress) -> list[Sample]:
    """Return `image` and `label`, what every pixel is (1, x, y) uint8."""
    rule = rule_of(recipe)
    return [_sample(package, table, row, rule) for row in progress.over(rows, STAGE)]


def _sample(package: Package, table: Table, row: Row, rule: Rule) -> Sample:
    import torch

    volume = image_of(table, row)
    objects = mask_of(table, row, volume)
    prepared = prepare(package, volume)
    on_grid = restore(objects, volume.geometry, prepared.grid, linear=False)[0]
    label = np.ascontiguousarray(classes_of(on_grid, rule).T)
    return {"image": prepared.tensor[0], "label": torch.from_numpy(label)[None]}


def _loss(recipe: Recipe, samples: Sequence[Sample]) -> Loss:  # noqa: ARG001 - the door of every task
    """Return Dice of core and rim plus cross-entropy, where pixels of a meeting count more."""
    import torch
    from monai.losses import DiceLoss
    from torch.nn.functional import cross_entropy

    rule = rule_of(recipe)
    dice = DiceLoss(to_onehot_y=True, softmax=True, include_background=False, batch=True)
    channel = torch.tensor(CHANNEL_OF)
    weight = torch.tensor([1.0, 1.0, 1.0, rule.meeting, rule.meeting])

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        pixels = batch["label"].long()
        wanted = channel.to(pixels.device)[pixels]
        counts = weight.to(pixels.device)[pixels][:, 0]
        entropy = cross_entropy(logits, wanted[:, 0], reduction="none")
        value: torch.Tensor = dice(logits, wanted) + (entropy * counts).sum() / counts.sum()
        return value

    return loss


def _figures(recipe: Recipe, network: torch.nn.Module, samples: Sequence[Sample]) -> dict[str, float]:  # noqa: ARG001
    """Return the means of F1 at IoU 0.5 and panoptic quality; true objects are read back from their cores."""
    import torch

    found: list[dict[str, float]] = []
    with torch.inference_mode():
        for sample in samples:
            shares = network(sample["image"][None])[0].float().softmax(dim=0).numpy()
            classes = np.asarray(CHANNEL_OF)[sample["label"][0].numpy()]
            truth = separate((classes > 0).astype(np.float32), (classes == CORE).astype(np.float32), Separation())
            found.append(instance_metrics(separate(1.0 - shares[0], shares[1], Separation()), truth))
    figures = {name: float(np.mean([one[name] for one in found])) for name in ("f1_iou50", "pq")}
    return {**figures, "score": figures["pq"]}


INSTANCES = Task(
    samples=_samples,
    loss=_loss,
    figures=_figures,
    logits=None,
    activation={"softmax": True},
    channels=lambda recipe: CHANNELS,  # noqa: ARG005 - the door of every task
    metadata={"task": TASK},
)
