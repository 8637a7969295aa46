"""A report on objects one by one: numbered mask, table, key picture, result for scripts, pages."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image
from pydicom import Dataset

from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.imaging.load import load
from medassist.imaging.render import blend_labels
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.findings import findings_from
from medassist.report.instances import write_table
from medassist.report.sr_remarks import add_remarks

NUCLEUS = Segment(1, "Nucleus", color=(0, 230, 118), title_zh="细胞核")
SQUARES = ((4, 6, 3), (4, 9, 3), (20, 30, 5))  # row, column, side: the first two touch


@pytest.fixture
def case(tmp_path: Path) -> Case:
    picture = np.full((40, 60, 3), (200, 180, 220), np.uint8)
    labels = np.zeros((1, 40, 60), np.int32)
    for number, (row, column, side) in enumerate(SQUARES, start=1):
        labels[0, row : row + side, column : column + side] = number
        picture[row : row + side, column : column + side] = (90, 30, 120)
    Image.fromarray(picture).save(tmp_path / "tissue.png")
    found = scan(tmp_path / "tissue.png", progress=Progress())
    study, series = found.studies[0], found.all_series()[0]
    volume = load(series, progress=Progress())
    instances = Instances(labels, volume.geometry)
    mask = Mask((labels > 0).astype(np.uint8), volume.geometry, (NUCLEUS,), instances=instances)
    model = ModelRef("nuclei", "1.0.0", "ab" * 32, "Nuclei")
    prediction = Prediction(model, series.key, "2026-11-20T12:00:00+00:00", "cpu", mask=mask)
    findings = findings_from(prediction, volume)
    return Case(study, series, volume, (prediction,), (), findings)


def test_every_object_is_numbered_and_listed(case: Case, tmp_path: Path) -> None:
    out = tmp_path / "out"
    names = {path.name for path in export(case, out, ("nifti", "png", "json"), progress=Progress())}
    assert {"mask.nii.gz", "instances.csv", "key-1.png", "result.json"} <= names
    numbers = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "mask.nii.gz")))
    assert case.prediction is not None
    assert case.prediction.instances is not None
    np.testing.assert_array_equal(np.squeeze(numbers), case.prediction.instances.labels_zyx[0])
    with (out / "instances.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == ["1", "2", "3"]
    assert lines[2] == {
        "id": "3",
        "area_px": "25",
        "area_um2": "",
        "row": "22.00",
        "column": "32.00",
        "row_min": "20",
        "column_min": "30",
        "row_max": "24",
        "column_max": "34",
    }


def test_result_counts_in_pixels_and_says_why(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "out", ("nifti", "json"), progress=Progress())
    told = json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))
    (objects,) = told["instances"]
    assert objects["label"] == "Nucleus"
    assert objects["file"] == "instances.csv"
    assert (objects["count"], objects["median_area_px"], objects["touching_edge"]) == (3, 9, 0)
    assert "median_area_um2" not in objects
    assert told["segments"][0]["count"] == 3
    assert told["segments"][0]["volume_ml"] is None
    assert any("pixels" in note for note in told["notes"])
    assert not any("volumes" in note for note in told["notes"])


def test_rejected_objects_are_no_label_map_and_no_table(case: Case, tmp_path: Path) -> None:
    (found,) = case.findings
    told = replace(case, findings=(replace(found, judgement=Judgement.REJECTED),))
    export(told, tmp_path / "out", ("nifti", "json"), progress=Progress())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["result.json"]
    assert json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))["instances"][0]["file"] is None


def test_a_new_report_without_objects_takes_the_old_table_away(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "out", ("nifti", "json"), progress=Progress())
    bare = replace(case, predictions=(), findings=())
    export(bare, tmp_path / "out", ("nifti", "json"), progress=Progress())
    assert not (tmp_path / "out/instances.csv").exists()


def test_a_line_parts_objects_that_touch(case: Case) -> None:
    assert case.prediction is not None
    assert case.prediction.mask is not None
    mask, objects = case.prediction.mask, case.prediction.instances
    assert objects is not None
    white = np.full((40, 60, 3), 255, np.uint8)
    drawn = blend_labels(white, mask.labels_zyx[0], mask.colors(), objects=objects.labels_zyx[0], fill_opacity=0.0)
    fused = blend_labels(white, mask.labels_zyx[0], mask.colors(), fill_opacity=0.0)
    assert (drawn[5, 8] == NUCLEUS.color).all()  # right edge of the first, where the second begins
    assert (fused[5, 8] == 255).all()
    assert (drawn[5, 7] == 255).all()


def test_the_pages_say_how_many_and_how_large(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "en", ("html",), progress=Progress())
    export(replace(case, language="zh_CN"), tmp_path / "zh", ("html",), progress=Progress())
    english, chinese = ((tmp_path / name / "report.html").read_text(encoding="utf-8") for name in ("en", "zh"))
    assert "3 objects, median area 9 pixels" in english
    assert "Measured size" in english
    assert "共 3 个，面积中位数 9 像素" in chinese


def test_areas_are_square_micrometres_where_pixels_have_a_size(tmp_path: Path) -> None:
    labels = np.zeros((1, 8, 8), np.int32)
    labels[0, 2:4, 2:6] = 1
    home = Geometry(np.diag([0.00025, 0.00025, 1.0, 1.0]), labels.shape)
    with write_table(Instances(labels, home), tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert float(line["area_um2"]) == pytest.approx(8 * 0.25**2)


def test_the_structured_report_counts_in_words(case: Case) -> None:
    group = Dataset()
    group.ContentSequence = []
    add_remarks(group, case.findings[0])
    assert "3 objects, median area 9 pixels" in [one.TextValue for one in group.ContentSequence]


def test_a_picture_without_objects_has_an_empty_table(tmp_path: Path) -> None:
    empty = Instances(np.zeros((1, 5, 5), np.int32), Geometry(np.eye(4), (1, 5, 5), calibrated=False))
    assert write_table(empty, tmp_path / "t.csv").read_text(encoding="utf-8").count("\n") == 1
