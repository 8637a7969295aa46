"""Fewer bits for the same weights: an OpenVINO program in bf16 or int8, made from the package's network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from hashlib import file_digest
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Cancelled, Refused
from medassist.inference.backends.openvino_backend import availability, convert, library, silent
from medassist.inference.embedding import watched
from medassist.inference.network import LoadedNetwork
from medassist.inference.optimised import Optimised, Promised
from medassist.inference.shortage import is_shortage
from medassist.plugins import needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

CALIBRATION_ROWS = 40
FOLDER = "models/openvino"
STAGE = "Quantising"


def check_here(precision: str) -> None:
    """Refuse a precision whose libraries are not installed."""
    if not availability().ok:
        raise Refused("OpenVINO is not installed.", remedy="pip install 'medassist[cpu]' brings it.")
    if precision == "int8" and not needs(["nncf"]).ok:
        raise Refused("NNCF, which quantises to int8, is not installed.", remedy="pip install 'medassist[optimise]'.")


def quantise(
    network: LoadedNetwork, root: Path, precision: str, calibration: Sequence[torch.Tensor], *, progress: Progress
) -> Optimised:
    """Write the program of a network under `root` and return it, with nothing measured yet.

    Args:
        network: the weights stay as they are.
        root: the package the program belongs to.
        precision: "bf16", or "int8": post-training quantisation of weights and activations, whose ranges come from
            `calibration`, with bias correction (NNCF; Jacob et al., CVPR 2018, for the arithmetic).
        calibration: windows (1, C, …), all of one shape.
        progress: cancels between two windows.

    Refused when the network cannot be converted.
    """
    progress.step(STAGE)
    spec = network.package.suitability.embedding
    shape = tuple(calibration[0].shape)
    module = network.module if spec is None else watched(network.module, spec)
    try:
        model = convert(module, shape)
        model.reshape(list(shape))
        _fold(model)
        made = _to_int8(model, calibration, progress) if precision == "int8" else model
    except Cancelled:
        raise
    except Exception as error:  # whatever torch.export, the converter or NNCF did not understand
        if is_shortage(error):
            raise
        raise Refused(
            "The network of {model} cannot be brought to {precision}: {reason}.",
            model=network.package.name,
            precision=precision,
            reason=f"{type(error).__name__}: {(str(error).strip() or '?').splitlines()[0][:160]}",
        ) from error
    program = root / FOLDER / f"{precision}.xml"
    program.parent.mkdir(parents=True, exist_ok=True)
    library().save_model(made, program, compress_to_fp16=precision == "bf16")
    files = (_promised(program), _promised(program.with_suffix(".bin")))
    return Optimised(precision, *files, network.package.sha256, shape, 0.0, 0.0, "", 0.0, 0)


def _fold(model: Any) -> None:
    """Work out what depends on no image once and for all, so that sizes are numbers in the program."""
    from openvino.passes import ConstantFolding, Manager

    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)


def _to_int8(model: Any, calibration: Sequence[torch.Tensor], progress: Progress) -> Any:
    library()  # before NNCF, which would otherwise report its use to its maker
    with _quiet():
        import nncf

        def windows() -> Iterator[Any]:
            for one in calibration:
                progress.step(STAGE)
                yield one.numpy()

        attends = any(one.get_type_name() == "Softmax" for one in model.get_ops())
        kind = nncf.ModelType.TRANSFORMER if attends else None
        return nncf.quantize(model, nncf.Dataset(_Again(windows)), subset_size=len(calibration), model_type=kind)


class _Again:
    """An iterable that begins anew each time: NNCF goes through the windows more than once."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        yield from self._make()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the bars and the log of NNCF off both streams: an answer in JSON goes there."""
    with warnings.catch_warnings(), silent("nncf"), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")  # NNCF and torch warn of each other
        yield


def _promised(file: Path) -> Promised:
    with file.open("rb") as content:
        return Promised(file, file_digest(content, "sha256").hexdigest())
