"""What the network is shown when it is explained, and how its map comes home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.volume import Volume
from medassist.explain.place import Window, cover, moved, window_around
from medassist.explain.protocol import Attribution
from medassist.inference.bundle import inferer
from medassist.inference.packages import Package
from medassist.inference.prepare import Prepared, prepare, restore

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class View:
    """What the network is shown: a window of the prepared image, and the region in the axes of that window.

    `inputs` is (1, C, *window); `region` bool (*window) or None; `grid` is that of the window; `whole` tells whether
    the window holds the whole image, `region_whole` whether it holds the whole region.
    """

    prepared: Prepared
    window: Window
    inputs: torch.Tensor
    grid: Geometry
    region: torch.Tensor | None = None
    whole: bool = True
    region_whole: bool = True


def look(package: Package, volume: Volume, region: NDArray[np.bool_] | None) -> View:
    """Prepare the image and choose the window: all of it for a classifier, the usual window for a segmenter."""
    import torch

    prepared = prepare(package, volume)
    shape = tuple(prepared.tensor.shape[2:])
    if region is None:
        return View(prepared, Window((0,) * len(shape), shape), prepared.tensor, prepared.grid)
    on_grid = restore(region.astype(np.uint8), volume.geometry, prepared.grid, linear=False)
    in_axes = np.ascontiguousarray(on_grid[0].T if len(shape) == 2 else on_grid.transpose(2, 1, 0))
    options = inferer(package).windows or {}
    window = window_around(shape, usual_size(options, shape), in_axes.astype(bool))
    inside = window.cut(torch.from_numpy(in_axes)[None, None])[0, 0].bool()
    if not inside.any():
        raise Refused("The region is too small for the grid of the model {model}.", model=package.name)
    return View(
        prepared,
        window,
        window.cut(prepared.tensor, str(options.get("padding_mode", "constant")), float(options.get("cval", 0.0))),
        window.grid(prepared.grid),
        inside,
        whole=all(
            start <= 0 and start + size >= n for start, size, n in zip(window.offset, window.size, shape, strict=True)
        ),
        region_whole=int(inside.sum()) == int(np.count_nonzero(in_axes)),
    )


def usual_size(options: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the size of the sliding window, None without one; an axis it leaves open is as long as the image."""
    if "roi_size" not in options:
        return None
    wanted = options["roi_size"]
    sizes = wanted if isinstance(wanted, list | tuple) else [wanted] * len(shape)
    return tuple(int(one) if one and one > 0 else length for one, length in zip(sizes, shape, strict=True))


def cells_of(view: View, answer: Attribution) -> tuple[NDArray[np.float32], Geometry]:
    """Return the map as computed, (slice, row, column), and the grid of its cells."""
    grid = moved(view.grid, answer.layout.first, answer.layout.step, answer.values.shape)
    return np.ascontiguousarray(view.prepared.to_zyx(answer.values)), grid


def bring_home(view: View, answer: Attribution, home: Geometry) -> NDArray[np.float32]:
    """Enlarge the map to the window, then bring it to the series by the road of the masks: 0 beyond the window."""
    values, layout = cover(answer.values, answer.layout, view.window.size)
    cells = moved(view.grid, layout.first, layout.step, values.shape)
    enlarged = restore(np.ascontiguousarray(view.prepared.to_zyx(values)), cells, view.grid, linear=True)
    return np.asarray(restore(enlarged, view.grid, home, linear=True), dtype=np.float32)
