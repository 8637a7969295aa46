"""OpenVINO on the CPU: the same network, converted in memory from the torch module. No compiler, no download.

openvino reports its use to its maker when `openvino_telemetry` can be imported; here it cannot be, and openvino then
takes its own empty stub.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from medassist.inference.backends import converted
from medassist.inference.backends.protocol import Backend, Unsupported, Watch
from medassist.inference.devices import usable_cores
from medassist.inference.embedding import watched
from medassist.inference.network import LoadedNetwork
from medassist.inference.postprocess import Decision, decision
from medassist.inference.shortage import is_shortage
from medassist.plugins import Availability, needs

if TYPE_CHECKING:
    import torch

    from medassist.inference.windows import Forward

MOST_DIFFERENCE = {"f32": 1e-3, "bf16": 5e-2}
"""Largest difference of a logit to torch in f32, as a share of the largest logit, by precision."""

MOST_DECIDED_OTHERWISE = 5e-4
"""Largest share of the voxels of a window to which a segmenter may give another label than in torch."""

_verdicts: WeakKeyDictionary[LoadedNetwork, dict[tuple[object, ...], str]] = WeakKeyDictionary()
_ready: WeakKeyDictionary[LoadedNetwork, dict[tuple[object, ...], Backend]] = WeakKeyDictionary()


def availability() -> Availability:
    """Tell whether OpenVINO is installed, and how to get it when it is not."""
    if needs(["openvino"]).ok:
        return Availability()
    return Availability("OpenVINO is not installed; pip install 'medassist[cpu]' brings it")


def knows_bf16() -> bool:
    """Tell whether this processor computes in bfloat16."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_backend(
    network: LoadedNetwork, shape: tuple[int, ...], precision: str = "f32", window: torch.Tensor | None = None
) -> Backend:
    """Return the network for windows of exactly `shape` (N, C, …), from the cache when it was compiled before.

    The caller holds the network's lock; `window` is the first of a real image, of `shape`. Unsupported says why when
    the network cannot be converted, or when its answer to a window of noise or to the first real one is not torch's:
    other numbers, or, for a segmenter, other labels.
    """
    known = _ready.setdefault(network, {})
    key = shape, precision, usable_cores()
    if key not in known:
        watch = _compiled(network, shape, precision)
        forward = first(watch)
        parity = _parity(network, forward, shape, precision)
        watching = None if network.package.suitability.embedding is None else watch
        known[key] = Backend("openvino", "cpu", precision, forward, parity, watching)
    if window is not None:
        _check_on(network, known[key], window)
    return known[key]


@cache
def library() -> Any:
    """Return openvino, kept from reporting its use to its maker."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def core() -> Any:
    """Return the one Core of this process: to start it takes a moment."""
    return library().Core()


def _compiled(network: LoadedNetwork, shape: tuple[int, ...], precision: str) -> Watch:
    try:
        model = _model(network, shape)
        model.reshape(list(shape))
    except Exception as error:  # whatever torch.export or the converter did not understand
        if is_shortage(error):
            raise
        raise _not_understood(error) from error
    return compiled(network, model, precision)


def _not_understood(error: Exception) -> Unsupported:
    return Unsupported(f"{type(error).__name__}: {(str(error).strip() or '?').splitlines()[0][:160]}")


def compiled(network: LoadedNetwork, model: Any, precision: str) -> Watch:
    """Return OpenVINO's model of a network, ready to run on one core less than there is (Unsupported says why not).

    Where the package compares no features, the second answer is the logits again.
    """
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": max(1, usable_cores() - 1),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    try:
        ready = core().compile_model(model, "CPU", options)
    except Exception as error:  # whatever the plugin has no code for
        if is_shortage(error):
            raise
        raise _not_understood(error) from error
    outputs = 1 if network.package.suitability.embedding is None else 2
    if len(ready.outputs) != outputs:
        raise Unsupported("the network has several outputs")
    request = ready.create_infer_request()

    def watch(windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        request.infer({0: windows.contiguous().numpy()}, share_inputs=True)
        logits = torch.from_numpy(request.get_output_tensor(0).data.copy())
        return logits, logits if outputs == 1 else torch.from_numpy(request.get_output_tensor(1).data.copy())

    return watch


def first(watch: Watch) -> Forward:
    """Return the network without its features."""

    def forward(windows: torch.Tensor) -> torch.Tensor:
        return watch(windows)[0]

    return forward


def _model(network: LoadedNetwork, shape: tuple[int, ...]) -> Any:
    """Return the network as OpenVINO's model: from the user's cache, else converted and kept there."""
    place = converted.place_of(network.package, shape, version("openvino"))
    model = converted.read(place, core())
    if model is None:
        spec = network.package.suitability.embedding
        model = convert(network.module if spec is None else watched(network.module, spec), shape)
        converted.keep(place, model, library())
    return model


def convert(module: torch.nn.Module, shape: tuple[int, ...]) -> Any:
    """Return a network for windows of `shape` as OpenVINO's model; what torch.export raises is let through."""
    import torch

    with warnings.catch_warnings(), silent("torch"), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.export and the converter warn of each other
        return library().convert_model(torch.export.export(module, (torch.zeros(shape),)))


