"""Reports and segmentations of other makers: their findings come as theirs, judged as far as flags carry it."""

from __future__ import annotations

import sys
from pathlib import Path

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

sys.path.append(str(Path(__file__).parents[1] / "report"))

from medassist.entities.finding import Judgement
from medassist.entities.measurement import Shape
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.objects import load_object
from medassist.session.state import Session

MAKER = {
    "series_instance_uid": "1.2.3.4.1",
    "series_number": 7,
    "instance_number": 1,
    "manufacturer": "Acme",
}


def tracking(uid: str, name: str = "1") -> hd.sr.TrackingIdentifier:
    return hd.sr.TrackingIdentifier(uid=uid, identifier=name)


def algorithm() -> hd.sr.AlgorithmIdentification:
    return hd.sr.AlgorithmIdentification("NoduleFinder", "3.1", parameters=["sensitivity=high"])


def report(sources, folder: Path, groups, **changes) -> Path:
    folder.mkdir(exist_ok=True)
    device = hd.sr.DeviceObserverIdentifyingAttributes(uid="1.2.3.9", model_name="Acme CAD")
    content = hd.sr.MeasurementReport(
        hd.sr.ObservationContext(observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, device)),
        codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
    )
    told = {"is_complete": True, "is_final": True, "is_verified": False, **changes}
    made = hd.sr.Comprehensive3DSR(
        evidence=sources, content=content, sop_instance_uid=hd.UID(), manufacturer_model_name="CAD", **MAKER, **told
    )
    made.save_as(folder / "theirs.dcm")
    return folder / "theirs.dcm"


@pytest.fixture
def sources(tmp_path):
    return [pydicom.dcmread(path) for path in phantoms.write_ct_series(tmp_path / "in")]


def opened(tmp_path, folder: Path) -> Session:
    found = scan(tmp_path / "in")
    session = AddScan(scan(folder))(AddScan(found)(Session()))
    session = ShowVolume(load(found.all_series()[0], progress=Progress()))(session)
    for one in [one for one in session.all_series() if one.frames[0].path.parent == folder]:
        session = load_object(one, session.volume, progress=Progress())(session)
    return session


def class_group(uid: str, label: Code, **changes) -> hd.sr.MeasurementsAndQualitativeEvaluations:
    return hd.sr.MeasurementsAndQualitativeEvaluations(tracking(uid), finding_type=label, **changes)


def test_a_device_is_named_and_judges_nothing(sources, tmp_path):
    nodule = Code("27925004", "SCT", "Nodule")
    site = hd.sr.FindingSite(codes.SCT.Lung, codes.SCT.Left)
    volume = hd.sr.Measurement(codes.SCT.Volume, 1500.0, codes.UCUM.CubicMillimeter)
    group = class_group("1.2.5", nodule, algorithm_id=algorithm(), finding_sites=[site], measurements=[volume])
    report(sources, tmp_path / "sr", [group])
    (found,) = opened(tmp_path, tmp_path / "sr").findings
    assert (found.label, found.code.value, found.laterality.meaning) == ("Nodule", "27925004", "Left")
    assert (found.model.name, found.model.version, found.model.sha256) == ("NoduleFinder", "3.1", "")
    assert found.volume_ml == pytest.approx(1.5)
    assert found.judgement is Judgement.UNREVIEWED
    assert found.read_from == "Acme CAD"


def test_a_verified_report_carries_its_verdict_and_who_gave_it(sources, tmp_path):
    group = class_group("1.2.5", codes.SCT.Nodule, algorithm_id=algorithm())
    report(
        sources,
        tmp_path / "sr",
        [group],
        is_verified=True,
        verifying_observer_name="Roe^Richard",
        verifying_organization="Hospital",
    )
    (found,) = opened(tmp_path, tmp_path / "sr").findings
    assert (found.judgement, found.judged_by) == (Judgement.ACCEPTED, "Richard Roe")
    assert found.judged_at[:4].isdigit()


