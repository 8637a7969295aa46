"""A network with verified weights, ready to run, and the one lock that keeps its users apart."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.bounded import bounded
from medassist.inference.bundle import build_network
from medassist.inference.demands import EmbeddingSpec
from medassist.inference.optimised import Optimised
from medassist.inference.packages import Package
from medassist.inference.weights import format_of, read_program, read_state, too_large
from medassist.progress import Progress

if TYPE_CHECKING:
    from torch import nn

MAX_CACHED = 3
WAIT_S = 0.1

_Key = tuple[str, str, str, EmbeddingSpec | None, Optimised | None]
_cache: OrderedDict[_Key, LoadedNetwork] = OrderedDict()
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

    Refused when the weights are missing, do not have the promised SHA-256, hold code, are a program of a package nobody
    trusts, or do not fit the network.
    """
    _permit(package)
    key = (package.sha256, device, str(package.root.resolve()), package.suitability.embedding, package.optimised)
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


def check_network(package: Package) -> None:
    """Build the network and fill it with its weights as a run would, without keeping it (same errors)."""
    _permit(package)
    _load(package, "cpu")


def _permit(package: Package) -> None:
    """Refuse a package that cannot run here, and a program nobody trusts, before anything of it is opened."""
    if package.weights.is_file() and package.format.runs_code and not package.trusted:
        raise untrusted_program(package)
    if not package.availability.ok:
        raise Refused(
            "The model {name} cannot be used: {reason}.", name=package.name, reason=package.availability.reason
        )


def untrusted_program(package: Package) -> Refused:
    """Return the error that weights which can run code need the user's trust."""
    return Refused(
        "{file} is a program ({form}), which can run code when it is opened: it was not opened.",
        remedy="If you know who made it, say `medassist models trust {name}`; else ask for a state dict.",
        file=package.weights,
        form=package.format.value,
        name=package.name,
    )


def _load(package: Package, device: str) -> LoadedNetwork:
    content = _verified(package)
    # the bytes decide, not what the file was when the package was read
    form = format_of(io.BytesIO(content), package.weights.name)
    if form.runs_code:
        if not package.trusted:
            raise untrusted_program(package)
        module = read_program(package.weights, content, form, device)
    else:
        state = read_state(package.weights, content, form)
        with contextlib.nullcontext() if package.trusted else bounded(package, len(content)):
            module = build_network(package)
        _fill(module, state, package)
    return LoadedNetwork(_at_rest(module.to(device)), package, device)


def _at_rest(module: nn.Module) -> nn.Module:
    """Return the network as it is run: not training (an exported program is fixed so already), without gradients."""
    with contextlib.suppress(NotImplementedError):
        module.eval()
    for parameter in module.parameters():  # TorchScript has no requires_grad_ of its own
        parameter.requires_grad_(False)
    return module


def _verified(package: Package) -> bytes:
    """Read the weights once and check those very bytes, so that nobody can swap them in between."""
    if too_large(package.weights):
        raise Refused("{file} is larger than 20 GB, or than the memory that is free.", file=package.weights)
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
