"""The shipped packages run under MONAI's own command line, and the answers are ours."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference.packages import read
from medassist.inference.predict import predict, probability
from medassist.progress import Progress

MODELS = Path(__file__).resolve().parents[2] / "models"

pytest.importorskip("ignite", reason="MONAI's evaluator needs pytorch-ignite")
pytest.importorskip("fire", reason="MONAI's command line needs fire")


def run_by_monai(model: str, inputs: Path, outputs: Path) -> None:
    config = MODELS / model / "configs" / "inference.json"
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(config)]
    places = ["--bundle_root", str(MODELS / model), "--dataset_dir", str(inputs), "--output_dir", str(outputs)]
    done = subprocess.run(
        [*command, *places, "--device", "cpu"], capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stderr[-2000:]


def ours(model: str, file: Path):
    volume = load(scan(file, progress=Progress()).all_series()[0], progress=Progress())
    return predict(read(MODELS / model), volume, device="cpu")


def test_the_hippocampus_model_runs_under_monai(tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(36, 48, 34)), 2.5)
    file = inputs / "crop.nii.gz"
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    nib.save(nib.Nifti1Image((300 + 900 * noise / noise.std()).astype(np.int16), affine), file)
    run_by_monai("hippocampus_mr", inputs, outputs)
    theirs = np.asarray(nib.load(outputs / "crop_mask.nii.gz").dataobj)
    mask = ours("hippocampus_mr", file).mask
    assert mask is not None
    assert set(np.unique(theirs)) == {0, 1, 2}
    assert np.mean(mask.labels_zyx.transpose(2, 1, 0) == theirs) > 0.9999


def test_the_chest_model_runs_under_monai(tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(96, 80)), 3)
    Image.fromarray(np.clip(128 + 60 * noise / noise.std(), 0, 255).astype(np.uint8)).save(inputs / "film.png")
    run_by_monai("chest_xray_findings", inputs, outputs)
    with (outputs / "scores.csv").open(encoding="utf-8") as file:
        theirs = [float(value) for value in next(csv.reader(file))[1:]]
    package = read(MODELS / "chest_xray_findings")
    logits = {label.value: np.log(theirs[label.value] / (1 - theirs[label.value])) for label in package.labels}
    # MONAI gives the sigmoid of the outputs; the package's calibration comes on top of it here.
    for score, label in zip(ours("chest_xray_findings", inputs / "film.png").scores, package.labels, strict=True):
        assert score.probability == pytest.approx(probability(label, logits[label.value]), abs=1e-4)
