"""What works on this machine: one line per check, with the remedy where something is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from medassist import __version__
from medassist.entities.errors import MedAssistError
from medassist.locations import cache_dir, config_dir, data_dir
from medassist.plugins import needs
from medassist.progress import Progress

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
CODECS = {
    "JPEG 2000, HTJ2K": "openjpeg",
    "JPEG-LS": "jpeg_ls",
    "RLE": "rle",
}
ENOUGH_DISK_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Line:
    """One check: its verdict ("ok", "note" or "missing"), what was found, and what to do about it.

    "note" is something a user may want to know; "missing" is something that is needed.
    """

    check: str
    verdict: str
    found: str
    remedy: str = ""


def examine(*, progress: Progress) -> tuple[Line, ...]:
    """Run every check; none of them raises."""
    checks: tuple[Callable[[], Iterator[Line]], ...] = (
        _python,
        _libraries,
        _devices,
        _backends,
        _training,
        _optimising,
        _display,
        _fonts,
        _codecs,
        _models,
        _explainers,
        _folders,
        _resources,
        _terms,
    )
    lines: list[Line] = []
    for check in progress.over(checks, "Checking this machine"):
        lines.extend(check())
    return tuple(lines)


def _python() -> Iterator[Line]:
    yield Line("MedAssist", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}")


def _libraries() -> Iterator[Line]:
    for name in LIBRARIES:
        try:
            yield Line(name, "ok", version(name))
        except PackageNotFoundError:
            yield Line(name, "missing", "not installed", f"Install the Python package {name}.")


def _devices() -> Iterator[Line]:
    from medassist.inference.devices import available

    for device in available():
        free = "" if device.free_bytes is None else f", {device.free_bytes / 2**30:.1f} GiB of memory free"
        found = device.reason or f"{device.title}{free}"
        yield Line(f"device {device.name}", "ok" if device.reason == "" else "note", found)


def _backends() -> Iterator[Line]:
    from medassist.inference.backends.openvino_backend import availability

    if availability().ok:
        yield Line("backend OpenVINO", "ok", f"{version('openvino')}: runs models on the CPU, in place of torch")
    else:
        remedy = "For quicker runs without a GPU: pip install 'medassist[cpu]'"
        yield Line("backend OpenVINO", "note", "not installed: torch runs models on the CPU", remedy)


def _training() -> Iterator[Line]:
    reason = needs(("sklearn", "tensorboard", "optuna", "tomlkit")).reason
    remedy = "To train, calibrate and search recipes: pip install 'medassist[train]'"
    yield (
        Line("training", "note", reason, remedy)
        if reason
        else Line("training", "ok", "scikit-learn, TensorBoard, Optuna")
    )


def _optimising() -> Iterator[Line]:
    reason = needs(("openvino", "nncf", "onnx", "onnxscript")).reason
    remedy = "To quantise models and write ONNX: pip install 'medassist[optimise]'"
    yield Line("optimising", "note", reason, remedy) if reason else Line("optimising", "ok", "OpenVINO, NNCF, ONNX")


def _display() -> Iterator[Line]:
    if not sys.platform.startswith("linux"):
        yield Line("display", "ok", sys.platform)
        return
    found = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    yield Line("display", "ok" if found else "note", found or "none: windows are drawn offscreen, into pictures")


def _fonts() -> Iterator[Line]:
    from medassist.report.fonts import speaks_chinese

    remedy = "Install a font with Chinese characters; on Debian: sudo apt-get install fonts-noto-cjk"
    yield Line("Chinese font", "ok", "found") if speaks_chinese() else Line("Chinese font", "note", "none", remedy)


def _codecs() -> Iterator[Line]:
    for syntaxes, module in CODECS.items():
        reason = needs([module]).reason
        yield Line(f"codec {syntaxes}", "missing" if reason else "ok", reason or module)


def _models() -> Iterator[Line]:
    from medassist.inference.catalogue import packages
    from medassist.inference.network import load_network

    for package in packages():
        if package.carrier is not None and not package.weights.is_file():
            yield Line(f"model {package.name}", "note", package.availability.reason)
            continue
        try:
            load_network(package, "cpu")
            yield Line(f"model {package.name}", "ok", f"{package.version}, SHA-256 {package.ref.sha256[:12]}")
        except MedAssistError as problem:
            yield Line(f"model {package.name}", "missing", problem.sentence(), "Install the package again.")


def _explainers() -> Iterator[Line]:
    """Tell of the explanation methods that other Python packages offer; none offered, none told."""
    from medassist.explain.added import offers
    from medassist.explain.methods import METHODS

    for one in offers(METHODS):
        found = ": ".join(part for part in (one.package, one.reason) if part)
        remedy = "" if not one.reason else "Ask whoever made that Python package."
        yield Line(f"explainer {one.name}", "note" if one.reason else "ok", found, remedy)


def _folders() -> Iterator[Line]:
    for name, folder in (("data", data_dir()), ("cache", cache_dir()), ("settings", config_dir())):
        place = _nearest_existing(folder)
        if not os.access(place, os.W_OK):
            yield Line(f"{name} folder", "missing", f"{folder} cannot be written", f"Allow writing to {place}.")
            continue
        free = shutil.disk_usage(place).free
        verdict = "ok" if free > ENOUGH_DISK_BYTES else "note"
        yield Line(f"{name} folder", verdict, f"{folder}, {free / 2**30:.0f} GiB free")


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _resources() -> Iterator[Line]:
    from medassist.storage.samples import samples

    shipped = [one.name for one in samples() if one.shipped]
    yield Line(
        "samples", "ok" if shipped else "missing", ", ".join(shipped) or "none", "" if shipped else "Install again."
    )


def _terms() -> Iterator[Line]:
    from medassist.storage import terminology

    found = terminology.read()
    for problem in found.problems:
        yield Line(
            "terms", "note", problem.text(), "Correct or remove the file; meanwhile the terms that ship are used."
        )
    if not found.problems:
        own = terminology.user_file()
        yield Line("terms", "ok", f"{len(found.terms)} names" + (f", some from {own}" if own.exists() else ""))
