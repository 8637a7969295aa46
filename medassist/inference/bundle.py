"""Build the parts of a bundle from allow-lists: network, preprocessing and inferer. Nothing is evaluated."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

from medassist.entities.errors import Refused
from medassist.inference.allowed import (
    FORMER_ARGUMENTS,
    MONAI_NETWORKS,
    OWN_NETWORKS,
    PLACEMENT_OPTIONS,
    REASONS,
    TORCH_LAYERS,
    WINDOW_OPTIONS,
)
from medassist.inference.config import Component, component, components, read_config
from medassist.inference.growth import demand_room
from medassist.inference.packages import Package
from medassist.inference.postprocess import Cleanup, decision
from medassist.inference.transforms import build, build_chain, build_steps, is_from, unknown_argument
from medassist.inference.trusted import trusted_network, trusted_preprocessing

if TYPE_CHECKING:
    from monai.data import MetaTensor
    from torch import nn

_T = TypeVar("_T")

TALKATIVE = ("ViT",)
"""Networks of MONAI that answer with a tuple, of which the first is what is asked for."""
MAX_WINDOW = 1 << 28
"""Voxels of a window: one channel of it takes a gigabyte, and a network holds dozens."""
MAX_OVERLAP = 0.95
"""Each voxel of a volume is then computed 8000 times; at 0.99 a million times, which no reader waits for."""
_INFERERS = ("SimpleInferer", "SliceInferer", "SlidingWindowInferer")


@dataclass(frozen=True)
class Inferer:
    """How the network is run: once on the whole input (`windows` None), or in windows with these options.

    `slice_axis` is the spatial axis of a volume that a two-dimensional network never sees, None for all others.
    """

    windows: dict[str, Any] | None = None
    slice_axis: int | None = None


def build_network(package: Package) -> nn.Module:
    """Build the network of a package with fresh weights (Refused when it is not on the allow-list).

    `network`, which a bundle runs, comes before `network_def`, which it usually refers to.
    """
    made = _unless_trusted(package, lambda: _known_network(package), lambda: trusted_network(package))
    if type(made).__name__ in TALKATIVE:
        made.register_forward_hook(_first_answer)
    axis = inferer(package).slice_axis
    return made if axis is None else _slice_by_slice(made, axis)


def _unless_trusted(package: Package, known: Callable[[], _T], own: Callable[[], _T]) -> _T:
    """Build a part from the allow-list; what it does not know by the package's own code, where the user trusts that."""
    try:
        return known()
    except Refused:
        if not package.trusted:
            raise
        return own()


def _known_network(package: Package) -> nn.Module:
    from torch import nn

    part = component(read_config(package.config), "network", "network_def")
    if part.argument("pretrained"):
        raise part.refuse("{file}, line {line}: {key} asks for weights from the internet.")
    made = _network(part)
    if not isinstance(made, nn.Module):
        raise part.refuse("{file}, line {line}: {key} builds {target}, which is no network.")
    return made


def _network(part: Component) -> Any:
    from monai.networks import nets
    from torch import nn

    if is_from(part, "monai.networks.nets") and part.name in MONAI_NETWORKS:
        make = getattr(nets, part.name)
        # EfficientNetBN, for one, would fetch weights unless it is told not to.
        offline = {"pretrained": False} if "pretrained" in signature(make).parameters else {}
        return build(part, make, {**_current_arguments(part), **offline})
    if part.module == "torch.nn" and part.name in TORCH_LAYERS:
        return build(part, getattr(nn, part.name), part.arguments)
    if part.target in OWN_NETWORKS:
        return build(part, getattr(import_module(part.module), part.name), part.arguments)
    if part.name in REASONS:
        raise part.refuse(
            "{file}, line {line}: {key} asks for the network {target}, which cannot be run: {reason}.",
            reason=REASONS[part.name],
        )
    raise part.refuse(
        "{file}, line {line}: {key} asks for the network {target}, which is not on the list of known networks."
    )


def _current_arguments(part: Component) -> dict[str, Any]:
    """Return the arguments under the names that MONAI uses today."""
    current = {name: FORMER_ARGUMENTS.get((part.name, name), name) for name in part.raw}
    return {current[name]: part.argument(name) for name in part.raw if current[name]}


def _first_answer(_module: nn.Module, _inputs: Any, answer: Any) -> Any:
    """Keep what is asked for of a network that says more: a ViT hands out its hidden states too."""
    return answer[0] if isinstance(answer, tuple | list) else answer


