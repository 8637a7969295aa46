"""The probe: what is replaced and nothing else, the side that is taken, the controls, and a truth that was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.errors import Cancelled, Refused, UsageError
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef
from medassist.entities.probe import MILLILITRES, PROBABILITY, Area, Means, Place, Reading, Spot
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Region
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.explain.probing.body import body_of, doubled_midline, left_right_axis, mirror_obstacle
from medassist.explain.probing.controls import elsewhere
from medassist.explain.probing.places import area_of, ball, hottest
from medassist.explain.probing.replacing import opposite, replaced, usual_way
from medassist.progress import Progress

MODEL = ModelRef("m", "1", "0" * 64)
LPS = np.diag([1.0, 1.0, 2.0, 1.0])
WAYS = list(Means)


def volume_of(array, affine=LPS, *, color=False, **fields):
    shape = array.shape[:3]
    geometry = Geometry(affine, shape, "1.2.3")
    told = {key: fields.pop(key) for key in ("format", "patient_orientation") if key in fields}
    series = Series("s", fields.pop("kind", SeriesKind.VOLUME), (), modality="MR", shape_zyx=shape, **told)
    return Volume(series, array[None].copy(), geometry, windows=(Window(50, 100),), **fields)


def noise(shape=(6, 40, 48), seed=0, dtype=np.int16):
    """A body of noise between 100 and 200 on a ground of 0, and its columns run to the left."""
    array = np.zeros(shape, dtype)
    part = tuple(slice(size // 8, size - size // 8) if size > 8 else slice(None) for size in shape)
    array[part] = np.random.default_rng(seed).integers(100, 200, array[part].shape)
    return array


def block(volume, corner=(1, 10, 8), size=(3, 6, 7)):
    mask = np.zeros(volume.geometry.shape_zyx, dtype=bool)
    mask[tuple(slice(at, at + one) for at, one in zip(corner, size, strict=True))] = True
    return Area.of(mask, volume.geometry)


def change(volume, area, how):
    return replaced(volume, area, usual_way(how, volume.geometry), body_of(volume))


@settings(max_examples=40, deadline=None)
@given(
    how=st.sampled_from(WAYS),
    corner=st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 14)),
    size=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 8)),
    dtype=st.sampled_from([np.uint8, np.int16, np.float32]),
    seed=st.integers(0, 5),
)
def test_only_region_and_edge_change_and_values_stay_in_range(how, corner, size, dtype, seed):
    volume = volume_of(noise(seed=seed, dtype=dtype))
    before, area = volume.array_tzyx.copy(), block(volume, corner, size)
    found = change(volume, area, how)
    after = found.volume.array_tzyx
    assert after.dtype == before.dtype
    assert np.array_equal(volume.array_tzyx, before), "the image itself stays"
    assert np.array_equal(after[0][~found.touched], before[0][~found.touched])
    assert found.touched[area.mask()].all()
    assert before.min() <= after.min() <= after.max() <= before.max()
    edge_voxels = np.ceil(usual_way(how, volume.geometry).edge_mm / np.array([2.0, 1.0, 1.0]))
    reach = np.argwhere(found.touched)
    low = np.array(area.corner_zyx) - edge_voxels
    assert (reach >= low).all()
    assert (reach < np.array(area.corner_zyx) + area.inside_zyx.shape + edge_voxels).all()
    assert found.volume.series.key != volume.series.key
    assert "probe" in found.volume.series.part


def test_mean_is_that_of_the_ring_in_the_body():
    array = np.zeros((1, 60, 60), np.int16)
    array[0, :, 20:] = 150
    array[0, 20:30, 22:30] = 900
    volume = volume_of(array)
    area = block(volume, (0, 20, 22), (1, 10, 8))
    after = change(volume, area, Means.MEAN).volume.array_zyx
    assert (after[0, 20:30, 22:30] == 150).all(), "neither the lesion nor the air beside it counts"


def test_in_air_the_mean_is_that_of_air():
    array = noise((1, 80, 80))
    volume = volume_of(array)
    area = block(volume, (0, 1, 1), (1, 3, 3))
    assert np.array_equal(change(volume, area, Means.MEAN).volume.array_zyx, array)


def test_blur_takes_structures_and_leaves_brightness_without_a_new_border():
    rows, columns = np.mgrid[:100, :100]
    array = (100.0 + columns + 40.0 * ((rows // 2 + columns // 2) % 2))[None].astype(np.float32)
    volume = volume_of(array)
    area = block(volume, (0, 40, 40), (1, 20, 20))
    after = change(volume, area, Means.BLUR).volume.array_zyx[0]
    inside = after[42:58, 42:58]
    assert inside.mean() == pytest.approx(array[0, 42:58, 42:58].mean(), rel=0.02)
    assert np.abs(np.diff(inside, axis=0)).max() < 1.0, "the checks are gone"
    assert np.abs(np.diff(array[0, 42:58, 42:58], axis=0)).max() >= 40.0


def test_blur_has_the_width_it_states():
    array = np.zeros((1, 301, 301), np.float32)
    array[0, 150, 150] = 1e6
    volume = volume_of(array)
    way = usual_way(Means.BLUR, volume.geometry)
    mask = np.ones((1, 301, 301), dtype=bool)
    mask[0, 0, 0] = False
    after = replaced(volume, Area.of(mask, volume.geometry), way, mask).volume.array_zyx[0].astype(np.float64)
    along = after.sum(axis=0)
    spread = np.sqrt(np.average((np.arange(301) - 150.0) ** 2, weights=along))
    assert way.sigma_mm == pytest.approx(0.08 * 301)
    assert spread == pytest.approx(way.sigma_mm, rel=0.03)


def test_colours_are_replaced_channel_by_channel():
    array = np.zeros((1, 50, 50, 3), np.uint8)
    array[..., 0], array[..., 1], array[..., 2] = 200, 100, 20
    array[0, 20:30, 20:30] = (10, 250, 250)
    volume = volume_of(array, format="picture", kind=SeriesKind.FILM)
    after = change(volume, block(volume, (0, 20, 20), (1, 10, 10)), Means.MEAN).volume.array_zyx
    assert (after[0, 20:30, 20:30] == (200, 100, 20)).all()
    assert mirror_obstacle(volume)


def test_padding_stays_padding():
    array = noise((1, 60, 60))
    array[0, 20:25, 20:25] = -2000
    volume = volume_of(array, padding=(-2000.0, -2000.0))
    after = change(volume, block(volume, (0, 18, 18), (1, 12, 12)), Means.BLUR).volume.array_zyx
    assert (after[0, 20:25, 20:25] == -2000).all()
    assert after[0, 26, 26] > 0


def test_every_time_point_is_changed():
    volume = volume_of(noise())
    both = replace(volume, array_tzyx=np.concatenate([volume.array_tzyx, volume.array_tzyx + 7]))
    after = change(both, block(both), Means.MIRROR).volume.array_tzyx
    at = (2, 12, 10)
    assert after[1][at] == after[0][at] + 7


# --- sides


def symmetric(shape=(6, 40, 48)):
    array = noise(shape)
    return np.where(np.arange(shape[2]) < shape[2] // 2, array, array[..., ::-1])


def test_the_mirror_of_a_symmetric_phantom_is_itself():
    volume = volume_of(symmetric())
    area = block(volume)
    once = change(volume, area, Means.MIRROR).volume
    assert np.array_equal(once.array_tzyx, volume.array_tzyx)
    assert np.array_equal(change(once, area, Means.MIRROR).volume.array_tzyx, volume.array_tzyx)


ORIENTATIONS = [
    (axes, flips)
    for axes in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    for flips in ((), (0,), (1,), (2,), (0, 1, 2))
]


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_however_it_is_stored_the_same_side_of_the_patient_is_taken(axes, flips):
    """The array is turned and its affine with it, so that every voxel stays where it is in the patient."""
    volume = volume_of(noise())
    area = block(volume)
    turned, move = _turned(volume, axes, flips)
    other = Area.of(move(area.mask()), turned.geometry)
    assert other.center_lps == pytest.approx(area.center_lps)
    expected = change(volume, area, Means.MIRROR).volume.array_zyx
    assert np.array_equal(change(turned, other, Means.MIRROR).volume.array_zyx, move(expected))
    across = np.array(opposite(volume, area, body_of(volume)).center_lps) - area.center_lps
    assert across[0] > 5.0
    assert across[1:] == pytest.approx([0.0, 0.0]), "only from right to left"


def _turned(volume, axes, flips):
    """Return the volume with its array axes in another order and some reversed, and what does that to an array."""

    def move(array):
        return np.ascontiguousarray(np.flip(array.transpose(axes), flips))

    shape = move(volume.array_zyx).shape
    local = np.zeros((4, 4))
    local[3, 3] = 1.0
    for new, old in enumerate(axes):
        sign = -1.0 if new in flips else 1.0
        local[2 - old, 2 - new] = sign
        local[2 - old, 3] = shape[new] - 1 if new in flips else 0.0
    geometry = Geometry(volume.geometry.affine_lps @ local, shape, "1.2.3")
    series = replace(volume.series, shape_zyx=shape)
    return Volume(series, move(volume.array_zyx)[None], geometry, windows=volume.windows), move


def test_a_film_is_mirrored_by_its_letters_alone():
    film = volume_of(noise((1, 40, 48)), kind=SeriesKind.FILM, patient_orientation=("L", "F"))
    film = replace(film, geometry=replace(film.geometry, frame_of_reference_uid=""))
    assert left_right_axis(film) == 2
    lying = replace(film, series=replace(film.series, patient_orientation=("F", "R")))
    assert left_right_axis(lying) == 1
    for letters in ((), ("A", "F"), ("L",)):
        other = replace(film, series=replace(film.series, patient_orientation=letters))
        assert mirror_obstacle(other), letters
        with pytest.raises(Refused):
            change(other, block(other, (0, 10, 8), (1, 6, 7)), Means.MIRROR)


def test_a_sagittal_slice_has_no_other_side():
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    volume = volume_of(noise((1, 40, 48)), affine)
    assert "sagittal" in mirror_obstacle(volume)


def test_an_oblique_image_has_no_mirror_side():
    turn = np.radians(45)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    assert "oblique" in mirror_obstacle(volume_of(noise(), affine))


def test_a_region_across_the_middle_is_no_mirror_of_itself():
    volume = volume_of(noise())
    with pytest.raises(Refused, match="part of itself"):
        change(volume, block(volume, (1, 10, 20), (3, 6, 9)), Means.MIRROR)


def test_a_side_beyond_the_image_is_refused():
    array = np.zeros((2, 40, 48), np.int16)
    array[:, :, :30] = noise((2, 40, 30), seed=1) + 100
    volume = volume_of(array)
    assert doubled_midline(body_of(volume), 2) == 29
    with pytest.raises(Refused, match="beyond the image"):
        change(volume, block(volume, (0, 10, 40), (1, 5, 5)), Means.MIRROR)


def test_the_middle_is_that_of_the_body_not_of_the_picture_or_an_arm():
    array = np.zeros((1, 60, 80), np.int16)
    array[0, 5:55, 10:50] = 500
    array[0, 30:36, 50:70] = 500
    assert doubled_midline(body_of(volume_of(array)), 2) == 59


# --- places and controls


def spot_region(volume, box=None):
    return Region("s", volume.geometry, MODEL, Prompt(box or Box(10, 12, 17, 19, 3), None))


def test_a_drawn_box_is_as_deep_as_its_shorter_side():
    volume = volume_of(noise((9, 40, 48)))
    area = area_of(Spot(Place.BOX, region=spot_region(volume, Box(10, 12, 17, 21, 3))), volume.geometry)
    assert area.corner_zyx == (1, 12, 10)
    assert area.inside_zyx.shape == (5, 10, 8), "8 mm are 4 slices of 2 mm, and the slice itself is in the middle"
    assert area.key_slice == 1 or area.slices == (1, 5)


def test_a_ball_is_round_in_millimetres():
    geometry = Geometry(np.diag([0.5, 1.0, 2.0, 1.0]), (20, 40, 80))
    lengths = [len(np.unique(one)) for one in np.nonzero(ball((20.0, 20.0, 20.0), 6.0, geometry))]
    assert lengths == [7, 13, 25]


def test_the_hottest_spot_is_one_piece_around_the_peak():
    volume = volume_of(noise())
    values = np.zeros(volume.geometry.shape_zyx, np.float32)
    values[2, 10:14, 10:14], values[2, 11, 11] = 6.0, 10.0
    values[4, 30:33, 30:33] = 9.0
    values[2, 10, 9] = 4.9
    heatmap = Heatmap("m", "t", MODEL, "s", values, volume.geometry, values.copy(), volume.geometry)
    assert np.argwhere(hottest(heatmap)).tolist() == [[2, r, c] for r in range(10, 14) for c in range(10, 14)]
    flat = np.zeros_like(values)
    nothing = Heatmap("m", "t", MODEL, "s", flat, volume.geometry, flat.copy(), volume.geometry)
    with pytest.raises(Refused, match="nothing in the region"):
        area_of(Spot(Place.HOTTEST, heatmap=nothing), volume.geometry)


def test_regions_of_another_grid_or_none_are_refused():
    volume, other = volume_of(noise()), volume_of(noise((5, 40, 48)))
    with pytest.raises(Refused, match="different grids"):
        area_of(Spot(Place.BOX, region=spot_region(other)), volume.geometry)
    with pytest.raises(Refused, match="No region"):
        area_of(Spot(Place.MARKED), volume.geometry)
    with pytest.raises(Refused, match="whole image"):
        area_of(Spot(Place.CURSOR, radius_mm=1e4), volume.geometry)


def test_outside_the_ellipse_is_half_of_the_picture():
    volume = volume_of(noise((2, 200, 300)))
    area = area_of(Spot(Place.OUTSIDE), volume.geometry)
    mask = area.mask()
    assert mask.mean() == pytest.approx(1 - np.pi * 0.16, abs=0.01)
    assert mask[:, 0, 0].all()
    assert not mask[:, 100, 150].any()


@pytest.mark.parametrize("how", WAYS)
def test_controls_are_the_same_on_every_run_and_meet_neither_region_nor_its_source(how):
    volume = volume_of(noise((12, 80, 96)))
    body, area, way = body_of(volume), block(volume, (4, 30, 24), (3, 6, 7)), usual_way(how, volume.geometry)
    touched = replaced(volume, area, way, body).touched
    found = elsewhere(volume, area, way, body, touched)
    assert len(found) == 8
    assert [one.corner_zyx for one in found] == [one.corner_zyx for one in elsewhere(volume, area, way, body, touched)]
    assert len({one.corner_zyx for one in found}) == 8
    for one in found:
        assert not (one.mask() & touched).any()
        assert body[one.mask()].mean() >= 0.9
        if how is Means.MIRROR:
            assert not (opposite(volume, one, body).mask() & touched).any(), "it would copy the region"


def test_there_may_be_no_room_for_controls():
    volume = volume_of(noise((1, 80, 96)))
    area = area_of(Spot(Place.OUTSIDE), volume.geometry)
    way, body = usual_way(Means.MEAN, volume.geometry), body_of(volume)
    assert elsewhere(volume, area, way, body, replaced(volume, area, way, body).touched) == ()


def test_an_area_keeps_its_voxels_and_its_hash():
    volume = volume_of(noise())
    mask = np.random.default_rng(0).random(volume.geometry.shape_zyx) > 0.999
    area = Area.of(mask, volume.geometry)
    assert np.array_equal(area.mask(), mask)
    assert area.voxels == mask.sum()
    assert area.sha256 == Area.of(mask, volume.geometry).sha256
    mask[tuple(np.argwhere(mask)[0])] = False
    assert area.sha256 != Area.of(mask, volume.geometry).sha256


def test_log_odds_of_a_probability():
    before, after = Reading("a", 0.5, 1.0).log_odds
    assert before == pytest.approx(0.0, abs=1e-9)
    assert 27.0 < after < 28.0, "a probability that rounds to 1 stays finite"


# --- with a model whose cue is known

CUE = (slice(8, 14), slice(20, 26))


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A classifier that adds up the brightness of one place of a 32 x 32 film and sees nothing else."""
    torch = pytest.importorskip("torch")
    from bundles import metadata, write_package

    from medassist.inference import network
    from medassist.inference.packages import read

    weight = torch.zeros(2, 32, 32)
    weight[0].T[CUE] = 6.0 / 36.0  # networks get columns first
    parts = {
        "network_def": {"_target_": "torch.nn.Identity"},  # no network of the list adds up the places of a picture
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": 0, "a_max": 255, "b_min": 0, "b_max": 1},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
    }
    labels = [
        {"value": 0, "label": "Cue", "title_zh": "线索", "threshold": 0.5},
        {"value": 1, "label": "Other", "threshold": 0.6},
    ]
    about = metadata("classification", labels, input={"dimensions": 2, "values": "display"})
    state = {"1.weight": weight.reshape(2, -1), "1.bias": torch.tensor([-3.0, 0.25])}
    sums = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1024, 2))
    monkeypatch.setattr(network, "build_network", lambda _package: sums)
    network.forget_networks()
    yield read(write_package(tmp_path / "planted", metadata=about, inference=parts, state=state))
    network.forget_networks()


