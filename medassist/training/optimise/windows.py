"""What the network gets of rows: one window of each image, prepared as a run prepares it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.inference.engine import planned_on
from medassist.inference.packages import Package
from medassist.inference.prepare import prepare
from medassist.progress import Progress
from medassist.training.layouts.reading import image_of
from medassist.training.table import Row, Table

if TYPE_CHECKING:
    import torch

STAGE = "Preparing images"


def windows_of(package: Package, table: Table, rows: Sequence[Row], *, progress: Progress) -> list[torch.Tensor]:
    """Return the middle window (1, C, …) float32 of the image of every row; the whole image where there are none.

    Refused when they differ in size, which a program of one size cannot take.
    """
    found = [_window(package, table, row) for row in progress.over(rows, STAGE)]
    demand_one_size(package, found)
    return found


def demand_one_size(package: Package, windows: Sequence[torch.Tensor]) -> None:
    """Refuse windows that differ in size."""
    sizes = sorted({tuple(one.shape) for one in windows})
    if len(sizes) > 1:
        raise Refused(
            "{model} takes images of different sizes as they are ({first} and {second}); an optimised program takes "
            "one size.",
            remedy="Give the model a sliding window, or a step that resizes its images.",
            model=package.name,
            first=" x ".join(map(str, sizes[0])),
            second=" x ".join(map(str, sizes[-1])),
        )


def _window(package: Package, table: Table, row: Row) -> torch.Tensor:
    import torch

    image = prepare(package, image_of(table, row)).tensor
    plan = planned_on(package, tuple(image.shape[2:]), "cpu")
    if plan is not None:
        every = plan.windows()
        image = plan.pad(image)[(slice(None), slice(None), *every[len(every) // 2])]
    return image.as_subclass(torch.Tensor).float().contiguous()
