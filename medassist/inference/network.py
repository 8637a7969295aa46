"""A network with verified weights, ready to run, and the one lock that keeps its users apart."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.bundle import build_network
from medassist.inference.packages import Package
from medassist.progress import Progress

if TYPE_CHECKING:
    from torch import nn

MAX_CACHED = 3
WAIT_S = 0.1

_cache: OrderedDict[tuple[str, str, str], LoadedNetwork] = OrderedDict()
_cache_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network in eval mode on `device`.

    Whoever runs or explains it holds `lock`: hooks of an explanation and a forward pass of another thread break
    each other on one module.
    """

    module: nn.Module
    package: Package
    device: str
    lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def held(self, progress: Progress) -> Iterator[nn.Module]:
        """Hold the lock; while another thread has it, wait and stay cancellable."""
        while not self.lock.acquire(timeout=WAIT_S):
            progress.step("Waiting for the model")
        try:
            yield self.module
        finally:
            self.lock.release()


def load_network(package: Package, device: str) -> LoadedNetwork:
    """Return the network of a package with its verified weights, from the cache when it was loaded before.

    Refused when the weights are missing, do not have the promised SHA-256, hold code, or do not fit the network.
    """
    key = (package.sha256, device, str(package.root.resolve()))
    with _cache_lock:
        if key not in _cache:
            _cache[key] = _load(package, device)
            while len(_cache) > MAX_CACHED:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        return _cache[key]


def forget_networks() -> None:
    """Drop every cached network, so that its memory can be freed."""
    with _cache_lock:
        _cache.clear()


def _load(package: Package, device: str) -> LoadedNetwork:
    if not package.availability.ok:
        raise Refused(
            "The model {name} cannot be used: {reason}.", name=package.name, reason=package.availability.reason
        )
    state = _state(package.weights, _verified(package))
    module = build_network(package)
    _fill(module, state, package)
    return LoadedNetwork(module.to(device).eval().requires_grad_(False), package, device)


def _verified(package: Package) -> bytes:
    """Read the weights once and check those very bytes, so that nobody can swap them in between."""
    try:
        content = package.weights.read_bytes()
    except OSError as error:
        raise Refused(
            "{file} cannot be read: {reason}.", file=package.weights, reason=error.strerror or error
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        raise Refused(
            "{file} is not the file its metadata promises: SHA-256 {expected}… expected, {found}… found.",
            remedy="Install the model package again from a source you trust.",
            file=package.weights,
            expected=package.sha256[:12],
            found=found[:12],
        )
    return content


def _state(file: Path, content: bytes) -> Mapping[str, Any]:
    """Return the state dict in `content`; code in a pickle is refused by torch's weights_only reader."""
    import pickle

    import torch

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise Refused(
            "{file} is not a plain state dict, or holds code: it was not opened.",
            remedy="Save the weights with torch.save(network.state_dict(), …).",
            file=file,
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise Refused(
            "{file} is not a plain state dict, or holds code: it was not opened.",
            remedy="Save the weights with torch.save(network.state_dict(), …).",
            file=file,
        )
    return state


def _fill(module: nn.Module, state: Mapping[str, Any], package: Package) -> None:
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise Refused(
            "{file} does not fit the network of {config}: {reason}",
            file=package.weights,
            config=package.config,
            reason=lines[1][:200] if len(lines) > 1 else lines[0][:200],
        ) from error
