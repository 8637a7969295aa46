"""Make the test images of the shipped models, store what the models say on them, and what was measured of their maps.

    python packaging/make_test_images.py [NAME...]

The images are drawn from formulas, of nobody, and free of any licence. Run it again after a model was trained: what
was measured of maps (configs/explanations.json) holds for the weights it was measured on, and is refused for others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medassist.explain.costs import passes_of
from medassist.explain.methods import METHODS
from medassist.explain.quality.known import measure_package, write_known
from medassist.inference.catalogue import find
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.inference.self_test import TOLERANCE, answer, opened
from medassist.progress import Progress

MOST_PASSES = 10
"""What one map of a segmenter may cost here, in passes of its large network; its other maps are measured when asked."""


def blob(shape: tuple[int, ...], center: tuple[float, ...], radius: tuple[float, ...]) -> NDArray[np.float64]:
    """Return a soft ball, 1 in its middle: centre and radii in voxels."""
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij")
    distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, center, radius, strict=True))
    return np.asarray(1.0 / (1.0 + np.exp(8.0 * (np.sqrt(distance) - 1.0))))


def head_crop() -> NDArray[np.int16]:
    """Return (x, y, z) of a grey, bent body in brighter surroundings, with a dark gap beside it, 1 mm voxels, RAS."""
    shape = (36, 52, 36)
    body = np.zeros(shape)
    for share in np.linspace(0.0, 1.0, 12):  # from behind and above to front and below, thicker in front
        radius = 4.0 + 3.0 * share
        center = (14.0 + 8.0 * (share - 0.4) ** 2 * 4.0, 10.0 + 30.0 * share, 22.0 - 8.0 * share)
        body = np.maximum(body, blob(shape, center, (radius, radius, 0.8 * radius)))
    gap = blob(shape, (26.0, 34.0, 17.0), (3.0, 10.0, 3.0))
    noise = np.random.default_rng(0).normal(0.0, 8.0, shape)
    return np.rint(np.clip(430.0 - 120.0 * body - 250.0 * gap + noise, 0.0, 1000.0)).astype(np.int16)


def chest_film() -> NDArray[np.uint8]:
    """Return (rows, columns) of two dark lungs, a bright heart to the right of the picture, and a spine, 64 x 64."""
    shape = (64, 64)
    lungs = np.maximum(blob(shape, (30, 18), (22, 11)), blob(shape, (30, 46), (22, 11)))
    heart, spine = blob(shape, (40, 36), (13, 10)), blob(shape, (32, 31), (60, 3))
    picture = 175.0 - 120.0 * lungs * (1.0 - heart) + 40.0 * heart + 20.0 * spine
    noise = np.random.default_rng(0).normal(0.0, 4.0, shape)
    return np.rint(np.clip(picture + noise, 0.0, 255.0)).astype(np.uint8)


def hand_film() -> NDArray[np.uint8]:
    """Return (rows, columns) of a bright palm with five fingers and a wrist on a dark ground, 64 x 64."""
    shape = (64, 64)
    palm = np.maximum(blob(shape, (42, 31), (11, 10)), blob(shape, (58, 31), (12, 6)))
    for tip, base in (((36, 8), (46, 24)), ((14, 20), (36, 25)), ((7, 30), (34, 30)), ((10, 40), (35, 36)),
                      ((22, 49), (40, 39))):  # fmt: skip
        for share in np.linspace(0.0, 1.0, 16):
            middle = tuple(t + share * (b - t) for t, b in zip(tip, base, strict=True))
            palm = np.maximum(palm, blob(shape, middle, (2.6, 2.6)))
    noise = np.random.default_rng(0).normal(0.0, 3.0, shape)
    return np.rint(np.clip(25.0 + 170.0 * palm + noise, 0.0, 255.0)).astype(np.uint8)


def tissue() -> NDArray[np.uint8]:
    """Return (rows, columns, 3) of violet ellipses on a pale violet ground, two pairs of them touching, 192 x 256."""
    shape = (192, 256)
    inside = np.zeros(shape)
    for row, column, down, right in ((40, 45, 14, 10), (40, 66, 12, 10), (50, 160, 9, 20), (120, 60, 11, 13),
                                     (135, 150, 16, 12), (135, 176, 14, 12), (100, 215, 8, 8), (165, 30, 8, 12),
                                     (170, 220, 10, 15)):  # fmt: skip
        inside = np.maximum(inside, blob(shape, (row, column), (down, right)))
    ground, nucleus = np.array([190.0, 170.0, 215.0]), np.array([85.0, 45.0, 150.0])
    noise = np.random.default_rng(0).normal(0.0, 5.0, (*shape, 3))
    picture: NDArray[np.float64] = ground + (nucleus - ground) * inside[..., None] + noise
    return np.rint(np.clip(picture, 0.0, 255.0)).astype(np.uint8)


def store(package: Package, image: Path) -> None:
    """Write what the model says on its test image beside it."""
    prediction = predict(package, opened(image, Progress()), device="cpu")
    digits = 0 if prediction.mask is not None else 4
    said = {label: round(value, digits) for label, value in answer(prediction).items()}
    content = {"answer": said, "tolerance": TOLERANCE}
    (image.parent / "expected.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(image, said)  # noqa: T201 - a script for a terminal


def measure(package: Package) -> None:
    """Keep in the package what random weights do to its maps."""
    cheap = [
        one.name
        for one in METHODS
        if one.applies_to("segmentation") and passes_of(one, (64, 64), region=True, settings={}) <= MOST_PASSES
    ]
    found = measure_package(package, cheap if package.marks_voxels else (), device="cpu")
    write_known(package, found)
    print(package.name, found)  # noqa: T201 - a script for a terminal


MADE: dict[str, Callable[[], NDArray[Any]]] = {
    "hippocampus_mr": head_crop,
    "chest_xray_findings": chest_film,
    "modality_router": hand_film,
    "nuclei_he": tissue,
}


def main() -> None:
    """Make the images of all models, or of those named on the command line."""
    for name in sys.argv[1:] or MADE:
        package, array = find(name), MADE[name]()
        (package.root / "test").mkdir(exist_ok=True)
        image = package.root / "test" / ("phantom.nii.gz" if package.input.dimensions == 3 else "phantom.png")
        if package.input.dimensions == 3:
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), image)
        else:
            Image.fromarray(array).save(image)
        store(package, image)
        measure(find(name))


if __name__ == "__main__":
    main()
