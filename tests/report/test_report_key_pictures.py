"""Key pictures: which slices, what lies over them, and that drawings lie where they were drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import phantoms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from report_cases import make_case

from medassist.entities.draft import Draft, KeyPicture, Shown
from medassist.entities.finding import Judgement
from medassist.entities.geometry import Geometry
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import Mask, Segment
from medassist.entities.study import Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.report import drawing, key_choice, keyimages
from medassist.report.case import Case
from medassist.report.components import MOST_PIECES, REST
from medassist.report.drawn_measurements import YELLOW, draw_measurements, label_of, lines_of, measured_here
from medassist.report.keyviews import key_views, map_name, title
from medassist.report.page import page
from medassist.report.rejected import without_rejected, without_rejected_pieces
from medassist.report.wording import Wording

WORDS = Wording("en")


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    return make_case(tmp_path / "in")


def drafted(case, *pictures, **fields):
    return replace(case, draft=Draft(case.series.key, pictures=pictures, **fields))


def judged(case, verdict: Judgement, *labels: str):
    changed = (replace(one, judgement=verdict) if one.label in labels or not labels else one for one in case.findings)
    return replace(case, findings=tuple(changed))


def test_the_reader_picks_orders_and_leaves_out(mr_case):
    first, second, third = key_views(mr_case)
    assert [one.name.split(":")[0] for one in (first, second, third)] == ["mask", "mask", "map"]
    mine = KeyPicture("key:1", 0, caption="Mind this")
    views = key_views(drafted(mr_case, mine, KeyPicture(third.name, 99), left_out=(first.name,)))
    assert [one.name for one in views] == ["key:1", third.name, second.name]
    assert [one.file_name for one in views] == ["key-1.png", "key-2.png", "key-3.png"]
    assert views[1].index == third.index, "a proposed picture follows its finding, wherever it was before"
    told = page(drafted(mr_case, mine)).pictures[0]
    assert told.caption == "Mind this"
    nothing = drafted(mr_case, left_out=tuple(one.name for one in key_views(mr_case)))
    assert key_views(nothing) == ()
    assert "Key pictures" not in page(nothing).pictures_heading or page(nothing).pictures == ()


def test_a_slice_that_is_gone_is_no_picture(mr_case):
    assert "key:9" not in [one.name for one in key_views(drafted(mr_case, KeyPicture("key:9", 999)))]


def test_what_was_rejected_is_neither_proposed_nor_drawn(mr_case):
    assert len(key_views(judged(mr_case, Judgement.REJECTED))) == 1, "only the map, which explains something else"
    view = key_views(mr_case)[0]
    case = judged(mr_case, Judgement.REJECTED, "Anterior hippocampus")
    picked = next(one for one in key_views(drafted(case, KeyPicture("key:1", view.index))) if one.name == "key:1")
    assert "Anterior hippocampus" not in [one.label for one in picked.segments]
    plain = keyimages.overlaid(case, replace(picked, mask=None, others=()))
    changed = (keyimages.overlaid(case, picked) != plain).any(axis=2)
    labels = drawing.layout_of(case).extract(case.predictions[0].mask.labels_zyx, view.index)
    assert (labels == 1).any()
    assert not changed[labels == 1].any()


def test_a_rejected_piece_is_not_drawn_while_the_others_are(mr_case):
    geometry = mr_case.volume.geometry
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    labels[1:3, 4:10, 4:10] = labels[1:3, 20:23, 20:23] = 1
    mask = Mask(labels, geometry, mr_case.predictions[0].mask.segments[:1])
    run = replace(mr_case.predictions[0], mask=mask)
    found = replace(mr_case.findings[0], key_slice=1)
    pieces = tuple(
        replace(found, tracking_uid=f"9.{number}", component=number, judgement=verdict)
        for number, verdict in ((1, Judgement.ACCEPTED), (2, Judgement.REJECTED))
    )
    case = replace(mr_case, predictions=(run,), findings=pieces, heatmaps=())
    (view,) = key_views(case)
    shown = without_rejected_pieces(case, mask, 1)
    assert np.array_equal(shown > 0, (labels[1] > 0) & (np.indices(labels[1].shape)[0] < 15))
    assert keyimages.draw(case, view).width


def test_many_small_rejected_pieces_go_together_and_take_nothing_else_along(mr_case):
    geometry = mr_case.volume.geometry
    labels = np.zeros(geometry.shape_zyx, np.uint8)
    labels[1, 0:12:2, 0:12:2] = 1  # 36 single pixels, 30 of them told one by one
    labels[1, 20:24, 20:24] = 2
    mask = Mask(labels, geometry, mr_case.predictions[0].mask.segments[:2])
    run = replace(mr_case.predictions[0], mask=mask)
    found = replace(mr_case.findings[0], key_slice=1)
    verdicts = ((1, Judgement.ACCEPTED), (REST, Judgement.REJECTED))
    told = tuple(replace(found, tracking_uid=f"9.{one}", component=one, judgement=verdict) for one, verdict in verdicts)
    case = replace(mr_case, predictions=(run,), findings=told, heatmaps=())
    shown = without_rejected_pieces(case, mask, 1)
    assert (shown == 2).sum() == 16
    assert (shown == 1).sum() == MOST_PIECES
    assert np.array_equal(without_rejected(case, mask)[1], shown)


@pytest.mark.parametrize("label", ["two\nlines\r\n", "long " * 200_000])
def test_a_name_of_several_lines_or_without_an_end_is_one_line_that_fits(mr_case, label):
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    shown = drawing.fitted(pen, label, 16, 300)
    assert "\n" not in shown
    assert pen.textlength(shown, font=drawing.font(16)) <= 300
    home = mr_case.volume.geometry
    ends = tuple(tuple(map(float, home.to_world([at, 5, 2]))) for at in (3, 9))
    drawn = Measurement("2.1", mr_case.series.key, Shape.LENGTH, ends, 2, label=label)
    named = replace(mr_case.predictions[0].mask, segments=(Segment(1, label), Segment(2, label)))
    run = replace(mr_case.predictions[0], mask=named)
    case = replace(mr_case, measurements=(drawn,), predictions=(run,))
    for view in key_views(case):
        assert keyimages.draw(case, view).width < 3000


def test_accepted_slices_come_first_where_there_are_too_many(mr_case, monkeypatch):
    monkeypatch.setattr(key_choice, "MOST_PROPOSED", 1)
    case = judged(mr_case, Judgement.ACCEPTED, "Posterior hippocampus")
    (mask_view,) = (one for one in key_views(case) if one.mask is not None)
    assert "Posterior hippocampus" in [one.label for one in mask_view.segments]
    assert "1 more slices with findings have no key picture." in page(case).notes


def test_what_nobody_judged_is_marked_in_the_picture(mr_case):
    assert all(one.unreviewed for one in key_views(mr_case) if one.mask is not None)
    settled = judged(mr_case, Judgement.ACCEPTED)
    assert not any(one.unreviewed for one in key_views(settled))
    assert page(mr_case).pictures[0].mark == "not reviewed by a reader"
    assert page(settled).pictures[0].mark == ""


def test_a_picked_slice_has_its_grey_scale_its_map_and_no_overlay_if_so_asked(mr_case):
    heatmap = mr_case.heatmaps[0]
    looked = KeyPicture("key:1", 3, window=Window(50.0, 20.0), inverted=True, heatmap=map_name(heatmap))
    (view,) = (one for one in key_views(drafted(mr_case, looked)) if one.name == "key:1")
    assert view.heatmap is heatmap
    plain = replace(view, mask=None, others=(), heatmap=None)
    upright = replace(plain, inverted=False)
    assert np.array_equal(keyimages.overlaid(mr_case, plain), 255 - keyimages.overlaid(mr_case, upright))
    other = keyimages.overlaid(mr_case, replace(upright, window=None))
    assert not np.array_equal(keyimages.overlaid(mr_case, upright), other)
    bare = next(iter(key_views(drafted(mr_case, replace(looked, shown=Shown.PICTURE)))))
    assert (bare.masks, bare.heatmap, bare.segments) == ((), None, ())
    assert title(mr_case, bare, WORDS) == "Picture without overlay"


def test_side_by_side_shows_the_slice_alone_first(mr_case):
    view = key_views(mr_case)[0]
    both = key_views(drafted(mr_case, KeyPicture(view.name, 0, shown=Shown.BOTH)))[0]
    left, right = keyimages.sides(both)
    assert left.masks == ()
    assert right.masks == view.masks
    one, two = keyimages.draw(mr_case, view), keyimages.draw(mr_case, both)
    assert two.width > one.width
    assert two.height == one.height


def volume_of(affine: np.ndarray, shape=(6, 20, 30)) -> Case:
    series = Series("s", SeriesKind.VOLUME, (), shape_zyx=shape, modality="MR")
    volume = Volume(series, np.zeros((1, *shape), np.int16), Geometry(affine, shape, "1.2"))
    return Case(Study("1", series=(series,)), series, volume)


def turned(angles, spacing, flips) -> np.ndarray:
    a, b, c = angles
    around_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    around_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    affine = np.eye(4)
    affine[:3, :3] = around_z @ around_y @ around_x @ np.diag(np.array(spacing) * np.where(flips, -1, 1))
    affine[:3, 3] = (11.0, -7.0, 40.0)
    return affine


angle = st.floats(-3.1, 3.1)
mm = st.floats(0.3, 6.0)


@settings(deadline=None, max_examples=40)
@given(st.tuples(angle, angle, angle), st.tuples(mm, mm, mm), st.tuples(*[st.booleans()] * 3))
def test_a_drawing_lies_on_the_voxels_it_was_drawn_on(angles, spacing, flips):
    """Oblique, flipped and anisotropic: the ends of a line are at the display pixels that show their voxels."""
    case = volume_of(turned(angles, spacing, flips))
    ends = [(4, 3, 2), (25, 16, 2)]
    points = tuple(tuple(map(float, case.volume.geometry.to_world(one))) for one in ends)
    case = replace(case, measurements=(Measurement("1", "s", Shape.LENGTH, points, 2),))
    ((_one, found),) = measured_here(case, 2, 0)
    shown = drawing.layout_of(case)
    marked = np.zeros(case.volume.geometry.shape_zyx, np.uint8)
    for number, (i, j, k) in enumerate(ends, start=1):
        marked[k, j, i] = number
    seen = shown.extract(marked, 2)
    for number, (column, row) in enumerate(found, start=1):
        at = np.argwhere(seen == number)[0]
        assert np.allclose((row, column), at, atol=1e-6)
    assert list(measured_here(case, 3, 0)) == []
    assert list(measured_here(case, 2, 1)) == []


def test_the_pixels_of_a_drawing_and_its_figures(mr_case):
    geometry = mr_case.volume.geometry
    points = tuple(tuple(map(float, geometry.to_world(one))) for one in ((5, 10, 3), (15, 10, 3)))
    length = Measurement("1", mr_case.series.key, Shape.LENGTH, points, 3, quantities=(Quantity("length", 7.1, "mm"),))
    case = replace(mr_case, measurements=(length,))
    rows, columns = drawing.layout_of(case).shape
    canvas = Image.new("RGB", (columns * 20, rows * 20))
    draw_measurements(ImageDraw.Draw(canvas), case, 3, 0, (0, 0, columns * 20, rows * 20), WORDS)
    yellow = (np.asarray(canvas) == YELLOW).all(axis=2)
    shown = drawing.layout_of(case)
    for row, column, _ in shown.to_display(np.array(points)):
        y, x = round((row + 0.5) * 20), round((column + 0.5) * 20)
        assert yellow[y - 2 : y + 3, x - 2 : x + 3].any()
    blank = Image.new("RGB", canvas.size)
    draw_measurements(ImageDraw.Draw(blank), case, 4, 0, (0, 0, *canvas.size), WORDS)
    assert not np.asarray(blank).any(), "nothing of it on another slice"


@pytest.mark.parametrize(
    ("shape", "points", "lines"),
    [
        (Shape.COBB, 4, 2),
        (Shape.BIDIRECTIONAL, 4, 2),
        (Shape.ELLIPSE, 4, 1),
        (Shape.POLYGON, 5, 1),
        (Shape.ANGLE, 3, 1),
        (Shape.ARROW, 2, 3),
        (Shape.TEXT, 1, 0),
    ],
)
def test_every_shape_has_its_lines(shape, points, lines):
    found = lines_of(shape, np.arange(2.0 * points).reshape(-1, 2) ** 1.5)
    assert len(found) == lines
    if shape is Shape.POLYGON:
        assert np.array_equal(found[0][0], found[0][-1])


def test_an_ellipse_goes_through_the_ends_of_its_axes():
    ends = np.array([[0.0, 5.0], [10.0, 5.0], [5.0, 2.0], [5.0, 8.0]])
    (line,) = lines_of(Shape.ELLIPSE, ends)
    for end in ends:
        assert np.abs(line - end).sum(axis=1).min() < 0.2


def test_the_scale_is_true_and_absent_without_millimetres(mr_case):
    shown = drawing.layout_of(mr_case)
    rows, columns = shown.shape
    canvas = Image.new("RGB", (columns * 10, rows * 10))
    drawing.draw_scale(ImageDraw.Draw(canvas), mr_case, (0, 0, *canvas.size), WORDS)
    bar = (np.asarray(canvas)[rows * 10 - 14] == drawing.INK).all(axis=1)
    px_per_mm = 10 / shown.spacing_mm[1]
    length = (np.flatnonzero(bar)[-1] - np.flatnonzero(bar)[0]) / px_per_mm
    assert min(abs(length - one) for one in drawing.BAR_LENGTHS_MM) < 3 / px_per_mm
    bare = replace(mr_case.volume.geometry, calibrated=False)
    volume = replace(mr_case.volume, geometry=bare)
    blank = Image.new("RGB", canvas.size)
    case = replace(mr_case, volume=volume, predictions=(), heatmaps=(), findings=())
    drawing.draw_scale(ImageDraw.Draw(blank), case, (0, 0, *canvas.size), WORDS)
    assert not np.asarray(blank).any()


def test_millimetres_of_a_projection_say_where_they_hold(tmp_path, mr_case):
    phantoms.write_film(tmp_path / "film")
    film = make_case(tmp_path / "film")
    drawn = Measurement("1", film.series.key, Shape.LENGTH, ((0, 0, 0), (3, 0, 0)), 0, label="Cyst",
                        quantities=(Quantity("length", 3.0, "mm"),))  # fmt: skip
    assert label_of(drawn, film, WORDS) == "Cyst 3.0 mm at the detector"
    assert label_of(drawn, film, Wording("zh_CN")) == "Cyst 3.0 mm 探测器平面"
    assert label_of(drawn, mr_case, WORDS) == "Cyst 3.0 mm"
    assert drawing.plane_of(film.series.warnings, WORDS) == "at the detector"
