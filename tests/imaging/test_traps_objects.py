"""Trap 55: what lies between the images in a folder is read as what it is, placed by geometry."""

from __future__ import annotations

import numpy as np
import pytest
from derived_objects import (
    highdicom_map,
    highdicom_seg,
    write_key_objects,
    write_pdf,
    write_presentation,
    write_rtstruct,
    write_seg,
    write_sr,
)
from phantoms import CORONAL, write_ct_series, write_film
from pydicom import dcmread

from medassist.entities.document import Document
from medassist.entities.errors import MedAssistError, UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_document, read_overlay
from medassist.imaging.scan import scan


def opened(folder):
    """Return the volume of a folder and its objects by kind."""
    series = scan(folder).all_series()
    volume = load(next(one for one in series if one.kind is not SeriesKind.OTHER))
    return volume, {one.object_kind: one for one in series if one.kind is SeriesKind.OTHER}


def boxes(*shape):
    """Return two overlapping off-centre boxes as (slice, row, column, segment)."""
    masks = np.zeros((*shape, 2), np.uint8)
    masks[2:5, 10:20, 30:44, 0] = 1
    masks[4:7, 15:26, 40:50, 1] = 1
    return masks


def of(overlay, label):
    return np.logical_or.reduce(
        [mask.labels_zyx == one.value for mask in overlay.masks for one in mask.segments if one.label == label]
    )


def square(volume, low, high, k):
    """Return the closed contour (LPS mm) around voxels low..high of slice k."""
    a, b = low - 0.4, high + 0.4
    return volume.geometry.to_world([[a, a, k], [b, a, k], [b, b, k], [a, b, k]])


def test_trap_55_other_objects(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", images)
    write_sr(tmp_path / "sr.dcm", images)
    write_rtstruct(tmp_path / "rt.dcm", images)
    write_key_objects(tmp_path / "ko.dcm", images)
    write_presentation(tmp_path / "pr.dcm", images, (40, 400), "IDENTITY")
    write_pdf(tmp_path / "doc.dcm", images)
    volume, objects = opened(tmp_path)
    assert volume.geometry.shape_zyx == (8, 64, 64), "an object was taken for a slice"
    assert set(objects) == {
        "segmentation", "structured report", "contours", "key objects", "presentation state", "PDF document",
    }  # fmt: skip
    named = {kind: one.referenced_series_uids for kind, one in objects.items() if kind != "PDF document"}
    assert set(named.values()) == {(volume.series.series_uid,)}
    assert of(read_overlay(objects["segmentation"], volume), "Lesion").sum() == 3 * 10 * 14


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), CORONAL, (0.96, 0.28, 0, 0, 0, -1)])
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segmentation_comes_home_by_geometry(tmp_path, kind, orientation):
    images = write_ct_series(tmp_path, orientation=orientation)
    masks = boxes(8, 64, 64)
    order = [5, 0, 7, 2, 1, 6, 3, 4]  # images handed over out of order: frames follow them
    shuffled = [images[index] for index in order]
    values = masks[order].astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    more = {"fractional_type": "PROBABILITY"} if kind == "FRACTIONAL" else {}
    highdicom_seg(shuffled, values, kind, labels=("A", "B"), **more).save_as(tmp_path / "seg.dcm")
    volume, objects = opened(tmp_path)
    overlay = read_overlay(objects["segmentation"], volume)
    assert np.array_equal(of(overlay, "A"), masks[..., 0] == 1)
    assert np.array_equal(of(overlay, "B"), masks[..., 1] == 1)
    assert len(overlay.masks) == 2, "overlapping segments are kept apart"
    assert bool(overlay.notes) == (kind == "FRACTIONAL")


