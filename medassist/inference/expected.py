"""How much memory a model will need on one series, told before anything is run or resampled."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.volume import Volume
from medassist.inference.bundle import preprocessing_steps
from medassist.inference.crops import CROP_MM
from medassist.inference.devices import choose, free_bytes
from medassist.inference.engine import planned_on
from medassist.inference.forecast import forecast
from medassist.inference.growth import ghost, grown, shape_of
from medassist.inference.localizer import for_whole
from medassist.inference.network import load_network
from medassist.inference.packages import PROMPTED, Package
from medassist.inference.prepare import affine_of
from medassist.language import tr

if TYPE_CHECKING:
    from monai.data import MetaTensor

MB = 1_000_000


@dataclass(frozen=True)
class MemoryForecast:
    """What a run is expected to need at its peak, beyond what is in use now.

    Attributes:
        expected_mb: megabytes (10^6 bytes) for the network, the sums of its windows and the image.
        free_mb: megabytes free on the device now, None where the system does not tell.
        device: torch name.
    """

    expected_mb: int
    free_mb: int | None
    device: str

    @property
    def fits(self) -> bool:
        """Whether it is expected to fit; True where nobody knows what is free."""
        return self.free_mb is None or self.expected_mb <= self.free_mb

    @property
    def text(self) -> str:
        """One sentence in the language of the interface."""
        told = {"expected": self.expected_mb, "device": self.device}
        if self.free_mb is None:
            return tr("The run is expected to need {expected} MB of memory on {device}.", **told)
        if self.fits:
            return tr(
                "The run is expected to need {expected} MB of memory on {device}; {free} MB are free.",
                **told,
                free=self.free_mb,
            )
        return tr(
            "The run is expected to need {expected} MB of memory on {device}, and only {free} MB are free: it may have "
            "to go on with smaller windows.",
            **told,
            free=self.free_mb,
        )


def expect(package: Package, volume: Volume, *, device: str = "auto") -> MemoryForecast | None:
    """Return what a run of `package` on `volume` will need; None where it cannot be told.

    The network is loaded (and kept for the run), the image is not touched: MONAI's transforms tell the shape they
    would give it, without cropping to a foreground, so that the figure is rather too high.
    """
    try:
        shape = tensor_shape(package, volume)
        chosen = choose(device)
        module = load_network(package, chosen).module
    except Refused:
        return None  # the run says why it cannot be
    if shape is None:
        return None
    found = forecast(package, module, shape, planned_on(package, shape[2:], chosen))
    free = free_bytes(chosen)
    if found is None:
        return None
    return MemoryForecast(ceil(found.total / MB), None if free is None else free // MB, chosen)


def tensor_shape(package: Package, volume: Volume) -> tuple[int, ...] | None:
    """Return (1, C, X, Y[, Z]) of what the network will get, None where the preparation does not tell."""
    if package.task == PROMPTED or not volume.is_regular:
        return None
    image: Any = _ghost(package, volume)
    for step in preprocessing_steps(package):
        image = grown(step, image)
    return (1, *shape_of(image))


def _ghost(package: Package, volume: Volume) -> MetaTensor:
    """Return an image on the grid of the series, or of the first region to be cut out, that takes no memory."""
    import torch

    grid, localizer = volume.geometry, for_whole(package.localizer, volume.geometry)
    if localizer is not None:
        columns, rows, slices = (max(1, round(size / CROP_MM)) for size in localizer.regions[0].size_mm)
        grid = Geometry(np.diag([CROP_MM, CROP_MM, CROP_MM, 1.0]), (slices, rows, columns))
    shape = (package.input.channels, *grid.shape_zyx[::-1][: package.input.dimensions])
    affine = torch.from_numpy(affine_of(package, grid))
    return ghost(shape, affine)
