"""A map of uncertainty is reported as what it is: no explanation, on a scale of its own, in its own parametric map."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from pydicom import dcmread
from report_cases import MODEL, make_case

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report.export import export
from medassist.report.keyviews import explanation, key_views, title
from medassist.report.wording import Wording


@pytest.fixture
def case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    values = np.zeros(case.volume.geometry.shape_zyx, np.float32)
    values[1, 2, 3] = 0.9
    values[2, 4:8, 5:9] = 0.4
    doubt = Heatmap("Predictive entropy", "Uncertainty", MODEL, case.series.key, values, case.volume.geometry, values,
                    case.volume.geometry, kind=MapKind.UNCERTAINTY)  # fmt: skip
    return replace(case, heatmaps=(*case.heatmaps, doubt))


def test_result_json_keeps_it_apart_from_explanations(case, tmp_path) -> None:
    export(case, tmp_path / "out", ("json", "pm"), progress=Progress())
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [one["file"] for one in told["explanations"]] == ["heatmap-1.dcm"]
    (doubt,) = told["uncertainty"]
    assert (doubt["method"], doubt["file"]) == ("Predictive entropy", "heatmap-2.dcm")
    assert doubt["maximum"] == pytest.approx(0.9)


def test_its_parametric_map_has_no_code_of_an_explanation_and_reads_back(case, tmp_path) -> None:
    export(case, tmp_path / "out", ("pm",), progress=Progress())
    written = dcmread(tmp_path / "out" / "heatmap-2.dcm")
    assert written.ContentLabel == "UNCERTAINTY"
    mapping = written.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == ("ENTROPY", "99MEDASSIST")
    (series,) = scan(tmp_path / "out" / "heatmap-2.dcm", progress=Progress()).all_series()
    overlay = read_overlay(series, case.volume, progress=Progress())
    assert overlay.maps[0].values_zyx == pytest.approx(case.heatmaps[1].values_zyx, abs=1e-4)


def test_it_is_not_called_what_influenced_a_score(case) -> None:
    words = Wording("en")
    view = next(one for one in key_views(case) if one.heatmap is case.heatmaps[1])
    assert view.index == 2  # where most is undecided, not where one voxel is most undecided
    assert title(case, view, words) == "Uncertainty of the segmentation"
    told = explanation(case, view, words)
    assert "influenced" not in told
    assert "0 is sure" in told
    assert "分割的不确定性" in title(case, view, Wording("zh_CN"))


def test_a_spread_over_views_is_a_map_of_its_own(case, tmp_path) -> None:
    spread = replace(case.heatmaps[1], method="Standard deviation over mirrored views", kind=MapKind.SPREAD)
    both = replace(case, heatmaps=(*case.heatmaps, spread))
    export(both, tmp_path / "out", ("json", "pm"), progress=Progress())
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [[one["file"] for one in told[key]] for key in ("explanations", "uncertainty", "spread")] == [
        ["heatmap-1.dcm"], ["heatmap-2.dcm"], ["heatmap-3.dcm"],
    ]  # fmt: skip
    written = dcmread(tmp_path / "out" / "heatmap-3.dcm")
    assert written.ContentLabel == "SPREAD"
    mapping = written.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "VIEW_SPREAD"
    view = next(one for one in key_views(both) if one.heatmap is spread)
    assert title(both, view, Wording("en")) == "Spread over mirrored views"
    words = explanation(both, view, Wording("en"))
    assert "Standard deviation" in words
    assert "influenced" not in words
    assert "equally likely" not in words
