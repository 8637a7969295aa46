from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import change_json, write_json

from medassist.entities.errors import Refused, UsageError
from medassist.inference import catalogue
from medassist.inference.packages import read
from medassist.language import localized, set_language


def test_a_package_is_read_whole(tiny_segmenter: Path) -> None:
    package = read(tiny_segmenter)
    assert (package.name, package.version, package.task) == ("tiny_segmenter", "0.1.0", "segmentation")
    assert (package.title, package.title_zh) == ("Tiny model", "微型模型")
    assert [segment.value for segment in package.segments] == [1, 2]
    assert package.segments[0].modifier is not None
    assert package.segments[0].modifier.meaning == "Anterior"
    assert package.suitability.modality == ("MR",)
    assert package.suitability.spacing_mm == (0.3, 5.0)
    assert package.ref.sha256 == package.sha256
    assert len(package.sha256) == 64
    assert package.card("zh_CN").startswith("# A model for tests")
    assert package.availability.ok


def test_a_classifier_knows_its_operating_points(tiny_classifier: Path) -> None:
    effusion, cardiomegaly = read(tiny_classifier).labels
    assert (effusion.threshold, effusion.slope, effusion.intercept, effusion.calibrated) == (0.3, 0.5, -0.25, True)
    assert (cardiomegaly.threshold, cardiomegaly.slope, cardiomegaly.calibrated) == (0.9, 1.0, False)


BROKEN = {
    "medassist.task": {"task": "detection"},
    "medassist.weights.sha256": {"weights": {"file": "models/model.pt", "sha256": "abc"}},
    "medassist.weights.file": {"weights": {"sha256": ""}},
    "medassist.input.dimensions": {"input": {"dimensions": 4}},
    "medassist.labels": {"labels": []},
    "medassist.labels[0].value": {"labels": [{"label": "x"}]},
    "medassist.labels[0].code": {"labels": [{"value": 1, "label": "x", "code": ["1", "SCT"]}]},
    "medassist.labels[0].color": {"labels": [{"value": 1, "label": "x", "color": [1, 2, 300]}]},
    "medassist.suitability.spacing_mm": {"suitability": {"spacing_mm": [2, 1]}},
    "medassist.suitability.modality": {"suitability": {"modality": [1]}},
    "medassist.title.en": {"title": {"en": 3}},
    "medassist.suitability.extent_mm": {"suitability": {"extent_mm": [1, 10**400]}},
    "medassist.input.channels": {"input": {"dimensions": 3, "channels": 10**400}},
}


@pytest.mark.parametrize("key", BROKEN)
def test_a_schema_error_names_file_and_key(tiny_segmenter: Path, key: str) -> None:
    change_json(tiny_segmenter, "metadata", medassist=BROKEN[key])
    with pytest.raises(Refused, match=r"metadata\.json") as caught:
        read(tiny_segmenter)
    assert f" {key} " in caught.value.sentence()
    assert caught.value.exit_code == 4


def test_a_calibrated_label_must_bring_its_calibration(tiny_classifier: Path) -> None:
    label = {"value": 0, "label": "x", "threshold": 0.5, "calibrated": True}
    change_json(tiny_classifier, "metadata", medassist={"labels": [label]})
    with pytest.raises(Refused, match="calibration"):
        read(tiny_classifier)
    change_json(tiny_classifier, "metadata", medassist={"labels": [{"value": 0, "label": "x"}]})
    with pytest.raises(Refused, match=r"threshold is missing"):
        read(tiny_classifier)


@pytest.mark.parametrize("file", ["../other/model.pt", "/etc/passwd", "models/../../model.pt", ""])
def test_weights_outside_the_package_are_refused(tiny_segmenter: Path, file: str) -> None:
    change_json(tiny_segmenter, "metadata", medassist={"weights": {"file": file, "sha256": ""}})
    with pytest.raises(Refused, match=r"medassist\.weights\.file points outside"):
        read(tiny_segmenter)


@pytest.mark.parametrize("name", ["models/model.pt", "configs/metadata.json", "configs/inference.json"])
@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_out_of_the_package_is_refused(tiny_segmenter: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (tiny_segmenter / name).rename(outside)
    (tiny_segmenter / name).symlink_to(outside)
    with pytest.raises(Refused, match="outside"):
        read(tiny_segmenter)


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(tiny_segmenter: Path) -> None:
    file = tiny_segmenter / "configs" / "metadata.json"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(Refused, match=r"metadata\.json is no file"):
        read(tiny_segmenter)


def test_a_missing_or_broken_file_is_named(tiny_segmenter: Path) -> None:
    config = tiny_segmenter / "configs" / "inference.json"
    metadata = tiny_segmenter / "configs" / "metadata.json"
    metadata.write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match=r"metadata.json is not valid JSON"):
        read(tiny_segmenter)
    metadata.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(Refused, match=r"metadata.json is not valid JSON"):
        read(tiny_segmenter)
    metadata.unlink()
    with pytest.raises(Refused, match=r"metadata.json cannot be read"):
        read(tiny_segmenter)
    assert config.exists()


def test_missing_weights_make_a_package_unavailable_not_unreadable(tiny_segmenter: Path) -> None:
    (tiny_segmenter / "models" / "model.pt").unlink()
    assert read(tiny_segmenter).availability.reason == "its weights are missing"


@pytest.fixture
def two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    shipped, mine = tmp_path / "shipped", tmp_path / "mine"
    shipped.mkdir()
    monkeypatch.setattr(catalogue, "shipped_models_dir", lambda: shipped)
    monkeypatch.setattr(catalogue, "user_models_dir", lambda: mine)
    return shipped, mine


def test_broken_packages_stay_listed_with_their_reason(tiny_segmenter: Path, two_folders: tuple[Path, Path]) -> None:
    shipped, mine = two_folders
    tiny_segmenter.rename(shipped / "good")
    (mine / "bad" / "configs").mkdir(parents=True)
    write_json(mine / "bad", "metadata", {"version": "1"})
    bad, good = catalogue.packages()
    assert (good.name, good.availability.ok) == ("good", True)
    assert bad.name == "bad"
    assert "the key medassist is missing" in bad.availability.reason
    with pytest.raises(Refused, match="medassist is missing"):
        catalogue.find("bad")


def test_a_model_is_found_by_name_and_by_folder(tiny_segmenter: Path, two_folders: tuple[Path, Path]) -> None:
    shipped, _ = two_folders
    assert catalogue.find(tiny_segmenter).root == tiny_segmenter
    moved = tiny_segmenter.rename(shipped / "good")
    assert catalogue.find("good").root == moved


def test_an_unknown_model_is_bad_usage_and_lists_the_known(
    tiny_segmenter: Path, two_folders: tuple[Path, Path]
) -> None:
    with pytest.raises(UsageError, match="No model is installed"):
        catalogue.find("nosuch")
    tiny_segmenter.rename(two_folders[0] / "good")
    with pytest.raises(UsageError, match=r"no model called nosuch. Known models: good\.") as caught:
        catalogue.find("nosuch")
    assert caught.value.exit_code == 2
    set_language("zh_CN")
    assert localized(caught.value) == "没有名为 nosuch 的模型。已知模型：good。"


def test_reading_packages_needs_no_torch() -> None:
    code = (
        "import sys; import medassist.inference.catalogue as c, medassist.inference.suitability, "
        "medassist.inference.predict, medassist.inference.devices; c.packages(); "
        "print(*[name for name in ('torch', 'monai', 'SimpleITK') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == ""
