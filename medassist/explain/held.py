"""What a network finds without a gradient (where a film lies, say) is held while a method walks away from the image.

Gradients know nothing of such a part. Were it found anew on every faded image, the score would move for reasons no
gradient can tell, and no map could add up to it, however many steps it takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(eq=False)
class _Seen:
    """What parts without a gradient wrote; None for a part that ran twice, which has no one answer to hold."""

    written: dict[str, torch.Tensor | None] = field(default_factory=dict)


@contextlib.contextmanager
def held(module: nn.Module, image: torch.Tensor) -> Iterator[tuple[str, ...]]:
    """Run the block with every part that has no gradient answering what it answers to `image` (1, C, *spatial).

    Yields the names of those parts: () for most networks. Hold the network's lock; afterwards it is as it was.
    """
    written = _without_gradient(module, image)
    handles = [
        module.get_submodule(name).register_forward_hook(
            lambda _part, inputs, _output, kept=kept: kept.expand(len(inputs[0]), *kept.shape[1:])
        )
        for name, kept in written.items()
    ]
    try:
        yield tuple(written)
    finally:
        for handle in handles:
            handle.remove()


def _without_gradient(module: nn.Module, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return by name what the outermost parts write that take something with a gradient and answer without one."""
    import torch

    seen = _Seen()
    handles = [part.register_forward_hook(_watcher(name, seen)) for name, part in module.named_modules() if name]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            module(image.detach().clone().requires_grad_())
    finally:
        for handle in handles:
            handle.remove()
    inner = {name for name in seen.written if any(name.startswith(f"{other}.") for other in seen.written)}
    return {name: kept for name, kept in seen.written.items() if kept is not None and name not in inner}


def _watcher(name: str, seen: _Seen) -> object:
    import torch

    def watch(_part: object, inputs: tuple[object, ...], output: object) -> None:
        took = bool(inputs) and isinstance(inputs[0], torch.Tensor) and inputs[0].requires_grad
        if took and isinstance(output, torch.Tensor) and not output.requires_grad and output.shape[:1] == (1,):
            seen.written[name] = None if name in seen.written else output.detach().clone()

    return watch
