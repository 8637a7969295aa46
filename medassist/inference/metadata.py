"""The metadata of a bundle without a "medassist" section: what MONAI's own fields tell of the model.

`network_data_format` (https://docs.monai.io/en/stable/mb_specification.html) names the input, the outputs and their
channels; the configuration tells where the weights are and how outputs become labels. What neither tells stays empty,
and `missing` says so.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from medassist.entities.errors import Refused
from medassist.inference.config import read_config, value_at
from medassist.inference.demands import Suitability
from medassist.inference.ports import InputSpec, Label
from medassist.inference.postprocess import read_decision
from medassist.inference.schema import Section, inside, plain_label
from medassist.inference.weights import too_large

WEIGHTS = ("models/model.pt", "models/model.safetensors", "models/model.pt2", "models/model.ts")
MAX_CHANNELS = 16
MAX_LABELS = 100_000
PICTURES = ("png", "jpg", "jpeg", "rgb", "bmp")

_MODALITIES = {
    "CT": ("CT",),
    "MR": ("MR",),
    "MRI": ("MR",),
    "PT": ("PT",),
    "PET": ("PT",),
    "US": ("US",),
    "MAMMOGRAM": ("MG",),
    "MAMMOGRAPHY": ("MG",),
    "MG": ("MG",),
    "XRAY": ("CR", "DX", "RG", "XA", "RF"),
    "X-RAY": ("CR", "DX", "RG", "XA", "RF"),
    "CR": ("CR", "DX", "RG"),
    "DX": ("CR", "DX", "RG"),
}
_SCORES = ("class", "probabilit", "vector", "score", "logit")
_MAPS = ("segmentation", "label", "mask", "onehot", "one-hot")
BACKGROUND = ("background", "bg")


@dataclass(frozen=True)
class Described:
    """What the metadata of a bundle tells, in the terms of a package."""

    task: str
    labels: tuple[Label, ...]
    input: InputSpec
    suitability: Suitability
    weights: Path
    sha256: str


def describe(root: Path, whole: Section, config_file: Path) -> Described:
    """Read a bundle without a "medassist" section.

    Refused when it does another task than segmentation and classification, wants more than one image, or does not say
    what its outputs are. The SHA-256 is that of the weights as they lie there: their publisher promises none.
    """
    config = read_config(config_file)
    layout = whole.section("network_data_format")
    image, pred = _image(whole, layout), _prediction(whole, layout)
    task = _task(whole, image, pred)
    weights = _weights(root, config)
    return Described(
        task=task,
        labels=_labels(task, pred, config),
        input=_input(whole, image, config),
        suitability=Suitability(modality=_modality(image)),
        weights=weights,
        sha256=_sha256(weights),
    )


def _image(whole: Section, layout: Section) -> Section:
    """Return the one image among the inputs (Refused when there is none, or something else is wanted too)."""
    inputs = layout.section("inputs")
    names = list(inputs.data)
    key = "image" if "image" in names else names[0] if len(names) == 1 else ""
    if len(names) > 1 or not key or not _is_image(inputs.section(key)):
        raise Refused(
            "{file}: the model takes {inputs}, and MedAssist gives one image to a model.",
            file=whole.file,
            inputs=", ".join(names) or "—",
        )
    return inputs.section(key)


def _is_image(section: Section) -> bool:
    kind = section.text("type", "image").lower()
    return kind in ("image", "magnitude", "array", "tensor") or "image" in kind


def _prediction(whole: Section, layout: Section) -> Section:
    outputs = layout.section("outputs")
    key = "pred" if "pred" in outputs.data else next(iter(outputs.data), "pred")
    if len(outputs.data) > 1:
        raise _other_task(whole, ", ".join(outputs.data))
    return outputs.section(key)


def _task(whole: Section, image: Section, pred: Section) -> str:
    """Tell the task by the type, the format and the shape of the output (Refused for any other than our two)."""
    kind, form = pred.text("type", "").lower(), pred.text("format", "").lower()
    size, axes = pred.items("spatial_shape", ()), len(image.items("spatial_shape", ()))
    # [1, classes] is how the zoo writes a vector; a label map has the axes of the image.
    vector = len(size) <= 1 or (len(size) == 2 and size[0] == 1)
    scores = any(word in kind or word in form for word in _SCORES)
    if (vector and (scores or any(word in form for word in _MAPS))) or form in ("classes", "classification"):
        return "classification"
    if len(size) == axes and any(word in form for word in (*_MAPS, "prob")) and kind in ("image", "magnitude", ""):
        return "segmentation"
    if len(size) == axes and kind in ("probabilities", "probability") and not vector:
        return "segmentation"
    raise _other_task(whole, "/".join(one for one in (kind, form) if one))


def _other_task(whole: Section, output: str) -> Refused:
    told = whole.data.get("task") or whole.data.get("name") or "?"
    return Refused(
        "{file}: this package's task is {task} (output: {output}), and MedAssist runs segmentation and classification.",
        file=whole.file,
        task=str(told)[:120],
        output=output or "?",
    )


def _input(whole: Section, image: Section, config: Section) -> InputSpec:
    axes = len(image.items("spatial_shape"))
    # A network of two dimensions that a SliceInferer leads through a volume takes the volume.
    dimensions = 3 if _target(config, "inferer") == "SliceInferer" else axes
    channels = image.integer("num_channels", 1)
    if dimensions not in (2, 3) or not 1 <= channels <= MAX_CHANNELS:
        raise Refused(
            "{file}: an image of {axes} dimensions and {channels} channels cannot be given to a model here.",
            file=image.file,
            axes=dimensions,
            channels=channels,
        )
    data_type = str(whole.data.get("data_type", "")).lower()
    picture = dimensions == 2 and any(word in data_type for word in PICTURES)
    return InputSpec(dimensions, "display" if picture else "modality", channels, _channel_names(image, channels))


def _channel_names(image: Section, channels: int) -> tuple[str, ...]:
    """Return what each channel is where they are several series; () for grey values and for colours."""
    axes = len(image.items("spatial_shape"))
    named = image.section("channel_def", optional=True)
    names = tuple(plain_label(named.data.get(str(at), "")) or f"channel {at}" for at in range(channels))
    colours = channels == 3 and (axes == 2 or [name[:1].upper() for name in names] == ["R", "G", "B"])
    return () if channels == 1 or colours else names


def _target(config: Section, key: str) -> str:
    value = config.data.get(key)
    return str(value.get("_target_", "")).rpartition(".")[2] if isinstance(value, dict) else ""


def _modality(image: Section) -> tuple[str, ...]:
    stated = str(image.data.get("modality", "")).strip().upper()
    return _MODALITIES.get(stated, ("CT",) if image.data.get("format") == "hounsfield" else ())


def _labels(task: str, pred: Section, config: Section) -> tuple[Label, ...]:
    named = pred.section("channel_def", optional=True).data
    count = pred.integer("num_channels", len(named) or 1)
    most = 256 if task == "segmentation" else MAX_LABELS
    if not 1 <= count <= most:
        raise Refused(
            "{file}: the key {key} must be a number from 1 to {most}.",
            file=pred.file,
            key=pred.place("num_channels"),
            most=most,
        )
    names = _distinct([_name(named, at) for at in range(count)])
    rule = read_decision(config)
    if task == "classification":
        return tuple(Label(at, name, threshold=rule.threshold or 0.5) for at, name in enumerate(names))
    # A channel decided by itself is a label; else channel 0 is what is left over.
    whole = count == 1 or (rule.threshold is not None and names[0].lower() not in BACKGROUND)
    return tuple(
        Label(value, names[channel], color=_color(value), channel=channel)
        for value, channel in enumerate(range(0 if whole else 1, count), start=1)
    )


def _name(named: Any, at: int) -> str:
    return plain_label(named.get(str(at), "")) or f"Channel {at}"


def _distinct(names: list[str]) -> list[str]:
    """Number the names that occur twice, so that no two labels are the same."""
    times = Counter(names)
    return [name if times[name] == 1 else f"{name} ({at})" for at, name in enumerate(names)]


def _color(value: int) -> tuple[int, int, int]:
    """Return a colour that differs from its neighbours': steps of the golden angle round the hues."""
    red, green, blue = colorsys.hsv_to_rgb((0.11 + value * 0.381966) % 1.0, 0.75, 1.0 if value % 2 else 0.8)
    return round(255 * red), round(255 * green), round(255 * blue)