def test_codes_of_the_retired_snomed_scheme_are_understood(sources, tmp_path):
    mean = hd.sr.Measurement(
        Code("112031", "DCM", "Attenuation Coefficient"),
        41.5,
        codes.UCUM.HounsfieldUnit,
        derivation=Code("R-00317", "SRT", "Mean"),
    )
    length = hd.sr.Measurement(Code("G-D7FE", "SRT", "Length"), 1.25, codes.UCUM.Centimeter)
    report(
        sources, tmp_path / "sr", [class_group("1.2.5", Code("M-03010", "SRT", "Nodule"), measurements=[mean, length])]
    )
    (found,) = opened(tmp_path, tmp_path / "sr").findings
    assert found.measurements == pytest.approx({"mean_value": 41.5, "length_mm": 12.5})
    assert found.code.scheme == "SCT"


def test_regions_of_others_become_drawings(sources, tmp_path):
    image = hd.sr.SourceImageForRegion(sources[2].SOPClassUID, sources[2].SOPInstanceUID)
    circle = hd.sr.ImageRegion("CIRCLE", np.array([[20.5, 30.5], [25.5, 30.5]]), image)
    line = np.array([[10.5, 10.5], [20.5, 10.5]])
    measured = hd.sr.Measurement(
        codes.SCT.Length,
        7.0,
        codes.UCUM.Millimeter,
        referenced_coordinates=[hd.sr.CoordinatesForMeasurement("POLYLINE", line, image)],
    )
    area = hd.sr.Measurement(codes.SCT.Area, 38.5, codes.UCUM.SquareMillimeter)
    groups = [
        hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking("1.2.5", "ROI 1"), referenced_region=circle, measurements=[area]
        ),
        hd.sr.MeasurementsAndQualitativeEvaluations(tracking("1.2.6", "Length 1"), measurements=[measured]),
    ]
    report(sources, tmp_path / "sr", groups)
    session = opened(tmp_path, tmp_path / "sr")
    drawn = {one.uid: one for one in session.measurements}
    assert (drawn["1.2.5"].shape, drawn["1.2.6"].shape) == (Shape.ELLIPSE, Shape.LENGTH)
    assert {one.slice_index for one in drawn.values()} == {2}
    index = session.volume.geometry.to_index(drawn["1.2.5"].points_lps)
    assert np.abs(index - [[15, 30, 2], [25, 30, 2], [20, 25, 2], [20, 35, 2]]).max() < 1e-6
    assert drawn["1.2.6"].quantity("length").value == 7.0
    assert session.findings == (), "a drawing claims nothing"


def test_lesions_of_a_segmentation_are_findings_and_organs_are_not(sources, tmp_path):
    labels = np.zeros((8, 64, 64), np.uint8)
    labels[2:4, 10:20, 10:20] = 1
    labels[5, 40:44, 40:44] = 2
    described = [
        hd.seg.SegmentDescription(
            number, name, category, kind, "AUTOMATIC",
            hd.AlgorithmIdentificationSequence("Seg", codes.DCM.ArtificialIntelligence, "2"), tracking_uid=uid,
            tracking_id=name,
        )
        for number, name, category, kind, uid in (
            (1, "Liver", codes.SCT.AnatomicalStructure, codes.SCT.Liver, "1.2.7"),
            (2, "Tumour", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "1.2.8"),
        )
    ]  # fmt: skip
    (tmp_path / "seg").mkdir()
    hd.seg.Segmentation(
        sources, labels, "BINARY", described, sop_instance_uid=hd.UID(), manufacturer_model_name="Seg",
        software_versions="2", device_serial_number="2", **MAKER,
    ).save_as(tmp_path / "seg" / "theirs.dcm")  # fmt: skip
    session = opened(tmp_path, tmp_path / "seg")
    (found,) = session.findings
    assert (found.tracking_uid, found.label, found.model.name) == ("1.2.8", "Tumour", "Seg")
    assert found.volume_ml == pytest.approx(16 * session.volume.geometry.voxel_volume_ml)
    assert np.abs(session.volume.geometry.to_index(found.center_lps) - [41.5, 41.5, 5]).max() < 1e-6
    assert session.predictions == ()


def test_a_damaged_tree_is_told_or_read_in_part(sources, tmp_path):
    path = report(sources, tmp_path / "sr", [class_group("1.2.5", codes.SCT.Nodule)])
    ds = pydicom.dcmread(path)
    groups = next(one for one in ds.ContentSequence if one.ConceptNameCodeSequence[0].CodeValue == "126010")
    del groups.ContentSequence[0].ContentSequence
    ds.save_as(path)
    session = opened(tmp_path, tmp_path / "sr")
    assert session.findings == ()
    assert session.documents[-1].items, "the tree can still be read"
