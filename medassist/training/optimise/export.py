"""The network in formats other programs read, checked number by number against the package's own weights."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.backends.openvino_backend import availability, core, silent
from medassist.inference.network import LoadedNetwork
from medassist.inference.weights import Format, read_program
from medassist.plugins import needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    from medassist.inference.windows import Forward

MOST_DIFFERENCE = 1e-3
"""Largest difference of a logit, as a share of the largest one."""
STAGE = "Exporting"


@dataclass(frozen=True)
class Exported:
    """A file another program reads, and how far its answers are from torch's on real windows.

    `difference` is the largest of a logit, `relative` the same as a share of the largest logit of its window.
    """

    format: str
    file: Path
    difference: float
    relative: float
    windows: int

    def as_json(self) -> dict[str, Any]:
        """Return the object of the command-line contract."""
        return {
            "format": self.format,
            "file": self.file.name,
            "difference": self.difference,
            "relative": self.relative,
            "windows": self.windows,
        }


def check_here(formats: Sequence[str]) -> None:
    """Refuse a format whose libraries are not installed."""
    if "onnx" in formats and not needs(["onnx", "onnxscript"]).ok:
        raise Refused("The libraries that write ONNX are not installed.", remedy="pip install 'medassist[optimise]'.")
    if "onnx" in formats and not availability().ok:
        raise Refused("OpenVINO, which checks ONNX files, is not installed.", remedy="pip install 'medassist[cpu]'.")


def export(
    network: LoadedNetwork, formats: Sequence[str], folder: Path, windows: Sequence[torch.Tensor], progress: Progress
) -> tuple[Exported, ...]:
    """Write the network into `folder` in every format, and compare its answers to `windows` (1, C, …).

    Refused when it cannot be written so, or when a logit differs by more than a thousandth of the largest one.
    """
    writers = {"pt2": _pt2, "onnx": _onnx}
    found = []
    for name in progress.over(formats, STAGE):
        file = folder / f"model.{name}"
        try:
            forward = writers[name](network, file, windows[0])
            found.append(_compared(network, name, file, forward, windows))
        except Refused:
            raise
        except Exception as error:  # whatever torch.export, the ONNX writer or a reader did not understand
            raise Refused(
                "The network of {model} cannot be written as {form}: {reason}.",
                model=network.package.name,
                form=name,
                reason=f"{type(error).__name__}: {(str(error).strip() or '?').splitlines()[0][:160]}",
            ) from error
    return tuple(found)


def _pt2(network: LoadedNetwork, file: Path, window: torch.Tensor) -> Forward:
    """Write a torch.export program that takes any number of images; open it again as a tree of layers."""
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.export warns of itself
        program = torch.export.export(network.module, (_two(window),), dynamic_shapes=({0: torch.export.Dim.AUTO},))
        content = io.BytesIO()
        torch.export.save(program, content)
    file.write_bytes(content.getvalue())
    # of our own making, a moment ago: that is what read_program asks to be sure of
    opened = read_program(file, file.read_bytes(), Format.EXPORTED, "cpu")
    return lambda windows: torch.as_tensor(opened(windows))


def _two(window: torch.Tensor) -> torch.Tensor:
    """Return two images: an example of one would fix their number."""
    import torch

    return torch.cat([window, window])


def _onnx(network: LoadedNetwork, file: Path, window: torch.Tensor) -> Forward:
    """Write ONNX for windows of this shape; open it again with OpenVINO in float32."""
    import torch

    quiet = redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO())
    with warnings.catch_warnings(), silent("torch"), quiet[0], quiet[1], torch.no_grad():
        warnings.simplefilter("ignore")  # the writer and its libraries warn of each other
        written = torch.onnx.export(network.module, (window,), dynamo=True, verbose=False)
        if written is None:
            raise Refused("The network of {model} cannot be written as ONNX.", model=network.package.name)
        written.save(file, external_data=False)
    compiled = core().compile_model(core().read_model(file.read_bytes()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def forward(windows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(compiled([windows.numpy()])[0].copy())

    return forward


def _compared(
    network: LoadedNetwork, name: str, file: Path, forward: Forward, windows: Sequence[torch.Tensor]
) -> Exported:
    import torch

    difference = relative = 0.0
    with torch.inference_mode():
        for window in windows:
            expected, found = network.module(window).float(), forward(window).float()
            if expected.shape != found.shape:
                raise Refused("The answer of {file} has another shape than torch's.", file=file.name)
            apart = float((expected - found).abs().max())
            difference = max(difference, apart)
            relative = max(relative, apart / max(1e-6, float(expected.abs().max())))
    if not relative <= MOST_DIFFERENCE:
        raise Refused(
            "The answers of {file} differ from torch's by {relative} of the largest output; at most {most} is allowed.",
            file=file.name,
            relative=f"{relative:.2g}",
            most=f"{MOST_DIFFERENCE:g}",
        )
    return Exported(name, file, difference, relative, len(windows))
