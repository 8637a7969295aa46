"""Where a training runs and with whom: one device, or one process per device started by `torchrun`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from medassist.inference.devices import choose

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

PATIENCE = timedelta(hours=12)  # the others wait while the first process validates


@dataclass(frozen=True)
class Place:
    """The torch name of a device, and which of how many processes this one is."""

    device: str = "cpu"
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    @property
    def kind(self) -> str:
        """The device without its number: "cpu", "cuda" or "mps"."""
        return self.device.partition(":")[0]

    def share(self, batch: Sequence[int]) -> list[int]:
        """Return the members of a batch this process takes; one stands in where there are fewer than processes.

        What stands in is computed, because every process must answer, and counts for nothing (see `whole`).
        """
        return list(batch[self.rank :: self.size]) or list(batch[:1])

    def whole(self, own: torch.Tensor, total: int) -> torch.Tensor:
        """Return the tensor of the whole batch of `total` members from the part of each process.

        Only the part of this process carries gradients. A loss of the whole is so the loss a single process would
        have, also where it is no mean over members (Dice of a batch).
        """
        import torch
        from torch import distributed

        if self.size == 1:
            return own
        counts = [len(range(rank, total, self.size)) for rank in range(self.size)]
        padded = own.new_zeros((max(counts), *own.shape[1:]))
        padded[: counts[self.rank]] = own.detach()[: counts[self.rank]]
        parts = [torch.empty_like(padded) for _ in counts]
        distributed.all_gather(parts, padded)
        pieces = [part[:count] for part, count in zip(parts, counts, strict=True)]
        pieces[self.rank] = own[: counts[self.rank]]
        return torch.cat(pieces)

    def told(self, ask: Callable[[], T]) -> T:
        """Return what `ask` answers in the first process, in all of them."""
        if self.size == 1:
            return ask()
        from torch import distributed

        answer: list[Any] = [ask() if self.leads else None]
        distributed.broadcast_object_list(answer, src=0)
        result: T = answer[0]
        return result


def first_process() -> bool:
    """Tell whether this process may speak: it is the only one, or the first of those torchrun started."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is None or os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: str = "auto") -> Iterator[Place]:
    """Yield where this process trains; processes of `torchrun` join into one group (NCCL on CUDA, else Gloo).

    Refused or UsageError for a device that cannot be used, as `devices.choose` says.
    """
    from torch import distributed

    if not (distributed.is_available() and distributed.is_torchelastic_launched()):
        yield Place(choose(device))
        return
    place = _torchrun_place(device)
    distributed.init_process_group("nccl" if place.kind == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield place
    finally:
        distributed.destroy_process_group()


def _torchrun_place(device: str) -> Place:
    """Read the variables torchrun sets; on CUDA every process takes the device of its own number."""
    import torch

    found = choose(device)
    if found.startswith("cuda"):
        found = choose(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(found)
    return Place("cpu" if found == "mps" else found, int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def facing_cpu(network: torch.nn.Module, device: str) -> Iterator[torch.nn.Module]:
    """Let a network on `device` take tensors of the CPU and answer there: validation knows of no devices."""
    if device == "cpu":
        yield network
        return
    hooks = (
        network.register_forward_pre_hook(lambda _, given: moved(given, device)),
        network.register_forward_hook(lambda _, __, answer: moved(answer, "cpu")),
    )
    try:
        yield network
    finally:
        for hook in hooks:
            hook.remove()


def moved(value: Any, device: str) -> Any:
    """Return tensors, also those in tuples, lists and dictionaries, on a device."""
    if hasattr(value, "to"):
        return value.to(device)
    if isinstance(value, Mapping):
        return {key: moved(one, device) for key, one in value.items()}
    return type(value)(moved(one, device) for one in value) if isinstance(value, (tuple, list)) else value
