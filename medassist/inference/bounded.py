"""Build a network without letting its configuration take all memory: `channels: [100000, 100000]` is one line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.packages import Package

TIMES_WEIGHTS = 8
FREE_BYTES = 256 << 20
LEAST_BYTES = 4096
"""What an allocation counts at least: a module costs that much in Python, however small its tensors are."""


@contextmanager
def bounded(package: Package, weights_bytes: int) -> Iterator[None]:
    """Refuse whatever is built inside once it allocates far more than its weights could fill.

    Half-precision weights fill twice their size in float32, and initialising takes some more; 256 MB are always
    allowed. Applies to this thread only.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
        left = TIMES_WEIGHTS * weights_bytes + FREE_BYTES

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            # Nothing is compiled here; to say so, torch would import its compiler, which takes a second.
            return False

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if _makes_a_tensor(func):
                self.left -= max(LEAST_BYTES, _announced_bytes(args))
                if self.left < 0:
                    raise _too_large(package)
            return func(*args, **(kwargs or {}))

    with Counting():  # type: ignore[no-untyped-call]
        yield


@cache
def _makes_a_tensor(func: Any) -> bool:
    """Tell whether an operator returns a tensor and takes none, as empty, zeros and arange do."""
    schema = func._schema
    takes = any("Tensor" in str(argument.type) for argument in schema.arguments)
    return not takes and any("Tensor" in str(result.type) for result in schema.returns)


def _announced_bytes(args: Any) -> int:
    """Return the size of what is asked for, of 4 bytes each, before any of it is there."""
    if args and isinstance(args[0], list | tuple) and all(isinstance(size, int) for size in args[0]):
        return 4 * math.prod(args[0])
    numbers = [abs(one) for one in args if isinstance(one, int | float)]  # arange, linspace, eye: at most their product
    return int(4 * min(math.prod(max(one, 1) for one in numbers), 1e15)) if numbers else 0


def _too_large(package: Package) -> Refused:
    return Refused(
        "{file}: the network would take far more memory than its weights ({weights}) could fill; it was not built.",
        file=package.config,
        weights=package.weights.name,
    )