@pytest.fixture
def film():
    array = np.random.default_rng(3).integers(60, 80, (1, 32, 32)).astype(np.uint8)
    array[(0, *CUE)] = 240
    film = volume_of(array, kind=SeriesKind.FILM, patient_orientation=("L", "F"))
    return replace(film, geometry=replace(film.geometry, frame_of_reference_uid=""), windows=(Window(127.5, 255),))


def at_cue(film):
    return Spot(Place.BOX, region=spot_region(film, Box(20, 8, 25, 13, 0)))


@pytest.mark.parametrize("how", WAYS)
def test_probing_the_cue_changes_the_score_and_probing_elsewhere_does_not(planted, film, how):
    from medassist.explain.probing.probe import probe

    found = probe(planted, film, "Cue", at_cue(film), how, device="cpu")
    assert found.unit == PROBABILITY
    assert found.reading.before > 0.9
    assert found.reading.change < (-0.3 if how is Means.BLUR else -0.5), "a blur leaves much of the brightness"
    assert len(found.controls) >= 5
    assert max(map(abs, found.controls)) < 0.1
    assert found.stands_out
    other = next(one for one in found.readings if one.label == "Other")
    assert other.change == pytest.approx(0.0, abs=1e-6)
    beside = Spot(Place.BOX, region=spot_region(film, Box(3, 20, 8, 25, 0)))
    nothing = probe(planted, film, "Cue", beside, how, device="cpu")
    assert abs(nothing.reading.change) < 0.02
    assert not nothing.stands_out, "the controls that meet the cue move it more"


