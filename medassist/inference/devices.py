"""Where a network can run here. torch is imported only when somebody asks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from medassist import site
from medassist.entities.errors import Refused, UsageError
from medassist.language import tr
from medassist.plugins import Availability

NOT_ALLOWED = "the set-up of this site does not allow it"


@dataclass(frozen=True)
class Device:
    """One device by its torch name, with its title and the reason when it cannot be used.

    `free_bytes` is the memory that is free on it, None where the system does not tell.
    """

    name: str
    title: str
    availability: Availability = field(default_factory=Availability)
    free_bytes: int | None = None

    @property
    def reason(self) -> str:
        """Why it cannot be used, "" when it can."""
        return self.availability.reason


def available() -> tuple[Device, ...]:
    """Return every device this build of torch could use; unusable ones and those a site forbids carry the reason."""
    there = (*_cuda(), _mps(), Device("cpu", f"CPU, {usable_cores()} cores", free_bytes=free_bytes("cpu")))
    return tuple(_as_allowed(device) for device in there)


def _as_allowed(device: Device) -> Device:
    if site.read().allows(device.name) or device.reason:
        return device
    return replace(device, availability=Availability(NOT_ALLOWED))


def choose(name: str = "auto") -> str:
    """Return the torch name of the device to use.

    "auto" takes the first usable of CUDA, MPS, CPU. Refused names the reason when the asked one cannot be used;
    UsageError when no device has that name.
    """
    devices = {device.name: device for device in available()}
    if name == "auto":
        return _first_usable(devices.values())
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


def _first_usable(devices: Iterable[Device]) -> str:
    for device in devices:
        if device.availability.ok:
            return device.name
    raise Refused(
        "No device can run a model here: the set-up of this site allows only {allowed}.",
        remedy="Correct the devices in {path}, or use a machine that has them.",
        allowed=", ".join(site.read().devices),
        path=site.read().path,
    )


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_bytes(device: str) -> int | None:
    """Return the memory that is free on a device, None where the system does not tell."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    if device != "cpu":
        return None
    if sys.platform == "win32":
        import ctypes

        # MEMORYSTATUSEX: its own size, the load in percent, then seven 64-bit numbers; the second is what is free.
        status = (ctypes.c_uint64 * 8)()
        ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
        return int(status[2]) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(told.split("MemAvailable:")[1].split()[0])
    except (OSError, IndexError, ValueError):
        return None


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
        Device(name, torch.cuda.get_device_name(name), free_bytes=free_bytes(name))
        for name in (f"cuda:{number}" for number in range(torch.cuda.device_count()))
    )


def _mps() -> Device:
    import torch

    if not torch.backends.mps.is_built():
        return Device("mps", "Apple GPU", Availability("the installed torch is a build without Apple's MPS"))
    if not torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", Availability("no Apple GPU was found"))
    return Device("mps", "Apple GPU")
