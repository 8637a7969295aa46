"""Tilted and uneven slices on a regular grid: whatever lies at known millimetres is found there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phantoms import AXIAL, CORONAL, write_ct_series, write_mr_series

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry, geometry_from_ras
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.regular import can_be_regular, placing_of, regularise
from medassist.imaging.resample import resample
from medassist.imaging.scan import scan

TURNED = np.array([[0.8, 0.6, 0.0], [-0.48, 0.64, -0.6]])
"""An oblique plane: two perpendicular unit vectors."""

BALL_MM, BALL_HU, AIR_HU = 9.0, 1000, -1000


def ball(origins, orientation, spacing, center, rows=64, columns=64):
    """Return (slice, row, column) HU of a ball around `center` (LPS mm) seen by slices with these first voxels."""
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    i, j = np.meshgrid(np.arange(columns), np.arange(rows))
    inside = i[..., None] * right * spacing[0] + j[..., None] * down * spacing[1]
    away = np.linalg.norm(np.asarray(origins)[:, None, None] + inside - center, axis=-1)
    # A soft edge, as a scanner blurs it, so that the centre of mass is found below the size of a voxel.
    return (AIR_HU + (BALL_HU - AIR_HU) * np.clip((BALL_MM - away) / 2 + 0.5, 0, 1)).astype(np.int16)


def write_slices(folder, origins, center, orientation=AXIAL, spacing=(0.7, 0.9, 2.0), **tags):
    """Write slices at any places; each sees the same ball."""
    values = ball(origins, orientation, spacing, center)
    positions = [[f"{value:.8g}" for value in origin] for origin in origins]
    return write_ct_series(
        folder,
        slices=len(origins),
        spacing=spacing,
        orientation=orientation,
        values_hu=values,
        ImagePositionPatient=lambda k: positions[k],
        **tags,
    )


def center_of_mass(volume):
    """Return the centre of mass above air (LPS mm) and the volume of the ball (ml)."""
    mass = (volume.array_zyx.astype(float) - AIR_HU).clip(0) / (BALL_HU - AIR_HU)
    k, j, i = np.nonzero(mass)
    weights = mass[k, j, i]
    index = np.average(np.stack([i, j, k], axis=1), axis=0, weights=weights)
    return volume.geometry.to_world(index), mass.sum() * volume.geometry.voxel_volume_ml


def tilted(count, step, tilt_mm, sideways_mm=0.0, orientation=AXIAL, origin=(-20.0, -30.0, 5.0)):
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    each = np.cross(right, down) * step + down * tilt_mm + right * sideways_mm
    return np.array(origin) + np.arange(count)[:, None] * each


ORIENTATIONS = {"axial": AXIAL, "coronal": CORONAL, "oblique": tuple(TURNED.ravel())}


@pytest.mark.parametrize("tilt_mm", [0.61, -0.61, 0.9, -0.27])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_ball_behind_a_tilted_gantry_lies_where_it_is(tmp_path, name, tilt_mm):
    orientation = ORIENTATIONS[name]
    origins = tilted(20, 2.0, tilt_mm, 0.0 if name == "axial" else 0.33, orientation)
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    center = origins[9] + 22.3 * right + 28.4 * down + 0.4 * np.cross(right, down)
    write_slices(tmp_path, origins, center, orientation)
    corrected, raw = scan(tmp_path).all_series()
    volume = load(corrected)
    assert (corrected.kind, corrected.irregularity, corrected.part) == (SeriesKind.VOLUME, "", "tilt corrected")
    assert volume.is_regular
    assert volume.array_zyx.shape == corrected.shape_zyx
    found, millilitres = center_of_mass(volume)
    np.testing.assert_allclose(found, center, atol=0.05)
    assert millilitres == pytest.approx(4 / 3 * np.pi * BALL_MM**3 / 1000, rel=0.02)
    np.testing.assert_allclose(volume.geometry.spacing_mm, (0.7, 0.9, 2.0), atol=1e-6)
    wrong, _ = center_of_mass(load(raw))
    assert np.linalg.norm(wrong - center) > 1.0


def test_tilt_keeps_every_slice_whole(tmp_path):
    origins = tilted(12, 2.0, 1.35)  # a row and a half per slice
    paths = write_slices(tmp_path, origins, origins[5] + [22, 28, 0])
    volume = load(scan(tmp_path).all_series()[0])
    assert volume.array_zyx.shape == (12, 64 + 17, 64)
    for k in (0, 4, 10):  # a whole number of rows: values are the stored ones
        stored = pydicom.dcmread(paths[k]).pixel_array.astype(int) - 1024
        row = round(k * 1.5)
        np.testing.assert_array_equal(volume.array_zyx[k, row : row + 64], stored)
    assert volume.array_zyx[0, 64:].max() == AIR_HU


def test_tilted_time_points_are_corrected_alike(tmp_path):
    write_mr_series(
        tmp_path, slices=6, times=2, spacing=(1, 1, 3), ImagePositionPatient=lambda k: [-32, -32 + 0.5 * k, 3 * k]
    )
    corrected = scan(tmp_path).all_series()[0]
    volume = load(corrected)
    assert (corrected.times, volume.array_tzyx.shape) == (2, (2, 6, 67, 64))
    assert "sheared by 9.5 degrees" in corrected.warnings[0].text()
    np.testing.assert_array_equal(volume.array_tzyx[1, 2, 32:34, 32], volume.array_tzyx[0, 2, 32:34, 32] + 1)


def test_two_slices_are_no_tilted_gantry(tmp_path):
    write_slices(tmp_path, tilted(2, 2.0, 0.5), (0, 0, 0))
    (series,) = scan(tmp_path).all_series()
    assert series.kind is SeriesKind.STACK


def test_more_than_45_degrees_is_no_gantry(tmp_path):
    write_slices(tmp_path, tilted(6, 2.0, 2.2), (0, 0, 0))
    (series,) = scan(tmp_path).all_series()
    assert series.kind is SeriesKind.STACK


def test_padding_is_not_mixed_with_tissue(tmp_path):
    origins = tilted(6, 2.0, 0.4)
    values = np.full((6, 64, 64), 100, np.int16)
    values[:, :, 40:] = -900
    positions = [[float(value) for value in origin] for origin in origins]
    write_ct_series(
        tmp_path, slices=6, spacing=(0.7, 0.9, 2.0), values_hu=values, PixelPaddingValue=124,
        ImagePositionPatient=lambda k: positions[k],
    )  # fmt: skip
    volume = load(scan(tmp_path).all_series()[0])
    assert volume.padding == (-900, -900)
    assert set(np.unique(volume.array_zyx)) == {-900, 100}


UNEVEN = np.array([0, 2, 4, 6, 8, 10, 10.7, 13.7, 16.7, 19.7, 22.7, 25.7])


@pytest.mark.parametrize("tilt", [0.0, 0.31, -0.31])
def test_uneven_and_tilted_slices_become_a_grid_on_demand(tmp_path, tilt):
    origins = np.array([-20.0, -30.0, 5.0]) + UNEVEN[:, None] * np.array([0.0, tilt, 1.0])
    center = np.array([1.7, origins[6][1] + 27.3, 17.0])
    write_slices(tmp_path, origins, center)
    (stack,) = scan(tmp_path).all_series()
    volume = load(stack)
    assert can_be_regular(volume)
    regular = regularise(volume)
    assert regular.is_regular
    assert not can_be_regular(regular)
    assert regular.series.raw == stack
    assert regular.series.key != stack.key
    assert "12 slices as stored became 14 slices, 1.977 mm apart" in regular.series.warnings[0].text()
    assert "As stored: The slices are unevenly spaced" in regular.series.warnings[1].text()
    found, millilitres = center_of_mass(regular)
    np.testing.assert_allclose(found, center, atol=0.12)
    assert millilitres == pytest.approx(4 / 3 * np.pi * BALL_MM**3 / 1000, rel=0.03)
    np.testing.assert_allclose(regular.geometry.to_world([0, 0, regular.geometry.shape_zyx[0] - 1])[2], 30.7)
    again = load(regular.series)
    np.testing.assert_array_equal(again.array_tzyx, regular.array_tzyx)
    assert again.geometry.same_grid(regular.geometry)


def test_missing_slice_is_interpolated_and_the_others_are_untouched(tmp_path):
    write_ct_series(tmp_path)[4].unlink()
    regular = regularise(load(scan(tmp_path).all_series()[0]))
    assert regular.geometry.spacing_mm[2] == pytest.approx(2.5)
    assert regular.array_zyx[:, 32, 32].tolist() == [40, 50, 60, 70, 80, 90, 100, 110]


def test_of_several_slices_in_one_place_the_first_is_taken(tmp_path):
    paths = write_ct_series(tmp_path)
    extra = pydicom.dcmread(paths[3])
    extra.SOPInstanceUID, extra.InstanceNumber = "1.2.3.4.5", 99
    extra.PixelData = bytes(len(extra.PixelData))
    extra.save_as(tmp_path / "twice.dcm")
    regular = regularise(load(scan(tmp_path).all_series()[0]))
    assert regular.array_zyx[:, 32, 32].tolist() == [40, 50, 60, 70, 80, 90, 100, 110]


def test_positions_too_far_apart_for_a_grid_are_refused(tmp_path):
    origins = tilted(6, 2.0, 0.0)
    origins[-1, 2] += 1e6
    write_slices(tmp_path, origins, (0, 0, 0))
    volume = load(scan(tmp_path).all_series()[0])
    assert not can_be_regular(volume)
    with pytest.raises(UnreadableInput, match="cannot be resampled"):
        regularise(volume)


def test_slices_without_place_are_refused(tmp_path):
    write_ct_series(tmp_path, ImagePositionPatient=None)
    volume = load(scan(tmp_path).all_series()[0])
    with pytest.raises(UnreadableInput, match="do not say where they lie"):
        regularise(volume)


def test_colour_is_resampled_like_grey():
    origins = np.array([[0, 0, 0], [0, 0.5, 1], [0, 1, 2]], dtype=float)
    grey = np.random.default_rng(3).integers(0, 255, (1, 3, 8, 8)).astype(np.uint8)
    stack = Series("k", SeriesKind.STACK, (), irregularity="tilted.", shape_zyx=(3, 8, 8))
    volume = Volume(stack, grey, Geometry(np.eye(4), (3, 8, 8)), slice_origins_lps=origins)
    plain = regularise(volume)
    color = regularise(replace(volume, array_tzyx=np.repeat(grey[..., None], 3, axis=-1)))
    np.testing.assert_array_equal(color.array_tzyx, np.repeat(plain.array_tzyx[..., None], 3, axis=-1))


def test_grid_of_even_slices_is_their_own():
    plane = Geometry(np.diag([0.5, 0.5, 3.0, 1.0]), (4, 8, 8), "1.2")
    placing = placing_of([[0, 0, 3 * k] for k in range(4)], plane)
    assert placing is not None
    assert placing.geometry.same_grid(plane)


def test_real_tilted_head_comes_out_straight(shared_data):
    """Skin of the forehead, traced in the raw slices, lies at the same millimetres in the grid."""
    (stack,) = scan(shared_data("dicom/ct_ge_head/In")).all_series()
    volume = load(stack)
    regular = regularise(volume)
    assert regular.geometry.shape_zyx == (37, 611, 512)
    rng = np.random.default_rng(0)
    inner = volume.geometry.shape_zyx[1] // 4
    for k in (0, 5, 13, 14, 20, 27):
        index = rng.integers(inner, 3 * inner, (2000, 2))
        steps = volume.geometry.affine_lps[:3, :2]
        world = volume.slice_origins_lps[k] + index @ steps.T
        where = regular.geometry.to_index(world)
        if abs(where[0, 2] - round(where[0, 2])) > 0.05:
            continue
        i, j, n = where.T
        low = np.floor(j).astype(int)
        column, height = np.rint(i).astype(int), np.rint(n).astype(int)
        part = j - low
        seen = (1 - part) * regular.array_zyx[height, low, column] + part * regular.array_zyx[height, low + 1, column]
        stored = volume.array_zyx[k, index[:, 1], index[:, 0]]
        assert np.corrcoef(seen, stored)[0, 1] > 0.995


def test_real_tilted_head_equals_another_converter(shared_data, tmp_path):
    """dcm2niix shears and respaces as well, onto other slices: both show the same head at the same millimetres."""
    converter = Path(sys.executable).with_name("dcm2niix")
    if not converter.exists():
        pytest.skip("dcm2niix is not installed (bench extra)")
    folder = shared_data("dicom/ct_ge_head/In")
    subprocess.run([converter, "-z", "n", "-f", "head", "-o", tmp_path, folder], check=True, capture_output=True)
    image = nibabel.load(tmp_path / "head_Tilt_Eq_1.nii")
    theirs = np.asarray(image.dataobj).T[:, ::4, ::4]
    affine_ras = image.affine @ np.diag([4, 4, 1, 1])
    ours = regularise(load(scan(folder).all_series()[0]))

    def agreement(shift_mm):
        grid = geometry_from_ras(affine_ras, theirs.shape, ours.geometry.frame_of_reference_uid)
        affine = grid.affine_lps.copy()
        affine[:3, 3] += ours.geometry.directions_lps @ shift_mm
        sampled = resample(ours.array_zyx, ours.geometry, replace(grid, affine_lps=affine), linear=True, fill=-1500)
        both = (theirs > -1000) & (sampled > -1000)
        return np.corrcoef(theirs[both], sampled[both])[0, 1]

    assert agreement((0, 0, 0)) > 0.999
    for shift_mm in np.vstack([np.eye(3), -np.eye(3)]):
        assert agreement(shift_mm) < 0.998


def damage(path):
    """Cut the pixels of a compressed copy short, so that only decoding fails."""
    dataset = pydicom.dcmread(path)
    dataset.compress("1.2.840.10008.1.2.5")
    dataset.PixelData = dataset.PixelData[:90] + bytes(len(dataset.PixelData) - 90)
    dataset.save_as(path)


def test_damaged_slice_is_no_source_of_a_grid(tmp_path):
    damage(write_ct_series(tmp_path)[4])
    stack = load(scan(tmp_path).all_series()[0])
    assert stack.lost_slices == (4,)
    regular = regularise(stack)
    assert regular.array_zyx[:, 32, 32].tolist() == [40, 50, 60, 70, 80, 90, 100, 110]
    assert any("CT0004.dcm" in warning.text() for warning in regular.series.warnings)
    again = load(regular.series)
    np.testing.assert_array_equal(again.array_tzyx, regular.array_tzyx)


def test_damaged_slice_behind_a_tilted_gantry_is_not_interpolated_away(tmp_path):
    damage(write_ct_series(tmp_path, ImagePositionPatient=lambda k: [0, 0.5 * k, 2.5 * k])[4])
    volume = load(scan(tmp_path).all_series()[0])
    assert not volume.is_regular
    assert "CT0004.dcm" in volume.series.irregularity


angles = st.tuples(*[st.floats(-np.pi, np.pi)] * 3)


def rotation(turns):
    """Return a rotation about x, then y, then z."""
    (a, b, c) = turns
    turn_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turn_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return turn_z @ turn_y @ turn_x


@settings(max_examples=40, deadline=None)
@given(
    angles,
    st.tuples(st.floats(0.3, 2), st.floats(0.3, 2)),
    st.lists(st.floats(0.4, 5), min_size=3, max_size=8),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_a_linear_field_is_reproduced_wherever_slices_cover_it(turns, spacing, gaps, lean, slope):
    """Interpolation is linear: whatever grows evenly through space must come out as it was, at every millimetre."""
    turned = rotation(turns)
    along = np.cumsum([0, *gaps])
    wobble = np.random.default_rng(len(gaps)).normal(0, 0.2, (len(along), 2))
    aside = along[:, None] * np.array(lean) + wobble
    origins = np.array([5.0, -3.0, 8.0]) + np.column_stack([aside, along]) @ turned.T
    affine = np.eye(4)
    affine[:3, :3] = turned * [*spacing, 1.0]
    plane = Geometry(affine, (len(along), 14, 17))
    steps = plane.affine_lps[:3, :2]
    rows, columns = np.mgrid[0:14, 0:17]
    places = origins[:, None, None] + columns[..., None] * steps[:, 0] + rows[..., None] * steps[:, 1]
    values = (places @ np.array(slope)).astype(np.float32)
    stack = Series("k", SeriesKind.STACK, (), irregularity="uneven.", shape_zyx=plane.shape_zyx)
    volume = Volume(stack, values[None], plane, slice_origins_lps=origins, padding=(-1e6, -1e6))
    assume(can_be_regular(volume))
    regular = regularise(volume)
    ijk = np.moveaxis(np.indices(regular.geometry.shape_zyx), 0, -1)[..., ::-1]
    expected = regular.geometry.to_world(ijk) @ np.array(slope)
    placing = placing_of(origins, plane)
    inside = np.zeros(regular.geometry.shape_zyx, bool)
    for k in range(len(inside)):
        below = max(0, int(np.searchsorted(placing.along, k + 1e-6)) - 1)
        near = placing.corners_ij[below : below + 2]
        first = np.ceil(near.max(axis=0)).astype(int)
        last = np.floor(np.add(near.min(axis=0), (16, 13))).astype(int)
        inside[k, first[1] : last[1] + 1, first[0] : last[0] + 1] = True
    assume(inside.any())
    # Shifts below 2 % of a pixel and steps below 1 % of the slice distance are taken as none.
    slack = np.abs(slope).sum() * (0.02 * max(spacing) * 2 + 0.02 * max(gaps)) + 1e-3
    np.testing.assert_allclose(regular.array_zyx[inside], expected[inside], atol=slack)
