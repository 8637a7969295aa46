"""Findings: size, place, key slice and values of what a model marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import phantoms
import pytest
from report_cases import ANTERIOR, SCORES, make_case
from test_report_sr import read

from medassist.entities.prediction import ClassScore, Code
from medassist.report.findings import findings_from
from medassist.report.page import page
from medassist.report.result_json import result


def test_segment_is_measured_in_ml_mm_and_hu(tmp_path):
    phantoms.write_ct_series(tmp_path, spacing=(0.7, 0.8, 2.5))
    case = make_case(tmp_path)
    labels = case.predictions[0].mask.labels_zyx
    first, second, missing = case.findings
    inside = labels == ANTERIOR.value
    assert first.volume_ml == pytest.approx(inside.sum() * 0.7 * 0.8 * 2.5 / 1000)
    k, j, i = (axis.mean() for axis in np.nonzero(inside))
    assert first.center_lps == pytest.approx((-22.05 + 0.7 * i, -22.05 + 0.8 * j, -10.0 + 2.5 * k))
    assert first.key_slice == inside.sum(axis=(1, 2)).argmax()
    values = case.volume.array_zyx[inside]
    least, most = values.min(), values.max()
    told = {"mean_value": values.mean(), "sd_value": values.std(), "min_value": least, "max_value": most}
    assert first.measurements == pytest.approx(told)
    assert first.slices == (int(np.nonzero(inside)[0].min()), int(np.nonzero(inside)[0].max()))
    assert (first.components, first.component) == ((), None)
    assert second.present
    assert (missing.present, missing.volume_ml, missing.center_lps, missing.key_slice) == (False, 0.0, None, None)
    assert len({one.tracking_uid for one in case.findings}) == 3


def test_key_slice_has_the_largest_area(tmp_path):
    phantoms.write_ct_series(tmp_path)
    case = make_case(tmp_path)
    mask = case.predictions[0].mask
    labels = np.zeros_like(mask.labels_zyx)
    labels[2, 5:8, 5:8] = 1
    labels[6, 5:9, 5:9] = 1
    prediction = replace(case.predictions[0], mask=replace(mask, labels_zyx=labels))
    assert findings_from(prediction, case.volume)[0].key_slice == 6


def test_a_segment_has_the_axes_of_its_longest_slice_in_mm(tmp_path):
    phantoms.write_ct_series(tmp_path / "in", spacing=(0.5, 0.8, 2.5))  # rows, columns, slices
    case = make_case(tmp_path / "in")
    mask, geometry = case.predictions[0].mask, case.volume.geometry
    column_mm, row_mm, _ = geometry.spacing_mm
    labels = np.zeros_like(mask.labels_zyx)
    labels[3, 10:13, 5:21] = 1  # 3 rows, 16 columns
    labels[4, 10:13, 5:15] = 1
    prediction = replace(case.predictions[0], mask=replace(mask, labels_zyx=labels))
    (found, *_) = findings_from(prediction, case.volume)
    assert found.diameters.index == 3
    assert found.diameters.long_axis == pytest.approx(np.hypot(16 * column_mm, 2 * row_mm), abs=0.3)
    assert found.diameters.short_axis == pytest.approx(3 * row_mm, abs=0.2)
    rows, columns = np.array(found.diameters.ends).T
    assert (columns.min(), columns.max()) == pytest.approx((4.5, 20.5))
    assert 9.5 <= rows.min() < rows.max() <= 12.5
    told = replace(case, predictions=(prediction,), findings=(found,))
    (segment,) = result(told)["segments"]
    assert (segment["long_axis_mm"], segment["diameter_slice"]) == (found.diameters.long_axis, 3)
    assert found.diameters.text in str(page(told))
    (group,) = read(told, tmp_path / "out")[1].get_volumetric_roi_measurement_groups()
    axes = {one.name.meaning: float(one.value) for one in group.get_measurements() if "axis" in one.name.meaning}
    assert axes == pytest.approx({"Long axis": found.diameters.long_axis, "Short axis": found.diameters.short_axis})


def test_nothing_is_said_of_axes_without_a_scale(tmp_path):
    phantoms.write_ct_series(tmp_path)
    case = make_case(tmp_path)
    bare = replace(case.volume, geometry=replace(case.volume.geometry, calibrated=False))
    assert [one.diameters for one in findings_from(case.predictions[0], bare)] == [None, None, None]
    assert case.findings[2].diameters is None, "nothing was marked"


def test_every_class_becomes_a_finding_at_its_operating_point(tmp_path):
    phantoms.write_film(tmp_path)
    found = make_case(tmp_path).findings
    assert [(one.label, one.present, one.calibrated) for one in found] == [
        ("Effusion", True, False),
        ("Cardiomegaly", False, True),
    ]
    assert [(one.probability, one.threshold) for one in found] == [(one.probability, one.threshold) for one in SCORES]


def test_padding_does_not_count(tmp_path):
    phantoms.write_ct_series(tmp_path)
    case = make_case(tmp_path)
    values = case.volume.array_tzyx.copy()
    k, j, i = (axis[0] for axis in np.nonzero(case.predictions[0].mask.labels_zyx == 1))
    values[0, k, j, i] = -2000
    volume = replace(case.volume, array_tzyx=values, padding=(-2000.0, -2000.0))
    clean = case.volume.array_zyx[case.predictions[0].mask.labels_zyx == 1][1:]
    assert findings_from(case.predictions[0], volume)[0].measurements["mean_value"] == pytest.approx(clean.mean())


def test_irregular_slices_have_no_volume_but_a_true_place(tmp_path):
    phantoms.write_ct_series(tmp_path)
    (tmp_path / "CT0002.dcm").unlink()
    case = make_case(tmp_path)
    assert not case.volume.is_regular
    found = case.findings[0]
    inside = case.predictions[0].mask.labels_zyx == 1
    k, _, _ = np.nonzero(inside)
    assert found.volume_ml is None
    assert found.center_lps[2] == pytest.approx(case.volume.slice_origins_lps[k, 2].mean())


def test_of_classes_that_exclude_each_other_every_format_says_which_one_is_called(tmp_path):
    phantoms.write_film(tmp_path / "in")
    kind = Code("KIND", "99MEDASSIST", "Kind of picture")
    scores = tuple(
        ClassScore(label, share, threshold, True, category=kind, exclusive=True)
        for label, share, threshold in (("Chest film", 0.97, 0.9), ("Hand", 0.03, 0.97))
    )
    case = make_case(tmp_path / "in")
    prediction = replace(case.predictions[0], scores=scores)
    case = replace(case, predictions=(prediction,), findings=findings_from(prediction, case.volume))
    told = result(case)["classes"]
    assert [(one["label"], one["positive"], one["exclusive"]) for one in told] == [
        ("Chest film", True, True),
        ("Hand", False, True),
    ]
    (table,) = (one for one in page(case).tables if len(one.rows) == 2 and one.rows[0].cells[0] == "Chest film")
    assert [row.cells[3] for row in table.rows] == ["called: the most likely class", "not called"]
    _, report = read(case, tmp_path / "out")
    chest, hand = report.get_image_measurement_groups()
    assert chest.finding_category.meaning == "Kind of picture"
    said = [one.value for one in hand[0].ContentSequence if one.name.meaning == "Algorithm Parameters"]
    assert "classes=exclusive" in said
