"""The quicker form of its network that a package brings, where this machine runs it as it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from medassist.entities.study import Warned, warned
from medassist.inference.backends.ir import open_program
from medassist.inference.backends.openvino_backend import compared, compiled, core, first
from medassist.inference.backends.protocol import Backend, Unsupported
from medassist.inference.network import LoadedNetwork
from medassist.inference.optimised import Optimised

if TYPE_CHECKING:
    import torch

MOST_OF_MEASURED = 2.0
"""How many times the largest difference that was measured an answer may differ on another machine or image."""
LEAST_DIFFERENCE = 0.02
"""Below this share of the largest logit a difference is no reason against it, however little was measured."""
LEAST_DECIDED_OTHERWISE = 2e-3

NEEDS = {"bf16": "BF16", "int8": "INT8"}
HINTS = {"bf16": "bf16", "int8": "f32"}
"""What OpenVINO computes in where the program does not say: with bf16 beside int8 it finds no code for some layers."""

_ready: WeakKeyDictionary[LoadedNetwork, tuple[Optimised, Backend]] = WeakKeyDictionary()
_verdicts: WeakKeyDictionary[LoadedNetwork, str] = WeakKeyDictionary()


def optimised_backend(network: LoadedNetwork, shape: tuple[int, ...], window: torch.Tensor | None) -> Backend:
    """Return the package's own program for windows of `shape` (N, C, …).

    The caller holds the network's lock. Unsupported says why when the program is for other weights or windows, when
    this processor does not compute so, or when the answer to `window`, the first of a real image, is further from
    torch's than while it was measured. Refused when its files are not the promised ones.
    """
    made = network.package.optimised
    if made is None:
        raise Unsupported("the package brings none")
    if made.of_weights != network.package.sha256:
        raise Unsupported("it was made from other weights")
    if tuple(shape) != made.shape:
        raise Unsupported(f"it takes windows of {_sizes(made.shape)}, not of {_sizes(shape)}")
    if NEEDS[made.precision] not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise Unsupported(f"this processor does not compute in {made.precision}")
    known = _ready.get(network)
    if known is None or known[0] != made:
        known = _ready[network] = made, prepared(network, made)
        _verdicts.pop(network, None)
    if window is not None:
        _check_on(network, made, known[1], window)
    return known[1]


def prepared(network: LoadedNetwork, made: Optimised) -> Backend:
    """Return the program of a package ready to run, whatever it answers (errors of `optimised_backend`)."""
    model = open_program(made, network.package.name, core())
    watch = compiled(network, model, HINTS[made.precision])
    watching = None if network.package.suitability.embedding is None else watch
    return Backend("openvino", "cpu", made.precision, first(watch), made.logit_difference, watching)


def told(made: Optimised) -> Warned:
    """Return what the reader must know of a result in less precision."""
    return warned(
        "The model ran in {precision}: on {rows} measured rows its {metric} changes by {change} at most.",
        precision=made.precision,
        rows=str(made.rows),
        metric=made.metric,
        change=f"{made.change:+.4f}",
    )


def _check_on(network: LoadedNetwork, made: Optimised, backend: Backend, window: torch.Tensor) -> None:
    """Compare with torch once per network: another processor may round, or saturate, in another way."""
    if network not in _verdicts:
        difference, decided = compared(network, backend.forward, window)
        most = max(LEAST_DIFFERENCE, MOST_OF_MEASURED * made.logit_difference)
        most_decided = max(LEAST_DECIDED_OTHERWISE, MOST_OF_MEASURED * made.decided_otherwise)
        within = difference <= most and decided <= most_decided
        _verdicts[network] = "" if within else "here its answer is further from torch's than it was when measured"
    if _verdicts[network]:
        raise Unsupported(_verdicts[network])


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
