"""What ships, run as a user would: the demonstration, both models, and the figures their cards state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medassist.inference.catalogue import find, packages
from medassist.locations import resources_dir

BIN = Path(sys.executable).parent


def medassist(*words: object, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run the command without a display, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"LC_ALL": language, "LANG": language}
    command = [sys.executable, "-m", "medassist", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def dicom_errors(folder: Path) -> list[str]:
    tool = BIN / "dciodvfy"
    if not tool.exists():
        pytest.skip("dciodvfy (package dicom3tools) is not installed")
    found = []
    for path in sorted(folder.glob("*.dcm")):
        said = subprocess.run([tool, "-new", path], capture_output=True, text=True)
        found += [
            f"{path.name}: {line}" for line in (said.stdout + said.stderr).splitlines() if line.startswith("Error")
        ]
    return found


def test_the_demonstration_reports_on_the_chest_and_refuses_the_leg(tmp_path) -> None:
    done = medassist("demo", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "RG3" in done.stdout
    assert "EXTREMITY" in done.stdout
    assert not (tmp_path / "RG3").exists()
    names = {path.name for path in (tmp_path / "RG1").iterdir()}
    assert {"result.json", "sr.dcm", "heatmap-1.dcm", "report.pdf", "report.html", "key-1.png"} <= names
    assert (tmp_path / "window.png").stat().st_size > 100_000
    assert dicom_errors(tmp_path / "RG1") == []


@pytest.mark.parametrize("name", ["hippocampus_mr", "chest_xray_findings"])
def test_a_shipped_model_is_sound_and_has_cards_in_both_languages(name) -> None:
    package = find(name)
    assert package.availability.ok
    assert package.card("en") != package.card("zh_CN")
    assert package.sha256[:16] in package.card("en")
    assert medassist("models", "check", name).returncode == 0


def test_every_shipped_package_is_listed() -> None:
    assert {one.name for one in packages()} >= {"hippocampus_mr", "chest_xray_findings"}


@pytest.mark.parametrize("series", ["11_HCropVolume", "14_HCropVolume", "13_HCropVolume"])
def test_hippocampus_crops_from_dicom_get_plausible_volumes(shared_data, tmp_path, series) -> None:
    crop = shared_data(f"hippocampus/dicom_crops/{series}")
    done = medassist("analyze", crop, "-m", "hippocampus_mr", "-o", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    segments = json.loads(done.stdout)["segments"]
    assert len(segments) == 2
    assert all(0.5 <= one["volume_ml"] <= 3.0 for one in segments)
    front, back = (one["center_lps"][1] for one in segments)
    assert front < back  # anterior lies in front: y grows towards the back
    medassist("convert", crop, "-o", tmp_path / "series.nii.gz")
    mask, image = nibabel.load(tmp_path / "out" / "mask.nii.gz"), nibabel.load(tmp_path / "series.nii.gz")
    assert mask.shape == image.shape
    np.testing.assert_allclose(mask.affine, image.affine, atol=1e-4)
    assert dicom_errors(tmp_path / "out") == []


def test_the_hippocampus_model_keeps_the_dice_of_its_card(shared_data) -> None:
    done = medassist("evaluate", "hippocampus_mr", shared_data("hippocampus"), "--json")
    assert done.returncode == 0, done.stderr
    labels = json.loads(done.stdout)["labels"]
    assert np.mean([label["dice"]["value"] for label in labels.values()]) >= 0.88


def test_a_window_is_drawn_in_chinese(tmp_path) -> None:
    film = resources_dir() / "samples" / "RG1_J2KR.dcm"
    done = medassist("open", film, "--screenshot", tmp_path / "window.png", "--language", "zh_CN")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "window.png").stat().st_size > 100_000
