"""The layers of a network that write a map of the image: what class activation methods can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.entities.volume import Volume
from medassist.explain.tokens import cells_written
from medassist.explain.view import usual_size
from medassist.inference.bundle import inferer
from medassist.inference.devices import choose
from medassist.inference.expected import tensor_shape
from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.inference.shape import answer_on_meta, ghost_of
from medassist.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    Hook = Callable[[nn.Module, object, object], None]


def layers_of(package: Package, volume: Volume, *, device: str = "auto", progress: Progress) -> tuple[str, ...]:
    """Return the names of the layers that write a map, in the order they run; () when that cannot be told.

    Nothing is computed: a copy of the network without values is run on an image without values.
    """
    whole = tensor_shape(package, volume)
    if whole is None:
        return ()
    network = load_network(package, choose(device))
    size = usual_size(inferer(package).windows or {}, whole[2:]) if package.marks_voxels else None
    with network.held(progress):
        ghost = ghost_of(network.module)
    return written_maps(ghost, (*whole[:2], *(size or whole[2:])))


def written_maps(ghost: nn.Module, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the layers of a ghost that write more than one cell (1, K, *cells), or tokens of patches, for `shape`."""
    found: dict[str, None] = {}
    for name, layer in ghost.named_modules():
        if name:
            layer.register_forward_hook(_keeper(name, ghost, shape, found))
    return () if answer_on_meta(ghost, shape) is None else tuple(found)


def _keeper(name: str, ghost: nn.Module, shape: tuple[int, ...], found: dict[str, None]) -> Hook:
    def keep(_layer: nn.Module, _inputs: object, output: object) -> None:
        cells = cells_written(ghost, shape[2:], tuple(getattr(output, "shape", ())))
        if cells is not None and any(size > 1 for size in cells):
            found[name] = None

    return keep
