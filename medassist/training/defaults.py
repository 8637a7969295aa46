"""What a recipe that names no network need not say: the rest of it is filled in by what usually does for its task.

A table that is there is taken as it stands, and a recipe with a network as it is: nothing is mixed out of two hands.
The bundle gets the recipe with everything filled in, so that it stays what it was when these defaults change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]

SEGMENTATION, ANOMALY, INSTANCES = "segmentation", "anomaly", "instances"
WINDOW = {2: [256, 256], 3: [64, 64, 64]}
PICTURE = {2: [128, 128], 3: [64, 64, 48]}
FILTERS = {2: [32, 64, 128, 256, 256], 3: [16, 32, 64, 128]}


def with_defaults(recipe: Table) -> dict[str, Any]:
    """Return a recipe with every table it lacks, when it names no network; what it says is never changed.

    `instances` has no default network: how objects are told apart depends on their size.
    """
    filled = dict(recipe)
    task, labels = recipe.get("task"), recipe.get("labels")
    if "network" in recipe or not isinstance(recipe.get("package", {}), dict):
        return filled
    if not isinstance(task, str) or not isinstance(labels, list):
        return filled
    package = dict(recipe.get("package", {}))
    package.setdefault("title", {"en": str(recipe.get("name", ""))})
    package.setdefault("input", {"dimensions": 3 if task == SEGMENTATION else 2})
    dimensions = package["input"].get("dimensions", 3) if isinstance(package["input"], dict) else 3
    package["input"] = _input(package["input"], dimensions)
    filled["package"] = package
    for key, value in {**_always(), **_learning(task, dimensions, len(labels), package["input"])}.items():
        filled.setdefault(key, value)
    filled["data"] = {**_FOLDS, **filled["data"]} if not _has_folds(filled["data"]) else filled["data"]
    return filled


_FOLDS: Table = {"layout": "files", "folds": 5, "train_folds": [0, 1, 2], "validation_folds": [3], "test_folds": [4]}


def _has_folds(data: Any) -> bool:
    return not isinstance(data, dict) or "train_folds" in data


def _input(given: Any, dimensions: int) -> Any:
    if not isinstance(given, dict):
        return given
    return {"values": "modality" if dimensions == 3 else "display", **given, "dimensions": dimensions}


def _always() -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "data": {},
        "card": {},
        "optimiser": {"learning_rate": 1e-3, "weight_decay": 1e-4, "warmup_epochs": 2},
    }


def _learning(task: str, dimensions: int, labels: int, given: Table) -> dict[str, Any]:
    if dimensions not in WINDOW or task == INSTANCES:
        return {}
    channels = given.get("channels", 1)
    if task == SEGMENTATION:
        return _masks(dimensions, labels, channels)
    network = _autoencoder(dimensions, channels) if task == ANOMALY else _classifier(dimensions, labels, channels)
    return {
        "network": network,
        "preprocessing": [
            {"_target_": "Resized", "keys": ["image"], "spatial_size": PICTURE[dimensions], "mode": "area"},
            *_SCALING,
        ],
        "inferer": {"_target_": "SimpleInferer"},
        "augmentation": [_shifted(["image"], dimensions, "bilinear"), *_GREY],
        "schedule": _schedule(epochs=60, batch_size=16 if dimensions == 2 else 4),
    }


def _masks(dimensions: int, labels: int, channels: int) -> dict[str, Any]:
    window, stages = WINDOW[dimensions], len(FILTERS[dimensions])
    both = ["image", "label"]
    return {
        "network": {
            "_target_": "DynUNet",
            "spatial_dims": dimensions,
            "in_channels": channels,
            "out_channels": labels + 1,
            "kernel_size": [3] * stages,
            "strides": [1] + [2] * (stages - 1),
            "upsample_kernel_size": [2] * (stages - 1),
            "filters": FILTERS[dimensions],
        },
        "preprocessing": [
            *([{"_target_": "Orientationd", "keys": ["image"], "axcodes": "RAS"}] if dimensions == 3 else []),
            *_SCALING,
            {"_target_": "SpatialPadd", "keys": ["image"], "spatial_size": window},
        ],
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": window, "overlap": 0.5, "mode": "gaussian"},
        # No flips: left and right are not the same in a patient.
        "augmentation": [
            {"_target_": "RandSpatialCropd", "keys": both, "roi_size": window, "random_size": False},
            _shifted(both, dimensions, ["bilinear", "nearest"]),
            *_GREY,
        ],
        "loss": {"include_background": False, "batch": True},
        "schedule": _schedule(epochs=100, batch_size=2 if dimensions == 3 else 8),
    }


def _classifier(dimensions: int, labels: int, channels: int) -> dict[str, Any]:
    return {
        "_target_": "DenseNet121",
        "spatial_dims": dimensions,
        "in_channels": channels,
        "out_channels": labels,
        "dropout_prob": 0.2,
    }


def _autoencoder(dimensions: int, channels: int) -> dict[str, Any]:
    return {
        "_target_": "medassist.inference.networks.reconstruction.ReconstructionError",
        "spatial_dims": dimensions,
        "in_channels": channels,
        "out_channels": channels,
        "channels": [16, 32, 64],
        "strides": [2, 2, 2],
    }


def _shifted(keys: list[str], dimensions: int, mode: str | list[str]) -> dict[str, Any]:
    return {
        "_target_": "RandAffined",
        "keys": keys,
        "prob": 0.8,
        "rotate_range": [0.2] * (1 if dimensions == 2 else 3),
        "scale_range": [0.1] * dimensions,
        "translate_range": [4] * dimensions,
        "mode": mode,
        "padding_mode": "border",
    }


def _schedule(epochs: int, batch_size: int) -> dict[str, Any]:
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": 0,
        "ema_decay": 0.98,
        "patience": 30,
        "validate_every": 2,
        "gradient_clip": 5.0,
    }


_SCALING: tuple[dict[str, Any], ...] = (
    {
        "_target_": "ScaleIntensityRangePercentilesd",
        "keys": ["image"],
        "lower": 0.5,
        "upper": 99.5,
        "b_min": -1.0,
        "b_max": 1.0,
        "clip": True,
    },
)
_GREY: tuple[dict[str, Any], ...] = (
    {"_target_": "RandAdjustContrastd", "keys": ["image"], "prob": 0.3, "gamma": [0.7, 1.5], "retain_stats": True},
    {"_target_": "RandGaussianNoised", "keys": ["image"], "prob": 0.2, "std": 0.05},
)
