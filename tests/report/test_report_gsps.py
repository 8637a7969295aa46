"""Presentation states: drawings in the right pixels of the right picture, and the very same grey."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import phantoms
import pydicom
import pytest
from drawn_cases import INDICES, drawn_case, measurement, points, remarks_of_dciodvfy
from PIL import Image
from report_cases import make_case

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Shape
from medassist.entities.prediction import Code, Mask, Segment
from medassist.entities.volume import VoiLut, Window
from medassist.imaging.objects.read import read_document
from medassist.imaging.render import to_gray8
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.findings import findings_from

OBLIQUE = (0.8, 0.6, 0.0, -0.36, 0.48, -0.8)

SOURCES = {
    "ct": lambda folder: phantoms.write_ct_series(folder),
    "ct oblique, anisotropic": lambda folder: phantoms.write_ct_series(
        folder, spacing=(0.7, 0.9, 2.5), orientation=OBLIQUE
    ),
    "mr coronal": lambda folder: phantoms.write_mr_series(folder, orientation=phantoms.CORONAL),
    "mr with two times": lambda folder: phantoms.write_mr_series(folder, times=2),
    "dx": lambda folder: phantoms.write_film(folder),
    "dx inverse": lambda folder: phantoms.write_film(folder, photometric="MONOCHROME1"),
    "cr without spacing": lambda folder: phantoms.write_film(folder, modality="CR", spacing=None, imager_spacing=None),
    "chinese": lambda folder: phantoms.write_ct_series(
        folder, SpecificCharacterSet="GB18030", PatientName="Wang^XiaoDong=王^小东"
    ),
}


def written(case: Case, folder: Path) -> dict[str, pydicom.Dataset]:
    return {path.name: pydicom.dcmread(path) for path in export(case, folder, ("gsps",), progress=Progress())}


def state_of(case: Case, folder: Path) -> pydicom.Dataset:
    (state,) = written(case, folder).values()
    return state


def lines(state: pydicom.Dataset, uid: str) -> list[np.ndarray]:
    return [
        np.array(drawn.GraphicData).reshape(-1, 2)
        for one in state.get("GraphicAnnotationSequence", [])
        for drawn in one.get("GraphicObjectSequence", [])
        if drawn.TrackingUID == uid
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_every_shape_is_drawn_and_valid(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    (path,) = export(case, tmp_path / "out", ("gsps",), progress=Progress())
    assert not remarks_of_dciodvfy(path)
    state = pydicom.dcmread(path)
    assert state.SpecificCharacterSet == "ISO_IR 192"
    assert state.StudyInstanceUID == case.series.study_uid
    named = {one.ReferencedSOPInstanceUID for one in state.ReferencedSeriesSequence[0].ReferencedImageSequence}
    assert named == {frame.sop_instance_uid for frame in case.series.frames}
    drawn = {one.uid for one in case.measurements if lines(state, one.uid)}
    assert drawn == {one.uid for one in case.measurements if one.shape is not Shape.TEXT}
    texts = [text.UnformattedTextValue for one in state.GraphicAnnotationSequence
             for text in one.get("TextObjectSequence", [])]  # fmt: skip
    assert sorted(texts) == ["12.3 mm", "海马 hilum"], "nothing but label and figures"


@pytest.mark.skipif(not shutil.which("dcmpschk"), reason="dcmtk is not installed")
@pytest.mark.parametrize("source", ["ct", "dx inverse"])
def test_dcmtk_takes_it_for_a_presentation_state(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    (path,) = export(drawn_case(tmp_path / "in"), tmp_path / "out", ("gsps",), progress=Progress())
    done = subprocess.run(["dcmpschk", "-v", path], capture_output=True, text=True, timeout=60)
    assert "Test passed" in done.stdout + done.stderr


@pytest.mark.parametrize("source", ["ct", "ct oblique, anisotropic", "mr coronal", "dx"])
def test_points_lie_in_the_pixels_they_were_drawn_on(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    state = state_of(case, tmp_path / "out")
    for one in case.measurements:
        if one.shape in (Shape.LENGTH, Shape.ANGLE, Shape.POLYGON, Shape.RECTANGLE, Shape.FREEHAND):
            (line,) = lines(state, one.uid)
            wanted = np.array(INDICES[one.shape]) + 0.5  # the first pixel has its centre at (0.5, 0.5)
            assert np.abs(line[: len(wanted)] - wanted).max() < 1e-3
            assert not one.shape.encloses or np.array_equal(line[0], line[-1])


def test_drawings_name_their_own_picture_and_time(tmp_path):
    phantoms.write_mr_series(tmp_path / "in", times=2)
    case = make_case(tmp_path / "in")
    case = replace(case, measurements=(measurement(case, Shape.LENGTH, index=3, time=1),))
    (one,) = state_of(case, tmp_path / "out").GraphicAnnotationSequence
    assert one.ReferencedImageSequence[0].ReferencedSOPInstanceUID == case.series.frames[3 * 2 + 1].sop_instance_uid


def test_a_frame_of_a_cine_is_named_by_its_number(tmp_path):
    pixels = np.tile(np.arange(64, dtype=np.uint8), (5 * 48, 1))
    ds = phantoms.base("1.2.840.10008.5.1.4.1.1.3.1", "US", pixels, 0)
    ds.Rows, ds.NumberOfFrames, ds.SeriesInstanceUID = 48, 5, "1.2.826.0.1.3680043.8.498.77"
    ds.FrameTime, ds.FrameIncrementPointer, ds.ImageType = 40, 0x00181063, ["ORIGINAL", "PRIMARY"]
    phantoms.save(ds, tmp_path / "in" / "cine.dcm", {})
    case = make_case(tmp_path / "in")
    case = replace(case, measurements=(measurement(case, Shape.LENGTH, index=0, time=3),))
    if case.series.times == 1:
        case = replace(case, measurements=(measurement(case, Shape.LENGTH, index=3),))
    (one,) = state_of(case, tmp_path / "out").GraphicAnnotationSequence
    assert one.ReferencedImageSequence[0].ReferencedFrameNumber == 4


@pytest.mark.parametrize("frames", [1, 2])
def test_a_kind_of_image_without_frames_gets_no_frame_number(tmp_path, frames):
    phantoms.write_film(tmp_path / "in", SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="OT", NumberOfFrames=1)
    if frames == 2:  # which such a file must not have, but some do
        path = next((tmp_path / "in").iterdir())
        ds = pydicom.dcmread(path)
        ds.NumberOfFrames, ds.PixelData = 2, ds.PixelData * 2
        ds.save_as(path)
    case = make_case(tmp_path / "in", heatmaps=())
    case = replace(case, measurements=(measurement(case, Shape.LENGTH, index=0),))
    state = state_of(case, tmp_path / "out")
    named = [one.ReferencedImageSequence[0] for one in state.get("GraphicAnnotationSequence", [])]
    assert len(named) == (1 if frames == 1 else 0), "of two frames nothing may name the one that was drawn on"
    assert all("ReferencedFrameNumber" not in one for one in named)


def shown_by(state: pydicom.Dataset, source: pydicom.Dataset) -> np.ndarray:
    """Return the grey a viewer shows that follows PS3.4 N.2, from the stored pixels and the state alone."""
    values = source.pixel_array.astype(np.float64) * float(state.RescaleSlope) + float(state.RescaleIntercept)
    step = state.SoftcopyVOILUTSequence[0]
    assert step.get("VOILUTFunction", "LINEAR") == "LINEAR"
    low, width = float(step.WindowCenter) - 0.5, float(step.WindowWidth) - 1.0  # PS3.3 C.11.2.1.2.1
    grey = np.clip((values - low) / width + 0.5, 0, 1) * 255
    return 255 - grey if state.PresentationLUTShape == "INVERSE" else grey


@pytest.mark.parametrize("source", ["ct", "dx", "dx inverse"])
def test_the_grey_is_that_of_the_program(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = make_case(tmp_path / "in")
    state = state_of(case, tmp_path / "out")
    index = min(3, case.volume.geometry.shape_zyx[0] - 1)
    stored = pydicom.dcmread(case.series.frames[index].path)
    ours = to_gray8(case.volume.array_zyx[index], case.volume.windows[0], case.volume.inverted)
    assert np.abs(shown_by(state, stored) - ours).max() <= 1.0


def test_the_window_of_the_reader_goes_along(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = replace(make_case(tmp_path / "in"), window=Window(-600.0, 1500.0, "Lung"), inverted=True, reader="Jane Doe")
    state = state_of(case, tmp_path / "out")
    assert str(state.ContentCreatorName) == "Doe^Jane"
    step = state.SoftcopyVOILUTSequence[0]
    assert (step.WindowCenter, step.WindowWidth, step.WindowCenterWidthExplanation) == (-600, 1500, "Lung")
    assert state.PresentationLUTShape == "INVERSE"


@pytest.mark.skipif(not shutil.which("dcmp2pgm"), reason="dcmtk is not installed")
@pytest.mark.parametrize("source", ["ct", "dx", "dx inverse"])
@pytest.mark.parametrize("window", [None, Window(300.0, 700.0, "Bone")])
def test_dcmtk_shows_the_grey_of_the_program(tmp_path, source, window):
    SOURCES[source](tmp_path / "in")
    case = replace(drawn_case(tmp_path / "in"), window=window, inverted=window is not None)
    (path,) = export(case, tmp_path / "out", ("gsps",), progress=Progress())
    index = min(3, case.volume.geometry.shape_zyx[0] - 1)
    picture = tmp_path / "shown.pgm"
    subprocess.run(["dcmp2pgm", "-p", path, case.series.frames[index].path, picture], check=True, timeout=60)
    shown = np.asarray(Image.open(picture)).astype(int)
    inverted = case.volume.inverted != case.inverted
    ours = to_gray8(case.volume.array_zyx[index], window or case.volume.windows[0], inverted).astype(int)
    assert np.ptp(ours) > 100
    assert np.abs(shown - ours).max() <= 1


def test_a_table_of_grey_values_goes_along(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    lut = VoiLut(-1000, tuple(range(0, 4096, 2)), 12)
    case = replace(make_case(tmp_path / "in"), window=Window(0.0, 2000.0, "table", lut=lut))
    (path,) = export(case, tmp_path / "out", ("gsps",), progress=Progress())
    assert not remarks_of_dciodvfy(path)
    table = pydicom.dcmread(path).SoftcopyVOILUTSequence[0].VOILUTSequence[0]
    assert list(table.LUTDescriptor) == [2048, -1000, 16]
    assert np.frombuffer(table.LUTData, "<u2")[[0, 1, 2047]].tolist() == [0, 32, round(4094 * 65535 / 4095)]


def test_pixels_that_are_not_square_stay_so(tmp_path):
    phantoms.write_ct_series(tmp_path / "in", spacing=(0.7, 1.4, 2.5))
    area = state_of(make_case(tmp_path / "in"), tmp_path / "out").DisplayedAreaSelectionSequence[0]
    assert [float(one) for one in area.PresentationPixelSpacing] == [1.4, 0.7]
    assert "PresentationPixelAspectRatio" not in area


def test_slices_with_their_own_rescaling_get_their_own_states(tmp_path):
    phantoms.write_ct_series(tmp_path / "in", RescaleSlope=lambda index: 1 + index)
    case = make_case(tmp_path / "in")
    drawings = (measurement(case, Shape.LENGTH, 2), measurement(case, Shape.ANGLE, 5))
    states = written(replace(case, measurements=drawings), tmp_path / "out")
    assert {float(one.RescaleSlope) for one in states.values()} == {3.0, 6.0}
    assert all(len(one.ReferencedSeriesSequence[0].ReferencedImageSequence) == 1 for one in states.values())
    assert len({one.SOPInstanceUID for one in states.values()}) == 2


@pytest.mark.parametrize("judgement", list(Judgement))
def test_only_what_a_reader_stands_for_is_outlined(tmp_path, judgement):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in", judgement)
    state = state_of(case, tmp_path / "out")
    outlined = [one for one in case.findings if lines(state, one.tracking_uid)]
    if judgement in (Judgement.ACCEPTED, Judgement.EDITED):
        assert outlined == [one for one in case.findings if one.present]
    else:
        assert not outlined


def test_of_a_lesion_only_the_accepted_piece_is_outlined(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    labels = np.zeros(case.volume.geometry.shape_zyx, np.uint8)
    labels[3, 10:20, 10:20], labels[3, 40:46, 40:46] = 1, 1
    lesion = Segment(1, "Nodule", category=Code("49755003", "SCT", "Morphologically Abnormal Structure"))
    prediction = replace(case.predictions[0], mask=Mask(labels, case.volume.geometry, (lesion,)))
    first, second = findings_from(prediction, case.volume)
    assert (first.component, second.component) == (1, 2)
    found = (replace(first, judgement=Judgement.REJECTED), replace(second, judgement=Judgement.ACCEPTED))
    state = state_of(replace(case, predictions=(prediction,), findings=found), tmp_path / "out")
    assert not lines(state, first.tracking_uid)
    (line,) = lines(state, second.tracking_uid)
    assert (line.min(), line.max()) == (40.0, 46.0)


def test_the_drawing_of_a_rejected_finding_is_left_out(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in", predictions=(), heatmaps=())
    drawing = measurement(case, Shape.LENGTH)
    claim = Finding("1.2.3", "Nodule", case.series.key, measurement_uid=drawing.uid, judgement=Judgement.REJECTED)
    state = state_of(replace(case, measurements=(drawing,), findings=(claim,)), tmp_path / "out")
    assert not lines(state, drawing.uid)


def test_an_outline_encloses_the_pixels_of_its_mask(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    first = case.findings[0]
    (line,) = lines(state_of(case, tmp_path / "out"), first.tracking_uid)
    region = case.predictions[0].mask.labels_zyx[first.key_slice] == first.segment_value
    rows, columns = np.nonzero(region)
    assert np.allclose(line.min(axis=0), [columns.min(), rows.min()], atol=1e-6)
    assert np.allclose(line.max(axis=0), [columns.max() + 1, rows.max() + 1], atol=1e-6)


@pytest.mark.parametrize("source", ["ct", "ct oblique, anisotropic", "dx inverse"])
def test_the_program_reads_its_own_state_back(tmp_path, source):
    SOURCES[source](tmp_path / "in")
    case = replace(drawn_case(tmp_path / "in"), window=Window(300.0, 700.0, "Bone"))
    (path,) = export(case, tmp_path / "out", ("gsps",), progress=Progress())
    (series,) = scan(path, progress=Progress()).all_series()
    told = read_document(series, case.volume).presentation
    assert [(one.center, one.width, one.name) for one in told.windows] == [(300.0, 700.0, "Bone")]
    assert told.white_is_low == case.volume.inverted
    drawn = [np.array(line) for one in told.graphics for line in one.lines]
    for one in case.measurements:
        if one.shape in (Shape.LENGTH, Shape.ANGLE, Shape.POLYGON):
            wanted = np.array(INDICES[one.shape])
            assert any(len(line) >= len(wanted) and np.abs(line[: len(wanted)] - wanted).max() < 1e-3 for line in drawn)


def test_drawings_off_the_picture_or_across_slices_are_not_forced_onto_it(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    beside = measurement(case, Shape.LENGTH, points_lps=points(case, ((-9, 5), (20, 9))))
    across = measurement(case, Shape.ANGLE, slice_index=None)
    state = state_of(replace(case, measurements=(beside, across)), tmp_path / "out")
    assert not lines(state, beside.uid)
    assert not lines(state, across.uid)


def test_a_resampled_series_gets_no_drawings_but_its_window(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = drawn_case(tmp_path / "in")
    series = replace(case.series, raw=case.series)
    state = state_of(replace(case, series=series), tmp_path / "out")
    assert "GraphicAnnotationSequence" not in state
    assert state.SoftcopyVOILUTSequence


def test_colour_pictures_get_a_state_without_a_window(tmp_path):
    pixels = np.zeros((48, 64), np.uint8)
    ds = phantoms.base("1.2.840.10008.5.1.4.1.1.7", "OT", pixels, 0)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.SeriesInstanceUID, ds.ConversionType = "1.2.826.0.1.3680043.8.498.78", "WSD"
    ds.PixelData = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8).tobytes()
    phantoms.save(ds, tmp_path / "in" / "rgb.dcm", {})
    case = make_case(tmp_path / "in", heatmaps=())
    case = replace(case, measurements=(measurement(case, Shape.LENGTH, index=0),))
    state = state_of(case, tmp_path / "out")
    assert state.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"
    assert "SoftcopyVOILUTSequence" not in state
    assert lines(state, case.measurements[0].uid)
