"""Graphics, texts and shutters of presentation states: where they lie on the pictures, and what is not drawn."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from derived_objects import annotate, graphic, text_object, write_presentation
from phantoms import write_ct_series
from pydicom import Dataset
from pydicom.sequence import Sequence as Items

from medassist.entities.study import SeriesKind
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_document
from medassist.imaging.scan import scan


def images_in(folder, **tags):
    return write_ct_series(folder / "ct", slices=4, rows=40, columns=60, spacing=(0.5, 1.0, 2.0), **tags)


def shown(folder):
    series = scan(folder).all_series()
    picture = next(one for one in series if one.kind is not SeriesKind.OTHER)
    return read_document(next(one for one in series if one.modality == "PR"), load(picture))


def drawn(folder, images, graphics=(), texts=(), only=(), **tags):
    path = write_presentation(folder / "pr.dcm", images, (40, 400), "IDENTITY")
    annotate(path, graphics, texts, only, **tags)
    return shown(folder)


def test_pixels_count_from_the_corner_of_the_first_one(tmp_path):
    found = drawn(
        tmp_path, images_in(tmp_path), [graphic("POLYLINE", [0.5, 0.5, 10.5, 20.5]), graphic("POINT", [3, 4])]
    )
    line, point = found.presentation.graphics
    assert line.lines == (((0.0, 0.0), (10.0, 20.0)),)
    assert point.lines == (((2.5, 3.5),),)
    assert not found.notes


def test_display_units_are_shares_of_the_whole_picture_or_of_the_displayed_area(tmp_path):
    images = images_in(tmp_path)
    corners = [graphic("POLYLINE", [0, 0, 1, 1], "DISPLAY")]
    (whole,) = drawn(tmp_path, images, corners).presentation.graphics
    assert whole.lines == (((-0.5, -0.5), (59.5, 39.5)),)
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [11, 6], [30, 25]
    area.PresentationSizeMode = "SCALE TO FIT"
    (part,) = drawn(tmp_path, images, corners, DisplayedAreaSelectionSequence=Items([area])).presentation.graphics
    assert part.lines == (((9.5, 4.5), (29.5, 24.5)),)


def test_circle_is_round_in_millimetres_and_ellipse_goes_through_its_ends(tmp_path):
    circle = graphic("CIRCLE", [20.5, 20.5, 30.5, 20.5], filled="Y")
    ellipse = graphic("ELLIPSE", [10.5, 20.5, 30.5, 20.5, 20.5, 15.5, 20.5, 25.5])
    found = drawn(tmp_path, images_in(tmp_path), [circle, ellipse]).presentation.graphics
    millimetres = (np.array(found[0].lines[0]) - (20, 20)) * (0.5, 1.0)
    np.testing.assert_allclose(np.linalg.norm(millimetres, axis=1), 5.0)
    assert found[0].filled
    points = np.array(found[1].lines[0])
    np.testing.assert_allclose(((points - (20, 20)) / (10, 5)) ** 2 @ [1, 1], 1.0)
    assert not found[1].filled


def test_text_stands_at_its_box_with_a_line_from_its_anchor(tmp_path):
    images = images_in(tmp_path)
    found = drawn(tmp_path, images, texts=[text_object("结节", (30.5, 10.5), (20.5, 15.5))], only=images[1:2])
    text, line = found.presentation.graphics
    assert (text.text, text.lines) == ("结节", (((30.0, 10.0),),))
    assert line.lines == (((20.0, 15.0), (30.0, 10.0)),)
    assert text.images == {pydicom.dcmread(images[1]).SOPInstanceUID}


@pytest.mark.parametrize(
    ("one", "tags"),
    [
        (graphic("POLYLINE", [0, 0, 1, 1], "MATRIX"), {}),
        (graphic("POLYLINE", [0, 0, 1, 1], "DISPLAY"), {"ImageRotation": 90}),
        (graphic("SPLINE", [0, 0, 1, 1]), {}),
        (graphic("ELLIPSE", [0, 0, 1, 1]), {}),
        (graphic("CIRCLE", [1, 1]), {}),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, one, tags):
    found = drawn(tmp_path, images_in(tmp_path), [one], **tags)
    assert found.presentation.graphics == ()
    assert "annotations" in found.notes[0].text()


def test_graphics_are_not_drawn_over_slices_that_were_moved(tmp_path):
    images = images_in(tmp_path, ImagePositionPatient=lambda k: [0, 0.7 * k, 2.0 * k])
    found = drawn(tmp_path, images, [graphic("POINT", [3, 4])], ShutterShape="RECTANGULAR")
    assert (found.presentation.graphics, found.presentation.shutter) == ((), None)
    assert "annotations, shutter" in found.notes[0].text()


def test_shutters_are_outlines_of_what_stays_open(tmp_path):
    edges = {"ShutterLeftVerticalEdge": 11, "ShutterRightVerticalEdge": 20,
             "ShutterUpperHorizontalEdge": 3, "ShutterLowerHorizontalEdge": 8}  # fmt: skip
    found = drawn(
        tmp_path, images_in(tmp_path), ShutterShape=["RECTANGULAR", "CIRCULAR", "POLYGONAL"],
        CenterOfCircularShutter=[21, 31], RadiusOfCircularShutter=10,
        VerticesOfThePolygonalShutter=[1, 2, 3, 4, 5, 6], ShutterPresentationValue=0xFFFF, **edges,
    )  # fmt: skip
    shutter = found.presentation.shutter
    rectangle, circle, polygon = shutter.outlines
    assert rectangle == ((9.5, 1.5), (19.5, 1.5), (19.5, 7.5), (9.5, 7.5), (9.5, 1.5))
    np.testing.assert_allclose(np.linalg.norm((np.array(circle) - (30, 20)) * (0.5, 1.0), axis=1), 5.0)
    assert polygon == ((1, 0), (3, 2), (5, 4), (1, 0))
    assert shutter.gray == 1.0
    assert not found.notes


@pytest.mark.parametrize("tags", [{"ShutterShape": "BITMAP"}, {"ShutterShape": "CIRCULAR"}])
def test_a_shutter_that_is_not_read_is_said(tmp_path, tags):
    found = drawn(tmp_path, images_in(tmp_path), **tags)
    assert found.presentation.shutter is None
    assert "shutter" in found.notes[0].text()
