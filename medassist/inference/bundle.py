"""Build the parts of a bundle from allow-lists: network, preprocessing, windows and clean-up. Nothing is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.allowed import (
    DICTIONARY_ONLY,
    MONAI_NETWORKS,
    OURS,
    PLACEMENT_OPTIONS,
    RAS_LABELS,
    TORCH_LAYERS,
    TRANSFORMS,
    WINDOW_OPTIONS,
)
from medassist.inference.config import Component, Dtype, component, components, read_config
from medassist.inference.packages import Package

if TYPE_CHECKING:
    from monai.data import MetaTensor
    from torch import nn


@dataclass(frozen=True)
class Inferer:
    """How the network is run: once on the whole input (`windows` None), or in windows with these options."""

    windows: dict[str, Any] | None = None


@dataclass(frozen=True)
class LargestComponent:
    """Keep only the largest connected component of these mask values (all of them when None)."""

    values: tuple[int, ...] | None = None
    independent: bool = True
    connectivity: int | None = None


def build_network(package: Package) -> nn.Module:
    """Build the network of `network_def` with fresh weights (Refused when it is not on the allow-list)."""
    from monai.networks import nets
    from torch import nn

    part = component(read_config(package.config), "network_def", "network")
    if part.arguments.get("pretrained"):
        raise part.refuse("{file}: {key} asks for weights from the internet.")
    if _is_from(part, "monai.networks.nets") and part.name in MONAI_NETWORKS:
        make = getattr(nets, part.name)
        # EfficientNetBN, for one, would fetch weights unless it is told not to.
        offline = {"pretrained": False} if "pretrained" in signature(make).parameters else {}
        made = _call(part, make, {**part.arguments, **offline})
    elif part.module == "torch.nn" and part.name in TORCH_LAYERS:
        made = _call(part, getattr(nn, part.name))
    else:
        raise part.refuse("{file}: {key} asks for the network {target}, which is not on the list of known networks.")
    if not isinstance(made, nn.Module):
        raise part.refuse("{file}: {key} builds {target}, which is no network.")
    return made


def preprocessing(package: Package) -> Callable[[MetaTensor], MetaTensor]:
    """Build the chain that brings an image (C, X, Y[, Z]) to the network's grid and values."""
    parts = components(read_config(package.config), "preprocessing")
    for part in parts:
        if part.arguments.get("keys", "image") not in ("image", ["image"]):
            raise part.refuse('{file}: {key} must work on the key "image" alone.')
    steps = [step for part in parts for step in _transform(part)]

    def chain(image: MetaTensor) -> MetaTensor:
        for step in steps:
            image = step(image)
        return image

    return chain


def inferer(package: Package) -> Inferer:
    """Read the inferer: SimpleInferer or SlidingWindowInferer; without one the network runs once."""
    config = read_config(package.config)
    if "inferer" not in config.data:
        return Inferer()
    part = component(config, "inferer")
    if not _is_from(part, "monai.inferers") or part.name not in ("SimpleInferer", "SlidingWindowInferer"):
        raise part.refuse("{file}: {key} asks for the inferer {target}, which is not known.")
    options = {name: value for name, value in part.arguments.items() if name not in PLACEMENT_OPTIONS}
    unknown = set(options) - (WINDOW_OPTIONS if part.name == "SlidingWindowInferer" else set())
    if unknown:
        raise _unknown_argument(part, min(unknown))
    if part.name == "SimpleInferer":
        return Inferer()
    _check_windows(part, options, package.input.dimensions)
    return Inferer(options)


def _check_windows(part: Component, options: dict[str, Any], dimensions: int) -> None:
    """Refuse options no sliding window can work with, before an image is loaded."""
    sizes, overlaps = options.get("roi_size"), options.get("overlap", 0.25)
    demands = {
        "roi_size": all(isinstance(size, int) for size in _per_axis(sizes)) and sizes is not None,
        "overlap": all(isinstance(one, int | float) and 0 <= one < 1 for one in _per_axis(overlaps)),
        "sw_batch_size": isinstance(options.get("sw_batch_size", 1), int) and options.get("sw_batch_size", 1) > 0,
    }
    for name in ("roi_size", "overlap"):
        demands[name] &= not isinstance(options.get(name), list) or len(options[name]) == dimensions
    for name, fulfilled in demands.items():
        if not fulfilled:
            raise Refused("{file}: {key} has no usable {name}.", file=part.file, key=part.key, name=name)