def test_labelmap_comes_home(tmp_path):
    images = write_ct_series(tmp_path)
    labels = np.zeros((8, 64, 64), np.uint8)
    labels[1:3, 4:9, 50:60], labels[6, 40:44, 3:9] = 1, 2
    highdicom_seg(images, labels, "LABELMAP", labels=("A", "B")).save_as(tmp_path / "seg.dcm")
    volume, objects = opened(tmp_path)
    (mask,) = read_overlay(objects["segmentation"], volume).masks
    assert np.array_equal(mask.labels_zyx, labels)


def test_segmentation_equals_what_highdicom_reads(tmp_path):
    import highdicom as hd

    images = write_ct_series(tmp_path)
    write_seg(tmp_path / "seg.dcm", images)
    volume, objects = opened(tmp_path)
    theirs = hd.seg.segread(tmp_path / "seg.dcm").get_volume(combine_segments=True)
    marked = theirs.affine @ np.append(np.argwhere(theirs.array).mean(axis=0), 1)
    mine = np.argwhere(of(read_overlay(objects["segmentation"], volume), "Lesion")).mean(axis=0)
    assert np.allclose(volume.geometry.to_world(mine[::-1]), marked[:3], atol=1e-3)


def test_segmentation_on_a_coarser_grid_is_resampled_and_says_so(tmp_path):
    fine = write_ct_series(tmp_path / "fine")
    header = dcmread(fine[0])
    coarse = write_ct_series(
        tmp_path / "coarse", rows=32, columns=32, spacing=(1.4, 1.4, 2.5), origin=(-21.7, -21.7, -10.0),
        FrameOfReferenceUID=header.FrameOfReferenceUID, SeriesInstanceUID="1.2.3.4",
    )  # fmt: skip
    masks = np.zeros((8, 32, 32), np.uint8)
    masks[2:5, 5:10, 15:22] = 1
    highdicom_seg(coarse, masks).save_as(tmp_path / "seg.dcm")
    series = scan(tmp_path).all_series()
    volume = load(next(one for one in series if one.shape_zyx == (8, 64, 64)))
    overlay = read_overlay(next(one for one in series if one.object_kind), volume)
    expected = np.zeros((8, 64, 64), bool)
    expected[2:5, 10:20, 30:44] = True
    assert np.array_equal(of(overlay, "Lesion"), expected)
    assert "another grid" in overlay.notes[0].text()


def test_segmentation_of_tilted_slices_lies_right_on_the_corrected_volume(tmp_path):
    tilted = write_ct_series(
        tmp_path, ImagePositionPatient=lambda k: [-22.05, -22.05 + 0.5 * k, -10 + 2.5 * k], SliceLocation=None
    )
    masks = np.zeros((8, 64, 64), np.uint8)
    masks[:, 20:40, 20:40] = 1
    highdicom_seg(tilted, masks).save_as(tmp_path / "seg.dcm")
    series = scan(tmp_path).all_series()
    seg = next(one for one in series if one.object_kind)
    corrected = load(next(one for one in series if one.raw is not None))
    raw = load(next(one for one in series if one.raw is not None).raw)
    assert np.array_equal(of(read_overlay(seg, raw), "Lesion"), masks == 1)
    inside = of(read_overlay(seg, corrected), "Lesion")
    for k in (1, 4, 6):
        where = np.argwhere(inside[k]).mean(axis=0)
        world = corrected.geometry.to_world([where[1], where[0], k])
        assert np.allclose(world[:2], (-22.05 + 29.5 * 0.7, -22.05 + 0.5 * k + 29.5 * 0.7), atol=0.36)


