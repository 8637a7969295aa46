"""The batch: how methods are asked for, where the truth lies, what is kept, and what many maps say together."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import write_classifier, write_segmenter
from derived_objects import write_seg
from phantoms import write_film, write_mr_series
from PIL import Image

from medassist.entities.errors import Refused, UnreadableInput, UsageError
from medassist.entities.study import warned
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.report.comparison import CaseRow, Problem
from medassist.report.map_record import MapRecord
from medassist.session.batch import run
from medassist.session.batch.asked import Method, Wanted, methods_of
from medassist.session.batch.cases import find_cases, write_key
from medassist.session.batch.figures import agreement_of, figure, figures_of
from medassist.session.batch.kept import Kept, begin, read_case, write_case
from medassist.session.batch.one_case import anonymous
from medassist.session.batch.references import base_name, read_references
from medassist.session.batch.run import explain_all
from medassist.session.batch.truth import region_of


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return read(write_classifier(tmp_path_factory.mktemp("model") / "tiny_classifier"))


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return read(write_segmenter(tmp_path_factory.mktemp("model") / "tiny_segmenter"))


def opened(path):
    (series,) = scan(path, progress=Progress()).all_series()
    return series, load(series, progress=Progress())


@pytest.fixture
def picture(tmp_path):
    """A picture of 20 rows and 30 columns in a folder of its own."""
    path = tmp_path / "images" / "film_a.png"
    path.parent.mkdir()
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30)).save(path)
    return path


# --- how methods are asked for


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("gradcam", ["gradcam"]),
        ("", ["gradcam"]),
        ("Grad-CAM, gradcam", ["gradcam"]),
        ("gradcam,occlusion:window=0.2", ["gradcam", "occlusion:window=0.2"]),
        ("occlusion:window=0.2,occlusion:window=0.3", ["occlusion:window=0.2", "occlusion:window=0.3"]),
    ],
)
def test_methods_are_read_with_their_numbers(classifier, text, columns):
    assert [one.column for one in methods_of(text, classifier)] == columns


def test_all_methods_are_those_that_can_run_and_none_is_asked_for_by_name(classifier):
    found = methods_of("all", classifier)
    assert {"gradcam", "occlusion", "saliency"} <= {one.name for one in found}
    assert not any(one.named for one in found)


@pytest.mark.parametrize(
    "text", ["nonsense", "occlusion:window=99", "gradcam:window=0.1", "window=0.1", "occlusion:window"]
)
def test_what_no_method_understands_is_refused(classifier, text):
    with pytest.raises(UsageError):
        methods_of(text, classifier)


def test_two_methods_never_share_a_file(classifier):
    slugs = [one.slug for one in methods_of("occlusion:window=0.2,occlusion:window=0.25,occlusion", classifier)]
    slugs += [Method("cam", {"bias": one}).slug for one in (-1.0, 1.0)] + [Method(one).slug for one in ("a+", "a-")]
    assert len(set(slugs)) == 7
    assert all("/" not in one and ":" not in one for one in slugs)


# --- where the truth lies


def boxes(tmp_path, *lines):
    path = tmp_path / "boxes.csv"
    path.write_text("image,finding,x,y,width,height\n" + "\n".join(lines) + "\n")
    return read_references(path)


def test_boxes_cover_the_pixels_of_the_image_they_name(classifier, tmp_path, picture):
    found = boxes(tmp_path, "film_a.jpg,Effusion,4,2,10,5", "other.png,Effusion,0,0,3,3")
    series, volume = opened(picture)
    region = region_of(found, series, volume, classifier.labels[0], "Effusion", segmenter=False)
    expected = np.zeros((1, 20, 30), bool)
    expected[0, 2:7, 4:14] = True
    np.testing.assert_array_equal(region, expected)


def test_boxes_of_another_finding_count_only_when_asked(classifier, tmp_path, picture):
    found = boxes(tmp_path, "film_a.png,Pneumonia,4,2,10,5")
    series, volume = opened(picture)
    assert region_of(found, series, volume, classifier.labels[0], "", segmenter=False) is None
    assert region_of(found, series, volume, classifier.labels[0], "any", segmenter=False).sum() == 50


def test_a_box_beside_the_image_is_refused(classifier, tmp_path, picture):
    found = boxes(tmp_path, "film_a.png,,400,2,10,5")
    with pytest.raises(UnreadableInput, match="leaves its image"):
        region_of(found, *opened(picture), classifier.labels[0], "any", segmenter=False)


@pytest.mark.parametrize("line", ["a.png,X,1,2,three,4", "a.png,X,1,2,-3,4", "a.png,X,1,2,nan,4", "a.png,X,1"])
def test_a_line_without_a_box_is_named(tmp_path, line):
    with pytest.raises(UnreadableInput):
        boxes(tmp_path, line)


def test_a_mask_is_found_by_its_name_and_never_the_image_itself(classifier, tmp_path, picture):
    values = np.zeros((20, 30), np.uint8)
    values[3:6, 8:9] = 1
    (tmp_path / "masks").mkdir()
    Image.fromarray(values).save(tmp_path / "masks" / "film_a.png")
    series, volume = opened(picture)
    found = region_of(read_references(tmp_path / "masks"), series, volume, classifier.labels[0], "", segmenter=False)
    np.testing.assert_array_equal(found[0], values == 1)
    own = read_references(picture.parent)
    assert region_of(own, series, volume, classifier.labels[0], "", segmenter=False) is None


def test_a_segmentation_object_lies_where_it_was_drawn(segmenter, tmp_path):
    images = write_mr_series(tmp_path / "mr")
    (tmp_path / "truth").mkdir()
    write_seg(tmp_path / "truth" / "seg.dcm", images)
    series, volume = opened(tmp_path / "mr")
    label = segmenter.labels[0]
    found = region_of(read_references(tmp_path / "truth"), series, volume, label, "any", segmenter=True)
    assert found is not None
    assert found.shape == volume.geometry.shape_zyx
    assert 0 < found.sum() < found.size
    one = region_of(read_references(tmp_path / "truth"), series, volume, label, "1", segmenter=True)
    assert one is not None
    assert one.sum() <= found.sum()


def test_a_folder_without_masks_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableInput):
        read_references(tmp_path / "empty")


def test_names_lose_folder_and_ending():
    assert [base_name(one) for one in ("a/B.nii.gz", "b.PNG", "1.2.3")] == ["b", "b", "1.2.3"]


@pytest.fixture
def twins(tmp_path):
    """Pictures of two patients that are called alike, in folders of their own."""
    for folder in ("a", "b"):
        (tmp_path / "twins" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "twins" / folder / "im.png")
    return [series for one in ("a", "b") for series in scan(tmp_path / "twins" / one, progress=Progress()).all_series()]


def test_a_box_of_a_name_two_images_have_is_given_to_neither(classifier, tmp_path, twins):
    path = boxes(tmp_path, "im.png,,4,2,10,5").source
    for series in twins:
        with pytest.raises(UnreadableInput, match="Several images are called im"):
            region_of(
                read_references(path, twins), series, load(series, progress=Progress()), classifier.labels[0], "any",
                segmenter=False,
            )  # fmt: skip


def test_the_folder_of_the_table_tells_images_of_one_name_apart(classifier, tmp_path, twins):
    path = boxes(tmp_path, "a/im.png,,4,2,10,5", "b\\im.png,,0,0,3,3").source
    found = [
        region_of(read_references(path, twins), one, load(one, progress=Progress()), classifier.labels[0], "any",
                  segmenter=False).sum()
        for one in twins
    ]  # fmt: skip
    assert found == [50, 9]


def test_a_mask_of_a_name_two_images_have_is_given_to_neither(classifier, tmp_path, twins):
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.ones((20, 30), np.uint8)).save(tmp_path / "masks" / "im.png")
    found = read_references(tmp_path / "masks", twins)
    with pytest.raises(UnreadableInput, match="Several images are called im"):
        region_of(found, twins[0], load(twins[0], progress=Progress()), classifier.labels[0], "", segmenter=False)


def test_a_box_in_pixels_of_a_larger_image_is_not_cut_to_this_one(classifier, tmp_path, picture):
    found = boxes(tmp_path, "film_a.png,,20,10,20,20")
    with pytest.raises(UnreadableInput, match="30 x 20 pixels"):
        region_of(found, *opened(picture), classifier.labels[0], "any", segmenter=False)


def test_a_line_of_an_image_without_a_finding_is_left_out(tmp_path):
    assert set(boxes(tmp_path, "film_a.png,No finding,,,,", "b.png,X,1,1,2,2").boxes) == {"b"}
    with pytest.raises(UnreadableInput, match="holds no box"):
        boxes(tmp_path, "film_a.png,No finding,,,,")


def test_a_segmentation_of_another_patient_or_one_of_several_is_refused(segmenter, tmp_path):
    images = write_mr_series(tmp_path / "mr", PatientID="P1")
    (tmp_path / "truth").mkdir()
    write_seg(tmp_path / "truth" / "seg.dcm", images)
    series, volume = opened(tmp_path / "mr")
    label, named = segmenter.labels[0], {"segmenter": True}
    found = read_references(tmp_path / "truth")
    assert region_of(found, series, volume, label, "any", **named, patient="P1") is not None
    assert region_of(found, series, volume, label, "any", **named, patient="") is not None, "an image without an ID"
    with pytest.raises(UnreadableInput, match="another patient"):
        region_of(found, series, volume, label, "any", **named, patient="P2")
    write_seg(tmp_path / "truth" / "second.dcm", images)
    with pytest.raises(UnreadableInput, match="several segmentations of this"):
        region_of(read_references(tmp_path / "truth"), series, volume, label, "any", **named, patient="P1")


def test_segmentations_of_one_file_name_are_told_apart_by_what_they_were_drawn_on(segmenter, tmp_path):
    for name in ("one", "two"):
        (tmp_path / "truth" / name).mkdir(parents=True)
        write_seg(tmp_path / "truth" / name / "seg.dcm", write_mr_series(tmp_path / "in" / name))
    found = read_references(tmp_path / "truth")
    series, volume = opened(tmp_path / "in" / "one")
    assert region_of(found, series, volume, segmenter.labels[0], "any", segmenter=True) is not None


# --- which images, and under which names


def test_names_of_cases_stay_when_the_folder_moves_and_are_never_shared(classifier, tmp_path, picture):
    other = tmp_path / "elsewhere" / "images"
    other.mkdir(parents=True)
    (other / picture.name).write_bytes(picture.read_bytes())
    first = find_cases([picture.parent], classifier, progress=Progress()).cases
    second = find_cases([other], classifier, progress=Progress()).cases
    assert first[0].name == second[0].name
    both = find_cases([picture.parent, other], classifier, progress=Progress()).cases
    assert len({one.name for one in both}) == 2
    assert "film_a" not in first[0].name
    assert first[0].place == str(Path("images") / "film_a.png")


def test_series_of_another_modality_are_left_out_and_counted(classifier, tmp_path):
    write_film(tmp_path / "in" / "film")
    write_mr_series(tmp_path / "in" / "mr")
    found = find_cases([tmp_path / "in"], classifier, progress=Progress())
    assert [one.series.modality for one in found.cases] == ["DX"]
    assert found.left_out == 1


def test_maps_written_among_the_images_are_not_explained_in_turn(classifier, films, tmp_path):
    for out in (films / "out", films):
        wanted = asked(classifier, "saliency", stamped=False)
        explain_all([films], classifier, wanted, out, progress=Progress())
        again = explain_all([films], classifier, wanted, out, resume=True, progress=Progress())
        assert (again.told["cases"], again.problems, again.found.skipped) == (2, (), ())
        shutil.rmtree(films / "out", ignore_errors=True)


def test_the_key_of_the_cases_runs_nothing_in_a_spreadsheet(classifier, tmp_path):
    write_film(tmp_path / "=cmd()")
    (case,) = find_cases([tmp_path / "=cmd()"], classifier, progress=Progress()).cases
    assert f",'=cmd(){os.sep}" in write_key([case], tmp_path).read_text(encoding="utf-8-sig")


def test_a_label_is_not_compared_with_itself_and_costs_only_its_case(classifier, films, tmp_path):
    target = explain_all(
        [films], classifier, asked(classifier, "saliency", stamped=False), tmp_path / "plain", progress=Progress()
    ).told["rows"][0]["target"]
    wanted = asked(classifier, "saliency", stamped=False, against=target)
    answer = explain_all([films], classifier, wanted, tmp_path / "out", progress=Progress())
    assert [type(problem) for _, problem in answer.problems] == [Refused, Refused]
    assert (tmp_path / "out" / "index.html").is_file()


def test_nobody_is_named_by_the_reference_and_another_one_is_another_question(classifier, films, tmp_path):
    table = tmp_path / "Secretname.csv"
    table.write_text("image,finding,x,y,width,height\nother.png,,0,0,2,2\n")
    out, wanted = tmp_path / "out", asked(classifier, "saliency", stamped=False, reference=str(table))
    explain_all([films], classifier, wanted, out, progress=Progress())
    for file in out.rglob("*"):
        assert not file.is_file() or b"Secretname" not in file.read_bytes(), file
    table.write_text("image,finding,x,y,width,height\nother.png,,0,0,2,3\n")
    with pytest.raises(UsageError, match="another question"):
        explain_all([films], classifier, wanted, out, resume=True, progress=Progress())


def test_what_went_wrong_names_no_file(classifier, tmp_path, picture):
    (case,) = find_cases([picture.parent], classifier, progress=Progress()).cases
    told = anonymous(UnreadableInput("{file}: {why}.", file=picture, why=f"{picture.name} ends early"), case).text()
    assert "film_a" not in told
    assert case.name in told


# --- what is kept


def test_an_interrupted_case_is_read_back_and_a_changed_file_is_not(tmp_path, picture):
    series, _ = opened(picture)
    record = MapRecord("case-1/gradcam", method="Grad-CAM", numbers={"agreement": 0.5})
    write_case(tmp_path / "c", Kept(read_case(tmp_path / "c", series).files, target="X").with_map("g", record, [0.25]))
    again = read_case(tmp_path / "c", series)
    assert again.maps["g"] == record
    assert again.regions["g"] == (0.25,)
    Image.fromarray(np.zeros((20, 31), np.uint8)).save(picture)
    assert read_case(tmp_path / "c", series).maps == {}


@pytest.mark.parametrize("text", ["", "[]", '{"files": 1}', "{" * 2000])
def test_a_damaged_file_of_a_case_is_no_answer(tmp_path, picture, text):
    series, _ = opened(picture)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "case.json").write_text(text)
    assert read_case(tmp_path / "c", series).maps == {}


def test_a_folder_is_bound_to_its_question(tmp_path):
    assert begin(tmp_path, {"target": "Typo"}, ["z"], resume=False) == ("z",)
    assert begin(tmp_path, {"target": "A"}, ["x"], resume=False) == ("x",), "nothing was answered yet"
    write_case(tmp_path / "case-1", Kept(""))
    with pytest.raises(UsageError, match="already holds"):
        begin(tmp_path, {"target": "A"}, ["x"], resume=False)
    with pytest.raises(UsageError, match="target"):
        begin(tmp_path, {"target": "B"}, ["x"], resume=True)
    assert begin(tmp_path, {"target": "A"}, ["y", "x"], resume=True) == ("x", "y")


# --- what many maps say together


def record(value: float, standing: str = "holds", **numbers: float) -> MapRecord:
    return MapRecord(
        "m", method="Grad-CAM", standing=standing, numbers={"gain_over_random": value, **numbers}, passes=2.0
    )


def test_figures_are_medians_with_intervals_over_people():
    rows = [CaseRow(f"c{at}", maps={"g": record(at / 10, pointing_hit=float(at < 3))}) for at in range(10)]
    found = figures_of("g", rows, {row.case: row.case for row in rows})
    gain = found.measures["gain_over_random"]
    assert gain.value == pytest.approx(0.45)
    assert 0.1 <= gain.low < 0.45 < gain.high <= 0.8
    assert found.measures["pointing_hit"].value == pytest.approx(0.3)
    assert found.standings["holds"].value == 1.0
    assert found.standings["holds"].low < 0.8, "ten of ten do not prove that all hold"
    assert found.passes == 2.0


def test_many_images_of_few_people_have_no_interval():
    rows = [CaseRow(f"c{at}", maps={"g": record(at / 10)}) for at in range(10)]
    found = figures_of("g", rows, {row.case: "one" if row.case < "c5" else "two" for row in rows})
    assert found.measures["gain_over_random"].low is None


def test_what_was_not_measured_has_no_figure_and_refusals_are_counted():
    rows = [
        CaseRow("a", maps={"g": replace(record(0.1), standing="", numbers={})}),
        CaseRow("b", problems=(Problem(warned("It cannot."), "g"),)),
    ]
    found = figures_of("g", rows, {"a": "a", "b": "b"})
    assert (found.maps, found.refused) == (1, 1)
    assert found.measures == {}
    assert found.standings == {}


def test_agreement_leaves_out_maps_that_show_nothing():
    up, down, flat = (0.0, 1.0, 2.0), (2.0, 1.0, 0.0), (1.0, 1.0, 1.0)
    maps = {"x": record(0.1), "y": record(0.1)}
    kept = {
        "a": Kept("", maps=maps, regions={"x": up, "y": down}),
        "b": Kept("", maps=maps, regions={"x": up, "y": flat}),
        "c": Kept("", maps={"x": record(0.1), "y": record(0.1, "meaningless")}, regions={"x": up, "y": up}),
    }
    found = agreement_of(["x", "y"], kept, {name: name for name in kept})
    assert found["x", "y"].value == pytest.approx(-1.0)
    assert found["x", "y"].n == 1


def test_a_figure_of_one_value_has_it():
    assert figure(np.array([0.5]), ["a"]).value == 0.5


# --- the whole way


def asked(package, text="gradcam,saliency", **changes) -> Wanted:
    return Wanted(methods_of(text, package), **changes)


@pytest.fixture
def films(tmp_path):
    for name in ("one", "two"):
        write_film(tmp_path / "films" / name)
    return tmp_path / "films"


def test_every_case_gets_its_files_and_the_page_needs_nothing_else(classifier, films, tmp_path):
    answer = explain_all([films], classifier, asked(classifier), tmp_path / "out", progress=Progress())
    assert answer.problems == ()
    assert answer.told["cases"] == 2
    for row in answer.told["rows"]:
        names = {path.name for path in (tmp_path / "out" / row["case"]).iterdir()}
        assert {"gradcam.png", "gradcam.nii.gz", "gradcam.json", "saliency.png", "case.json"} <= names
        assert set(row["maps"]) == {"gradcam", "saliency"}
        assert all(one["standing"] in ("holds", "fails", "meaningless") for one in row["maps"].values())
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 6
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["complete"] is True


def test_nothing_but_the_key_names_the_patient(classifier, tmp_path):
    path = write_film(
        tmp_path / "in", PatientName="Secretname^Anna", PatientID="PID-77123", SeriesDescription="Secretname"
    )
    path.rename(path.with_name("Secretname_Anna.dcm"))
    explain_all(
        [tmp_path / "in"],
        classifier,
        asked(classifier, "gradcam", stamped=False),
        tmp_path / "out",
        progress=Progress(),
    )
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.name != "cases.csv":
            content = file.read_bytes()
            assert b"Secretname" not in content, file
            assert b"PID-77123" not in content, file
    assert "Secretname" not in "".join(str(one) for one in (tmp_path / "out").rglob("*"))


def test_an_interrupted_job_keeps_what_is_done_and_goes_on(classifier, films, tmp_path, monkeypatch):
    whole = run.explain_case
    seen: list[str] = []

    def second_is_interrupted(found, *rest, **named):
        seen.append(found.name)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return whole(found, *rest, **named)

    monkeypatch.setattr(run, "explain_case", second_is_interrupted)
    out, wanted = tmp_path / "out", asked(classifier, "gradcam", stamped=False)
    with pytest.raises(KeyboardInterrupt):
        explain_all([films], classifier, wanted, out, progress=Progress())
    told = json.loads((out / "summary.json").read_text())
    assert (told["complete"], [row["case"] for row in told["rows"]]) == (False, seen[:1])
    before = (out / seen[0] / "gradcam.png").stat().st_mtime_ns
    monkeypatch.setattr(run, "explain_case", whole)
    answer = explain_all([films], classifier, wanted, out, resume=True, progress=Progress())
    assert answer.told["complete"] is True
    assert [len(row["maps"]) for row in answer.told["rows"]] == [1, 1]
    assert (out / seen[0] / "gradcam.png").stat().st_mtime_ns == before, "what was there is not computed again"


def test_another_method_can_be_added_later(classifier, films, tmp_path):
    out = tmp_path / "out"
    quick = {"stamped": False}
    explain_all([films], classifier, asked(classifier, "inputxgradient", **quick), out, progress=Progress())
    answer = explain_all(
        [films], classifier, asked(classifier, "saliency", **quick), out, resume=True, progress=Progress()
    )
    assert [one["column"] for one in answer.told["methods"]] == ["inputxgradient", "saliency"]
    assert [one["maps"] for one in answer.told["methods"]] == [2, 2]
    assert answer.told["agreement"][0]["methods"] == ["inputxgradient", "saliency"]


def test_a_method_that_refuses_costs_itself_only(classifier, films, tmp_path, monkeypatch):
    from medassist.session.batch import one_case

    honest = one_case.explain_target

    def refuses(*rest, method, **named):
        if method == "saliency":
            raise Refused("{method} cannot answer.", method=method)
        return honest(*rest, method=method, **named)

    monkeypatch.setattr(one_case, "explain_target", refuses)
    wanted = asked(classifier, stamped=False)
    answer = explain_all([films], classifier, wanted, tmp_path / "out", progress=Progress())
    assert [type(problem) for _, problem in answer.problems] == [Refused, Refused]
    assert [one["maps"] for one in answer.told["methods"]] == [2, 0]
    quiet = replace(wanted, methods=tuple(replace(one, named=False) for one in wanted.methods))
    answer = explain_all([films], classifier, quiet, tmp_path / "other", progress=Progress())
    assert answer.problems == (), "of all methods, those that cannot answer are told in the page alone"
    assert "saliency cannot answer." in (tmp_path / "other" / "index.html").read_text()


def test_reference_figures_are_those_of_the_map(classifier, tmp_path, picture):
    found = boxes(tmp_path, "film_a.png,,0,0,15,20")
    wanted = asked(classifier, "saliency", stamped=False, reference=str(found.source), override_reason="a test")
    answer = explain_all([picture.parent], classifier, wanted, tmp_path / "out", progress=Progress())
    (row,) = answer.told["rows"]
    import nibabel

    values = nibabel.load(tmp_path / "out" / row["case"] / "saliency.nii.gz").get_fdata()
    heat = np.maximum(values, 0)[..., 0]
    numbers = row["maps"]["saliency"]["numbers"]
    assert numbers["energy_in_mask"] == pytest.approx(heat[:15].sum() / heat.sum(), abs=1e-4)
    assert numbers["mask_share"] == pytest.approx(0.5)
    assert row["maps"]["saliency"]["reference"] == row["target"]
    assert row["referenced"] is True


def test_a_volume_of_a_segmenter_is_explained(segmenter, tmp_path):
    write_mr_series(tmp_path / "mr")
    answer = explain_all(
        [tmp_path / "mr"], segmenter, asked(segmenter, "gradcam", stamped=False), tmp_path / "out", progress=Progress()
    )
    (row,) = answer.told["rows"]
    assert row["slices"] > 1
    assert row["maps"]["gradcam"]["numbers"]["share_outside_region"] >= 0


def test_a_label_nobody_knows_is_refused_before_anything_is_written(classifier, films, tmp_path):
    with pytest.raises(UsageError):
        explain_all([films], classifier, asked(classifier, target="Nonsense"), tmp_path / "out", progress=Progress())
    assert not (tmp_path / "out").exists()
