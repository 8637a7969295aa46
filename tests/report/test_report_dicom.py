"""Every DICOM object of a report: no error of dciodvfy, voxels that dcmqi and highdicom read back unchanged."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import highdicom as hd
import numpy as np
import phantoms
import pydicom
import pytest
from report_cases import ANTERIOR, MODEL, POSTERIOR, blob_map, box_mask, complaints, make_case, tool

from medassist.entities.prediction import Mask, Segment
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.findings import findings_from

DICOM = ("seg", "pm", "sr")


def with_mask(case: Case, mask: Mask) -> Case:
    prediction = replace(case.predictions[0], mask=mask)
    return replace(case, predictions=(prediction,), findings=findings_from(prediction, case.volume))


def written(case: Case, folder: Path) -> dict[str, Path]:
    return {path.name: path for path in export(case, folder, DICOM, progress=Progress())}


def labels_in_the_grid(case: Case, seg: hd.seg.Segmentation) -> np.ndarray:
    """Return the segment numbers of a file on the grid of the case, placed by world coordinates."""
    volume = seg.get_volume(combine_segments=True, skip_overlap_checks=True)
    result = np.zeros(case.volume.geometry.shape_zyx, np.uint8)
    indices = np.argwhere(volume.array > 0)
    world = indices @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    target = case.volume.geometry.to_index(world)
    assert np.abs(target - np.rint(target)).max() < 1e-3
    i, j, k = np.rint(target).astype(int).T
    result[k, j, i] = volume.array[tuple(indices.T)]
    return result


SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder),
    "ct oblique, one column too many": lambda folder: phantoms.write_ct_series(
        folder, columns=61, orientation=(0.8, 0.6, 0.0, -0.36, 0.48, -0.8), spacing=(0.7, 0.9, 2.5)
    ),
    "mr coronal": lambda folder: phantoms.write_mr_series(folder, orientation=phantoms.CORONAL),
    "mr sagittal with two times": lambda folder: phantoms.write_mr_series(
        folder, orientation=phantoms.SAGITTAL, times=2
    ),
    "anonymised": lambda folder: phantoms.write_mr_series(
        folder,
        **dict.fromkeys(
            ("PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
            None,
        ),
        BodyPartExamined=None,
        SliceThickness=None,
    ),
    "invalid values": lambda folder: phantoms.write_mr_series(
        folder,
        PatientIdentityRemoved="YES",
        DeidentificationMethod="",
        PatientSize="",
        PatientName="REMOVED",
        ReferringPhysicianName="ward",
    ),
    "chinese": lambda folder: phantoms.write_ct_series(
        folder, SpecificCharacterSet="GB18030", PatientName="Wang^XiaoDong=王^小东", StudyDescription="胸部平扫"
    ),
    "dx": lambda folder: phantoms.write_film(folder),
    "dx of a leg": lambda folder: phantoms.write_film(folder, body_part="LEG"),
    "cr without spacing": lambda folder: phantoms.write_film(folder, modality="CR", spacing=None, imager_spacing=None),
}


@pytest.mark.parametrize("source", SOURCES)
def test_dciodvfy_finds_no_error(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    case = with_mask(case, box_mask(case.volume.geometry))
    files = written(case, tmp_path / "out")
    assert set(files) == {"seg.dcm", "heatmap-1.dcm", "sr.dcm"}
    assert not [line for path in files.values() for line in complaints(path)]


def test_dciodvfy_finds_no_error_on_a_real_film(tmp_path):
    if find_spec("data_store") is None:
        pytest.skip("pydicom-data is not installed (test extra)")
    source = Path(find_spec("data_store").submodule_search_locations[0]) / "data" / "RG1_UNCR.dcm"
    (tmp_path / "in").mkdir()
    shutil.copy(source, tmp_path / "in")
    files = written(make_case(tmp_path / "in"), tmp_path / "out")
    assert {name: complaints(path) for name, path in files.items()} == {"heatmap-1.dcm": [], "sr.dcm": []}


@pytest.mark.parametrize(
    "relative", ["hippocampus/dicom_crops/11_HCropVolume", "dicom/enh_philips_fieldmap/In", "dicom/ct_ge_head/In"]
)
def test_dciodvfy_finds_no_error_on_shared_series(tmp_path, shared_data, relative):
    files = written(make_case(shared_data(relative)), tmp_path)
    assert len(files) == 3
    assert not [line for path in files.values() for line in complaints(path)]


@pytest.mark.parametrize("source", [one for one in SOURCES if one.startswith(("ct", "mr"))])
def test_segmentation_reads_back_voxel_for_voxel(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    seg = hd.seg.segread(written(case, tmp_path / "out")["seg.dcm"])
    assert np.array_equal(labels_in_the_grid(case, seg), case.predictions[0].mask.labels_zyx)


def test_segmentation_matches_the_source_volume_of_highdicom(tmp_path):
    paths = phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    source = hd.get_volume_from_series([pydicom.dcmread(path) for path in paths])
    seg = hd.seg.segread(written(case, tmp_path / "out")["seg.dcm"])
    matched = seg.get_volume(combine_segments=True).match_geometry(source)
    mine = hd.Volume(
        case.predictions[0].mask.labels_zyx,
        case.volume.geometry.affine_lps[:, [2, 1, 0, 3]],
        coordinate_system="PATIENT",
    ).match_geometry(source)
    assert np.array_equal(matched.array, mine.array)


@pytest.mark.parametrize("source", ["ct oblique, one column too many", "mr coronal"])
def test_dcmqi_reads_the_same_voxels(tmp_path, source):
    import SimpleITK

    reader = tool("segimage2itkimage")
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    path = written(case, tmp_path / "out")["seg.dcm"]
    (tmp_path / "itk").mkdir()
    command = [reader, "--inputDICOM", path, "--outputDirectory", tmp_path / "itk", "-t", "nrrd"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    labels = case.predictions[0].mask.labels_zyx
    for number in (1, 2):
        image = SimpleITK.ReadImage(str(tmp_path / "itk" / f"{number}.nrrd"))
        points = [
            image.TransformIndexToPhysicalPoint([int(x) for x in index[::-1]])
            for index in np.argwhere(SimpleITK.GetArrayFromImage(image) > 0)
        ]
        read = {tuple(point) for point in np.rint(case.volume.geometry.to_index(points)).astype(int)}
        assert read == {tuple(index[::-1]) for index in np.argwhere(labels == number)}


def test_segments_carry_codes_and_the_tracking_uid_of_their_finding(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    seg = hd.seg.segread(written(case, tmp_path / "out")["seg.dcm"])
    assert list(seg.segment_numbers) == [1, 2], "the empty segment is left out"
    first, second = seg.SegmentSequence
    assert (first.SegmentLabel, second.SegmentLabel) == (ANTERIOR.label, POSTERIOR.label)
    assert first.TrackingUID == case.findings[0].tracking_uid
    kind = first.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue) == ("5366008", "255549009")
    algorithm = first.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == (MODEL.name, MODEL.version)
    assert first.SegmentAlgorithmType == "AUTOMATIC"


def test_many_segments_are_written_as_a_label_map(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    segments = tuple(Segment(value, f"Part {value}") for value in range(3, 25, 2))
    labels = np.zeros(case.volume.geometry.shape_zyx, np.uint8)
    for column, segment in enumerate(segments):
        labels[2:5, 10:20, 5 * column : 5 * column + 3] = segment.value
    case = with_mask(case, Mask(labels, case.volume.geometry, segments))
    path = written(case, tmp_path / "out")["seg.dcm"]
    seg = hd.seg.segread(path)
    assert seg.SegmentationType == "LABELMAP"
    numbers = labels_in_the_grid(case, seg)
    assert np.array_equal(numbers, np.where(labels > 0, (labels - 1) // 2, 0))
    assert complaints(path) == []


def test_four_dimensional_sources_name_the_first_time_point(tmp_path):
    paths = phantoms.write_mr_series(tmp_path / "in", times=3)
    first = {pydicom.dcmread(path).SOPInstanceUID for path in paths[::3]}
    case = make_case(tmp_path / "in")
    for path in written(case, tmp_path / "out").values():
        ds = pydicom.dcmread(path)
        frames = ds.get("PerFrameFunctionalGroupsSequence", [])
        named = {
            source.ReferencedSOPInstanceUID
            for frame in frames
            for source in frame.DerivationImageSequence[0].SourceImageSequence
        }
        assert named <= first
        assert named or not frames


def test_parts_of_one_enhanced_file_name_their_own_frames(tmp_path, shared_data):
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    found = scan(shared_data("dicom/enh_philips_fieldmap/In"), progress=Progress())
    series = next(one for one in found.all_series() if one.frames[0].frame > 0)
    volume = load(series, progress=Progress())
    prediction = replace(make_case(shared_data("dicom/enh_philips_fieldmap/In")).predictions[0])
    prediction = replace(prediction, mask=box_mask(volume.geometry), series_key=series.key)
    case = Case(found.study_of(series), series, volume, (prediction,), findings=findings_from(prediction, volume))
    seg = hd.seg.segread(written(case, tmp_path)["seg.dcm"])
    for item in seg.PerFrameFunctionalGroupsSequence:
        position = [float(value) for value in item.PlanePositionSequence[0].ImagePositionPatient]
        index = round(float(volume.geometry.to_index(position)[2]))
        (source,) = item.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedFrameNumber == series.frames[index].frame + 1


@pytest.mark.parametrize("source", ["ct oblique, one column too many", "cr without spacing"])
def test_parametric_map_holds_the_values_in_place(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    pm = hd.pm.ParametricMap.from_file(written(case, tmp_path / "out")["heatmap-1.dcm"])
    frames = pm.get_frames(apply_real_world_transform=True)
    values = case.heatmaps[0].values_zyx
    step = values.max() / 65535
    for item, frame in zip(pm.PerFrameFunctionalGroupsSequence, frames, strict=True):
        position = [float(value) for value in item.PlanePositionSequence[0].ImagePositionPatient]
        index = round(float(case.volume.geometry.to_index(position)[2]))
        assert np.abs(frame - values[index]).max() <= 0.51 * step
    mapping = pm.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == "130403"
    assert pm.ContentQualification == "RESEARCH"


def test_signed_maps_and_other_methods_keep_their_meaning(tmp_path):
    from medassist.report.pm import quantity, quantized

    values = np.linspace(-0.3, 0.7, 101, dtype=np.float32).reshape(1, 1, 101)
    steps, slope, intercept = quantized(values)
    assert np.abs(steps * slope + intercept - values).max() <= 0.51 * slope
    assert [quantity(name).value for name in ("Seg-Grad-CAM", "CAM", "Integrated Gradients")] == [
        "130403",
        "130402",
        "130404",
    ]


def test_a_map_of_what_was_rejected_is_not_written(tmp_path):
    from medassist.entities.finding import Judgement
    from medassist.report.result_json import result

    phantoms.write_film(tmp_path / "in")
    case = make_case(tmp_path / "in")
    other = blob_map(case.volume, target="Cardiomegaly")
    case = replace(case, heatmaps=(*case.heatmaps, other))
    rejected = [replace(one, judgement=Judgement.REJECTED) if one.label == "Effusion" else one for one in case.findings]
    case = replace(case, findings=tuple(rejected))
    files = written(case, tmp_path / "out")
    assert set(files) == {"heatmap-2.dcm", "sr.dcm"}
    assert [one["file"] for one in result(case)["explanations"]] == [None, "heatmap-2.dcm"]
    (evidence,) = pydicom.dcmread(files["sr.dcm"]).CurrentRequestedProcedureEvidenceSequence
    named = {
        one.ReferencedSOPInstanceUID for each in evidence.ReferencedSeriesSequence for one in each.ReferencedSOPSequence
    }
    assert pydicom.dcmread(files["heatmap-2.dcm"]).SOPInstanceUID in named
    assert case.uid_of("pm", "instance", 1) not in named, "nothing points at what is not there"
    assert "heatmap-1.dcm" in written(replace(case, with_rejected=True), tmp_path / "all")


def test_equipment_names_the_weights(tmp_path):
    from medassist.report.identity import device_uid

    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    for path in written(case, tmp_path / "out").values():
        items = pydicom.dcmread(path).ContributingEquipmentSequence
        mine = next(item for item in items if item.get("DeviceUID") == device_uid(MODEL))
        assert (mine.ManufacturerModelName, mine.SoftwareVersions) == (MODEL.name, MODEL.version)
    assert device_uid(replace(MODEL, sha256="cd" * 32)) != device_uid(MODEL)


def test_another_grid_is_refused(tmp_path):
    from medassist.entities.errors import Refused

    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    affine = case.volume.geometry.affine_lps.copy()
    affine[0, 3] += 0.7
    shifted = replace(blob_map(case.volume), geometry=replace(case.volume.geometry, affine_lps=affine))
    with pytest.raises(Refused):
        replace(case, heatmaps=(shifted,))


def test_sources_without_identifiers_or_of_retired_kinds_get_no_objects_and_a_reason(tmp_path):
    from medassist.report.notes import notes

    phantoms.write_ct_series(tmp_path / "in", SOPClassUID="1.2.840.10008.5.1.4.1.1.6")
    case = make_case(tmp_path / "in")
    assert written(case, tmp_path / "out") == {}
    assert any("retired" in note.text() for note in notes(case))


def test_cine_without_functional_groups_names_its_frames(tmp_path):
    pixels = np.tile(np.arange(64, dtype=np.uint8), (5 * 48, 1))
    ds = phantoms.base("1.2.840.10008.5.1.4.1.1.3.1", "US", pixels, 0)
    ds.Rows, ds.NumberOfFrames, ds.SeriesInstanceUID = 48, 5, "1.2.826.0.1.3680043.8.498.77"
    ds.FrameTime, ds.FrameIncrementPointer, ds.ImageType = 40, 0x00181063, ["ORIGINAL", "PRIMARY"]
    phantoms.save(ds, tmp_path / "in" / "cine.dcm", {})
    case = make_case(tmp_path / "in")
    case = with_mask(case, box_mask(case.volume.geometry))
    files = written(case, tmp_path / "out")
    assert not [line for path in files.values() for line in complaints(path)]
    seg = pydicom.dcmread(files["seg.dcm"])
    named = {
        int(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for frame in seg.PerFrameFunctionalGroupsSequence
    }
    labels = case.predictions[0].mask.labels_zyx
    assert named == {index + 1 for index in range(5) if labels[index].any()}


def test_headers_of_the_source_stay_as_they_are(tmp_path, monkeypatch):
    from medassist.imaging import headers
    from medassist.report.sources import source_headers

    phantoms.write_film(tmp_path / "in")
    case = make_case(tmp_path / "in")
    read = headers.read_headers(case.series)
    before = [header.to_json() for header in read]
    monkeypatch.setattr(headers, "read_headers", lambda series: read)
    assert "FrameOfReferenceUID" in source_headers(case)[0]
    assert [header.to_json() for header in read] == before
