"""Whether a device really computes: a build of torch may know nothing of the GPU it finds, and then fails in use."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medassist.inference.devices import one_core_free

SIDE = 512
MOST_S = 1.0
_PCI = Path("/sys/bus/pci/devices")
_NVIDIA, _DISPLAY_CLASS = "0x10de", "0x03"


@dataclass(frozen=True)
class Trial:
    """What became of a trial.

    Attributes:
        reason: why the device cannot be used, an English sentence; "" when it computed the right numbers.
        capability: compute capability of an NVIDIA GPU ("9.0"), "" for others.
        gflops: speed of multiplying matrices of 512 x 512 in float32 (1e9 operations a second).
    """

    reason: str = ""
    capability: str = ""
    gflops: float = 0.0


def torch_build() -> str:
    """Return version and build of torch: what it can compute on."""
    import torch

    parts = [f"{torch.__version__}"]
    if torch.version.cuda:
        parts += [f"CUDA {torch.version.cuda}", " ".join(torch.cuda.get_arch_list())]
    elif torch.backends.mps.is_built():
        parts.append("Apple MPS")
    else:
        parts.append("CPU only")
    return ", ".join(part for part in parts if part)


def knows(architectures: Sequence[str], capability: tuple[int, int]) -> bool:
    """Tell whether a build for these architectures runs on a GPU of that compute capability.

    Binary code ("sm_86") runs on the same major version from its minor on; "sm_90a" on 9.0 alone; intermediate code
    ("compute_90") is compiled on any later GPU (CUDA C++ Programming Guide, "Binary compatibility").
    """
    for one in architectures:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([a-z]?)", one)
        if match is None:
            continue
        kind, built, exact = match[1], (int(match[2]), int(match[3])), bool(match[4])
        same_major = kind == "sm" and built[0] == capability[0] and built[1] <= capability[1]
        if built == capability or (not exact and (same_major or (kind == "compute" and built <= capability))):
            return True
    return False


def trial(name: str, most_s: float = MOST_S) -> Trial:
    """Compute on a device for up to `most_s` seconds and compare with the exact numbers; nothing is raised."""
    import torch

    capability = ""
    if name.startswith("cuda"):
        told, built = torch.cuda.get_device_capability(name), torch.cuda.get_arch_list()
        capability = f"{told[0]}.{told[1]}"
        if not knows(built, (told[0], told[1])):
            reason = f"the installed torch was built for {' '.join(built)}, not for compute capability {capability}"
            return Trial(reason, capability)
    try:
        return Trial(capability=capability, gflops=_multiplied(name, most_s))
    except (RuntimeError, ArithmeticError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Trial(f"it does not compute: {first[:160]}", capability)


@one_core_free()
def _multiplied(name: str, most_s: float) -> float:
    """Return GFLOP/s (ArithmeticError when a product is wrong, RuntimeError of torch).

    The numbers are whole and small, so that every product is exact in float32 and in the shorter formats some GPUs use.
    """
    import torch

    whole = (torch.arange(SIDE * SIDE) * 7 % 5 - 2).reshape(SIDE, SIDE)
    expected = (whole.to(torch.int32) @ whole.T.to(torch.int32)).to(torch.float32)
    there = whole.to(name, torch.float32)
    rounds, began = 0, time.perf_counter()
    while True:
        product = (there @ there.T).cpu()  # waits for the device
        rounds += 1
        spent = time.perf_counter() - began
        if not torch.equal(product, expected):
            raise ArithmeticError("the product of two matrices is wrong")
        if spent >= most_s:
            return 2.0 * SIDE**3 * rounds / spent / 1e9


def openvino_devices() -> tuple[str, ...]:
    """Return the devices OpenVINO sees, "CPU" among them (whatever OpenVINO raises)."""
    from medassist.inference.backends.openvino_backend import core

    return tuple(core().available_devices)


def nvidia_seen(bus: Path = _PCI) -> bool:
    """Tell whether an NVIDIA GPU is plugged in, driver or not; on Linux alone, elsewhere False."""
    if not sys.platform.startswith("linux") or not bus.is_dir():
        return False
    return any(_read(one / "vendor") == _NVIDIA and _read(one / "class").startswith(_DISPLAY_CLASS)
               for one in bus.iterdir())  # fmt: skip


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
