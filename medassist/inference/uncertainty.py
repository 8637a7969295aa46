"""How undecided a segmenter is at each voxel: the entropy of its probabilities, as a map on the grid of the series."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.inference.labels import box_zyx, thin
from medassist.inference.packages import Package
from medassist.inference.postprocess import decision
from medassist.inference.prepare import Prepared, restore
from medassist.inference.windows import Block

if TYPE_CHECKING:
    import torch

METHOD = "Predictive entropy"
TARGET = "Uncertainty"
SPREAD_METHOD = "Standard deviation over mirrored views"
LIMIT = "The map shows where the model is undecided; where it is sure, it can still be wrong."
"""An entropy of what the network says, not of what it never learned: confidence on foreign images stays high."""
SPREAD_LIMIT = "The map shows where mirrored views disagree; where they agree, all of them can still be wrong."


def check_uncertainty(package: Package) -> None:
    """Refuse a model that marks no voxels, or whose outputs nobody says how to turn into probabilities."""
    if package.separation is not None:
        raise Refused(
            "The model {model} tells objects apart one by one; the doubt about its maps is none about an object.",
            remedy="Run it without the map of uncertainty.",
            model=package.name,
        )
    if package.task != "segmentation":
        raise Refused(
            "The model {model} marks no voxels, so there is no map of its uncertainty.",
            remedy="Its scores say by themselves where they cannot tell.",
            model=package.name,
        )
    if not decision(package).activation:
        raise Refused(
            "The outputs of the model {model} are not said to be probabilities, so its uncertainty is not known.",
            remedy="Run it without the map of uncertainty.",
            model=package.name,
        )


class Spread:
    """How far mirrored views disagree at each voxel: the last channel of the blocks of `averaging.averaged`."""

    def __init__(self, package: Package, prepared: Prepared) -> None:
        self._package, self._grid, self._home = package, prepared.grid, prepared.home
        self._values = np.zeros(self._grid.shape_zyx, np.float32)

    def without(self, block: Block) -> Block:
        """Take the last channel of one block, and return the rest of it."""
        for start, found in thin(Block(block.start, block.logits[-1:])):
            self._values[box_zyx(start, tuple(found.shape[1:]))] = found[0].numpy().transpose(2, 1, 0)
        return Block(block.start, block.logits[:-1])

    def finish(self, series_key: str) -> Heatmap:
        """Return the map on the grid of the series; where the network did not look it is 0."""
        values = restore(self._values, self._grid, self._home, linear=True).astype(np.float32)
        return as_map(self._package, series_key, values, self._home, self._values, self._grid, kind=MapKind.SPREAD)


class Doubt:
    """The entropy of each voxel on the network's grid, filled block by block; `spread` where views are averaged."""

    def __init__(self, package: Package, prepared: Prepared, *, spread: bool = False) -> None:
        self.spread = Spread(package, prepared) if spread else None
        self._package, self._grid, self._home = package, prepared.grid, prepared.home
        self._sigmoid = decision(package).activation == "sigmoid"
        self._values = np.zeros(self._grid.shape_zyx, np.float32)

    def add(self, block: Block) -> None:
        """Take the logits (channel, X, Y[, Z]) of one block."""
        for start, logits in thin(block):
            found = self._of_labels(logits) if self._sigmoid else of_classes(logits)
            self._values[box_zyx(start, tuple(logits.shape[1:]))] = found.numpy().transpose(2, 1, 0)

    def finish(self, series_key: str) -> Heatmap:
        """Return the map on the grid of the series; where the network did not look it is 0."""
        values = restore(self._values, self._grid, self._home, linear=True)
        return as_map(self._package, series_key, values.astype(np.float32), self._home, self._values, self._grid)

    def _of_labels(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the entropy of the least certain label, each being there or not."""
        import torch

        outputs = [label.output for label in self._package.labels]
        both = torch.stack([logits[outputs], torch.zeros_like(logits[outputs])])
        return of_classes(both).amax(dim=0)


def of_classes(logits: torch.Tensor) -> torch.Tensor:
    """Return the entropy of softmax(logits) over the first axis (K, …), divided by log K: 0 to 1, without a unit.

    Shannon, Bell Syst Tech J 27:379, 1948.
    """
    shares = logits.log_softmax(dim=0)
    entropy: torch.Tensor = -(shares.exp() * shares).sum(dim=0) / log(len(logits))
    return entropy.clamp_(0.0, 1.0)


def as_map(
    package: Package,
    series_key: str,
    values: NDArray[np.float32],
    home: Geometry,
    native: NDArray[np.float32],
    grid: Geometry,
    *,
    kind: MapKind = MapKind.UNCERTAINTY,
) -> Heatmap:
    """Return entropies or spreads (slice, row, column) on the grid of a series, and as computed, as a map."""
    entropy = kind is MapKind.UNCERTAINTY
    return Heatmap(
        method=METHOD if entropy else SPREAD_METHOD,
        target=TARGET,
        model=package.ref,
        series_key=series_key,
        values_zyx=values,
        geometry=home,
        native_zyx=native,
        native_geometry=grid,
        parameters={"normalised_by": "log of the number of classes"} if entropy else {"of": "the likeliest label"},
        notes=(LIMIT if entropy else SPREAD_LIMIT,),
        kind=kind,
    )
