"""The sections of inference.json by which `python -m monai.bundle run` takes a package from files to files.

MedAssist reads none of them: they are for the field's own tools (MONAI with pytorch-ignite and fire).
"""

from __future__ import annotations

from typing import Any

INVERT = {
    "_target_": "Invertd",
    "keys": "pred",
    "transform": "@preprocessing",
    "orig_keys": "image",
    "nearest_interp": False,
    "to_tensor": True,
}
SAVE_MASK = {
    "_target_": "SaveImaged",
    "keys": "pred",
    "output_dir": "@output_dir",
    "output_postfix": "mask",
    "output_dtype": "uint8",
    "separate_folder": False,
    "resample": False,
}
SAVE_SCORES = {
    "_target_": "SaveClassificationd",
    "keys": "pred",
    "meta_keys": "image_meta_dict",
    "output_dir": "@output_dir",
    "filename": "scores.csv",
}


def workflow() -> dict[str, Any]:
    """Return where files come from, where they go, and how MONAI's evaluator runs the parts of the package."""
    return {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/input'",
        "output_dir": "$@bundle_root + '/output'",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "datalist": "$[{'image': one} for one in sorted(glob.glob(@dataset_dir + '/*'))]",
        "network": "$@network_def.to(@device)",
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
            "map_location": "@device",
        },
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "initialize": ["$@checkpointloader(@evaluator)"],
        "run": ["$@evaluator.run()"],
    }