def _slice_by_slice(network: nn.Module, axis: int) -> nn.Module:
    """Let a network of two dimensions take windows (N, C, X, Y, Z) that are one voxel thick along `axis`.

    By hooks, so that the names of its weights and layers stay the publisher's.
    """
    network.register_forward_pre_hook(lambda _module, inputs: (inputs[0].squeeze(2 + axis), *inputs[1:]))
    network.register_forward_hook(lambda _module, _inputs, answer: answer.unsqueeze(2 + axis))
    return network


def preprocessing(package: Package) -> Callable[[MetaTensor], MetaTensor]:
    """Build the chain that brings an image (C, X, Y[, Z]) to the network's grid and values."""

    def known() -> Callable[[MetaTensor], MetaTensor]:
        parts = components(read_config(package.config), "preprocessing")
        return build_chain(parts, package.input.dimensions, partial(demand_room, package.name))

    return _unless_trusted(package, known, lambda: trusted_preprocessing(package))


def preprocessing_steps(package: Package) -> list[Callable[[MetaTensor], MetaTensor]]:
    """Build the transforms of a package one by one; Refused where only trusted code of its own can prepare an image."""
    return build_steps(components(read_config(package.config), "preprocessing"), package.input.dimensions)


def inferer(package: Package) -> Inferer:
    """Read the inferer; without one the network runs once.

    A bundle of somebody else that names no blending mode gets MONAI's own, even weights.
    """
    config = read_config(package.config)
    if "inferer" not in config.data:
        return Inferer()
    part = component(config, "inferer")
    if not is_from(part, "monai.inferers") or part.name not in _INFERERS:
        raise part.refuse("{file}, line {line}: {key} asks for the inferer {target}, which is not known.")
    known = {"SimpleInferer": frozenset[str](), "SliceInferer": WINDOW_OPTIONS | {"spatial_dim"}}
    unknown = set(part.raw) - PLACEMENT_OPTIONS - known.get(part.name, WINDOW_OPTIONS)
    if unknown:
        part.without(PLACEMENT_OPTIONS)  # code is named as such before its name is
        raise unknown_argument(part, min(unknown))
    if part.name == "SimpleInferer":
        return Inferer()
    options = part.without(PLACEMENT_OPTIONS)
    if package.foreign:
        options = {"mode": "constant", "overlap": 0.25} | options
    axis = _slice_axis(part, options) if part.name == "SliceInferer" else None
    _check_windows(part, options, package.input.dimensions)
    return Inferer(options, axis)


def _slice_axis(part: Component, options: dict[str, Any]) -> int:
    """Take the axis of a SliceInferer out of `options` and make its windows one voxel thick along it."""
    axis, size = options.pop("spatial_dim", 0), options.get("roi_size")
    if axis not in (0, 1, 2) or not isinstance(size, list) or len(size) != 2:
        raise Refused("{file}: {key} has no usable {name}.", file=part.file, key=part.key, name="roi_size")
    options["roi_size"] = [*size[:axis], 1, *size[axis:]]
    return int(axis)


def _check_windows(part: Component, options: dict[str, Any], dimensions: int) -> None:
    """Refuse options no sliding window can work with, before an image is loaded."""
    sizes, overlaps = options.get("roi_size"), options.get("overlap", 0.25)
    demands = {
        "roi_size": sizes is not None and _is_window(_per_axis(sizes), dimensions),
        "overlap": all(isinstance(one, int | float) and 0 <= one <= MAX_OVERLAP for one in _per_axis(overlaps)),
        "sw_batch_size": isinstance(options.get("sw_batch_size", 1), int) and options.get("sw_batch_size", 1) > 0,
        "mode": options.get("mode", "gaussian") in ("constant", "gaussian"),
        "sigma_scale": all(_is_finite(one) and one > 0 for one in _per_axis(options.get("sigma_scale", 0.125))),
        "padding_mode": options.get("padding_mode", "constant") in ("constant", "reflect", "replicate", "circular"),
        "cval": _is_finite(options.get("cval", 0.0)),
    }
    for name in ("roi_size", "overlap", "sigma_scale"):
        demands[name] &= not isinstance(options.get(name), list) or len(options[name]) == dimensions
    for name, fulfilled in demands.items():
        if not fulfilled:
            raise Refused("{file}: {key} has no usable {name}.", file=part.file, key=part.key, name=name)


def _is_window(sizes: list[Any], dimensions: int) -> bool:
    """Tell whether these are sizes of a window (below 1: the whole axis) that a machine can hold."""
    if not all(isinstance(size, int) for size in sizes):
        return False
    every = sizes if len(sizes) > 1 else sizes * dimensions
    return bool(math.prod(max(size, 1) for size in every) <= MAX_WINDOW)


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _per_axis(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def largest_components(package: Package) -> tuple[Cleanup, ...]:
    """Read the clean-up of a mask from `postprocessing`."""
    return decision(package).cleanup
