"""What computes: libraries, torch and its devices, OpenVINO, and what the optional parts need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from medassist.entities.study import Warned, warned
from medassist.inference.devices import Device, available
from medassist.plugins import needs
from medassist.session.checking.line import MISSING, NOTE, OK, Line, named, plain

LIBRARIES = (
    "PySide6-Essentials",
    "torch",
    "monai",
    "captum",
    "pydicom",
    "highdicom",
    "SimpleITK",
    "pyqtgraph",
    "numpy",
)


def libraries() -> Iterator[Line]:
    """Tell the versions of what the program stands on."""
    for name in LIBRARIES:
        try:
            yield Line(Warned(name), OK, plain(version(name)))
        except PackageNotFoundError:
            advice = warned("Install the Python package {name}.", name=name)
            yield Line(Warned(name), MISSING, warned("not installed"), advice)


def devices() -> Iterator[Line]:
    """Tell what torch was built for, and compute on every device that can be used."""
    from medassist.inference.trial import torch_build

    yield Line(warned("torch build"), OK, plain(torch_build()))
    for device in available():
        if device.name == "mps" and sys.platform != "darwin":
            continue
        if device.reason:
            yield Line(named("device", device.name), NOTE, plain(device.reason), _advice(device))
        else:
            yield _computed(device)


def _advice(device: Device) -> Warned | None:
    from medassist.inference.trial import nvidia_seen

    if device.name.startswith("cuda") and nvidia_seen():
        return warned("An NVIDIA GPU is in this machine: install its driver, and the CUDA build of MedAssist.")
    return None


def _computed(device: Device) -> Line:
    """Run the trial; only the CPU is needed, a GPU that fails leaves work to the CPU."""
    from medassist.inference.trial import trial

    title, tried = named("device", device.name), trial(device.name)
    if tried.reason:
        verdict = MISSING if device.name == "cpu" else NOTE
        return Line(title, verdict, plain(f"{device.title}: {tried.reason}"), _advice_for(device.name))
    parts = [device.title]
    if tried.capability:
        parts.append(f"compute capability {tried.capability}")
    if device.free_bytes is not None:
        parts.append(f"{device.free_bytes / 2**30:.1f} GiB of memory free")
    return Line(title, OK, plain(", ".join([*parts, f"{tried.gflops:.0f} GFLOP/s"])))


def _advice_for(name: str) -> Warned:
    if name == "cpu":
        return warned("Install MedAssist again; if that does not help, this processor is too old for it.")
    return warned("Choose the CPU, or install a build of MedAssist that knows this GPU and its newest driver.")


def openvino() -> Iterator[Line]:
    """Tell whether OpenVINO runs here; without it torch does the work."""
    from medassist.inference.backends.openvino_backend import availability
    from medassist.inference.trial import openvino_devices

    title = warned("backend OpenVINO")
    if not availability().ok:
        told = warned("not installed: torch runs models on the CPU")
        yield Line(title, NOTE, told, _extra("cpu", warned("For quicker runs without a GPU")))
        return
    try:
        found = ", ".join(openvino_devices())
    except Exception as error:  # a library of another maker, on a processor nobody tried
        told = warned("does not start ({kind}): torch runs models on the CPU", kind=type(error).__name__)
        yield Line(title, NOTE, told, warned("Install MedAssist again, or go on without it."))
        return
    told = warned("{version} on {devices}: runs models on the CPU, in place of torch",
                  version=version("openvino"), devices=found)  # fmt: skip
    yield Line(title, OK, told)


def training() -> Iterator[Line]:
    """Tell whether models can be trained here."""
    reason = needs(("sklearn", "tensorboard", "optuna", "tomlkit")).reason
    if not reason:
        yield Line(warned("training"), OK, plain("scikit-learn, TensorBoard, Optuna"))
        return
    advice = _extra("train", warned("To train, calibrate and search recipes"))
    yield Line(warned("training"), NOTE, plain(reason), advice)


def optimising() -> Iterator[Line]:
    """Tell whether models can be made quicker here."""
    reason = needs(("openvino", "nncf", "onnx", "onnxscript")).reason
    if not reason:
        yield Line(warned("optimising"), OK, plain("OpenVINO, NNCF, ONNX"))
        return
    advice = _extra("optimise", warned("To quantise models and write ONNX"))
    yield Line(warned("optimising"), NOTE, plain(reason), advice)


def _extra(name: str, purpose: Warned) -> Warned:
    """Say how to get an optional part: an installed package has no pip to add one with."""
    if getattr(sys, "frozen", False):
        return warned("{purpose}: install MedAssist with pip; this package comes without it.", purpose=purpose)
    return warned("{purpose}: pip install 'medassist[{extra}]'", purpose=purpose, extra=name)
