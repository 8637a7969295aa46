"""RT dose: where it lies, what its values mean, and when it is refused."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from derived_objects import write_dose
from phantoms import affine_lps, write_ct_series, write_film

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import SeriesKind
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.objects.relations import images_of
from medassist.imaging.scan import scan

SPACING, CORNER = (2.0, 3.0, 4.0), (-15.0, -12.0, -9.0)
PLANES, ROWS, COLUMNS = 4, 9, 11


def ramp():
    """Return a dose of 10 + 0.1 x + 0.2 y + 0.3 z Gy at every voxel of the dose grid, and the grid's affine."""
    grid = affine_lps(SPACING, origin=CORNER)
    k, j, i = np.mgrid[:PLANES, :ROWS, :COLUMNS]
    world = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ grid.T
    return 10 + world[..., :3] @ [0.1, 0.2, 0.3], grid


def opened(folder):
    series = scan(folder).all_series()
    picture = next(one for one in series if one.kind is not SeriesKind.OTHER)
    dose = next(one for one in series if one.object_kind == "radiotherapy dose")
    volume = load(picture)
    return dose, volume, read_overlay(dose, volume)


def reads_as_the_ramp(overlay, volume):
    (dose,) = overlay.maps
    inside = 0
    for k in range(volume.geometry.shape_zyx[0]):
        for j, i in ((20, 14), (24, 20), (29, 25)):
            x, y, z = volume.geometry.to_world([i, j, k])
            if z < CORNER[2] or z > CORNER[2] + SPACING[2] * (PLANES - 1):
                continue
            inside += 1
            assert dose.values_zyx[k, j, i] == pytest.approx(10 + 0.1 * x + 0.2 * y + 0.3 * z, abs=1e-4)
    assert inside >= 9
    return True


def test_dose_lies_where_it_says_in_gray(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    write_dose(tmp_path / "dose.dcm", images, values, grid, np.arange(PLANES) * 4.0)
    series, volume, overlay = opened(tmp_path)
    assert images_of(series, [volume.series]), "related by its frame of reference"
    assert reads_as_the_ramp(overlay, volume)
    (dose,) = overlay.maps
    assert dose.parameters["unit"] == "Gy"
    assert dose.maximum == pytest.approx(values.max(), abs=1e-5)
    assert dose.values_zyx[0, 0, 0] == 0.0
    said = " ".join(note.text() for note in overlay.notes)
    assert "interpolated" in said
    assert "outside of it the dose is not known" in said
    assert overlay.focus_lps is not None


@pytest.mark.parametrize("absolute", [False, True])
def test_planes_in_any_order_and_as_coordinates(tmp_path, absolute):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    offsets = np.arange(PLANES)[::-1] * 4.0
    grid[2, 3] += offsets[0]
    told = offsets + CORNER[2] if absolute else offsets - offsets[0]
    write_dose(tmp_path / "dose.dcm", images, values[::-1], grid, told)
    _, volume, overlay = opened(tmp_path)
    assert reads_as_the_ramp(overlay, volume)


def test_feet_first_grid_counts_down(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    last = PLANES - 1
    turned = grid.copy()
    turned[:3, 1] *= -1  # rows upwards: the normal points to the feet
    turned[:3, 3] += grid[:3, 1] * (ROWS - 1) + grid[:3, 2] * last
    write_dose(tmp_path / "dose.dcm", images, values[::-1, ::-1], turned, np.arange(PLANES) * 4.0)
    _, volume, overlay = opened(tmp_path)
    assert reads_as_the_ramp(overlay, volume)


def test_kinds_of_dose_are_told(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    facts = {"DoseType": "EFFECTIVE", "DoseUnits": "RELATIVE", "DoseSummationType": "BEAM"}
    write_dose(tmp_path / "dose.dcm", images, values, grid, np.arange(PLANES) * 4.0, **facts)
    _, _, overlay = opened(tmp_path)
    said = " ".join(note.text() for note in overlay.notes)
    for word in ("EFFECTIVE", "not in Gy", "BEAM"):
        assert word in said
    assert overlay.maps[0].parameters["unit"] == ""


@pytest.mark.parametrize(
    ("facts", "offsets", "told"),
    [
        ({"DoseGridScaling": None}, [0, 4, 8, 12], "what dose its values mean"),
        ({}, [0, 4, 9, 12], "form no regular grid"),
        ({}, [3, 7, 11, 15], "where its planes lie"),
        ({}, [0, 4, 8], "where its planes lie"),
        ({"GridFrameOffsetVector": None}, [0, 4, 8, 12], "where its planes lie"),
        ({"ImagePositionPatient": None}, [0, 4, 8, 12], "where it lies"),
        ({"FrameOfReferenceUID": None}, [0, 4, 8, 12], "where it lies"),
        ({"FrameOfReferenceUID": "1.2.3"}, [0, 4, 8, 12], "another frame of reference"),
    ],
)
def test_what_cannot_be_placed_is_refused(tmp_path, facts, offsets, told):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    write_dose(tmp_path / "dose.dcm", images, values, grid, offsets, **facts)
    series = scan(tmp_path).all_series()
    volume = load(next(one for one in series if one.modality == "CT"))
    with pytest.raises(UnreadableInput, match=told):
        read_overlay(next(one for one in series if one.modality == "RTDOSE"), volume)


def test_a_dose_is_never_laid_over_a_film_or_uneven_slices(tmp_path):
    images = write_ct_series(tmp_path / "ct")
    values, grid = ramp()
    write_dose(tmp_path / "dose.dcm", images, values, grid, np.arange(PLANES) * 4.0)
    (dose,) = scan(tmp_path / "dose.dcm").all_series()
    film = load(scan(write_film(tmp_path / "film")).all_series()[0])
    images[3].unlink()
    stack = load(scan(tmp_path / "ct").all_series()[0])
    for volume in (film, stack):
        with pytest.raises(UnreadableInput, match="regular volume"):
            read_overlay(dose, volume)


def test_the_rtdose_of_pydicom_is_read(tmp_path):
    from pydicom.data import get_testdata_file

    path = get_testdata_file("rtdose.dcm")
    frame = pydicom.dcmread(path).FrameOfReferenceUID
    write_ct_series(tmp_path / "ct", FrameOfReferenceUID=frame, origin=(-20, -20, -10))
    (dose,) = scan(path).all_series()
    volume = load(scan(tmp_path / "ct").all_series()[0])
    (found,) = read_overlay(dose, volume).maps
    ds = pydicom.dcmread(path)
    assert found.maximum == pytest.approx(float(ds.pixel_array.max()) * float(ds.DoseGridScaling), rel=1e-6)