def test_contours_are_never_laid_over_a_film(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    ct, _ = opened(tmp_path / "ct")
    write_rtstruct(tmp_path / "rt.dcm", images, [("A", [square(ct, 4, 9, 3)])])
    film = load(scan(write_film(tmp_path / "film")).all_series()[0])
    with pytest.raises(UnreadableInput, match="no place in the patient"):
        read_overlay(opened(tmp_path)[1]["contours"], film)


def test_contours_beside_the_slices_and_outside_are_told(tmp_path):
    images = write_ct_series(tmp_path)
    volume, _ = opened(tmp_path)
    write_rtstruct(tmp_path / "rt.dcm", images, [("A", [square(volume, 4, 9, 2.4), square(volume, 4, 9, 30)])])
    volume, objects = opened(tmp_path)
    notes = " ".join(one.text() for one in read_overlay(objects["contours"], volume).notes)
    assert "1 contours of A lie outside" in notes
    assert "up to 1.00 mm beside" in notes


def test_another_frame_of_reference_is_refused(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", images)
    other = load(scan(write_ct_series(tmp_path / "other")[0].parent).all_series()[0])
    with pytest.raises(UnreadableInput, match="another frame of reference"):
        read_overlay(opened(tmp_path)[1]["segmentation"], other)


def test_contours_are_filled_with_holes(tmp_path):
    images = write_ct_series(tmp_path)
    volume, _ = opened(tmp_path)
    ring = [square(volume, 10, 29, 3), square(volume, 15, 20, 3)]
    write_rtstruct(tmp_path / "rt.dcm", images, [("Ring", ring), ("Box", [square(volume, 12, 14, 5)])])
    volume, objects = opened(tmp_path)
    overlay = read_overlay(objects["contours"], volume)
    expected = np.zeros((8, 64, 64), bool)
    expected[3, 10:30, 10:30] = True
    expected[3, 15:21, 15:21] = False
    assert np.array_equal(of(overlay, "Ring"), expected)
    assert of(overlay, "Box").sum() == 9
    assert overlay.masks[0].segments[0].color == (10, 200, 30)


def test_contours_across_the_stored_slices_are_filled_in_their_own_plane(tmp_path):
    images = write_ct_series(tmp_path)
    volume, _ = opened(tmp_path)
    loop = volume.geometry.to_world([[9.6, 7, 1.6], [20.4, 7, 1.6], [20.4, 7, 5.4], [9.6, 7, 5.4]])
    slanted = volume.geometry.to_world([[9, 7, 1], [20, 17, 1], [20, 27, 5], [9, 17, 5]])
    write_rtstruct(tmp_path / "rt.dcm", images, [("Coronal", [loop, slanted])])
    volume, objects = opened(tmp_path)
    overlay = read_overlay(objects["contours"], volume)
    expected = np.zeros((8, 64, 64), bool)
    expected[2:6, 7, 10:21] = True
    assert np.array_equal(of(overlay, "Coronal"), expected)
    assert "run across" in overlay.notes[0].text()


def test_report_of_any_template_is_a_tree(tmp_path):
    write_sr(tmp_path / "sr.dcm", write_ct_series(tmp_path / "ct"))
    _, objects = opened(tmp_path)
    (root,) = read_document(objects["structured report"]).items
    assert root.concept == "Odd report"
    assert [(one.concept, one.value) for one in root.children[:2]] == [("Comment", "Left lung"), ("发现", "结节")]
    assert root.children[1].value_code.value == "N"
    (length,) = root.children[1].children
    assert (length.concept, length.value) == ("Length", "12.5 mm")


def test_key_objects_name_their_images(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    write_key_objects(tmp_path / "ko.dcm", images, chosen=(5, 2))
    volume, objects = opened(tmp_path)
    document = read_document(objects["key objects"], volume)
    assert document.title == "Of Interest"
    assert document.instances == tuple(dcmread(images[index]).SOPInstanceUID for index in (5, 2))
    assert [item.value.rpartition("· ")[2] for item in document.items[0].children] == ["slice 6", "slice 3"]


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_presentation_state_replaces_monochrome1(tmp_path, photometric, shape):
    from medassist.session.actions import AddScan, ShowVolume
    from medassist.session.objects import AddDocument
    from medassist.session.state import Session

    film = write_film(tmp_path, photometric=photometric)
    write_presentation(tmp_path / "pr.dcm", [film], (1000, 300), shape)
    volume, objects = opened(tmp_path)
    document = read_document(objects["presentation state"], volume)
    session = ShowVolume(volume)(AddScan(scan(tmp_path))(Session()))
    session = AddDocument(document)(session)
    white_is_low = session.volume.inverted != session.view.inverted
    assert white_is_low == (shape == "INVERSE"), "inverted twice, or not at all"
    assert (session.view.window.center, session.view.window.width) == (1000, 300)
    assert session.view.window in session.volume.windows, "it is a preset as well"


def test_pdf_comes_out_without_padding(tmp_path):
    write_pdf(tmp_path / "doc.dcm", write_ct_series(tmp_path / "ct"))
    assert read_document(opened(tmp_path)[1]["PDF document"]).pdf == b"%PDF-1.4\n%%EOF\n"


def test_what_only_says_it_is_a_pdf_is_refused(tmp_path):
    write_pdf(tmp_path / "doc.dcm", write_ct_series(tmp_path / "ct"), b"MZ\x90\0")
    with pytest.raises(UnreadableInput, match="no PDF"):
        read_document(opened(tmp_path)[1]["PDF document"])


def test_damaged_objects_end_in_a_sentence(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", images)
    write_rtstruct(tmp_path / "rt.dcm", images, [("A", [np.ones((4, 3))])])
    write_sr(tmp_path / "sr.dcm", images)
    volume, objects = opened(tmp_path)
    random = np.random.default_rng(5)
    outcomes = 0
    for series in objects.values():
        path = series.frames[0].path
        good = path.read_bytes()
        for _ in range(25):
            bad = bytearray(good)
            for place in random.integers(200, len(bad), 12):
                bad[place] = int(random.integers(256))
            path.write_bytes(bad)
            try:
                kind = series.object_kind
                read = read_document(series) if kind == "structured report" else read_overlay(series, volume)
                outcomes += isinstance(read, Document) or bool(read.key)
            except MedAssistError:
                outcomes += 1
    assert outcomes == 75


def test_object_without_series_is_related_by_its_images(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    ds = dcmread(write_seg(tmp_path / "seg.dcm", images))
    del ds.ReferencedSeriesSequence
    ds.save_as(tmp_path / "seg.dcm")
    volume, objects = opened(tmp_path)
    assert objects["segmentation"].referenced_series_uids == (volume.series.series_uid,)


def test_segmentation_of_slices_with_a_gap_finds_its_slices(tmp_path):
    images = write_ct_series(tmp_path)
    images.pop(3).unlink()
    masks = np.zeros((7, 64, 64), np.uint8)
    masks[1:5, 10:20, 30:44] = 1
    masks[5, 2:4, 2:4] = 1
    highdicom_seg(images, masks).save_as(tmp_path / "seg.dcm")
    volume, objects = opened(tmp_path)
    assert not volume.is_regular
    assert np.array_equal(of(read_overlay(objects["segmentation"], volume), "Lesion"), masks == 1)


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (0.96, 0.28, 0, 0, 0, -1)])
def test_float_map_with_unit_comes_home(tmp_path, orientation):
    images = write_ct_series(tmp_path, orientation=orientation)
    values = np.random.default_rng(3).normal(0, 5, (8, 64, 64)).astype(np.float32)
    order = [5, 0, 7, 2, 1, 6, 3, 4]
    highdicom_map([images[index] for index in order], values[order], slope=0.5, intercept=-1.0).save_as(
        tmp_path / "map.dcm"
    )
    volume, objects = opened(tmp_path)
    (found,) = read_overlay(objects["parametric map"], volume).maps
    assert np.allclose(found.values_zyx, values * 0.5 - 1.0, atol=1e-5)
    assert (found.parameters["unit"], found.method) == ("um2/s", "Apparent Diffusion Coefficient")
    assert not found.model.name, "no model ran here"
