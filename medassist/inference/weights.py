"""The formats weights come in, told by their content, and the ones that hold nothing but numbers read here.

Which formats may run code (torch 2.13, read and tried, see tests/inference/test_inference_weights.py):

- a state dict read with `weights_only=True` and a safetensors file cannot: numbers, shapes and names only;
- a `.pt2` program is opened by `torch.export.load`, which unpickles with `weights_only=False` and parses symbolic
  expressions with `eval`;
- TorchScript is opened by `torch.jit.load`, which runs the file's own `__setstate__`, and its operators `aten::save`
  and `aten::from_file` write and read any file.

So the last two are programs, opened only for a package the user trusts.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import MethodType
from typing import IO, TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.devices import free_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.export import ExportedProgram


class Format(Enum):
    """What a weight file is."""

    STATE_DICT = "state dict"
    SAFETENSORS = "safetensors"
    EXPORTED = "torch.export program"
    TORCHSCRIPT = "TorchScript"

    @property
    def runs_code(self) -> bool:
        """Whether opening it may run code from it."""
        return self in (Format.EXPORTED, Format.TORCHSCRIPT)

    @property
    def explainable(self) -> bool:
        """Whether its layers can be watched: hooks have no effect inside TorchScript."""
        return self is not Format.TORCHSCRIPT


MAX_BYTES = 20_000_000_000


def too_large(file: Path) -> bool:
    """Tell whether a weight file is larger than 20 GB or than the memory that is free: it is not read at all then.

    A sparse file of a terabyte takes no place on a disk, and hours to hash.
    """
    try:
        size = file.stat().st_size
    except OSError:
        return False
    free = free_bytes("cpu")
    return size > (MAX_BYTES if free is None else min(MAX_BYTES, free))


def format_of(file: Path | IO[bytes], name: str = "") -> Format:
    """Tell the format by the directory of the file's zip, and safetensors by its suffix; a state dict when unsure."""
    suffix = (Path(name) if name else file if isinstance(file, Path) else Path()).suffix.lower()
    if suffix == ".safetensors":
        return Format.SAFETENSORS
    try:
        if isinstance(file, Path) and not file.is_file():  # to open a pipe would wait for somebody who writes
            raise FileNotFoundError(file)
        with zipfile.ZipFile(file) as archive:
            members = [member.partition("/")[2] or member for member in archive.namelist()]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return Format.EXPORTED if suffix == ".pt2" else Format.TORCHSCRIPT if suffix == ".ts" else Format.STATE_DICT
    if suffix == ".pt2" or {"archive_format", "serialized_exported_program.json"} & set(members):
        return Format.EXPORTED
    scripted = any(member == "constants.pkl" or member.startswith("code/") for member in members)
    return Format.TORCHSCRIPT if scripted or suffix == ".ts" else Format.STATE_DICT


def read_state(file: Path, content: bytes, form: Format) -> Mapping[str, torch.Tensor]:
    """Return the state dict in `content` (Refused for code, for what is no state dict, and for a bomb)."""
    try:
        state = _safetensors(content) if form is Format.SAFETENSORS else _state_dict(file, content)
    except Refused:
        raise
    except Exception as error:  # torch's reader raises whatever a hostile file makes it raise
        raise _no_state_dict(file) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    import torch

    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _no_state_dict(file)
    if any(value.is_complex() for value in state.values()):  # torch would drop their imaginary part with a warning
        raise Refused("{file} holds complex numbers, which no network here computes with: it was not used.", file=file)
    return state


def read_program(file: Path, content: bytes, form: Format, device: str) -> nn.Module:
    """Open a program of a package the user trusts, on `device` (Refused when torch cannot open it)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch deprecates the format, and its own reader of the other one
            return _scripted(content, device) if form is Format.TORCHSCRIPT else _exported(content, device)
    except Exception as error:  # the opener runs what the file holds, which may raise anything
        raise Refused(
            "{file} cannot be opened as {form}: {reason}.",
            file=file,
            form=form.value,
            reason=(str(error).splitlines() or [type(error).__name__])[0][:200],
        ) from error


def _scripted(content: bytes, device: str) -> nn.Module:
    import torch

    module: nn.Module = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]
    return module


def _exported(content: bytes, device: str) -> nn.Module:
    """Return the program as a tree of modules with their old names, so that hooks work."""
    import torch

    program = torch.export.load(io.BytesIO(content))
    if device != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    count = _fixed_batch(program)
    module = torch.export.unflatten(program)
    return module if count is None else _in_batches_of(count, module)


def _fixed_batch(program: ExportedProgram) -> int | None:
    """Return how many images a program takes at a time, None when it takes any number."""
    name = program.graph_signature.user_inputs[0]
    value = next(node.meta.get("val") for node in program.graph.nodes if node.name == name)
    size = value.shape[0] if getattr(value, "ndim", 0) else None
    return size if isinstance(size, int) else None


def _in_batches_of(count: int, module: nn.Module) -> nn.Module:
    """Let a program of exactly `count` images at a time take any number: the last ones are filled up with copies."""
    import torch

    def forward(self: nn.Module, images: torch.Tensor) -> torch.Tensor:
        answers = []
        for part in torch.split(images, count):
            full = torch.cat([part, part[-1:].expand(count - len(part), *part.shape[1:])])
            answers.append(type(self).forward(self, full)[: len(part)])
        return torch.cat(answers)

    module.forward = MethodType(forward, module)  # bound, so that a copy of the module runs the copy
    return module


def _state_dict(file: Path, content: bytes) -> Any:
    import torch

    _check_stored(file, content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of what it then refuses, and the refusal says enough
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _safetensors(content: bytes) -> Any:
    from safetensors.torch import load

    return load(content)


def _check_stored(file: Path, content: bytes) -> None:
    """Refuse a zip whose members unpack to more than the file: torch stores tensors as they are, a bomb does not."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > len(content):
            raise Refused("{file} would unpack to more than it is: it was not opened.", file=file)


def _no_state_dict(file: Path) -> Refused:
    return Refused(
        "{file} is not a plain state dict, or holds code: it was not opened.",
        remedy="Save the weights with torch.save(network.state_dict(), …).",
        file=file,
    )
