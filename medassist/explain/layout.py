"""Where the cells of a feature map lie on the input: measured, because dividing the input evenly can be wrong.

A 3 x 3 convolution with stride 2 and padding 1 centres its cells on input voxels 0, 2, 4, …, not on 0.5, 2.5, …; five
of them in a row (a ResNet) put the cells of a map half a cell away from an even division, which would shift a heatmap
by as much. So the network's layers are followed once by layers that only carry positions: every cell hands on the
coordinates of the centre of what it sees (Araujo et al. 2019, "Computing receptive fields", equation 4).
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from medassist.explain.protocol import Layout
from medassist.explain.tokens import layout_of_patches, patch_grid

if TYPE_CHECKING:
    import torch
    from torch import nn

Axis = tuple[int, float, float]
"""Number of output cells, centre of the first one and distance between them, in cells of the layer's input."""


Span = tuple[float, float]
FAINT: Span = (0.2, 0.7)
STRONG: Span = (1.5, 3.0)

_known: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], Layout]] = WeakKeyDictionary()


def layout_of(module: nn.Module, layer: str, size: tuple[int, ...], cells: tuple[int, ...]) -> Layout:
    """Return where `cells` of the map of `layer` lie on an input of `size` voxels.

    Axes are those of the network's input. Where the layers cannot be followed (a network that is not made of
    convolutions and poolings), the cells divide the input evenly and `followed` is False. The answer is remembered
    as long as the network lives; hold its lock.
    """
    known = _known.setdefault(module, {})
    key = (layer, size, cells)
    if key not in known:
        known[key] = _measured(module, layer, size, cells) or _patches(module, size, cells) or evenly(size, cells)
    return known[key]


def share_layouts(module: nn.Module, twin: nn.Module) -> None:
    """Let a copy of a network know the layouts measured on it: they do not depend on weights."""
    _known[twin] = dict(_known.get(module, {}))


def _measured(module: nn.Module, layer: str, size: tuple[int, ...], cells: tuple[int, ...]) -> Layout | None:
    try:
        carried, again = (_carry_positions(module, layer, size, weights) for weights in (FAINT, STRONG))
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
        # the copy of an unusual network may not run at all; `followed` tells the reader that places are assumed
        return None
    if carried is None or again is None or carried.shape[1:] != cells:
        return None
    even = evenly(size, cells)
    # Paths that lie in different places (a decoder's upsampled maps, shifted against its skip connections) give
    # another answer when they weigh differently; then a cell has no one place.
    if not np.allclose(carried, again, rtol=0.0, atol=0.02 * min(even.step)):
        return None
    lines = [_line(np.moveaxis(positions, axis, 0), even.step[axis]) for axis, positions in enumerate(carried)]
    known = [line for line in lines if line is not None]
    complete = len(known) == len(size)
    return Layout(tuple(first for first, _ in known), tuple(step for _, step in known)) if complete else None


def _patches(module: nn.Module, size: tuple[int, ...], cells: tuple[int, ...]) -> Layout | None:
    """Return the layout of a transformer's patches, which divide the input evenly by their making."""
    return layout_of_patches(size, cells) if patch_grid(module, size, math.prod(cells)) == cells else None


def evenly(size: tuple[int, ...], cells: tuple[int, ...]) -> Layout:
    """Return the layout of cells that divide the input into equal boxes."""
    step = tuple(voxels / count for voxels, count in zip(size, cells, strict=True))
    return Layout(tuple((one - 1.0) / 2.0 for one in step), step, followed=False)


def _line(positions: NDArray[np.float64], even_step: float) -> tuple[float, float] | None:
    """Return (first, step) of positions that grow evenly along axis 0 and nowhere else; None when they do not.

    A single cell stands for the whole axis, wherever its window lies. A step far from the even one means that the
    network did not hand positions on (it multiplies maps, for example).
    """
    along = positions.reshape(len(positions), -1)
    if len(along) == 1:
        return (even_step - 1.0) / 2.0, even_step
    step = float((along[-1, 0] - along[0, 0]) / (len(along) - 1))
    straight = along[0, 0] + step * np.arange(len(along))[:, None]
    carried = 0.5 < step / even_step < 2.0 and bool(np.abs(along - straight).max() < 0.05 * step)
    return (float(along[0, 0]), step) if carried else None


class _ReachedError(Exception):
    """The layer was reached; what follows it need not run."""


def _carry_positions(module: nn.Module, layer: str, size: tuple[int, ...], weights: Span) -> NDArray[np.float64] | None:
    """Return (axes, *cells): the coordinate along each axis of the centre of what every cell of `layer` sees.

    Every layer multiplies by a number in `weights`, so that paths through many layers weigh little or much where
    paths meet.
    """
    import torch

    follower = _follower(module, weights)
    found: list[torch.Tensor] = []

    def stop(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        found.append(output)
        raise _ReachedError

    follower.get_submodule(layer).register_forward_hook(stop)
    # sample 0 counts how often paths add up; the others carry coordinates, lifted so that none is negative
    lift = 4.0 * max(size)
    axes = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) + lift for n in size), indexing="ij")
    inputs = torch.stack([torch.ones(size, dtype=torch.float64), *axes])[:, None]
    with torch.inference_mode():
        try:
            follower(inputs)
        except _ReachedError:
            output = found[0].mean(1)
            return np.asarray((output[1:] / output[:1] - lift).numpy(), dtype=np.float64)
    return None


