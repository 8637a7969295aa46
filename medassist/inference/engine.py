"""Run a network on a device it fits: when memory runs out, step down a ladder and say so, instead of dying."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.manifest import RunManifest
from medassist.entities.study import Warned, warned
from medassist.inference.backends.protocol import Backend
from medassist.inference.backends.selection import select
from medassist.inference.backends.torch_backend import torch_backend
from medassist.inference.bundle import inferer
from medassist.inference.devices import free_bytes
from medassist.inference.embedding import Seen
from medassist.inference.forecast import Forecast, forecast
from medassist.inference.network import LoadedNetwork, load_network
from medassist.inference.packages import Package
from medassist.inference.plan import Plan, plan_windows
from medassist.inference.shape import keeps_shape
from medassist.inference.shortage import is_shortage
from medassist.inference.windows import Forward
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
SMALLEST_WINDOW = 16
"""Voxels below which an axis of a window is not halved again."""


@dataclass(frozen=True, eq=False)
class Ran(Generic[T_co]):
    """What came of a run.

    Attributes:
        answer: what the caller's `work` returned.
        setting: the rung it was found on.
        manifest: how it was computed.
        told: what the reader must know.
        features: (channels,) of the image, None where the package does not compare any.
    """

    answer: T_co
    setting: Setting
    manifest: RunManifest
    told: tuple[Warned, ...]
    features: NDArray[Any] | None = None


@dataclass(frozen=True)
class Setting:
    """One rung: where and how the network is run. `half` asks for float16 inside; `steps` says what was given up."""

    device: str
    backend: str
    plan: Plan | None
    half: bool = False
    steps: tuple[Warned, ...] = ()

    def stepped(self, note: Warned) -> Setting:
        """Return the same setting with one more step told."""
        return replace(self, steps=(*self.steps, note))


def run(
    package: Package,
    image: torch.Tensor,
    work: Callable[[Forward, Plan | None, str], T],
    *,
    device: str,
    backend: str,
    progress: Progress,
) -> Ran[T]:
    """Call `work(forward, plan, device)` on the first rung of the ladder on which the memory suffices.

    Args:
        package: whose network is run; it is locked while `work` runs.
        image: (1, C, …), as the network gets it.
        work: runs the network over the image; it is called anew on each rung.
        device: torch name of a usable device.
        backend: "torch", "openvino" or "auto".
        progress: cancels between two windows.

    Refused when even the last rung needs more memory than there is.
    """
    setting = _first(package, image, device, backend)
    while True:
        try:
            return _attempt(package, image, work, setting, progress)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error):
                raise
        # Outside of the handler, whose traceback holds what has to be given back.
        _give_back(setting.device)
        setting = _next(package, image, setting)


def _attempt(
    package: Package,
    image: torch.Tensor,
    work: Callable[[Forward, Plan | None, str], T],
    setting: Setting,
    progress: Progress,
) -> Ran[T]:
    network = load_network(package, setting.device)
    with network.held(progress):
        progress.step("Preparing the model")
        chosen, notes = _backend(network, image, setting)
        seen = _seen(package, chosen)
        told = _manifest(chosen, setting, forecast(package, network.module, tuple(image.shape), setting.plan))
        answer = work(seen or chosen.forward, setting.plan, setting.device)
    features = None if seen is None else seen.features
    return Ran(answer, setting, told, (*setting.steps, *notes), features)


def _seen(package: Package, chosen: Backend) -> Seen | None:
    spec = package.suitability.embedding
    return None if spec is None or chosen.watch is None else Seen(chosen.watch, spec.pool)


def _backend(network: LoadedNetwork, image: torch.Tensor, setting: Setting) -> tuple[Backend, tuple[Warned, ...]]:
    if setting.half:
        return torch_backend(network, "f16"), ()
    plan = setting.plan
    if network.device != "cpu" or setting.backend == "torch":
        return torch_backend(network), ()
    window = image if plan is None else plan.pad(image)[(slice(None), slice(None), *plan.windows()[0])]
    return select(setting.backend, network, tuple(window.shape), window)


def _manifest(chosen: Backend, setting: Setting, expected: Forecast | None) -> RunManifest:
    plan = setting.plan
    return RunManifest(
        backend=chosen.name,
        precision=chosen.precision,
        parity=chosen.parity,
        window=() if plan is None else plan.roi,
        windows=1 if plan is None else plan.count,
        batch=1 if plan is None else plan.batch,
        steps=setting.steps,
        forecast_bytes=None if expected is None else expected.total,
        free_bytes=free_bytes(setting.device),
    )


def _first(package: Package, image: torch.Tensor, device: str, backend: str) -> Setting:
    """Start with what the package asks for."""
    return Setting(device, backend, planned_on(package, tuple(image.shape[2:]), device))


def planned_on(package: Package, size: tuple[int, ...], device: str) -> Plan | None:
    """Return the windows a run over an image of `size` begins with, None when the network takes it whole.

    On a CPU windows run one at a time: batches are no quicker there, and Cancel acts after one window.
    """
    options = inferer(package).windows
    plan = None if options is None else plan_windows(size, options)
    return plan.with_batch(1) if plan is not None and device == "cpu" else plan


def _next(package: Package, image: torch.Tensor, setting: Setting) -> Setting:
    """Return the next rung (Refused below the last one): batch, window, half precision, CPU."""
    plan = setting.plan
    if plan is not None and plan.batch > 1:
        fewer = plan.with_batch(plan.batch // 2)
        note = warned("Memory ran out on {device}: windows were run {batch} at a time.", **_told(setting, fewer))
        return replace(setting, plan=fewer).stepped(note)
    smaller = None if plan is None else _smaller(package, image, plan, setting.device)
    if smaller is not None:
        note = warned(
            "Memory ran out on {device}: the windows were made smaller ({window} voxels), so that the model saw less "
            "around each voxel.",
            **_told(setting, smaller),
        )
        return replace(setting, plan=smaller).stepped(note)
    if setting.device.startswith("cuda") and not setting.half:
        note = warned("Memory ran out on {device}: the model ran in half precision.", **_told(setting, plan))
        return replace(setting, half=True).stepped(note)
    if setting.device != "cpu":
        note = warned("Memory ran out on {device}: the model ran on the CPU.", **_told(setting, plan))
        return replace(_first(package, image, "cpu", setting.backend), steps=setting.steps).stepped(note)
    raise Refused(
        "There is not enough memory to run {model} on this image.",
        remedy="Close other programs or series, or use a machine with more memory.",
        model=package.name,
    )


def _told(setting: Setting, plan: Plan | None) -> dict[str, str]:
    window = " x ".join(map(str, plan.roi)) if plan is not None else ""
    return {"device": setting.device, "batch": str(plan.batch if plan is not None else 1), "window": window}


def _smaller(package: Package, image: torch.Tensor, plan: Plan, device: str) -> Plan | None:
    """Return windows of half the length where the network takes them and answers voxel by voxel, else None."""
    roi = tuple(one // 2 if one >= 2 * SMALLEST_WINDOW else one for one in plan.roi)
    if roi == plan.roi:
        return None
    if not keeps_shape(load_network(package, device).module, (1, image.shape[1], *roi)):
        return None
    return plan_windows(plan.size, {**plan.options, "roi_size": list(roi), "sw_batch_size": plan.batch})


def _give_back(device: str) -> None:
    """Return memory of the failed attempt, which torch would keep for itself on a GPU."""
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
