"""Bundles of the shapes of the public zoo run through `analyze` and agree with MONAI's own run of the same files."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import zoo
import zoo_layouts as layouts
from PIL import Image
from scipy import ndimage

from medassist.inference.network import forget_networks

AFFINE = np.array([[-1.5, 0, 0, 20], [0, -1.5, 0, 30], [0, 0, 2.0, -40], [0, 0, 0, 1.0]])


@pytest.fixture(autouse=True)
def no_cached_networks():
    forget_networks()
    yield
    forget_networks()


def smooth(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=shape)
    blurred = ndimage.gaussian_filter(noise, [3] * 3 + [0] * (len(shape) - 3))
    return blurred / blurred.std()


def volume(folder: Path, *, channels: int = 0, spacing: float = 1.0, low: float = 50, step: float = 80) -> Path:
    shape = (40, 36, 24) + ((channels,) if channels else ())
    affine = AFFINE @ np.diag([spacing, spacing, spacing, 1.0])
    file = folder / "image.nii.gz"
    nib.save(nib.Nifti1Image((low + step * smooth(shape)).astype(np.int16), affine), file)
    return file


def picture(folder: Path, *, colors: bool, size: tuple[int, int] = (70, 64)) -> Path:
    values = 128 + 40 * np.stack([smooth((*size, 1), seed)[..., 0] for seed in range(3)], axis=-1)
    pixels = np.clip(values, 0, 255).astype(np.uint8)
    file = folder / "image.png"
    Image.fromarray(pixels if colors else pixels[..., 0]).save(file)
    return file


def run(medassist, root: Path, file: Path, out: Path, *more: str) -> dict:
    answer = medassist("analyze", file, "-m", root, "-o", out, "--explain", "none", "--device", "cpu", *more)
    assert answer.code == 0, answer.err
    assert not (root / "canary").exists()
    return json.loads((out / "result.json").read_text(encoding="utf-8"))


def mask_of(out: Path) -> np.ndarray:
    return np.asarray(nib.load(out / "mask.nii.gz").dataobj)


def dice(ours: np.ndarray, theirs: np.ndarray) -> float:
    both = np.count_nonzero(ours & theirs)
    return 2 * both / (np.count_nonzero(ours) + np.count_nonzero(theirs))


def compare(medassist, tmp_path: Path, layout: zoo.Layout, file: Path, least: float = 0.999) -> dict:
    """Run both and compare label by label, voxel by voxel in the file's own order."""
    root = zoo.write(layout, tmp_path / "bundle")
    found = run(medassist, root, file, tmp_path / "out")
    ours, theirs = mask_of(tmp_path / "out"), zoo.reference(root, file, layout.weights)[0]
    if file.suffix == ".png":
        ours = ours[..., 0]
    else:
        assert np.allclose(nib.load(tmp_path / "out" / "mask.nii.gz").affine, nib.load(file).affine, atol=1e-4)
    assert ours.shape == theirs.shape
    values = [value for value in np.unique(theirs) if value]
    assert 0.01 < np.count_nonzero(theirs) / theirs.size < 0.99, "nothing is compared where all is one label"
    overlaps = {int(value): dice(ours == value, theirs == value) for value in values}
    assert min(overlaps.values()) >= least, overlaps
    assert found["model"]["sha256"]
    return found


def test_layout_spleen_ct(medassist, tmp_path: Path) -> None:
    found = compare(medassist, tmp_path, layouts.spleen_ct(), volume(tmp_path))
    assert [one["label"] for one in found["segments"]] == ["spleen"]
    untold = [text for text in found["notes"] if text.startswith("Not told by the model's package: ")]
    for word in ("SHA-256", "codes", "layer to explain"):
        assert any(word in text for text in untold), untold


def test_layout_spleen_ct_resampled(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.spleen_ct(), volume(tmp_path, spacing=0.7))


def test_layout_prostate_mri(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.prostate_mri(), volume(tmp_path, low=400))


def test_layout_swin_unetr_btcv(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.swin_unetr_btcv(), volume(tmp_path))


def test_layout_whole_body_ct(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.whole_body_ct(), volume(tmp_path))


def test_layout_ventricles_by_slices(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.ventricles_by_slices(), volume(tmp_path))


def test_layout_pediatric_abdomen(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.pediatric_abdomen(), volume(tmp_path))


def test_layout_segmentation_template(medassist, tmp_path: Path) -> None:
    found = compare(medassist, tmp_path, layouts.segmentation_template(), volume(tmp_path))
    names = [one["label"] for one in found["segments"]]
    assert names == ["category 1 (1)", "category 1 (2)", "category 1 (3)"]


def test_layout_one_sigmoid(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.one_sigmoid(), volume(tmp_path))


def test_layout_endoscopic_tool(medassist, tmp_path: Path) -> None:
    compare(medassist, tmp_path, layouts.endoscopic_tool(), picture(tmp_path, colors=True))


def scores_of(medassist, tmp_path: Path, layout: zoo.Layout, file: Path) -> tuple[list[dict], np.ndarray]:
    """Return our classes, and the softmax of what MONAI's own network answers on MONAI's own preparation."""
    root = zoo.write(layout, tmp_path / "bundle")
    found = run(medassist, root, file, tmp_path / "out")
    logits = zoo.logits(root, file).astype(np.float64)
    grown = np.exp(logits - logits.max())
    return found["classes"], grown / grown.sum()


@pytest.mark.parametrize("name", ["classification_template", "endoscopic_inbody"])
def test_layout_of_a_classifier(medassist, tmp_path: Path, name: str) -> None:
    layout = getattr(layouts, name)()
    classes, shares = scores_of(medassist, tmp_path, layout, picture(tmp_path, colors=name == "endoscopic_inbody"))
    names = list(layout.outputs["channel_def"].values())
    assert [one["label"] for one in classes] == names
    assert np.allclose([one["probability"] for one in classes], shares, atol=1e-5)
    assert [one["positive"] for one in classes] == [at == shares.argmax() for at in range(len(shares))]
    assert {one["operating_point"] for one in classes} == {
        "No operating point is known: the class with the highest score is called."
    }
    assert not any(one["calibrated"] for one in classes)


def test_layout_brats(medassist, tmp_path: Path) -> None:
    root, file = zoo.write(layouts.brats(), tmp_path / "bundle"), volume(tmp_path, channels=4, low=400)
    found = run(medassist, root, file, tmp_path / "out")
    ours, theirs = mask_of(tmp_path / "out"), zoo.reference(root, file)
    assert ours.shape == (40, 36, 24, 3)
    assert [one["label"] for one in found["segments"]] == ["Tumor core", "Whole tumor", "Enhancing tumor"]
    voxel_ml = 1.5 * 1.5 * 2 / 1000
    for at, segment in enumerate(found["segments"]):
        assert np.array_equal(ours[..., at], theirs[at].astype(np.uint8)), segment["label"]
        assert segment["volume_ml"] == pytest.approx(theirs[at].sum() * voxel_ml, rel=1e-3)
    assert (ours.sum(axis=-1) > 1).any(), "nothing overlaps, so nothing was tested"
    channels = next(one for one in found["suitability"] if one["check"] == "Series")
    assert (channels["demanded"], channels["verdict"]) == ("T1c, T1, T2, FLAIR", "unknown")