def _follower(module: nn.Module, weights: Span) -> nn.Module:
    """Return the network with every layer replaced by one that only carries positions; weights are not copied."""
    shared = {id(one): one for one in (*module.parameters(), *module.buffers())}
    chance = random.Random(0)  # noqa: S311 - no secret
    follower = copy.deepcopy(module, shared)
    for parent in list(follower.modules()):
        for name, child in parent.named_children():
            stand_in = _replacement(child, chance.uniform(*weights))
            if stand_in is not None:
                setattr(parent, name, stand_in)
    return follower.eval()


def _replacement(part: nn.Module, weight: float) -> nn.Module | None:
    """Return what carries positions in place of `part`; None for what needs no replacement or has parts of its own."""
    from torch import nn

    where = _where(part)
    if where is not None:
        return _carrier(where, weight)
    kinds = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)
    is_activation = type(part).__module__.rpartition(".")[2] == "activation" and not list(part.children())
    return nn.Identity() if is_activation or isinstance(part, kinds) else None


def _carrier(where: Callable[[Sequence[int]], list[Axis]], weight: float) -> nn.Module:
    import torch
    from torch import nn

    class Carrier(nn.Module):
        """Hand on, for each output cell, the position of the centre of its window, one channel for all."""

        def forward(self, values: torch.Tensor, *_: object) -> torch.Tensor:
            values = weight * values.mean(1, keepdim=True)
            for axis, (count, first, step) in enumerate(where(values.shape[2:]), start=2):
                last = values.shape[axis] - 1
                start = values.select(axis, 0).unsqueeze(axis)
                # positions are a straight line along each axis, so padding is its continuation
                slope = (values.select(axis, last).unsqueeze(axis) - start) / max(last, 1)
                shape = [count if one == axis else 1 for one in range(values.ndim)]
                index = first + step * torch.arange(count, dtype=values.dtype).reshape(shape)
                values = start + index * slope
            return values

    return Carrier()


def _where(part: nn.Module) -> Callable[[Sequence[int]], list[Axis]] | None:
    """Return, for a layer that changes the grid, the function from its input's size to the place of its cells."""
    from torch.nn.modules import conv, pooling, upsampling

    pools = pooling._MaxPoolNd | pooling._AvgPoolNd
    if isinstance(part, conv._ConvTransposeNd):
        return lambda size: [_transposed(part, n, axis) for axis, n in enumerate(size)]
    if isinstance(part, conv._ConvNd | pools):
        return lambda size: [_window(part, n, axis) for axis, n in enumerate(size)]
    if isinstance(part, pooling._AdaptiveAvgPoolNd | pooling._AdaptiveMaxPoolNd):
        return lambda size: [_shared_out(n, _at(part.output_size, axis) or n) for axis, n in enumerate(size)]
    if isinstance(part, upsampling.Upsample):
        return lambda size: [_upsampled(part, n, axis) for axis, n in enumerate(size)]
    return None


def _at(value: Any, axis: int) -> Any:
    return value[axis] if isinstance(value, list | tuple) else value


def _window(part: Any, size: int, axis: int) -> Axis:
    """Convolution or pooling: cell o sees the window that starts at o * stride - padding."""
    kernel, stride = _at(part.kernel_size, axis), _at(part.stride, axis)
    span = _at(getattr(part, "dilation", 1), axis) * (kernel - 1)
    padding = part.padding
    before, both = (
        ({"same": span // 2, "valid": 0}[padding], {"same": span, "valid": 0}[padding])
        if isinstance(padding, str)
        else (_at(padding, axis), 2 * _at(padding, axis))
    )
    steps = (size + both - span - 1) / stride
    ceil = getattr(part, "ceil_mode", False)
    count = (math.ceil(steps) if ceil else math.floor(steps)) + 1
    if ceil and (count - 1) * stride >= size + before:  # a window must start inside the input or its left padding
        count -= 1
    return count, span / 2.0 - before, float(stride)


def _transposed(part: Any, size: int, axis: int) -> Axis:
    stride, span = _at(part.stride, axis), _at(part.dilation, axis) * (_at(part.kernel_size, axis) - 1)
    padding = _at(part.padding, axis)
    count = (size - 1) * stride - 2 * padding + span + _at(part.output_padding, axis) + 1
    return count, (padding - span / 2.0) / stride, 1.0 / stride


def _shared_out(size: int, count: int) -> Axis:
    """Adaptive pooling and interpolation between cell edges: `count` equal boxes."""
    return count, (size / count - 1.0) / 2.0, size / count


def _upsampled(part: Any, size: int, axis: int) -> Axis:
    wanted = _at(part.size, axis)
    count = int(wanted) if wanted else math.floor(size * float(_at(part.scale_factor, axis)))
    if part.align_corners and count > 1:
        return count, 0.0, (size - 1) / (count - 1)
    return _shared_out(size, count)
