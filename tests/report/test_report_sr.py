"""The structured report: values, codes, references and how settled it says it is."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import replace

import highdicom as hd
import phantoms
import pydicom
import pytest
from report_cases import MODEL, make_case, tool

from medassist.entities.finding import Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.progress import Progress
from medassist.report import sr
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.identity import RESEARCH_USE, device_uid


def read(case: Case, folder) -> tuple[pydicom.Dataset, hd.sr.MeasurementReport]:
    folder.mkdir(exist_ok=True)
    (path,) = sr.write(case, folder)
    document = hd.sr.srread(path)
    return document, document.content


def judged(case: Case, judgement: Judgement = Judgement.ACCEPTED) -> Case:
    settled = (
        replace(one, judgement=judgement, judged_by="Jane Doe", judged_at="2026-11-20T09:00:00", comment="seen")
        for one in case.findings
    )
    return replace(case, findings=tuple(settled))


@pytest.fixture
def ct_case(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    return make_case(tmp_path / "in")


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    return make_case(tmp_path / "in")


def evaluations(group) -> dict[str, str]:
    return {one.name.meaning: one.value.meaning for one in group.get_qualitative_evaluations()}


def measurements(group) -> list[tuple[str, float, str]]:
    return [(one.name.value, float(one.value), one.unit.value) for one in group.get_measurements()]


def derivations(group) -> list[str]:
    return [one.derivation.meaning if one.derivation else "" for one in group.get_measurements()]


def observer(item) -> list[tuple[str, str]]:
    """Return type and name of the person or device that says an item, as (code of the concept, value)."""
    codes = ("121005", "121008")
    said = [one for one in item.get("ContentSequence", []) if one.ConceptNameCodeSequence[0].CodeValue in codes]
    assert {one.RelationshipType for one in said} <= {"HAS OBS CONTEXT"}
    return [
        (
            one.ConceptNameCodeSequence[0].CodeValue,
            str(one.PersonName) if "PersonName" in one else one.ConceptCodeSequence[0].CodeMeaning,
        )
        for one in said
    ]


def test_segment_groups_hold_volume_and_statistics(ct_case, tmp_path):
    _, report = read(ct_case, tmp_path / "out")
    groups = report.get_volumetric_roi_measurement_groups()
    assert len(groups) == 2
    for number, (group, finding) in enumerate(zip(groups, ct_case.findings, strict=False), start=1):
        assert group.tracking_uid == finding.tracking_uid
        assert group.referenced_segment[0].ReferencedSOPSequence[0].ReferencedSegmentNumber == number
        told = measurements(group)
        assert [code for code, _, _ in told] == ["118565006", "103339001", "103340004"] + ["112031"] * 4
        assert told[0][1:] == (pytest.approx(finding.volume_ml, rel=1e-6), "cm3")
        assert told[1][1:] == (pytest.approx(finding.diameters.long_axis, rel=1e-6), "mm")
        assert told[2][1:] == (pytest.approx(finding.diameters.short_axis, rel=1e-6), "mm")
        assert told[3][1:] == (pytest.approx(finding.measurements["mean_value"], rel=1e-6), "[hnsf'U]")
        assert told[4][1] == pytest.approx(finding.measurements["sd_value"], rel=1e-6)
        assert derivations(group)[3:] == ["Mean", "Standard Deviation", "Minimum", "Maximum"]
        assert "Presence" not in evaluations(group), "an anatomical structure is not found present, it is outlined"


def test_a_figure_that_is_no_number_is_left_out_and_the_rest_is_told(ct_case, tmp_path):
    first = ct_case.findings[0]
    odd = replace(first, measurements={**first.measurements, "mean_value": math.nan, "max_value": math.inf})
    ends = tuple(tuple(map(float, ct_case.volume.geometry.to_world([at, 5, 2]))) for at in (3, 9))
    drawn = Measurement("1.2.3", ct_case.series.key, Shape.LENGTH, ends, 2,
                        quantities=(Quantity("length", 4.2, "mm"), Quantity("mean", math.nan, "[hnsf'U]")))  # fmt: skip
    case = replace(ct_case, findings=(odd, *ct_case.findings[1:]), measurements=(drawn,))
    export(case, tmp_path / "out", ("sr", "fhir", "json", "csv"), progress=Progress())
    groups = hd.sr.srread(tmp_path / "out" / "sr.dcm").content.get_volumetric_roi_measurement_groups()
    values = [float(one.value) for group in groups for one in group.get_measurements()]
    assert values
    assert all(map(math.isfinite, values))
    for name in ("fhir.json", "fhir-r4b.json", "result.json"):
        json.loads((tmp_path / "out" / name).read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_segment_reference_is_the_segmentation_of_the_same_report(ct_case, tmp_path):
    from medassist.report import seg

    _, report = read(ct_case, tmp_path / "out")
    (path,) = seg.write(ct_case, tmp_path / "out")
    written = pydicom.dcmread(path)
    group = report.get_volumetric_roi_measurement_groups()[0]
    assert group.referenced_segment[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert group.referenced_segment[0].ReferencedSOPSequence[0].ReferencedSOPClassUID == written.SOPClassUID


def test_segment_without_a_voxel_reports_zero_and_no_region(ct_case, tmp_path):
    _, report = read(ct_case, tmp_path / "out")
    (group,) = report.get_image_measurement_groups()
    assert measurements(group) == [("118565006", 0.0, "cm3")]


def test_classes_say_presence_at_their_operating_point(film_case, tmp_path):
    _, report = read(film_case, tmp_path / "out")
    effusion, cardiomegaly = report.get_image_measurement_groups()
    assert measurements(effusion) == [("99MA001", pytest.approx(0.734), "1")]
    assert measurements(cardiomegaly) == [("111012", pytest.approx(12.0), "%")], "certainty only when calibrated"
    assert evaluations(effusion)["Presence"] == "Present"
    assert evaluations(cardiomegaly)["Presence"] == "Absent"
    assert effusion.finding_type.value == "60046008"
    assert cardiomegaly.finding_type.scheme_designator == "99MEDASSIST"
    parameters = [item.value for item in effusion[0].ContentSequence if item.name.meaning == "Algorithm Parameters"]
    assert f"weights_sha256={MODEL.sha256}" in parameters
    assert "threshold=0.41" in parameters


def test_report_is_preliminary_until_every_finding_is_judged(film_case, tmp_path):
    def flags(case):
        ds, _ = read(case, tmp_path / "out")
        return ds.PreliminaryFlag, ds.CompletionFlag, ds.VerificationFlag

    assert flags(film_case) == ("PRELIMINARY", "COMPLETE", "UNVERIFIED")
    half = replace(film_case, findings=(judged(film_case).findings[0], film_case.findings[1]), reader="Jane Doe")
    assert flags(half) == ("PRELIMINARY", "COMPLETE", "UNVERIFIED")
    assert flags(judged(film_case, Judgement.DEFERRED))[0] == "PRELIMINARY"
    assert flags(judged(film_case)) == ("FINAL", "COMPLETE", "UNVERIFIED")
    signed = replace(judged(film_case), reader="Jane Doe")
    assert flags(signed) == ("FINAL", "COMPLETE", "VERIFIED")
    document, _ = read(signed, tmp_path / "out")
    assert document.VerifyingObserverSequence[0].VerifyingObserverName == "Doe^Jane"


def test_verdicts_and_comments_are_recorded(film_case, tmp_path):
    case = replace(judged(film_case, Judgement.REJECTED), with_rejected=True)
    _, report = read(case, tmp_path / "out")
    group = report.get_image_measurement_groups()[0]
    assert evaluations(group)["Verdict of the reader"] == "Rejected"
    texts = [item.value for item in group[0].ContentSequence if item.name.meaning == "Comment"]
    assert texts == ["Rejected by Jane Doe 2026-11-20T09:00:00", "seen"]


def test_what_the_reader_rejected_is_no_fact_for_other_systems(film_case, tmp_path):
    rejected, accepted = judged(film_case).findings
    case = replace(film_case, findings=(replace(rejected, judgement=Judgement.REJECTED), accepted), reader="Jane Doe")
    document, report = read(case, tmp_path / "out")
    assert [one.finding_type.meaning for one in report.get_image_measurement_groups()] == [accepted.label]
    assert rejected.label not in document.to_json()
    assert document.ContentSequence[-2].TextValue.startswith("1 findings of the model were rejected")
    assert document.VerificationFlag == "VERIFIED", "everything is judged, also what was left out"
    assert sr.write(judged(film_case, Judgement.REJECTED), tmp_path) == (), "nothing is left to say"


def test_reader_is_the_observer_of_verdict_and_comment(film_case, tmp_path):
    _, report = read(judged(film_case), tmp_path / "out")
    group = report.get_image_measurement_groups()[0]
    items = group[0].ContentSequence
    person = [("121005", "Person"), ("121008", "Doe^Jane")]
    (verdict,) = [one for one in items if one.name.meaning == "Verdict of the reader"]
    assert observer(verdict) == person
    assert verdict.ObservationDateTime == "20261120090000"
    told, said = [one for one in items if one.name.meaning == "Comment"]
    assert (observer(told), observer(said)) == ([], person), "the program does not speak for the reader"
    assert observer(group[0]) == [], "what the model claims is not the claim of the reader"


def test_model_is_named_as_ihe_air_demands(film_case, tmp_path):
    document, _ = read(film_case, tmp_path / "out")
    content = {item.ConceptNameCodeSequence[0].CodeValue: item for item in document.ContentSequence}
    assert device_uid(MODEL) == content["121012"].UID
    assert content["121014"].TextValue == document.Manufacturer == "MedAssist"
    assert content["121015"].TextValue == document.ManufacturerModelName == MODEL.name
    assert document.SoftwareVersions == MODEL.version
    assert (document.ContentDate, document.ContentTime) == ("20261120", "083000")


def test_notice_and_private_scheme_are_in_the_document(film_case, tmp_path):
    document, _ = read(film_case, tmp_path / "out")
    assert document.ContentSequence[-1].TextValue == RESEARCH_USE
    assert document.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99MEDASSIST"
    assert "unverified" in document.SeriesDescription
    assert len(document.SeriesDescription) <= 64


def test_films_get_no_invented_place_in_the_report(film_case, tmp_path):
    document, _ = read(film_case, tmp_path / "out")
    assert "FrameOfReferenceUID" not in document.to_json()
    assert "112227" not in document.to_json(), "no frame of reference in the image library"


def test_only_key_slices_are_listed(ct_case, tmp_path):
    document, _ = read(ct_case, tmp_path / "out")
    library = next(
        item for item in document.ContentSequence if item.ConceptNameCodeSequence[0].CodeMeaning == "Image Library"
    )
    (listed,) = library.ContentSequence
    images = [item for item in listed.ContentSequence if item.ValueType == "IMAGE"]
    assert len(images) == len({one.key_slice for one in ct_case.findings if one.key_slice is not None})


def test_dcmqi_reads_the_same_values(ct_case, tmp_path):
    reader = tool("tid1500reader")
    read(ct_case, tmp_path / "out")
    command = [reader, "--inputDICOM", tmp_path / "out" / "sr.dcm", "--outputMetadata", tmp_path / "sr.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    groups = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    volumes = {one["TrackingUniqueIdentifier"]: float(one["measurementItems"][0]["value"]) for one in groups}
    for finding in ct_case.findings[:2]:
        assert volumes[finding.tracking_uid] == pytest.approx(finding.volume_ml, rel=1e-6)


def test_report_without_findings_is_not_written(ct_case, tmp_path):
    assert sr.write(replace(ct_case, findings=()), tmp_path) == ()


def test_finding_of_a_reader_is_reported_everywhere(ct_case, tmp_path):
    from medassist.entities.finding import Finding
    from medassist.report import result_json
    from medassist.report.page import page

    mine = Finding(
        "1.2.3.4",
        "Calcification",
        ct_case.series.key,
        center_lps=(1.0, 2.0, 3.0),
        by="Jane Doe",
        made_at="2026-11-20T09:10:11+08:00",
    )
    case = replace(ct_case, findings=(*ct_case.findings, mine))
    _, report = read(case, tmp_path / "out")
    (group,) = report.get_planar_roi_measurement_groups(tracking_uid="1.2.3.4")
    assert evaluations(group)["Presence"] == "Present"
    assert group.roi.graphic_type.value == "POINT"
    assert group.roi.value.tolist() == [[1.0, 2.0, 3.0]]
    assert group.roi.frame_of_reference_uid == ct_case.volume.geometry.frame_of_reference_uid
    assert observer(group[0]) == [("121005", "Person"), ("121008", "Doe^Jane")]
    assert group[0].ObservationDateTime == "20261120091011+0800"
    names = [one.name.meaning for one in group[0].ContentSequence]
    assert "Algorithm Name" not in names, "no model claims it"
    assert result_json.result(case)["other_findings"][0]["label"] == "Calcification"
    assert any(row.cells[0] == "Calcification" for table in page(case).tables for row in table.rows)
