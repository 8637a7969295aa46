"""How much memory loaded series may take, and which of them give way."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType

from medassist.entities.volume import Volume

_UNKNOWN_BYTES = 8 << 30


@cache
def budget_bytes() -> int:
    """Return half of the physical memory; the other half is for models, the picture and everybody else."""
    return (physical_bytes() or _UNKNOWN_BYTES) // 2


def physical_bytes() -> int:
    """Return the physical memory, 0 where the system does not tell."""
    if sys.platform == "win32":
        import ctypes

        # MEMORYSTATUSEX: its own size, the load in percent, then seven 64-bit numbers; the first is the memory.
        status = (ctypes.c_uint64 * 8)()
        ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
        return int(status[1]) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def shown_last(
    volumes: Mapping[str, Volume], volume: Volume, budget: int, pinned: Collection[str] = ()
) -> Mapping[str, Volume]:
    """Return the loaded volumes with `volume` as the one seen last; those unseen for longest give way to the budget.

    The volume itself stays, however large it is, and so do those that are `pinned` because a pane shows them.
    """
    key = volume.series.key
    kept = {**{other: one for other, one in volumes.items() if other != key}, key: volume}
    held = sum(one.array_tzyx.nbytes for one in kept.values())
    for oldest in list(kept)[:-1]:
        if held <= budget:
            break
        if oldest not in pinned:
            held -= kept.pop(oldest).array_tzyx.nbytes
    return MappingProxyType(kept)


def with_room(volumes: Mapping[str, Volume], needed: int, pinned: Collection[str], budget: int) -> Mapping[str, Volume]:
    """Return the loaded volumes that may stay while `needed` bytes more are in use; those unseen for longest go.

    Those that are `pinned` because they are on screen stay, however large they are.
    """
    kept = dict(volumes)
    held = sum(one.array_tzyx.nbytes for one in kept.values())
    for oldest in volumes:
        if held + needed <= budget:
            break
        if oldest not in pinned:
            held -= kept.pop(oldest).array_tzyx.nbytes
    return MappingProxyType(kept)
