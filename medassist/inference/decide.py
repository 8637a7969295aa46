"""From the answer of a segmenter to a mask on the grid of the series, as the package's postprocessing says."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.instances import Instances
from medassist.entities.prediction import MOST_OVERLAPPING, Mask
from medassist.inference.devices import free_bytes
from medassist.inference.labels import LabelMap, box_zyx, thin
from medassist.inference.packages import Package
from medassist.inference.postprocess import Decision, decision
from medassist.inference.prepare import STAGE_HOME, Prepared, restore
from medassist.inference.separation import CHANNELS, Separation, consecutive, separate
from medassist.inference.windows import Block
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch


STAGE_OBJECTS = "Separating the objects"
SEPARATING_BYTES = 64
"""Memory per pixel for the maps and the watershed; 39 measured (scikit-image 0.26)."""


class Masking:
    """A mask that is filled block by block: by the highest channel, or label by label where each has a threshold."""

    def __init__(self, package: Package, prepared: Prepared) -> None:
        self._package, self._prepared, self._decision = package, prepared, decision(package)
        self.channels = 1 + max(label.output for label in package.labels)
        thresholds = self._decision.threshold is not None
        self._overlapping = thresholds and len(package.labels) > 1
        if self._overlapping and len(package.labels) > MOST_OVERLAPPING:
            raise Refused(
                "The model {model} has {count} overlapping labels; a mask holds at most {most}.",
                model=package.name,
                count=len(package.labels),
                most=MOST_OVERLAPPING,
            )
        if self.channels == 1 and not thresholds:
            raise Refused("The model {model} does not say how its one output becomes a mask.", model=package.name)
        shares = (
            _as_they_are if thresholds else None if self._decision.activation == "softmax" else self._decision.shares
        )
        count = len(package.labels) if thresholds else 1
        self._maps = [LabelMap(prepared, shares=shares, on_grid=self._decision.on_grid) for _ in range(count)]

    def add(self, block: Block) -> None:
        """Decide one block of logits (channel, X, Y[, Z]), in the order of `windows.blocks`."""
        if self._decision.threshold is None:
            self._maps[0].add(block)
            return
        shares = self._decision.shares(block.logits)
        for label, one in zip(self._package.labels, self._maps, strict=True):
            one.add(Block(block.start, _for_and_against(shares[label.output], self._decision)))

    def finish(self, progress: Progress) -> Mask:
        """Bring the labels home and tidy them; `progress.step` between any two steps."""
        whole = np.zeros(self._prepared.home.shape_zyx, np.uint8)
        for at, one in enumerate(self._maps):
            progress.step(STAGE_HOME)
            if self._decision.on_grid:
                labels = one.finish(partial(self._tidied, at=at, progress=progress))
            else:
                labels = self._tidied(one.finish(), at=at, progress=progress)
            whole |= labels << np.uint8(at) if self._overlapping else labels
        return Mask(whole, self._prepared.home, self._package.segments, self._overlapping)

    def _tidied(self, labels: NDArray[np.uint8], *, at: int, progress: Progress) -> NDArray[np.uint8]:
        channel = self._package.labels[at].output if self._overlapping else None
        for step in self._decision.cleanup:
            progress.step(STAGE_HOME)
            labels = step.apply(labels, channel=channel)
        return labels


class Separating:
    """Objects one by one, from the maps of a network that are filled block by block: the same as from all at once."""

    channels = CHANNELS

    def __init__(self, package: Package, prepared: Prepared) -> None:
        self._package, self._prepared = package, prepared
        self._rule = package.separation or Separation()
        needed, free = SEPARATING_BYTES * math.prod(prepared.grid.shape_zyx), free_bytes("cpu")
        if free is not None and needed > free:
            raise Refused(
                "There is not enough memory to run {model} on this image.",
                remedy="Close other programs or series, or use a machine with more memory.",
                model=package.name,
            )
        self._foreground, self._core = (np.zeros(prepared.grid.shape_zyx, np.float32) for _ in range(2))

    def add(self, block: Block) -> None:
        """Keep the probabilities of one block of logits (channel, X, Y)."""
        for start, logits in thin(block):
            shares = logits.float().softmax(dim=0).numpy()
            box = box_zyx(start, shares.shape[1:])
            self._foreground[box] = 1.0 - shares[0].transpose(2, 1, 0)
            self._core[box] = shares[1].transpose(2, 1, 0)

    def finish(self, progress: Progress) -> Mask:
        """Separate the objects on the network's grid and bring them home; the mask holds the one segment and them."""
        progress.step(STAGE_OBJECTS)
        objects = separate(self._foreground, self._core, self._rule)
        progress.step(STAGE_HOME)
        grid, home = self._prepared.grid, self._prepared.home
        at_home = restore(objects, grid, home, linear=False)
        if not grid.same_grid(home, tolerance_mm=1e-6):  # an object of few pixels may fall between those of the series
            at_home = consecutive(at_home)
        labels = (at_home > 0).astype(np.uint8)
        return Mask(labels, home, self._package.segments, instances=Instances(at_home, home))


def _as_they_are(shares: torch.Tensor) -> torch.Tensor:
    return shares


def _for_and_against(share: torch.Tensor, rule: Decision) -> torch.Tensor:
    """Return two numbers per voxel (2, …) of which the second is higher where `share` reaches the threshold.

    Linear in `share`, so that interpolating and deciding may follow in either order. A share of exactly the threshold
    is positive, as in monai.transforms.AsDiscrete.
    """
    import torch

    above = share - float(np.nextafter(np.float32(rule.threshold or 0.0), np.float32(-np.inf)))
    return torch.stack([-above, above])