def _per_axis(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def largest_components(package: Package) -> tuple[LargestComponent, ...]:
    """Read the clean-up of a mask from `postprocessing`.

    Activations, AsDiscrete and Invert follow from the task and are only checked against it.
    """
    found = []
    for part in components(read_config(package.config), "postprocessing"):
        name = _base_name(part)
        if name == "KeepLargestConnectedComponent":
            found.append(_largest(part))
        elif name not in ("Activations", "AsDiscrete", "Invert", "SaveImage", "EnsureType"):
            raise part.refuse("{file}: {key} asks for the step {target}, which is not known.")
        elif package.task == "segmentation" and part.arguments.get("sigmoid"):
            raise part.refuse(
                "{file}: {key} wants overlapping labels, which a mask with one label per voxel cannot hold."
            )
    return tuple(found)


def _largest(part: Component) -> LargestComponent:
    values = part.arguments.get("applied_labels")
    if isinstance(values, int):
        values = [values]
    if values is not None and not all(isinstance(value, int) for value in values):
        raise _unknown_argument(part, "applied_labels")
    return LargestComponent(
        values=None if values is None else tuple(values),
        independent=bool(part.arguments.get("independent", True)),
        connectivity=part.arguments.get("connectivity"),
    )


def _transform(part: Component) -> list[Callable[[Any], Any]]:
    """Return the array form of one transform in a list, empty for what the product does itself."""
    from monai import transforms

    name = _base_name(part)
    if not _is_from(part, "monai.transforms"):
        raise _unknown_transform(part)
    if name in OURS:
        return []
    if name not in TRANSFORMS:
        raise _unknown_transform(part)
    arguments = {option: _single(value) for option, value in part.arguments.items() if option not in DICTIONARY_ONLY}
    if name == "Orientation":
        arguments.setdefault("labels", RAS_LABELS)
    return [_call(part, getattr(transforms, name), arguments)]


def _single(value: Any) -> Any:
    """Unwrap what a dictionary transform lists once per key."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value


def _is_from(part: Component, package: str) -> bool:
    """Tell whether the target names no module, or one in `package`; classes are looked up in `package` itself."""
    return not part.module or f"{part.module}.".startswith(f"{package}.")


def _base_name(part: Component) -> str:
    """Return the array name of a transform: "Spacing" of Spacing, Spacingd, SpacingD and SpacingDict."""
    for suffix in ("Dict", "d", "D"):
        if "keys" in part.arguments and part.name.endswith(suffix):
            return part.name.removesuffix(suffix)
    return part.name


def _call(part: Component, make: Callable[..., Any], arguments: dict[str, Any] | None = None) -> Any:
    """Call an allowed class with literal arguments (Refused when it does not take them)."""
    literal = {
        name: _torch_value(value) for name, value in (part.arguments if arguments is None else arguments).items()
    }
    try:
        return make(**literal)
    except (TypeError, ValueError, KeyError, AssertionError, NotImplementedError, RuntimeError, ImportError) as error:
        raise Refused(
            "{file}: {key} ({target}) cannot be built: {reason}.",
            file=part.file,
            key=part.key,
            target=part.target,
            reason=error,
        ) from error


def _torch_value(value: Any) -> Any:
    if isinstance(value, Dtype):
        import torch

        return getattr(torch, value.name)
    if isinstance(value, list):
        return [_torch_value(item) for item in value]
    return value


def _unknown_transform(part: Component) -> Refused:
    return part.refuse("{file}: {key} asks for the transform {target}, which is not on the list of known transforms.")


def _unknown_argument(part: Component, name: str) -> Refused:
    return Refused(
        "{file}: {key} ({target}) has the argument {name}, which is not known.",
        file=part.file,
        key=part.key,
        target=part.target,
        name=name,
    )