def test_a_probe_remembers_nothing_and_leaves_the_image(planted, film, monkeypatch):
    from medassist.explain.probing.probe import probe
    from medassist.inference import kept, results

    results.forget_results()
    before = film.array_tzyx.copy()
    monkeypatch.setattr(kept, "keep", lambda *_rest: pytest.fail("a changed image was kept on disk"))
    found = probe(planted, film, "Cue", at_cue(film), Means.MEAN, device="cpu")
    assert not results._known
    assert np.array_equal(film.array_tzyx, before)
    assert found.series_key == film.series.key
    assert found.before_rgb.shape == found.after_rgb.shape == (32, 32, 3)
    assert not np.array_equal(found.before_rgb, found.after_rgb)


def test_a_probe_can_be_cancelled_between_its_runs(planted, film):
    from medassist.explain.probing.probe import STAGE, probe

    progress = Progress(lambda step: progress.cancel() if step.stage == STAGE and (step.fraction or 0) > 0.3 else None)
    with pytest.raises(Cancelled):
        probe(planted, film, "Cue", at_cue(film), Means.MEAN, device="cpu", progress=progress)


def test_unknown_labels_and_impossible_sides_are_told(planted, film):
    from medassist.explain.probing.probe import probe

    with pytest.raises(UsageError, match="no label Lesion"):
        probe(planted, film, "Lesion", at_cue(film), Means.MEAN, device="cpu", controls=0)
    unknown = replace(film, series=replace(film.series, patient_orientation=()))
    with pytest.raises(Refused, match="left and right"):
        probe(planted, unknown, "Cue", at_cue(film), Means.MIRROR, device="cpu")


