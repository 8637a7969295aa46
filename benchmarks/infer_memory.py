"""Peak memory of one run: 512 x 512 x 300 voxels, a network of 104 outputs, through the whole of `predict`."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path

SHAPE = (300, 512, 512)
CLASSES = 104
WINDOW = 96

CODE = "from benchmarks.infer_memory import run; run({shape!r}, {coarse!r})"


def run(shape: tuple[int, int, int], coarse: bool) -> None:
    """Run a network of 104 outputs on a volume of `shape` and print what the process took at most, in bytes, as JSON.

    `coarse` brings the image to a grid of its own first, so that all probabilities have to come home by interpolation.
    """
    import numpy as np

    from medassist.entities.geometry import Geometry
    from medassist.entities.study import Series, SeriesKind
    from medassist.entities.volume import Volume
    from medassist.inference.packages import read
    from medassist.inference.predict import predict

    with tempfile.TemporaryDirectory() as folder:
        package = read(_package(Path(folder) / "many", coarse))
        k, j, i = np.ogrid[tuple(slice(size) for size in shape)]
        array = ((k // 20 * 7 + j // 25 * 5 + i // 25 * 3) % CLASSES).astype(np.int16)
        series = Series("1", SeriesKind.VOLUME, (), shape_zyx=shape)
        volume = Volume(series, array[None], Geometry(np.diag([-1.0, -1.0, 1.0, 1.0]), shape, "1.2"))
        mask = predict(package, volume, device="cpu").mask
        assert mask is not None
        found = len(np.unique(mask.labels_zyx))
    print(json.dumps({"peak": _peak_bytes(), "labels": found, "wrong": float((mask.labels_zyx != array).mean())}))


def _package(root: Path, coarse: bool) -> Path:
    """Write a package whose network answers the value of a voxel: logit c of value v is c * v - c * c / 2."""
    import torch

    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    values = torch.arange(CLASSES, dtype=torch.float32)
    state = {"weight": values.reshape(-1, 1, 1, 1, 1), "bias": -values * values / 2}
    torch.save(state, root / "models" / "model.pt")
    digest = hashlib.sha256((root / "models" / "model.pt").read_bytes()).hexdigest()
    labels = [{"value": value, "label": f"Part {value}"} for value in range(1, CLASSES)]
    metadata = {
        "version": "1",
        "medassist": {
            "title": {"en": "Many"},
            "task": "segmentation",
            "weights": {"file": "models/model.pt", "sha256": digest},
            "input": {"dimensions": 3},
            "labels": labels,
        },
    }
    spacing = {"_target_": "Spacingd", "keys": "image", "pixdim": [1.05, 1.05, 1.05], "mode": "bilinear"}
    steps = [{"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"}, *([spacing] if coarse else [])]
    network = {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": CLASSES, "kernel_size": 1}
    inference = {
        "network_def": network,
        "preprocessing": {"_target_": "Compose", "transforms": steps},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [WINDOW] * 3, "overlap": 0.25, "mode": "gaussian"},
    }
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    (root / "configs" / "inference.json").write_text(json.dumps(inference), encoding="utf-8")
    return root


def _peak_bytes() -> int:
    """Return the largest resident memory of this process."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