@contextmanager
def silent(name: str) -> Iterator[None]:
    """Keep a library's log off standard error: what it cannot convert goes by torch, and the result says so."""
    log = logging.getLogger(name)
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _parity(network: LoadedNetwork, forward: Forward, shape: tuple[int, ...], precision: str) -> float:
    """Return the largest difference to torch on noise; Unsupported when it is more than rounding.

    Less precision is let decide noise otherwise, where nothing is decided clearly: for it the package holds a proof on
    real cases.
    """
    import torch

    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return _compare(network, forward, noise, precision, decided=precision == "f32")


def _check_on(network: LoadedNetwork, backend: Backend, window: torch.Tensor) -> None:
    """Compare on a window of a real image, once per network: even parts of it, padding for one, are unlike noise."""
    verdicts = _verdicts.setdefault(network, {})
    key = tuple(window.shape), backend.precision
    if key not in verdicts:
        try:
            _compare(network, backend.forward, window, backend.precision, decided=True)
            verdicts[key] = ""
        except Unsupported as reason:
            verdicts[key] = str(reason)
    if verdicts[key]:
        raise Unsupported(verdicts[key])


def _compare(network: LoadedNetwork, forward: Forward, window: torch.Tensor, precision: str, *, decided: bool) -> float:
    """Return the largest difference as a share of the largest logit (Unsupported when numbers or labels differ)."""
    difference, share = compared(network, forward, window)
    if not difference <= MOST_DIFFERENCE[precision]:
        raise Unsupported(f"its answer differs from torch's by {difference:.2g} of the largest output")
    if decided and share > MOST_DECIDED_OTHERWISE:
        raise Unsupported(f"it labels {share:.2%} of the voxels otherwise than torch")
    return difference


def compared(network: LoadedNetwork, forward: Forward, window: torch.Tensor) -> tuple[float, float]:
    """Return how far an answer is from torch's on one window (Unsupported when it has another shape).

    The largest difference of a logit, as a share of the largest one, and the share of voxels that a segmenter labels
    otherwise, 0 for other models.
    """
    import torch

    with torch.inference_mode():
        expected, found = network.module(window).float(), forward(window)
    if expected.shape != found.shape:
        raise Unsupported("its answer has another shape than torch's")
    difference = float((expected - found).abs().max() / expected.abs().max().clamp_min(1e-6))
    segments = network.package.task == "segmentation"
    return difference, decided_otherwise(decision(network.package), expected, found) if segments else 0.0


def decided_otherwise(rule: Decision, expected: torch.Tensor, found: torch.Tensor) -> float:
    """Return the share of voxels that two answers (N, K, …) label otherwise; where labels overlap, of the worst one."""
    if rule.threshold is None:
        return float((expected.argmax(1) != found.argmax(1)).float().mean())
    one, two = (rule.shares(answer.transpose(0, 1)) >= rule.threshold for answer in (expected, found))
    return float((one != two).float().flatten(1).mean(1).max())
