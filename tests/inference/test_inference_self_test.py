"""`models check`: the own test image finds what a hash cannot, a changed answer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from bundles import change_json, sign, write_classifier, write_segmenter, write_threshold_segmenter

from medassist.entities.prediction import Verdict
from medassist.inference.catalogue import find
from medassist.inference.missing import missing
from medassist.inference.packages import Package, read
from medassist.inference.self_test import EXPLAINED, RUN, examine
from medassist.progress import Progress


def verdicts(package: Package) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in examine(package, progress=Progress())}


@pytest.fixture
def thresholder(tmp_path: Path) -> Path:
    """A segmenter of values above 5, with a cube of 4 x 4 x 4 such voxels to test it on."""
    root = write_threshold_segmenter(tmp_path / "thresholder", 5)
    values = np.zeros((8, 8, 8), np.int16)
    values[2:6, 2:6, 2:6] = 9
    (root / "test").mkdir()
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), root / "test" / "cube.nii.gz")
    (root / "test" / "expected.json").write_text(json.dumps({"answer": {"Anterior part": 64}}))
    change_json(
        root, "metadata", medassist={"self_test": {"image": "test/cube.nii.gz", "expected": "test/expected.json"}}
    )
    return root


def test_the_expected_answer_passes(thresholder) -> None:
    checks = examine(read(thresholder), progress=Progress())
    assert all(check.verdict is Verdict.PASS for check in checks)
    assert "own test image" in checks[-1].found
    assert "no test image of its own" not in missing(read(thresholder))


@pytest.mark.parametrize("answer", [{"Anterior part": 66}, {"Anterior part": 62}, {"Another": 64}])
def test_another_answer_fails(thresholder, answer) -> None:
    (thresholder / "test" / "expected.json").write_text(json.dumps({"answer": answer}))
    assert verdicts(read(thresholder))[RUN] is Verdict.FAIL


@pytest.mark.parametrize("place", ["../cube.nii.gz", "/etc/passwd", ""])
def test_a_test_image_outside_the_package_is_refused(thresholder, place) -> None:
    change_json(thresholder, "metadata", medassist={"self_test": {"image": place, "expected": "test/expected.json"}})
    assert verdicts(read(thresholder))[RUN] is Verdict.FAIL


def test_a_test_image_that_is_gone_is_said(thresholder) -> None:
    (thresholder / "test" / "cube.nii.gz").unlink()
    check = examine(read(thresholder), progress=Progress())[-1]
    assert check.verdict is Verdict.UNKNOWN
    assert "does not bring it" in check.found


@pytest.mark.parametrize("write", [write_segmenter, write_classifier])
def test_without_an_own_image_the_shape_of_the_answer_is_checked(tmp_path, write) -> None:
    package = read(write(tmp_path / "tiny"))
    assert set(verdicts(package).values()) == {Verdict.PASS}
    labels = [*package.metadata["medassist"]["labels"], {"value": 7, "label": "Seventh", "threshold": 0.5}]
    change_json(package.root, "metadata", medassist={"labels": labels})
    sign(package.root)
    assert verdicts(read(package.root))[RUN] is Verdict.FAIL


@pytest.mark.parametrize("name", ["hippocampus_mr", "chest_xray_findings"])
def test_shipped_models_say_what_they_said_on_their_test_image(name) -> None:
    checks = examine(find(name), progress=Progress())
    assert checks[-1].verdict is Verdict.PASS, checks
    assert "own test image" in checks[-1].found


@pytest.mark.parametrize(
    ("weights", "promise", "verdict"),
    [("own", "kept", Verdict.PASS), ("other", "kept", Verdict.FAIL), ("own", "broken", Verdict.FAIL)],
)
def test_what_was_measured_of_maps_must_be_of_these_weights(thresholder, weights, promise, verdict) -> None:
    own = read(thresholder).sha256
    content = json.dumps({"weights": own if weights == "own" else "0" * 64, "methods": {}}).encode()
    (thresholder / "configs" / "explanations.json").write_bytes(content)
    sha256 = hashlib.sha256(content if promise == "kept" else b"").hexdigest()
    change_json(
        thresholder,
        "metadata",
        medassist={"explanation": {"measured": {"file": "configs/explanations.json", "sha256": sha256}}},
    )
    assert verdicts(read(thresholder))[EXPLAINED] is verdict


def test_a_package_that_measured_nothing_of_its_maps_is_not_asked_about_them(thresholder) -> None:
    assert EXPLAINED not in verdicts(read(thresholder))
