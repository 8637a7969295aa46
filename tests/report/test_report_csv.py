"""Tables of findings and measurements: right numbers, units beside them, and no cell that calculates."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from report_cases import MODEL, make_case

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.progress import Progress
from medassist.report.export import export
from medassist.report.measurements_csv import cell
from medassist.report.notes import notes

ELLIPSE = Measurement(
    "1.2.3",
    "key",
    Shape.ELLIPSE,
    ((0.0, 0.0, 0.5), (12.3, 0.0, 0.5), (6.0, 3.0, 0.5), (6.0, -3.0, 0.5)),
    2,
    label="=HYPERLINK(1)",
    quantities=(Quantity("area", 120.5, "mm2"), Quantity("mean", -41.25, "[hnsf'U]")),
    by="Jane Doe",
)


@pytest.fixture
def case(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    return replace(
        make_case(tmp_path / "in"), measurements=(ELLIPSE, replace(ELLIPSE, shape=Shape.ARROW, quantities=()))
    )


def rows(folder, name):
    with (folder / name).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_findings_have_their_figures_origin_and_verdict(case, tmp_path):
    export(case, tmp_path / "out", ("csv",), progress=Progress())
    told = rows(tmp_path / "out", "findings.csv")
    first = case.findings[0]
    assert [row["tracking_uid"] for row in told] == [one.tracking_uid for one in case.findings]
    assert float(told[0]["volume_ml"]) == pytest.approx(first.volume_ml)
    assert float(told[0]["center_p_mm"]) == pytest.approx(first.center_lps[1])
    assert float(told[0]["mean_value"]) == pytest.approx(first.measurements["mean_value"])
    assert told[0]["value_unit"] == "HU"
    assert (told[0]["model"], told[0]["weights_sha256"]) == (MODEL.name, MODEL.sha256)
    assert told[0]["verdict"] == "unreviewed"
    assert told[0]["key_slice"] == str(first.key_slice + 1)


def test_rejected_findings_are_left_out(case, tmp_path):
    rejected = replace(case.findings[0], judgement=Judgement.REJECTED)
    export(replace(case, findings=(rejected, *case.findings[1:])), tmp_path / "out", ("csv",), progress=Progress())
    assert rejected.tracking_uid not in {row["tracking_uid"] for row in rows(tmp_path / "out", "findings.csv")}


def test_measurements_have_one_row_per_figure_with_its_unit(case, tmp_path):
    export(case, tmp_path / "out", ("csv",), progress=Progress())
    told = rows(tmp_path / "out", "measurements.csv")
    assert [(row["quantity"], row["value"], row["unit"]) for row in told] == [
        ("area", "120.5", "mm2"),
        ("mean", "-41.25", "[hnsf'U]"),
        ("", "", ""),
    ]
    assert told[0]["points_lps_mm"].startswith("(0 0 0.5; 12.3 0 0.5")
    assert (told[0]["slice"], told[0]["made_by"], told[2]["shape"]) == ("3", "Jane Doe", "arrow")


@pytest.mark.parametrize("scale", [None, [0.2, 0.2]])
def test_places_on_pictures_are_pixels_and_never_millimetres(tmp_path, scale):
    phantoms.write_film(tmp_path / "in", modality="CR", spacing=scale, imager_spacing=None)
    case = make_case(tmp_path / "in", heatmaps=())
    ends = tuple(tuple(map(float, case.volume.geometry.to_world(at))) for at in ([3, 4, 0], [7.5, 9, 0]))
    line = Measurement("2.9", case.series.key, Shape.LENGTH, ends, 0, quantities=(Quantity("length", 6.7, "{pixels}"),))
    found = Finding("2.8", "Nodule", case.series.key, by="Ann", center_lps=ends[0], key_slice=0)
    case = replace(case, findings=(*case.findings, found), measurements=(line,))
    export(case, tmp_path / "out", ("csv", "json"), progress=Progress())
    (row,) = rows(tmp_path / "out", "measurements.csv")
    assert row["points_lps_mm"] == ""
    at = [[float(one) for one in point.split()] for point in row["points_px"].strip("()").split(";")]
    assert np.allclose(at, [[3, 4, 0], [7.5, 9, 0]], atol=1e-6)
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert told["other_findings"][-1]["center_lps"] is None
    assert told["other_findings"][-1]["center_px"] == pytest.approx([3, 4, 0], abs=1e-6)


def test_places_in_the_patient_are_millimetres_and_no_pixels(case, tmp_path):
    export(case, tmp_path / "out", ("csv", "json"), progress=Progress())
    assert {row["points_px"] for row in rows(tmp_path / "out", "measurements.csv")} == {""}
    told = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert told["segments"][0]["center_lps"] == pytest.approx(case.findings[0].center_lps)
    assert told["segments"][0]["center_px"] is None


def test_drawings_across_slices_are_counted_in_the_notes(case):
    across = replace(case, measurements=(replace(ELLIPSE, slice_index=None), ELLIPSE))
    said = [one.text() for one in notes(across)]
    assert "1 drawings run across slices; the presentation state leaves them out." in said
    assert not any("run across slices" in one.text() for one in notes(case))


def test_spreadsheets_know_the_encoding(case, tmp_path):
    named = replace(case.findings[0], label="海马")
    files = export(replace(case, findings=(named,)), tmp_path / "out", ("csv",), progress=Progress())
    assert all(path.read_bytes().startswith(b"\xef\xbb\xbf") for path in files)
    assert rows(tmp_path / "out", "findings.csv")[0]["label"] == "海马"


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+cmd", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])
def test_typed_texts_are_no_formulas(text):
    assert cell(text) == f"'{text}"


def test_numbers_and_plain_words_stay_as_they_are():
    assert [cell(one) for one in (-1.5, -3, 1e-7, "-41.25", "+2", None, True, "left lung", "3-4 mm")] == [
        "-1.5", "-3", "1e-07", "-41.25", "+2", "", "yes", "left lung", "3-4 mm",
    ]  # fmt: skip


def test_a_label_that_calculates_is_guarded_in_the_file(case, tmp_path):
    export(case, tmp_path / "out", ("csv",), progress=Progress())
    assert rows(tmp_path / "out", "measurements.csv")[0]["label"] == "'=HYPERLINK(1)"


def test_a_case_without_anything_writes_no_table(case, tmp_path):
    empty = replace(case, findings=(), measurements=())
    assert export(empty, tmp_path / "out", ("csv",), progress=Progress()) == ()
