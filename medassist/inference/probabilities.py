"""The class probabilities of a segmenter on the grid of the series, kept where somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.probabilities import FULL, Probabilities
from medassist.entities.study import Warned, warned
from medassist.inference.devices import free_bytes
from medassist.inference.labels import box_zyx, thin
from medassist.inference.packages import Package
from medassist.inference.postprocess import decision
from medassist.inference.prepare import Prepared, restore
from medassist.inference.windows import Block

MOST_BYTES = 512 * 2**20
"""Of one series at one byte per label and voxel; to write it takes four times as much again."""
WHILE_WORKING = 6


def obstacle(package: Package, grids: Sequence[Geometry], labels: int) -> Warned | None:
    """Say why probabilities are not kept of a run on these grids, None where they can be."""
    if package.separation is not None or not decision(package).activation:
        return warned("The model {model} tells no probabilities of its labels, so none are kept.", model=package.name)
    needed, free = labels * max(prod(grid.shape_zyx) for grid in grids), free_bytes("cpu")
    if needed > MOST_BYTES or (free is not None and WHILE_WORKING * needed > free):
        return warned(
            "The probabilities of {model} were not kept: {needed} MB are too much for this computer or for one file.",
            model=package.name,
            needed=round(needed / 2**20),
        )
    return None


def quantized(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return probabilities as steps of 1/255, off by half a step at most."""
    steps: NDArray[np.uint8] = np.rint(shares.clip(0.0, 1.0) * FULL).astype(np.uint8)
    return steps


class Shares:
    """The probabilities of each label on the network's grid, filled block by block."""

    def __init__(self, package: Package, prepared: Prepared) -> None:
        self._labels, self._rule = package.labels, decision(package)
        self._grid, self._home = prepared.grid, prepared.home
        self._steps = np.zeros((len(package.labels), *self._grid.shape_zyx), np.uint8)

    def add(self, block: Block) -> None:
        """Take the logits (channel, X, Y[, Z]) of one block."""
        for start, logits in thin(block):
            shares = self._rule.shares(logits.float())
            box = box_zyx(start, tuple(shares.shape[1:]))
            for at, label in enumerate(self._labels):
                self._steps[at][box] = quantized(shares[label.output].numpy()).transpose(2, 1, 0)

    def finish(self) -> Probabilities:
        """Return them on the grid of the series, interpolated; where the network did not look they are 0."""
        home = np.zeros((len(self._labels), *self._home.shape_zyx), np.uint8)
        for at in range(len(self._labels)):
            steps = self._steps[at].astype(np.float32)
            home[at] = np.rint(restore(steps, self._grid, self._home, linear=True))
        return Probabilities(home, self._home, tuple(label.value for label in self._labels))
