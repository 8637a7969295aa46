"""Tiny model packages for tests: real networks with a fixed seed or with weights chosen so that the answer is known.

`from bundles import write_segmenter` works in every test; the fixtures `tiny_segmenter` and `tiny_classifier` of
tests/inference/conftest.py show the use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RAS = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
]
UNET_3D = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 3,
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
}
VOXELWISE = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 2, "kernel_size": 1}
DENSENET_2D = {
    "_target_": "DenseNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "init_features": 4,
    "growth_rate": 4,
    "block_config": [1, 1],
    "bn_size": 1,
}
WINDOWS = {
    "_target_": "SlidingWindowInferer",
    "roi_size": [16, 16, 16],
    "sw_batch_size": 1,
    "overlap": 0.5,
    "mode": "gaussian",
}


def compose(*transforms: dict[str, Any]) -> dict[str, Any]:
    """Return a Compose of transforms as a bundle writes it."""
    return {"_target_": "Compose", "transforms": list(transforms)}


def write_package(
    root: Path,
    *,
    metadata: dict[str, Any],
    inference: dict[str, Any],
    state: dict[str, Any] | None = None,
    seed: int = 0,
) -> Path:
    """Write a package with the given JSON; `state` None stands for the network's own weights under `seed`."""
    import torch

    from medassist.inference.bundle import build_network
    from medassist.inference.packages import read

    for name in ("configs", "models", "docs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    write_json(root, "metadata", metadata)
    write_json(root, "inference", inference)
    (root / "docs" / "README.md").write_text("# A model for tests\n\nIt knows nothing.\n", encoding="utf-8")
    if state is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            state = build_network(read(root)).state_dict()
    torch.save(state, root / "models" / "model.pt")
    sign(root)
    return root


def write_json(root: Path, name: str, value: dict[str, Any]) -> None:
    """Write configs/NAME.json."""
    (root / "configs" / f"{name}.json").write_text(json.dumps(value, indent=2), encoding="utf-8")


def change_json(root: Path, name: str, **changes: Any) -> None:
    """Change top-level keys of configs/NAME.json; keys of the medassist section go with `medassist={...}`."""
    value = json.loads((root / "configs" / f"{name}.json").read_text(encoding="utf-8"))
    own = changes.pop("medassist", None)
    value.update(changes)
    if own is not None:
        value["medassist"].update(own)
    write_json(root, name, value)


def sign(root: Path) -> None:
    """Put the SHA-256 of the weights as they are now into the metadata."""
    digest = hashlib.sha256((root / "models" / "model.pt").read_bytes()).hexdigest()
    change_json(root, "metadata", medassist={"weights": {"file": "models/model.pt", "sha256": digest}})


def write_calibration(root: Path, labels: dict[str, dict[str, list[float]]], **changes: Any) -> Path:
    """Give a signed package calibration cases, and its metadata their SHA-256; `changes` go into the file."""
    own = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))["medassist"]
    file = root / "models" / "calibration.json"
    told = {"weights": own["weights"]["sha256"], "source": "Invented for tests.", "labels": labels, **changes}
    file.write_text(json.dumps(told), encoding="utf-8")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    change_json(root, "metadata", medassist={"calibration": {"file": "models/calibration.json", "sha256": digest}})
    return file


def metadata(task: str, labels: Sequence[dict[str, Any]], **own: Any) -> dict[str, Any]:
    """Return a metadata.json with a medassist section."""
    return {
        "version": "0.1.0",
        "name": "Tiny",
        "medassist": {
            "title": {"en": "Tiny model", "zh_CN": "微型模型"},
            "task": task,
            "weights": {"file": "models/model.pt", "sha256": ""},
            "input": {"dimensions": 3, "values": "modality"},
            "labels": list(labels),
            **own,
        },
    }


SEGMENTS = (
    {
        "value": 1,
        "label": "Anterior part",
        "title_zh": "前部",
        "color": [230, 159, 0],
        "category": ["91723000", "SCT", "Anatomical Structure"],
        "code": ["5366008", "SCT", "Hippocampus"],
        "modifier": ["255549009", "SCT", "Anterior"],
    },
    {
        "value": 2,
        "label": "Posterior part",
        "title_zh": "后部",
        "color": [86, 180, 233],
        "category": ["91723000", "SCT", "Anatomical Structure"],
        "code": ["5366008", "SCT", "Hippocampus"],
        "modifier": ["255551008", "SCT", "Posterior"],
    },
)
FINDINGS = (
    {
        "value": 0,
        "label": "Effusion",
        "title_zh": "胸腔积液",
        "threshold": 0.3,
        "calibrated": True,
        "calibration": {"slope": 0.5, "intercept": -0.25},
        "operating_point": "Chosen for tests.",
        "code": ["60046008", "SCT", "Pleural effusion"],
    },
    {"value": 1, "label": "Cardiomegaly", "title_zh": "心脏增大", "threshold": 0.9},
)


def write_segmenter(root: Path, *, modality: str = "MR", seed: int = 0, **inference: Any) -> Path:
    """Write a 3-D UNet with two labels (3 channels), 16-voxel windows, random weights."""
    parts = {
        "network_def": UNET_3D,
        "preprocessing": compose(*RAS, {"_target_": "NormalizeIntensityd", "keys": "image"}),
        "inferer": WINDOWS,
        **inference,
    }
    suitability = {"modality": [modality], "spacing_mm": [0.3, 5.0]}
    explanation = {"layer": "model.1.submodule", "method": "seg-gradcam"}
    about = metadata("segmentation", SEGMENTS, suitability=suitability, explanation=explanation)
    return write_package(root, metadata=about, inference=parts, seed=seed)


def write_threshold_segmenter(root: Path, threshold: float, *transforms: dict[str, Any], **inference: Any) -> Path:
    """Write a segmenter whose answer is known: label 1 where the prepared value exceeds `threshold`."""
    import torch

    parts = {
        "network_def": VOXELWISE,
        "preprocessing": compose(*RAS, *transforms),
        "inferer": {"_target_": "SimpleInferer"},
        **inference,
    }
    weight = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1, 1)
    state = {"weight": weight, "bias": torch.tensor([0.0, -float(threshold)])}
    about = metadata("segmentation", SEGMENTS[:1])
    return write_package(root, metadata=about, inference=parts, state=state)


def write_classifier(root: Path, *, size: int = 32, body_part: str = "CHEST", seed: int = 0, **inference: Any) -> Path:
    """Write a 2-D DenseNet with two findings on a film of `size` x `size` display values, random weights."""
    parts = {
        "network_def": DENSENET_2D,
        "preprocessing": compose(
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Resized", "keys": "image", "spatial_size": [size, size], "mode": "area"},
            {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": 0, "a_max": 255, "b_min": 0, "b_max": 1},
        ),
        "inferer": {"_target_": "SimpleInferer"},
        **inference,
    }
    about = metadata(
        "classification",
        FINDINGS,
        input={"dimensions": 2, "values": "display"},
        suitability={
            "modality": ["CR", "DX", "RG"],
            "body_part": [body_part],
            "view_position": ["PA", "AP"],
            "age_years": [18, 100],
        },
        explanation={"layer": "features", "method": "gradcam"},
    )
    return write_package(root, metadata=about, inference=parts, seed=seed)
