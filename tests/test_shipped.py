"""What ships, run as a user would: the demonstration, both models, and the figures their cards state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nibabel
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from phantoms import write_film, write_mr_series

from medassist.inference.catalogue import find, packages
from medassist.inference.explaining import read_measured
from medassist.locations import resources_dir

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]


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


@pytest.mark.parametrize("name", ["hippocampus_mr", "chest_xray_findings", "modality_router", "nuclei_he"])
def test_a_shipped_model_is_sound_and_has_cards_in_both_languages(name) -> None:
    package = find(name)
    assert package.availability.ok
    assert package.card("en") != package.card("zh_CN")
    assert package.sha256[:16] in package.card("en")
    assert medassist("models", "check", name).returncode == 0


@pytest.mark.parametrize("name", ["chest_xray_findings", "modality_router"])
def test_a_shipped_classifier_brings_what_random_weights_do_to_its_maps(name) -> None:
    package = find(name)
    measured = read_measured(package.explanation, package.sha256, package.name)
    assert {"gradcam", "integratedgradients", "occlusion", package.explanation.method} <= set(measured)


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


RUNTIME_ONLY = """
import sys
blocked = set(sys.argv.pop(1).split(","))
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from medassist.cli import main
main(sys.argv[1:])
"""


def modules_beyond_the_runtime() -> set[str]:
    """Return the top-level modules of this environment that a plain installation, without extras, does not bring."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    queue, runtime = [Requirement(one) for one in wanted], set()
    while queue:
        one = queue.pop()
        if canonicalize_name(one.name) in runtime or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        runtime.add(canonicalize_name(one.name))
        queue += [Requirement(text) for text in metadata.requires(one.name) or ()]
    owners = metadata.packages_distributions()
    ours = {"medassist", "pip", "setuptools", "pkg_resources", "_distutils_hack"}
    return {name for name, dists in owners.items() if not {canonicalize_name(d) for d in dists} & runtime} - ours


@pytest.mark.parametrize("name", ["hippocampus_mr", "chest_xray_findings", "nuclei_he"])
def test_a_shipped_model_runs_on_a_plain_installation(tmp_path, name) -> None:
    """The test extra brings packages a user does not have: a model must not lean on them."""
    if name == "hippocampus_mr":
        write_mr_series(tmp_path / "in", slices=40, rows=48, columns=40)
    elif name == "nuclei_he":
        (tmp_path / "in").mkdir()
        shutil.copy(find(name).root / "test/phantom.png", tmp_path / "in")
    else:
        write_film(tmp_path / "in", PatientOrientation=["L", "F"])
    blocked = modules_beyond_the_runtime()
    assert "pytest" in blocked
    words = ["analyze", str(tmp_path / "in"), "-m", name, "-o", str(tmp_path / "out"), "--json"]
    words += ["--override", "a phantom is like no training image"]
    command = [sys.executable, "-c", RUNTIME_ONLY, ",".join(sorted(blocked)), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == name
