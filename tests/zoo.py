"""Bundles in the shapes of the public MONAI Model Zoo, written anew: small networks, random weights, and all the `$`
expressions around them that a reader must not run. None has a "medassist" section.

Weights are saved from the bundle's own `network_def`, built by MONAI's ConfigParser; `reference` runs the bundle with
MONAI's own parts, from the file to the array its last step would save.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

CT_VALUES = {"a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True}


def transform(name: str, keys: Any = "image", **arguments: Any) -> dict[str, Any]:
    return {"_target_": name, "keys": keys, **arguments}


def compose(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"_target_": "Compose", "transforms": list(steps)}


LOAD = (transform("LoadImaged"), transform("EnsureChannelFirstd"))
RAS = transform("Orientationd", axcodes="RAS")
INVERT = {
    "_target_": "Invertd",
    "keys": "pred",
    "transform": "@preprocessing",
    "orig_keys": "image",
    "meta_key_postfix": "meta_dict",
    "nearest_interp": False,
    "to_tensor": True,
}
SAVE = {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "output_dtype": "$numpy.float32"}
SOFTMAX = transform("Activationsd", "pred", softmax=True)
ARGMAX = transform("AsDiscreted", "pred", argmax=True)
UNET = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8, 16],
    "strides": [2, 2],
    "num_res_units": 1,
    "norm": "batch",
}


def surroundings(canary: Path) -> dict[str, Any]:
    """Return the sections a run never needs; each would leave a mark if it were run."""
    mark = f"$__import__('pathlib').Path('{canary}').touch()"
    return {
        "imports": ["$import glob", "$import os", "$import numpy", mark],
        "bundle_root": "/workspace/bundle",
        "output_dir": "$@bundle_root + '/eval'",
        "dataset_dir": "/workspace/data",
        "datalist": "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': i} for i in @datalist]",
            "transform": "@preprocessing",
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 4},
        "handlers": [{"_target_": "StatsHandler", "iteration_log": False, "output_transform": "$lambda x: None"}],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
            "amp": True,
        },
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        },
        "initialize": ["$monai.utils.set_determinism(seed=123)", mark, "$@checkpointloader(@evaluator)"],
        "run": ["$@evaluator.run()", mark],
    }


@dataclass(frozen=True)
class Layout:
    """One shape of a bundle: its configuration, the input and output of its metadata, and how it is stored."""

    config: dict[str, Any]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    yaml: bool = False
    weights: str = "models/model.pt"
    example: tuple[int, ...] = ()


def image(modality: str, size: list[Any], channels: int = 1, **more: Any) -> dict[str, Any]:
    form = "hounsfield" if modality == "CT" else "magnitude"
    return {
        "type": "image", "format": form, "modality": modality, "num_channels": channels, "spatial_shape": size,
        "dtype": "float32", "value_range": [0, 1], "is_patch_data": True, "channel_def": {"0": "image"}, **more,
    }  # fmt: skip


def outputs(names: list[str], size: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "image", "format": "segmentation", "num_channels": len(names), "spatial_shape": size,
        "dtype": "float32", "value_range": [0, 1], "is_patch_data": True,
        "channel_def": {str(at): name for at, name in enumerate(names)}, **more,
    }  # fmt: skip


def scores(names: list[str], **more: Any) -> dict[str, Any]:
    return outputs(names, [1, len(names)]) | {"type": "probabilities", "format": "classes"} | more


def write(layout: Layout, root: Path, *, seed: int = 0) -> Path:
    """Write a bundle; its weights are those its own network has under `seed`."""
    import torch

    for name in ("configs", "models", "docs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    config = surroundings(root / "canary") | layout.config
    config = {key: value for key, value in config.items() if value is not None}
    file = root / "configs" / ("inference.yaml" if layout.yaml else "inference.json")
    if layout.yaml:
        import yaml

        file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    else:
        file.write_text(json.dumps(config, indent=4), encoding="utf-8")
    about = {
        "version": "0.3.1", "monai_version": "1.4.0", "pytorch_version": "2.4.0", "name": root.name,
        "task": "A task", "description": "A model", "authors": "Somebody", "copyright": "Somebody",
        "data_type": "nibabel", "intended_use": "This is an example", **layout.metadata,
        "network_data_format": {"inputs": {"image": layout.inputs}, "outputs": {"pred": layout.outputs}},
    }  # fmt: skip
    (root / "configs" / "metadata.json").write_text(json.dumps(about, indent=4), encoding="utf-8")
    (root / "docs" / "README.md").write_text("# Model overview\n\nSegments something.\n", encoding="utf-8")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = parser_of(root).get_parsed_content("network_def")
        _stir(network)
        if layout.example:
            _level(network, layout.example)
    (root / layout.weights).parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), root / layout.weights)
    return root


def _stir(network: Any) -> None:
    """Make outputs that depend on the image: fresh networks often answer one class everywhere."""
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter) * parameter.abs().mean())


def _level(network: Any, example: tuple[int, ...]) -> None:
    """Shift the last bias so that no channel wins everywhere on noise of shape `example`."""
    import torch

    with torch.no_grad():
        answer = network.eval()(torch.rand(example))
        middle = answer.flatten(2).median(dim=2).values[0]
        list(network.parameters())[-1].sub_(middle)


def parser_of(root: Path) -> Any:
    """Return MONAI's own parser of the bundle, without what would write a mark or need the network."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    file = next(iter(sorted((root / "configs").glob("inference.*"))))
    parser.read_config(str(file))
    for key in ("imports", "initialize", "run", "datalist"):
        parser.config.pop(key, None)
    parser["device"] = "cpu"
    for step in parser.config.get("preprocessing", {}).get("transforms", []):
        if isinstance(step, dict):
            step.pop("reader", None)  # itk itself is not installed
    return parser


def reference(root: Path, picture: Path, weights: str = "models/model.pt") -> Any:
    """Run the bundle with MONAI's own parts on one file; return what its postprocessing leaves of `pred`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # readers of MONAI that are not installed
        return _reference(root, picture, weights)


def logits(root: Path, picture: Path, weights: str = "models/model.pt") -> Any:
    """Return what the network answers on MONAI's own preparation of one file (K,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(_predicted(root, picture, weights, parser_of(root))["pred"])


def _reference(root: Path, picture: Path, weights: str) -> Any:
    parser = parser_of(root)
    item = _predicted(root, picture, weights, parser)
    for at, step in enumerate(parser["postprocessing"]["transforms"]):
        if not str(step["_target_"]).startswith("SaveImage"):
            item = parser.get_parsed_content(f"postprocessing::transforms::{at}")(item)
    return np.asarray(item["pred"])


def _predicted(root: Path, picture: Path, weights: str, parser: Any) -> dict[str, Any]:
    import torch
    from monai.inferers import SimpleInferer

    before = parser.get_parsed_content("preprocessing")
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(root / weights, weights_only=True))
    item = before({"image": str(picture)})
    inferer = parser.get_parsed_content("inferer") if "inferer" in parser.config else SimpleInferer()
    with torch.inference_mode():
        item["pred"] = inferer(item["image"][None].float(), network)[0]
    return dict(item)