def test_without_controls_a_change_has_no_scale(planted, film):
    from medassist.explain.probing.probe import probe

    found = probe(planted, film, "Cue", Spot(Place.OUTSIDE), Means.MEAN, device="cpu")
    assert found.controls == ()
    assert found.stands_out is None
    assert any("no scale" in note.text() for note in found.notes)


def test_of_a_segmenter_what_is_marked_outside_is_compared(tmp_path):
    pytest.importorskip("torch")
    from bundles import write_threshold_segmenter

    from medassist.explain.probing.probe import probe
    from medassist.inference.packages import read

    package = read(write_threshold_segmenter(tmp_path / "seg", 150.0))
    volume = volume_of(noise((6, 40, 48)))
    mask = (volume.array_zyx > 150) & True
    spot = Spot(Place.CURSOR, center_lps=(20.0, 18.0, 4.0), radius_mm=5.0)
    found = probe(package, volume, "Anterior part", spot, Means.MEAN, device="cpu", controls=2)
    touched = change(volume, found.area, Means.MEAN).touched
    assert found.unit == MILLILITRES
    assert found.reading.before == pytest.approx((mask & ~touched).sum() * 0.002)
    assert found.reading.change == pytest.approx(0.0), "each voxel decides for itself: outside nothing may change"
    assert found.controls == pytest.approx((0.0, 0.0))
    assert not found.stands_out


@pytest.mark.parametrize("padding", [(0.0, 0.0), None])
def test_a_region_that_stays_as_it_is_is_refused_before_anything_is_run(planted, film, padding):
    from medassist.explain.probing.probe import probe

    array = film.array_tzyx.copy()
    array[..., 16:, :16] = 0
    bordered = replace(film, array_tzyx=array, padding=padding)
    corner = Spot(Place.BOX, region=spot_region(film, Box(2, 22, 6, 28, 0)))
    for how in (Means.MEAN, Means.MIRROR) if padding else (Means.MEAN,):
        with pytest.raises(Refused, match="changes nothing"):
            probe(planted, bordered, "Cue", corner, how, device="cpu")
