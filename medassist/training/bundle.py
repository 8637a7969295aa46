"""Write the files of a model package: MONAI metadata, inference configuration, weights, recipe and licence."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import UnwritableOutput
from medassist.training.calibration import Calibration
from medassist.training.recipe import Label, Recipe
from medassist.training.record import write_json
from medassist.training.tasks.choosing import task_of
from medassist.training.tasks.task import OperatingPoint
from medassist.training.workflow import INVERT, SAVE_MASK, SAVE_SCORES, workflow

if TYPE_CHECKING:
    import torch

WEIGHTS = "models/model.pt"
CROSS_FITTED = "the training patients, scored by models that had not seen them"
VALIDATION = "the validation patients"

Operation = tuple[Calibration, OperatingPoint]


def write_skeleton(recipe: Recipe, out: Path) -> None:
    """Write everything but the weights; the package reads as "not trained yet" (UnwritableOutput)."""
    try:
        for folder in ("configs", "models", "docs"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        if recipe.path.resolve() != (out / "recipe.toml").resolve():
            (out / "recipe.toml").write_text(recipe.text, encoding="utf-8")
        licence = recipe.path.parent / "LICENSE"
        if licence.is_file() and licence.resolve() != (out / "LICENSE").resolve():
            shutil.copyfile(licence, out / "LICENSE")
        write_json(out / "configs/inference.json", inference_content(recipe))
        write_json(out / "configs/metadata.json", metadata_content(recipe, "", {}))
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=out, reason=error.strerror) from error


def write_weights(
    recipe: Recipe, out: Path, weights: Mapping[str, torch.Tensor], operations: Sequence[Operation]
) -> None:
    """Write the state dict as float32 and then the metadata that promises its SHA-256 (UnwritableOutput)."""
    import torch

    content = io.BytesIO()
    torch.save({key: _plain(value) for key, value in weights.items()}, content)
    points = {label.value: operation for label, operation in zip(recipe.labels, operations, strict=False)}
    partial = out / f"{WEIGHTS}.partial"
    try:
        partial.write_bytes(content.getvalue())
        os.replace(partial, out / WEIGHTS)  # noqa: PTH105 - named for its guarantee: all or nothing
        sha256 = hashlib.sha256(content.getvalue()).hexdigest()
        write_json(out / "configs/metadata.json", metadata_content(recipe, sha256, points))
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=out, reason=error.strerror) from error


def _plain(value: torch.Tensor) -> torch.Tensor:
    tensor = value.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).contiguous()


def inference_content(recipe: Recipe) -> dict[str, Any]:
    """Return inference.json: the parts as literals, and how MONAI's own runner takes them from files to files."""
    loading = [
        {"_target_": "LoadImaged", "keys": ["image"], "image_only": False},
        {"_target_": "EnsureChannelFirstd", "keys": ["image"]},
    ]
    task = task_of(recipe)
    after: list[Mapping[str, Any]] = [{"_target_": "Activationsd", "keys": "pred", **task.activation}]
    if task.logits is None:
        after += [INVERT, {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}]
    save = SAVE_MASK if task.logits is None else SAVE_SCORES
    return {
        **workflow(),
        "network_def": network_content(recipe),
        "preprocessing": {"_target_": "Compose", "transforms": [*loading, *map(dict, recipe.preprocessing)]},
        "inferer": dict(recipe.inferer),
        "postprocessing": {"_target_": "Compose", "transforms": [*after, *map(dict, recipe.postprocessing), save]},
    }


def network_content(recipe: Recipe) -> dict[str, Any]:
    """Return what a package runs: the network of the recipe, or several of it as one."""
    if recipe.ensemble is None:
        return dict(recipe.network)
    arguments = {key: value for key, value in recipe.network.items() if key != "_target_"}
    return {
        "_target_": "medassist.inference.networks.ensemble.Ensemble",
        "members": recipe.ensemble.members,
        "network": recipe.network["_target_"].rpartition(".")[2],
        "last": recipe.ensemble.last,
        "arguments": arguments,
    }


def metadata_content(recipe: Recipe, sha256: str, operations: Mapping[int, Operation]) -> dict[str, Any]:
    """Return metadata.json: MONAI's keys and the "medassist" section of docs/model-package.md."""
    own = dict(recipe.package)
    monai_keys: dict[str, Any] = {
        key: own.pop(key) for key in ("description", "authors", "copyright", "intended_use") if key in own
    }
    return {
        "version": recipe.version,
        "changelog": {recipe.version: recipe.card.get("changes", "First version.")},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {},
        "name": recipe.name,
        "task": own["title"]["en"],
        **monai_keys,
        "data_source": recipe.card.get("data_source", ""),
        "references": list(recipe.card.get("references", [])),
        "network_data_format": _data_format(recipe),
        "medassist": {
            **own,
            **task_of(recipe).metadata,
            "weights": {"file": WEIGHTS, "sha256": sha256},
            "labels": [_label(recipe, label, operations.get(label.value)) for label in recipe.offered],
        },
    }


def _label(recipe: Recipe, label: Label, operation: Operation | None) -> dict[str, Any]:
    content = {"value": label.value, "label": label.label, **label.metadata}
    if operation is None:
        return content if label.members == label.unless == () else {**content, "threshold": 0.5}
    calibration, point = operation
    if calibration.fitted:
        content["calibration"] = {"slope": calibration.slope, "intercept": calibration.intercept}
    return {
        **content,
        "threshold": point.threshold,
        "calibrated": calibration.fitted,
        "operating_point": point.sentence(CROSS_FITTED if recipe.cross_fit else VALIDATION),
    }


def _data_format(recipe: Recipe) -> dict[str, Any]:
    segmenter = task_of(recipe).logits is None
    kind, titles = ("segmentation", {"0": "background"}) if segmenter else ("probability", {})
    image = {
        "type": "image",
        "format": "magnitude",
        "num_channels": recipe.package["input"].get("channels", 1),
        "dtype": "float32",
        "is_patch_data": segmenter,
        "channel_def": {"0": "image"},
    }
    outputs = {
        "type": kind,
        "format": kind,
        "num_channels": task_of(recipe).channels(recipe),
        "dtype": "float32",
        "channel_def": {**titles, **{str(label.value): label.label for label in recipe.labels}},
    }
    return {"inputs": {"image": image}, "outputs": {"pred": outputs}}
