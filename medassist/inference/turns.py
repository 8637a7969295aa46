"""Slightly turned or scaled views of its input that a package's answers are always the mean of, with the plain one."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.inference.schema import Section

if TYPE_CHECKING:
    import torch

MOST = 8
SCALES, DEGREES = (0.8, 1.25), (-30.0, 30.0)


@dataclass(frozen=True)
class Turn:
    """One view of a volume: `scale` above 1 shows it smaller; `degrees` turn it about the network's axes x, y and z."""

    scale: float = 1.0
    degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Where a place of the view lies in the image, both as (x, y, z) voxels from the middle."""
        turned = self.scale * np.eye(3)
        for degrees, (first, second) in zip(self.degrees, ((1, 2), (0, 2), (0, 1)), strict=True):
            one, angle = np.eye(3), radians(degrees)
            one[[first, second], [first, second]] = cos(angle)
            one[first, second], one[second, first] = -sin(angle), sin(angle)
            turned = turned @ one
        return turned


def read_turns(own: Section, dimensions: int, task: str) -> tuple[Turn, ...]:
    """Read `turns` of the section "medassist", () where there is none (Refused naming file and key)."""
    if "turns" not in own.data:
        return ()
    told = own.items("turns")
    if task != "segmentation" or dimensions != 3 or len(told) > MOST:
        raise _wrong(own)
    return tuple(_turn(own, one) for one in told)


def _turn(own: Section, told: object) -> Turn:
    if not isinstance(told, dict) or not told or not set(told) <= {"scale", "degrees"}:
        raise _wrong(own)
    scale, degrees = told.get("scale", 1.0), told.get("degrees", [0.0, 0.0, 0.0])
    if not _within(scale, SCALES) or not isinstance(degrees, list) or len(degrees) != 3:
        raise _wrong(own)
    if not all(_within(one, DEGREES) for one in degrees):
        raise _wrong(own)
    return Turn(float(scale), (float(degrees[0]), float(degrees[1]), float(degrees[2])))


def _within(value: object, limits: tuple[float, float]) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and limits[0] <= float(value) <= limits[1]  # type: ignore[arg-type]


def _wrong(own: Section) -> Refused:
    return Refused(
        '{file}: the key {key} must be a list of at most {most} views of a segmented volume like {{"scale": 0.95}} '
        '(0.8 to 1.25) or {{"degrees": [5, 0, 0]}} (-30 to 30).',
        file=own.file,
        key=own.place("turns"),
        most=MOST,
    )


def turned(windows: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Return windows (N, C, X, Y, Z) seen from that side; 0 where the view reaches beyond them."""
    return _sampled(windows, turn.matrix)


def turned_back(answer: torch.Tensor, turn: Turn) -> tuple[torch.Tensor, torch.Tensor]:
    """Return an answer about a view (N, K, X, Y, Z) in its place, and how far the view holds it (N, 1, X, Y, Z)."""
    back = np.linalg.inv(turn.matrix).astype(np.float64)
    return _sampled(answer, back), _sampled(answer.new_ones(answer[:, :1].shape), back)


def _sampled(values: torch.Tensor, matrix: NDArray[np.float64]) -> torch.Tensor:
    """Sample linearly where `matrix` sends the voxels, from the middle; axes and places of torch run the other way."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    half = np.array(values.shape[2:]) / 2.0
    relative = (matrix * half / half[:, None])[::-1, ::-1]
    rows = np.concatenate([relative, np.zeros((3, 1))], axis=1)
    where = torch.as_tensor(rows, dtype=values.dtype, device=values.device)[None].expand(len(values), 3, 4)
    grid = affine_grid(where, [len(values), 1, *values.shape[2:]], align_corners=False)
    return grid_sample(values, grid, align_corners=False)
