"""Maps as files of their own: the place, sign and passport of their values, and what may not be believed of them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from PIL import Image, ImageDraw
from pydicom import dcmread
from report_cases import blob_map, complaints, make_case

from medassist.entities.finding import Judgement
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import warned
from medassist.progress import Progress
from medassist.report import drawing, keyimages, map_picture, maps, stamps_csv
from medassist.report.drawing import wrapped
from medassist.report.export import export
from medassist.report.keyviews import key_views
from medassist.report.map_record import COLUMNS, as_json, brief, from_json, record_of, row_of

REASON = warned("Noise nobody would see changes the map (rank correlation {value}, at least {limit}).", value="0.11",
                limit="0.30")  # fmt: skip
FAILS = Stamp(Standing.FAILS, {"gain_over_random": -0.03, "repeatability": 0.11}, (REASON,), "Occlusion", "a drawn box")
HOLDS = Stamp(Standing.HOLDS, {"gain_over_random": 0.4})
NOTHING = Stamp(Standing.MEANINGLESS, {}, (warned("Nothing in the map speaks for the target, so it shows nothing."),))


def signed_map(volume, **changes):
    """Return a map with as much against as for the target, compared with another label."""
    one = blob_map(volume)
    values = (one.values_zyx - 0.6 * np.roll(one.values_zyx, 17, axis=2)).astype(np.float32)
    native = (one.native_zyx - 0.6 * np.roll(one.native_zyx, 1, axis=2)).astype(np.float32)
    told = {"method": "Integrated gradients", "against": "Cardiomegaly", "signed": True, "layer": "", **changes}
    return replace(one, values_zyx=values, native_zyx=native, **told)


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    return replace(case, heatmaps=(signed_map(case.volume, stamp=FAILS),))


def test_nifti_keeps_place_sign_and_says_what_it_is(mr_case, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    written = export(mr_case, tmp_path / "out", ("map_nifti",), progress=Progress())
    assert [one.name for one in written] == ["map-1.nii.gz", "map-1.json"]
    found = nibabel.load(written[0])
    heatmap = mr_case.heatmaps[0]
    assert found.get_data_dtype() == np.float32
    np.testing.assert_array_equal(found.get_fdata(dtype=np.float32).T, heatmap.values_zyx)
    assert found.get_fdata().min() < 0
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ heatmap.geometry.affine_lps
    np.testing.assert_allclose(found.affine, ras, atol=1e-4)
    assert found.header["descrip"].item().decode() == "FAILS: Integrated gradients of Effusion, not Cardiomegaly"


def test_passport_beside_the_nifti_tells_method_target_stamp_and_grid(mr_case, tmp_path):
    maps.write_volumes(mr_case, tmp_path)
    told = json.loads((tmp_path / "map-1.json").read_text(encoding="utf-8"))
    assert (told["method"], told["target"], told["against"]) == ("Integrated gradients", "Effusion", "Cardiomegaly")
    assert told["standing"] == "fails"
    assert told["numbers"]["gain_over_random"] == -0.03
    assert told["reasons"][0]["text"] == REASON.text()
    assert told["sha256"] == mr_case.heatmaps[0].model.sha256
    np.testing.assert_allclose(told["affine_lps"], mr_case.volume.geometry.affine_lps)
    assert "Phantom" not in json.dumps(told), "the patient of the phantom"


def test_no_nifti_of_slices_that_form_no_grid(mr_case, tmp_path):
    series = replace(mr_case.volume.series, irregularity="a slice is missing")
    stacked = replace(mr_case, volume=replace(mr_case.volume, series=series))
    assert maps.write_volumes(stacked, tmp_path) == ()
    assert list(tmp_path.glob("map-*")) == []


def test_a_failing_map_is_hatched_where_it_is_drawn_and_nowhere_else(mr_case):
    view = key_views(mr_case)[-1]
    believed = replace(view, heatmap=replace(view.heatmap, stamp=HOLDS))
    lines, plain = (
        np.asarray(keyimages.slice_picture(mr_case, one, 400)).astype(int) for one in (view, believed)
    )  # fmt: skip
    bare = np.asarray(keyimages.slice_picture(mr_case, replace(view, heatmap=None), 400)).astype(int)
    changed, drawn = (lines != plain).any(axis=2), (plain != bare).any(axis=2)
    assert not (changed & ~drawn).any()
    assert 0.2 < changed.sum() / drawn.sum() < 0.6


def test_a_map_that_means_nothing_is_not_drawn(mr_case):
    view = key_views(mr_case)[-1]
    empty = replace(view, heatmap=replace(view.heatmap, stamp=NOTHING))
    bare = keyimages.slice_picture(mr_case, replace(view, heatmap=None), 300)
    np.testing.assert_array_equal(np.asarray(keyimages.slice_picture(mr_case, empty, 300)), np.asarray(bare))


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_picture_says_verdict_reason_model_and_use(mr_case, language, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(map_picture, "wrapped", lambda pen, text, size, room: said.append(text) or [text])
    monkeypatch.setattr(map_picture, "fitted", lambda pen, text, size, room: said.append(text) or text)
    monkeypatch.setattr(map_picture, "speaks_chinese", lambda: True)
    case = replace(mr_case, language=language)
    page = map_picture.draw(case, case.heatmaps[0])
    whole = "\n".join(said)
    wanted = {
        "en": ("Integrated gradients for Effusion, not Cardiomegaly", "the map fails", "Noise nobody would see"),
        "zh_CN": ("而非", "热图未通过检验", "肉眼无法察觉的噪声"),
    }[language]
    assert all(text in whole for text in wanted), whole
    assert "1.2.0" in whole
    assert page.width > 2 * 400


def test_picture_of_an_anonymous_case_names_no_series(mr_case, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(map_picture, "fitted", lambda pen, text, size, room: said.append(text) or text)
    map_picture.draw(mr_case, mr_case.heatmaps[0], name="case-1234")
    assert any("case-1234" in text and "3" in text for text in said)
    assert not any(mr_case.series.title in text for text in said)


def test_table_has_a_row_for_each_map_with_every_number(mr_case, tmp_path):
    (path,) = stamps_csv.write(mr_case, tmp_path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert (row["map"], row["standing"], row["against"]) == ("map-1", "fails", "Cardiomegaly")
    assert float(row["gain_over_random"]) == -0.03
    assert row["agreement"] == "", "not measured is empty, not 0"


def test_no_table_without_attributions(mr_case, tmp_path):
    assert stamps_csv.write(replace(mr_case, heatmaps=()), tmp_path) == ()


def test_a_label_cannot_become_a_formula(mr_case):
    evil = replace(mr_case.heatmaps[0], target='=HYPERLINK("x")')
    row = row_of(record_of(evil, mr_case.volume, name="m"))
    assert row["target"].startswith("'=")


def test_record_survives_its_way_through_json(mr_case):
    record = record_of(mr_case.heatmaps[0], mr_case.volume, name="m", case="case-1", column="ig", also={"extra": 1.0})
    again = from_json(json.loads(json.dumps(as_json(record))))
    assert row_of(again) == row_of(record)
    assert again.reasons[0] == REASON, "a template, so that another language can say it"
    assert again.numbers["extra"] == 1.0


@pytest.mark.parametrize(
    "change", [{"surprise": 1}, {"numbers": {"x": "y"}}, {"reasons": [{"message": "{a}", "values": {}}]}]
)
def test_a_record_that_is_none_is_refused(mr_case, change):
    told = as_json(record_of(mr_case.heatmaps[0], mr_case.volume, name="m")) | change
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_json(told)


def test_parametric_map_tells_comparison_and_stamp(mr_case, tmp_path):
    (path,) = export(mr_case, tmp_path / "out", ("pm",), progress=Progress())
    ds = dcmread(path)
    assert ds.ContentDescription == brief(mr_case.heatmaps[0])[:64]
    mapping = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    items = {one.ConceptNameCodeSequence[0].CodeMeaning: one for one in mapping.QuantityDefinitionSequence}
    assert items["Quantity"].ConceptCodeSequence[0].CodeMeaning == "Saliency"
    assert items["Measurement Method"].TextValue == "Integrated gradients"
    assert items["Explained label"].TextValue == "Effusion"
    assert items["Label compared with"].TextValue == "Cardiomegaly"
    assert items["Standing of the map"].ConceptCodeSequence[0].CodeValue == "99MA031"
    assert items["Why the map is not to be believed"].TextValue == REASON.text()
    assert float(items["gain over random"].NumericValue) == pytest.approx(-0.03)
    assert items["Reference the map was held against"].TextValue == "a drawn box"
    assert items["SHA-256 of the weights"].TextValue == mr_case.heatmaps[0].model.sha256
    assert complaints(path) == []


def test_parametric_map_of_an_unmeasured_map_has_no_standing(mr_case, tmp_path):
    case = replace(mr_case, heatmaps=(blob_map(mr_case.volume),))
    (path,) = export(case, tmp_path / "out", ("pm",), progress=Progress())
    mapping = dcmread(path).SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    names = [one.ConceptNameCodeSequence[0].CodeMeaning for one in mapping.QuantityDefinitionSequence]
    assert "Standing of the map" not in names
    assert "Label compared with" not in names


@pytest.mark.parametrize(
    "text", ["one two three " * 9, "热图未涵盖的评分占比，（相似度 0.95，上限 0.85）：它反映图像。" * 4, "x" * 300]
)
def test_wrapped_text_fits_and_is_whole(text):
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    lines = wrapped(pen, text, 16, 220)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(pen.textlength(one, font=drawing.font(16)) <= 220 + 2 * 16 for one in lines)
    assert not any(one.startswith(("，", "）", "。", "：")) for one in lines)


def test_a_map_of_nothing_but_what_was_rejected_is_no_picture_and_no_volume(mr_case, tmp_path):
    about = replace(mr_case.findings[0], label=mr_case.heatmaps[0].target, model=mr_case.heatmaps[0].model)
    other = replace(mr_case.heatmaps[0], target="Something else")
    case = replace(mr_case, heatmaps=(*mr_case.heatmaps, other))
    rejected = replace(case, findings=(replace(about, judgement=Judgement.REJECTED),))
    written = export(rejected, tmp_path / "out", ("map_png", "map_nifti"), progress=Progress())
    assert {path.name for path in written} == {"map-2.png", "map-2.nii.gz", "map-2.json"}
    doubted = replace(case, findings=(about, replace(about, judgement=Judgement.REJECTED)))
    assert len(export(doubted, tmp_path / "all", ("map_png", "map_nifti"), progress=Progress())) == 6


def test_maps_of_an_earlier_report_do_not_stay(mr_case, tmp_path):
    formats = ("map_png", "map_nifti", "stamps_csv", "json")
    export(mr_case, tmp_path / "out", formats, progress=Progress())
    assert (tmp_path / "out" / "map-1.json").is_file()
    export(replace(mr_case, heatmaps=()), tmp_path / "out", formats, progress=Progress())
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["result.json"]
