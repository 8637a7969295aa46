"""Several networks of one kind, trained apart, that answer as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.networks import nets
from torch import nn

from medassist.inference.allowed import MONAI_NETWORKS

MOST_MEMBERS = 16


class Ensemble(nn.Module):
    """From an image (B, C, X, Y[, Z]) to the mean of the logits of its members.

    `network` names a class of `monai.networks.nets` and `arguments` its arguments, the same for every member. `last`
    names the convolution of one voxel that each of them ends with. What the members give it is laid side by side, and
    one such convolution makes the mean of it: the same numbers, but one layer, `joined`, holds what all members have
    seen, so that a map read there explains the answer of the whole.
    """

    def __init__(self, members: int, network: str, last: str, arguments: Mapping[str, Any]) -> None:
        if not 1 <= members <= MOST_MEMBERS:
            raise ValueError(f"an ensemble has 1 to {MOST_MEMBERS} members")
        if network not in MONAI_NETWORKS or arguments.get("pretrained"):
            raise ValueError(f"{network} is not on the list of known networks")
        super().__init__()
        self._last = last
        self.members = nn.ModuleList(getattr(nets, network)(**arguments) for _ in range(members))
        ends = [_cut_off(member, last) for member in self.members]
        self.joined = nn.Identity()
        self.mean = type(ends[0])(members * ends[0].in_channels, ends[0].out_channels, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes, X, Y[, Z])."""
        seen = self.joined(torch.cat([member(x) for member in self.members], dim=1))
        logits: torch.Tensor = self.mean(seen)
        return logits

    @torch.no_grad()
    def take(self, states: Sequence[Mapping[str, torch.Tensor]]) -> None:
        """Take over the state dicts of networks that were trained one by one, their last layers among them."""
        weight, bias = f"{self._last}.weight", f"{self._last}.bias"
        for member, state in zip(self.members, states, strict=True):
            member.load_state_dict({name: value for name, value in state.items() if name not in (weight, bias)})
        self.mean.weight.copy_(torch.cat([state[weight] for state in states], dim=1) / len(states))
        assert self.mean.bias is not None  # noqa: S101 - every member's last layer has one
        self.mean.bias.copy_(torch.stack([state[bias] for state in states]).mean(0))


def _cut_off(network: nn.Module, last: str) -> nn.Conv2d | nn.Conv3d:
    """Put nothing in the place of the last layer of a network, and return that layer (ValueError for another kind)."""
    try:
        layer = network.get_submodule(last)
    except AttributeError as error:
        raise ValueError(f"the network has no layer {last}") from error
    if not isinstance(layer, nn.Conv2d | nn.Conv3d) or layer.bias is None or layer.weight[0, 0].numel() > 1:
        raise ValueError(f"{last} is no convolution of one voxel with a bias")
    if {*layer.stride, layer.groups} != {1}:
        raise ValueError(f"{last} has strides or groups")
    home, _, name = last.rpartition(".")
    setattr(network.get_submodule(home), name, nn.Identity())
    return layer
