"""Which channels of a network belong together: followed through its graph, so that all of them can go at once.

Every channel is a number. A convolution makes new ones; addition makes two of them one; concatenation lines them up;
normalisation, activation and pooling leave them as they are. What a channel touches (an entry of one axis of one
weight) must be kept or taken out with it. An operation that is not known here is refused by name.
"""

from __future__ import annotations

import operator
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused

if TYPE_CHECKING:
    import torch

Ids = tuple[int, ...]
Place = tuple[str, int]
"""A weight and one of its axes."""

_SAME = """
relu relu_ leaky_relu leaky_relu_ elu gelu silu sigmoid tanh hardtanh dropout feature_dropout clone contiguous _to_copy
to alias detach pad constant_pad_nd
"""
SAME = frozenset(_SAME.split())
"""Operations that leave channels as they are, and those that begin like one of POOLS."""
POOLS = ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "mean", "upsample")


@dataclass
class Channels:
    """The channels of one network while its graph is followed."""

    parents: list[int] = field(default_factory=list)
    places: dict[Place, Ids] = field(default_factory=dict)
    fixed: set[int] = field(default_factory=set)

    def new(self, count: int) -> Ids:
        """Return `count` new channels."""
        first = len(self.parents)
        self.parents += range(first, first + count)
        return tuple(range(first, first + count))

    def root(self, one: int) -> int:
        """Return the channel that stands for all that `one` became the same as."""
        while self.parents[one] != one:
            one = self.parents[one]
        return one

    def unite(self, some: Ids, others: Ids) -> None:
        """Make channels the same, one by one."""
        for one, other in zip(some, others, strict=True):
            self.parents[self.root(other)] = self.root(one)

    def touch(self, place: Place, ids: Ids) -> None:
        """Note that an axis of a weight has these channels (a weight used twice makes them the same)."""
        if place in self.places:
            self.unite(self.places[place], ids)
        else:
            self.places[place] = ids

    def members(self) -> Mapping[int, list[tuple[Place, int]]]:
        """Return for every channel where it stands: weight, axis and index."""
        found: dict[int, list[tuple[Place, int]]] = defaultdict(list)
        for place, ids in self.places.items():
            for index, one in enumerate(ids):
                found[self.root(one)].append((place, index))
        return found


def channels_of(module: torch.nn.Module, window: torch.Tensor) -> Channels:
    """Follow the channels of a network over one window (1, C, …); those of its input and output are fixed.

    Refused for an operation whose effect on channels is not known.
    """
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.export warns of itself
        program = torch.export.export(module, (window,))
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    walk = _Walk(Channels(), names)
    for node in program.graph.nodes:
        walk.visit(node)
    walk.channels.fixed = {walk.channels.root(one) for one in walk.channels.fixed}
    return walk.channels


@dataclass
class _Walk:
    channels: Channels
    names: Mapping[str, str]
    ids: dict[str, Ids] = field(default_factory=dict)

    def visit(self, node: Any) -> None:
        if node.op == "placeholder":
            if node.name not in self.names:
                self.ids[node.name] = self.channels.new(node.meta["val"].shape[1])
                self.channels.fixed.update(self.ids[node.name])
        elif node.op == "output":
            self.channels.fixed.update(one for answer in node.args[0] for one in self.ids.get(answer.name, ()))
        elif node.op == "call_function":
            self.ids[node.name] = self._called(node)

    def _called(self, node: Any) -> Ids:
        if node.target is operator.getitem:
            return self.ids[node.args[0].name]
        name = str(getattr(node.target, "_schema", node.target)).partition("(")[0].partition("::")[2].partition(".")[0]
        follow = _KNOWN.get(name)
        if follow is not None:
            return follow(self, node)
        ids: Ids = self.ids.get(getattr(node.args[0], "name", ""), ())
        if (name in SAME or name.startswith(POOLS)) and node.meta["val"].shape[1] == len(ids):
            return ids
        raise Refused(
            "Channels cannot be followed through the operation {name}, so none of them can be taken out.", name=name
        )

    def _touch(self, weight: Any, axis: int, ids: Ids) -> None:
        if weight is not None and weight.name in self.names:
            self.channels.touch((self.names[weight.name], axis), ids)

    def _transposed(self, node: Any) -> Ids:
        return self._convolved(node, transposed=True)

    def _convolved(self, node: Any, *, transposed: bool = False) -> Ids:
        image, weight, bias = (*node.args, None)[:3]
        inside, made = (0, 1) if transposed else (1, 0)
        shape, ids = weight.meta["val"].shape, self.ids[image.name]
        if shape[inside] != len(ids):
            raise Refused("Channels cannot be followed through a convolution by groups.")
        out = self.channels.new(shape[made])
        self._touch(weight, inside, ids)
        self._touch(weight, made, out)
        self._touch(bias, 0, out)
        return self.channels.places[self.names[weight.name], made]

    def _normalised(self, node: Any) -> Ids:
        ids = self.ids[node.args[0].name]
        for weight in node.args[1:5]:
            if hasattr(weight, "name"):  # the rest are numbers
                self._touch(weight, 0, ids)
        return ids

    def _rectified(self, node: Any) -> Ids:
        ids, slope = self.ids[node.args[0].name], node.args[1]
        if slope.meta["val"].numel() > 1:
            self._touch(slope, 0, ids)
        return ids

    def _linear(self, node: Any) -> Ids:
        image, weight, bias = (*node.args, None)[:3]
        out = self.channels.new(weight.meta["val"].shape[0])
        self._touch(weight, 1, self.ids[image.name])
        self._touch(weight, 0, out)
        self._touch(bias, 0, out)
        return out

    def _summed(self, node: Any) -> Ids:
        some = [self.ids[one.name] for one in node.args[:2] if hasattr(one, "name") and one.name in self.ids]
        if len(some) == 2 and len(some[0]) == len(some[1]):
            self.channels.unite(*some)
        return max(some, key=len)  # one channel stands for all of the other side

    def _lined_up(self, node: Any) -> Ids:
        axis = node.args[1] if len(node.args) > 1 else 0
        if axis not in (1, 1 - node.meta["val"].ndim):
            raise Refused("Channels cannot be followed through a concatenation along another axis.")
        return tuple(one for part in node.args[0] for one in self.ids[part.name])

    def _flat(self, node: Any) -> Ids:
        before, after = node.args[0].meta["val"].shape, node.meta["val"].shape
        ids = self.ids[node.args[0].name]
        if len(after) != 2 or after[1] % len(ids) or before[0] != after[0]:
            raise Refused("Channels cannot be followed through a change of shape.")
        return tuple(one for one in ids for _ in range(after[1] // len(ids)))


_KNOWN: Mapping[str, Callable[[_Walk, Any], Ids]] = {
    **{f"conv{axes}d": _Walk._convolved for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": _Walk._transposed for axes in (1, 2, 3)},
    **dict.fromkeys(("batch_norm", "instance_norm", "group_norm"), _Walk._normalised),
    **dict.fromkeys(("add", "add_", "sub", "mul", "mul_", "div"), _Walk._summed),
    **dict.fromkeys(("flatten", "view", "reshape"), _Walk._flat),
    "prelu": _Walk._rectified,
    "linear": _Walk._linear,
    "cat": _Walk._lined_up,
}