def _weights(root: Path, config: Section) -> Path:
    """Return the first file there is: where the configuration says the weights are, then the usual places.

    Refused for a place outside of the package, whether anything is there or not.
    """
    told = [path for path in (_told_weights(root, config),) if path is not None]
    paths = told + [inside(root, config.file, "weights", name) for name in WEIGHTS]
    return next((path for path in paths if path.is_file()), paths[0])


def _told_weights(root: Path, config: Section) -> Path | None:
    for key, value in config.data.items():
        for at, loader in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(loader, dict) or not str(loader.get("_target_", "")).endswith("CheckpointLoader"):
                continue
            place = f"{key}[{at}].load_path" if isinstance(value, list) else f"{key}.load_path"
            told = _load_path(config, place, loader.get("load_path"))
            if told is not None:
                return inside(root, config.file, place, told)
    return None


def _load_path(config: Section, place: str, value: object) -> str | None:
    """Read the path of a checkpoint loader as data, as if the package were the current folder; None when it is code."""
    changed = Section(config.file, "", {**config.data, "bundle_root": ".", place: value})
    try:
        found = value_at(changed, place)
    except Refused:
        return None
    return found if isinstance(found, str) else None


def _sha256(weights: Path) -> str:
    try:
        told = weights.stat()
    except OSError:
        return ""
    usable = weights.is_file() and not too_large(weights)
    return _digest(weights, told.st_size, told.st_mtime_ns) if usable else ""


@lru_cache(maxsize=256)
def _digest(weights: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - they tell an old answer from a new one
    try:
        with weights.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
