"""Where a network can run here. torch is imported only when somebody asks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from medassist.entities.errors import Refused, UsageError
from medassist.language import tr
from medassist.plugins import Availability


@dataclass(frozen=True)
class Device:
    """One device by its torch name, with its title and the reason when it cannot be used."""

    name: str
    title: str
    availability: Availability = field(default_factory=Availability)

    @property
    def reason(self) -> str:
        """Why it cannot be used, "" when it can."""
        return self.availability.reason


def available() -> tuple[Device, ...]:
    """Return every device this build of torch could use; unusable ones carry the reason."""
    return (*_cuda(), _mps(), Device("cpu", f"CPU, {usable_cores()} cores"))


def choose(name: str = "auto") -> str:
    """Return the torch name of the device to use.

    "auto" takes the first usable of CUDA, MPS, CPU. Refused names the reason when the asked one cannot be used;
    UsageError when no device has that name.
    """
    devices = {device.name: device for device in available()}
    if name == "auto":
        return next(device.name for device in devices.values() if device.availability.ok)
    wanted = "cuda:0" if name == "cuda" else name
    if wanted in devices and devices[wanted].availability.ok:
        return wanted
    if wanted in devices or re.fullmatch(r"cuda:\d+", wanted):
        reason = devices.get(wanted, devices["cuda:0"]).reason or "this machine has no CUDA device of that number"
        raise Refused(
            "The device {device} cannot be used: {reason}.",
            remedy="Choose another device, or auto.",
            device=name,
            reason=tr(reason),
        )
    raise UsageError(
        "There is no device called {device}.",
        remedy="Known devices: auto, {known}.",
        device=name,
        known=", ".join(devices),
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_core_free() -> Iterator[None]:
    """Keep torch, in this thread, off one core, so that the interface stays quick; then as it was before.

    Also a decorator. A number of threads left behind would change what is computed next: sums are split by it.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, usable_cores() - 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cuda() -> tuple[Device, ...]:
    import torch

    if not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
        return (Device("cuda:0", "NVIDIA CUDA", Availability("the installed torch is a build without CUDA")),)
    if not torch.cuda.is_available():
        return (Device("cuda:0", "NVIDIA CUDA", Availability("no NVIDIA GPU with a working driver was found")),)
    return tuple(
        Device(f"cuda:{number}", torch.cuda.get_device_name(number)) for number in range(torch.cuda.device_count())
    )


def _mps() -> Device:
    import torch

    if not torch.backends.mps.is_built():
        return Device("mps", "Apple GPU", Availability("the installed torch is a build without Apple's MPS"))
    if not torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", Availability("no Apple GPU was found"))
    return Device("mps", "Apple GPU")
