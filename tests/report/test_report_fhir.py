"""FHIR bundles: valid in both releases, nothing outside them referred to, and no more certain than the reader was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import phantoms
import pydicom
import pytest
from drawn_cases import drawn_case, measurement
from PIL import Image
from report_cases import MODEL, make_case

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Quantity, Shape
from medassist.entities.prediction import Code
from medassist.entities.term import LEFT
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.fhir_codes import SYSTEMS
from medassist.report.identity import device_uid

pytest.importorskip("fhir.resources", reason="fhir.resources is not installed (test extra)")

FILES = {"R5": "fhir.json", "R4B": "fhir-r4b.json"}

VALUES = {
    ("Bundle", "type"): {"collection"},
    ("DiagnosticReport", "status"): {"preliminary", "final"},
    ("Observation", "status"): {"preliminary", "final"},
    ("ImagingStudy", "status"): {"available"},
    ("ImagingSelection", "status"): {"available"},
    ("Device", "status"): {"active"},
    ("Patient", "gender"): {"male", "female", "other", None},
}
"""What may stand where FHIR binds a value set; fhir.resources takes any word there."""

REGIONS = {
    "imageRegion2D": {"point": 1, "polyline": None, "ellipse": 4},
    "imageRegion3D": {"point": 1, "polyline": None, "polygon": None, "ellipse": 4},
}
"""Kinds of regions, with the number of their points."""

SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder),
    "mr with two times": lambda folder: phantoms.write_mr_series(folder, times=2),
    "dx": lambda folder: phantoms.write_film(folder),
    "cr without spacing": lambda folder: phantoms.write_film(folder, modality="CR", spacing=None, imager_spacing=None),
    "chinese": lambda folder: phantoms.write_ct_series(
        folder, SpecificCharacterSet="GB18030", PatientName="Wang^XiaoDong=王^小东", StudyDescription="胸部平扫"
    ),
    "anonymised": lambda folder: phantoms.write_mr_series(
        folder,
        **dict.fromkeys(
            (
                "PatientName",
                "PatientID",
                "PatientBirthDate",
                "PatientSex",
                "StudyDate",
                "StudyTime",
                "AccessionNumber",
            ),
            None,
        ),
    ),
    "without modality": lambda folder: phantoms.write_film(folder, modality="CR", Modality=None),
    "picture": lambda folder: (folder.mkdir(), Image.new("L", (96, 80), 90).save(folder / "film.png")),
}


def bundles(case: Case, folder: Path, formats: tuple[str, ...] = ("seg", "fhir")) -> dict[str, dict[str, Any]]:
    export(case, folder, formats, progress=Progress())
    return {name: json.loads((folder / file).read_text(encoding="utf-8")) for name, file in FILES.items()}


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def only(bundle: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = resources(bundle, kind)
    return found


def tracked(bundle: dict[str, Any], uid: str) -> dict[str, Any]:
    name = f"urn:oid:{uid}"
    return next(one for one in resources(bundle, "Observation") if one.get("identifier", [{}])[0].get("value") == name)


def of_finding(bundle: dict[str, Any], finding: Finding) -> dict[str, Any]:
    return tracked(bundle, finding.tracking_uid)


def figures(bundle: dict[str, Any], observation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return code -> observation of the members."""
    held = {one["fullUrl"]: one["resource"] for one in bundle["entry"]}
    members = [held[one["reference"]] for one in observation.get("hasMember", [])]
    return {(one["code"]["coding"][0]["code"], one.get("method", {}).get("coding", [{}])[0].get("code")): one
            for one in members}  # fmt: skip


def walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, however deep; members of a list have the key of the list."""
    yield key, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from walk(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from walk(one, key)


@pytest.mark.parametrize("source", SOURCES)
def test_both_releases_are_valid(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    for release, bundle in bundles(drawn_case(tmp_path / "in"), tmp_path / "out").items():
        module = "fhir.resources.bundle" if release == "R5" else "fhir.resources.R4B.bundle"
        assert import_module(module).Bundle.model_validate(bundle)
        for one in (bundle, *(entry["resource"] for entry in bundle["entry"])):
            for (kind, element), allowed in VALUES.items():
                assert one["resourceType"] != kind or one.get(element) in allowed, (kind, element)


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_outside_the_bundle_is_referred_to_and_nothing_is_empty(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    for bundle in bundles(drawn_case(tmp_path / "in"), tmp_path / "out").values():
        names = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", name) for name in names)
        used = {value for key, value in walk(bundle) if key == "reference"}
        assert used <= set(names)
        report = bundle["entry"][0]["fullUrl"]
        idle = set(names) - used - {report}
        kinds = {one["resource"]["resourceType"] for one in bundle["entry"] if one["fullUrl"] in idle}
        assert kinds <= {"Device"}, "only the program itself may stand alone, where no reader drew anything"
        assert not [key for key, value in walk(bundle) if value in (None, "", [], {})]


def test_codes_name_their_system_and_quantities_their_ucum_unit(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    for bundle in bundles(drawn_case(tmp_path / "in"), tmp_path / "out").values():
        codings = [value for key, value in walk(bundle) if key in ("coding", "modality") and isinstance(value, dict)]
        assert codings
        assert all(one.get("system") or "coding" in one for one in codings)
        for key, value in walk(bundle):
            if key == "valueQuantity":
                assert value["system"] == SYSTEMS["UCUM"]
                assert value["code"]
                assert value["unit"]


def test_a_structure_tells_its_figures_with_code_unit_and_derivation(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    first = case.findings[0]
    for bundle in bundles(case, tmp_path / "out").values():
        told = figures(bundle, of_finding(bundle, first))
        volume = told["118565006", None]["valueQuantity"]
        assert (volume["value"], volume["code"]) == (pytest.approx(first.volume_ml), "cm3")
        mean = told["112031", "373098007"]["valueQuantity"]
        assert (mean["value"], mean["code"]) == (pytest.approx(first.measurements["mean_value"]), "[hnsf'U]")
        assert told["103339001", None]["valueQuantity"]["value"] == pytest.approx(first.diameters.long_axis)
        assert "valueCodeableConcept" not in of_finding(bundle, first), "outlined anatomy answers no question"


def test_a_class_tells_presence_score_and_threshold(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    effusion, heart = case.findings
    for bundle in bundles(case, tmp_path / "out").values():
        yes, no = of_finding(bundle, effusion), of_finding(bundle, heart)
        assert yes["code"]["coding"][0] == {
            "system": "http://snomed.info/sct", "code": "60046008", "display": "Pleural effusion",
        }  # fmt: skip
        assert yes["valueCodeableConcept"]["coding"][0]["code"] == "52101004"
        assert no["valueCodeableConcept"]["coding"][0]["code"] == "272519000"
        assert yes["interpretation"][0]["coding"][0]["code"] == "POS"
        assert no["interpretation"][0]["coding"][0]["code"] == "NEG"
        score = figures(bundle, yes)["99MA001", None]
        assert (score["valueQuantity"]["value"], score["valueQuantity"]["code"]) == (0.734, "1")
        assert score["component"][0]["valueQuantity"]["value"] == 0.41
        certain = figures(bundle, no)["111012", None]
        assert (certain["valueQuantity"]["value"], certain["valueQuantity"]["code"]) == (12, "%")
        assert certain["component"][0]["valueQuantity"]["value"] == 30


@pytest.mark.parametrize("judgement", list(Judgement))
def test_status_follows_the_verdict(tmp_path, judgement):
    phantoms.write_film(tmp_path / "in")
    case = replace(drawn_case(tmp_path / "in", judgement), reader="Jane Doe")
    for bundle in bundles(case, tmp_path / "out").values():
        report = only(bundle, "DiagnosticReport")
        if judgement is Judgement.REJECTED:
            assert not [one for one in case.findings if one.tracking_uid in json.dumps(bundle)]
            assert "Effusion" not in json.dumps(bundle["entry"][1:])
            continue
        told = of_finding(bundle, case.findings[0])
        settled = judgement in (Judgement.ACCEPTED, Judgement.EDITED)
        assert told["status"] == ("final" if settled else "preliminary")
        assert report["status"] == ("final" if settled else "preliminary")
        notes = " ".join(one["text"] for one in told.get("note", []))
        assert ("Not reviewed by a reader" in notes) == (judgement is Judgement.UNREVIEWED)
        assert bool(told.get("performer")) == settled


def test_nobody_named_is_never_final(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    nameless = replace(case, findings=tuple(replace(one, judged_by="") for one in case.findings), measurements=())
    for bundle in bundles(nameless, tmp_path / "out").values():
        assert {one["status"] for one in resources(bundle, "Observation")} == {"preliminary"}
        assert only(bundle, "DiagnosticReport")["status"] == "preliminary"
        assert not resources(bundle, "Practitioner")


def test_what_a_reader_changed_is_told_with_the_name(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    edited = replace(case.findings[0], judgement=Judgement.EDITED, edited_by="Max Ray", comment="smaller")
    for bundle in bundles(replace(case, findings=(edited,)), tmp_path / "out").values():
        told = of_finding(bundle, edited)
        assert [one["text"] for one in told["note"]] == ["edited by Max Ray", "smaller"]
        names = {one["name"][0]["text"] for one in resources(bundle, "Practitioner")}
        assert names == {"Jane Doe", "Max Ray"}
        assert len(told["performer"]) == 2


def test_the_model_is_a_device_with_the_uid_of_the_dicom_objects(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    for bundle in bundles(case, tmp_path / "out").values():
        named = {one["reference"]: one for one in (of_finding(bundle, case.findings[0])["device"],)}
        device = next(one["resource"] for one in bundle["entry"] if one["fullUrl"] in named)
        values = {one["value"] for one in device["identifier"]}
        assert values == {f"urn:oid:{device_uid(MODEL)}", MODEL.sha256}
        assert device["version"][0]["value"] == MODEL.version


def test_segments_are_those_of_the_segmentation_object(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    bundle = bundles(case, tmp_path / "out")["R5"]
    seg = pydicom.dcmread(tmp_path / "out" / "seg.dcm")
    held = {one["fullUrl"]: one["resource"] for one in bundle["entry"]}
    for number, finding in ((1, case.findings[0]), (2, case.findings[1])):
        place = held[of_finding(bundle, finding)["derivedFrom"][0]["reference"]]
        assert (place["seriesUid"], place["studyUid"]) == (seg.SeriesInstanceUID, seg.StudyInstanceUID)
        assert place["instance"][0]["uid"] == seg.SOPInstanceUID
        assert place["instance"][0]["subset"] == [str(number)]


@pytest.mark.parametrize("source", ["ct", "dx"])
def test_drawings_are_regions_of_their_own_picture(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    index = 2 if source == "ct" else 0
    drawings = [measurement(case, shape, index, quantities=(Quantity("area", 12.5, "mm2"),)) for shape in Shape]
    case = replace(case, measurements=tuple(drawings))
    bundle = bundles(case, tmp_path / "out")["R5"]
    held = {one["fullUrl"]: one["resource"] for one in bundle["entry"]}
    for one in drawings:
        place = held[tracked(bundle, one.uid)["derivedFrom"][0]["reference"]]["instance"][0]
        assert place["uid"] == case.series.frames[index].sop_instance_uid
        element = "imageRegion3D" if source == "ct" else "imageRegion2D"
        (region,) = place[element]
        size = 3 if source == "ct" else 2
        count = len(region["coordinate"]) // size
        assert REGIONS[element][region["regionType"]] in (None, count)
        first = one.points_lps[0] if source == "ct" else (case.volume.geometry.to_index(one.points_lps[0])[:2] + 0.5)
        assert region["coordinate"][:size] == pytest.approx(list(first), abs=1e-6)
        if one.shape.encloses and one.shape is not Shape.ELLIPSE:
            assert region["coordinate"][:size] == region["coordinate"][-size:], "an outline is closed"


def test_measurements_in_pixels_are_never_millimetres(tmp_path):
    SOURCES["cr without spacing"](tmp_path / "in")
    case = make_case(tmp_path / "in")
    drawing = measurement(case, Shape.LENGTH, 0, quantities=(Quantity("length", 87.0, "{pixels}"),), by="Jane Doe")
    case = replace(case, measurements=(drawing,), findings=())
    for bundle in bundles(case, tmp_path / "out").values():
        (value,) = [one["valueQuantity"] for one in resources(bundle, "Observation") if "valueQuantity" in one]
        assert (value["value"], value["code"]) == (87.0, "{pixels}")


def test_millimetres_of_the_detector_say_so_everywhere(tmp_path):
    from medassist.imaging.scales import DETECTOR_PLANE
    from medassist.report.text import words

    phantoms.write_film(tmp_path / "in", spacing=None)
    case = make_case(tmp_path / "in")
    case = replace(case, measurements=(measurement(case, Shape.LENGTH, 0, by="Jane Doe"),))
    said = DETECTOR_PLANE.text()
    told = bundles(case, tmp_path / "out", ("fhir", "csv"))
    assert all(tracked(one, case.measurements[0].uid)["note"] == [{"text": said}] for one in told.values())
    assert f"[Jane Doe] {said}\n" in words(case)
    assert said in (tmp_path / "out" / "measurements.csv").read_text(encoding="utf-8-sig")


def test_a_measurement_a_finding_was_made_of_is_told_once(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in", predictions=(), heatmaps=())
    drawing = measurement(case, Shape.LENGTH)
    nodule = Finding(
        "1.2.3.4", "Nodule", case.series.key, code=Code("27925004", "SCT", "Nodule"), key_slice=2,
        measurements={"length_mm": 12.34}, measurement_uid=drawing.uid, judgement=Judgement.ACCEPTED,
        by="Jane Doe", judged_by="Jane Doe",
    )  # fmt: skip
    case = replace(case, measurements=(drawing,), findings=(nodule,))
    for bundle in bundles(case, tmp_path / "out").values():
        lengths = [one for one in resources(bundle, "Observation") if "valueQuantity" in one]
        assert [one["valueQuantity"]["value"] for one in lengths] == [12.34]
        assert len(only(bundle, "DiagnosticReport")["result"]) == 1
    rejected = replace(case, findings=(replace(nodule, judgement=Judgement.REJECTED),))
    for bundle in bundles(rejected, tmp_path / "rejected").values():
        assert not resources(bundle, "Observation"), "what was measured for a rejected finding goes with it"


def test_the_side_is_coded_in_both_releases(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in", predictions=(), heatmaps=())
    effusion = Finding("1.2.3.4", "Pleural effusion", case.series.key, laterality=LEFT, judgement=Judgement.ACCEPTED)
    told = bundles(replace(case, findings=(effusion,)), tmp_path / "out")
    for bundle in told.values():
        sides = [one["valueCodeableConcept"]["coding"][0]["code"] for one in of_finding(bundle, effusion)["component"]]
        assert LEFT.value in sides
        assert of_finding(bundle, effusion)["code"]["text"] == "Pleural effusion (left)"
    assert only(told["R5"], "BodyStructure")["includedStructure"][0]["laterality"]["coding"][0]["code"] == LEFT.value
    assert only(told["R4B"], "BodyStructure")["locationQualifier"][0]["coding"][0]["code"] == LEFT.value
    assert of_finding(told["R4B"], effusion)["bodySite"]["text"].startswith("Left, ")


def test_the_patient_is_as_the_source_says_and_nothing_is_added(tmp_path):
    SOURCES["chinese"](tmp_path / "in")
    SOURCES["anonymised"](tmp_path / "nobody")
    for bundle in bundles(drawn_case(tmp_path / "in"), tmp_path / "out").values():
        told = only(bundle, "Patient")
        assert told["identifier"] == [{"value": "PH-1"}]
        assert told["birthDate"] == "1970-01-01"
        assert told["name"][0] == {"text": "XiaoDong Wang", "family": "Wang", "given": ["XiaoDong"]}
        assert told["name"][1]["text"] == "王小东"
    for bundle in bundles(drawn_case(tmp_path / "nobody"), tmp_path / "out2").values():
        assert only(bundle, "Patient") == {"resourceType": "Patient"}
        assert "started" not in only(bundle, "ImagingStudy")


def test_the_narrative_cannot_hold_markup(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    evil = replace(case.findings[0], label="<script>alert(1)</script>&\x00", title_zh="")
    for bundle in bundles(replace(case, findings=(evil,)), tmp_path / "out").values():
        div = only(bundle, "DiagnosticReport")["text"]["div"]
        assert "<script" not in div
        assert "&lt;script&gt;" in div
        assert "\x00" not in div


def test_the_pdf_goes_along_when_it_was_written(tmp_path):
    import base64

    phantoms.write_film(tmp_path / "in")
    case = make_case(tmp_path / "in")
    assert all("presentedForm" not in only(one, "DiagnosticReport") for one in bundles(case, tmp_path / "a").values())
    for bundle in bundles(case, tmp_path / "b", ("pdf", "fhir")).values():
        (form,) = only(bundle, "DiagnosticReport")["presentedForm"]
        assert base64.b64decode(form["data"]) == (tmp_path / "b" / "report.pdf").read_bytes()
