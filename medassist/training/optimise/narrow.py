"""The same kind of network with fewer channels: which of its arguments are widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medassist.entities.errors import Refused

WIDTHS: Mapping[str, tuple[str, ...]] = {
    "UNet": ("channels",),
    "AttentionUnet": ("channels",),
    "DynUNet": ("filters",),
    "BasicUNet": ("features",),
    "BasicUNetPlusPlus": ("features",),
    "SegResNet": ("init_filters",),
    "DenseNet": ("init_features", "growth_rate"),
    "FCN": ("channels",),
    "SliceReader": ("channels", "hidden"),
}
STEPS = {"SegResNet": 8}
"""Of what a width must be a multiple: SegResNet normalises groups of eight channels."""


def narrower(network: Mapping[str, Any], keep: float) -> dict[str, Any]:
    """Return the definition of a network whose every width is the share `keep` of what it was.

    Refused for a network whose widths are not known, or are not written in its definition.
    """
    target = str(network["_target_"])
    name = target.rpartition(".")[2]
    keys = WIDTHS.get(name, ())
    if not keys or not all(key in network for key in keys):
        raise Refused(
            "The widths of the network {network} are not known, so it cannot be made narrower.",
            remedy="Write them in the recipe, or name a smaller network in its table [distill].",
            network=name,
        )
    step = STEPS.get(name, 1)
    return {**network, **{key: _scaled(network[key], keep, step) for key in keys}}


def _scaled(value: Any, keep: float, step: int) -> Any:
    if isinstance(value, list | tuple):
        return [_scaled(one, keep, step) for one in value]
    return max(step, step * round(value * keep / step))
