"""Which backend runs a network: OpenVINO on a CPU where it is installed and its answer is torch's, else torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused, UsageError
from medassist.entities.study import Warned, warned
from medassist.inference.backends import openvino_backend as openvino
from medassist.inference.backends import optimised_backend as optimised
from medassist.inference.backends.protocol import BACKENDS, Backend, Unsupported
from medassist.inference.backends.torch_backend import torch_backend
from medassist.inference.network import LoadedNetwork
from medassist.inference.packages import Package

if TYPE_CHECKING:
    import torch

LEAST_DICE = 0.999
MOST_SCORE_DIFFERENCE = 1e-3


def check_backend(name: str, device: str) -> None:
    """Refuse a backend nobody knows, one that is not here, or one that cannot use the device asked for."""
    if name not in BACKENDS:
        raise UsageError(
            "There is no backend called {backend}.",
            remedy="Known are {known}.",
            backend=name,
            known=", ".join(BACKENDS),
        )
    if name != "openvino":
        return
    if device not in ("auto", "cpu"):
        raise UsageError("OpenVINO runs on the CPU here, not on {device}.", device=device)
    if not openvino.availability().ok:
        raise Refused("OpenVINO is not installed.", remedy="pip install 'medassist[cpu]' brings it.")


def select(
    name: str, network: LoadedNetwork, shape: tuple[int, ...], window: torch.Tensor | None = None
) -> tuple[Backend, tuple[Warned, ...]]:
    """Return the backend for windows of `shape` (N, C, …) and what the reader must know about the choice.

    The caller holds the network's lock; on `window`, the first of the image, another backend has to label as torch
    does. The program a package brings for its weights comes first. Where "auto" cannot take OpenVINO although it is
    here, the reason is told; asked for by name, it is Refused.
    """
    if name == "torch" or network.device != "cpu" or not openvino.availability().ok:
        return torch_backend(network), ()
    told: tuple[Warned, ...] = ()
    made = network.package.optimised
    if made is not None:
        try:
            return optimised.optimised_backend(network, shape, window), (optimised.told(made),)
        except Unsupported as reason:
            told = (warned("The optimised form of the model was not used: {reason}.", reason=str(reason)),)
    try:
        return openvino.openvino_backend(network, shape, precision(network.package), window), told
    except Unsupported as reason:
        if name == "openvino":
            raise Refused(
                "OpenVINO cannot run {model}: {reason}.",
                remedy="Choose the backend torch, or auto.",
                model=network.package.name,
                reason=reason,
            ) from reason
        by_torch = warned("The model ran with torch: OpenVINO cannot run it ({reason}).", reason=str(reason))
        return torch_backend(network), (*told, by_torch)


def precision(package: Package) -> str:
    """Return "bf16" where the package holds the proof for these very weights and the processor can, else "f32"."""
    return "bf16" if proven(package, "bf16") and openvino.knows_bf16() else "f32"


def proven(package: Package, precision: str) -> bool:
    """Tell whether the package's parity record for a precision, made for these weights, is within the limits.

    The record is medassist.parity.openvino.<precision> of metadata.json: `weights_sha256` and what
    `python -m benchmarks infer` measured: `dice` (of the worse label, over all cases) or `score_difference` (largest).
    """
    record: object = package.metadata
    for key in ("medassist", "parity", "openvino", precision):
        record = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(record, Mapping) or record.get("weights_sha256") != package.sha256 or not package.sha256:
        return False
    measured = record.get("dice" if package.task == "segmentation" else "score_difference")
    if isinstance(measured, bool) or not isinstance(measured, int | float):
        return False
    return measured >= LEAST_DICE if package.task == "segmentation" else 0 <= measured <= MOST_SCORE_DIFFERENCE
