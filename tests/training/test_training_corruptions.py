from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medassist.entities.geometry import Geometry
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.training.evaluation.corruptions import CORRUPTIONS, corrupted
from medassist.training.layouts.layout import picture_volume

BY_NAME = {one.name: one for one in CORRUPTIONS}


def film(seed: int = 0):
    random = np.random.default_rng(seed)
    smooth = 40 + 150 * (np.indices((48, 40)).sum(axis=0) / 88)
    return picture_volume((smooth + random.normal(0, 12, smooth.shape)).clip(0, 255).astype(np.uint8), "film")


def crop() -> Volume:
    values = np.random.default_rng(1).normal(100.0, 20.0, (1, 9, 12, 10)).astype(np.float32)
    series = Series(key="crop", kind=SeriesKind.VOLUME, frames=(), shape_zyx=values.shape[1:])
    return Volume(series, values, Geometry(np.eye(4), values.shape[1:]))


def far(one: Volume, other: Volume) -> float:
    return float(np.abs(one.array_tzyx.astype(float) - other.array_tzyx.astype(float)).mean())


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("volume", [film(), crop()], ids=["film", "crop"])
def test_each_level_is_worse_and_the_same_each_time(name, volume) -> None:
    corruption = BY_NAME[name]
    assert len(corruption.levels) == 5
    spoiled = [corrupted(volume, corruption, level) for level in corruption.levels]
    distances = [far(one, volume) for one in spoiled]
    assert distances[0] > 0
    assert distances == sorted(distances)
    assert far(corrupted(volume, corruption, corruption.levels[2]), spoiled[2]) == 0
    assert {(one.array_tzyx.dtype, one.array_tzyx.shape) for one in spoiled} == {
        (volume.array_tzyx.dtype, volume.array_tzyx.shape)
    }


def test_noise_is_measured_in_standard_deviations_of_the_image() -> None:
    volume = crop()
    added = corrupted(volume, BY_NAME["noise"], 0.4).array_tzyx - volume.array_tzyx
    assert added.std() == pytest.approx(0.4 * volume.array_tzyx.std(), rel=0.1)


def test_gamma_keeps_the_ends_and_darkens_the_middle() -> None:
    volume = film()
    bent = corrupted(volume, BY_NAME["gamma"], 2.0).array_tzyx
    assert (bent.min(), bent.max()) == (volume.array_tzyx.min(), volume.array_tzyx.max())
    assert bent.mean() < volume.array_tzyx.mean()


def test_two_images_get_other_noise() -> None:
    noise = BY_NAME["noise"]
    same = film()
    other = replace(same, series=replace(same.series, key="other"))
    assert far(corrupted(same, noise, 0.1), corrupted(other, noise, 0.1)) > 0


def test_no_data_stays_no_data() -> None:
    volume = crop()
    values = volume.array_tzyx.copy()
    values[:, :, :3] = -2000.0
    padded = replace(volume, array_tzyx=values, padding=(-2000.0, -2000.0))
    for corruption in CORRUPTIONS:
        kept = corrupted(padded, corruption, corruption.levels[-1]).array_tzyx
        assert (kept[:, :, :3] == -2000.0).all()
        assert kept[:, :, 3:].min() > -200.0


def test_an_even_image_is_no_division_by_zero() -> None:
    even = picture_volume(np.full((16, 16), 7, np.uint8), "even")
    for corruption in CORRUPTIONS:
        assert (corrupted(even, corruption, corruption.levels[-1]).array_tzyx == 7).all()


def test_colours_are_not_mixed() -> None:
    values = np.zeros((1, 1, 24, 20, 3), np.uint8)
    values[..., :10, 0], values[..., 10:, 1] = 200, 200
    series = Series(key="slide", kind=SeriesKind.FILM, frames=(), format="picture", shape_zyx=(1, 24, 20))
    slide = Volume(series, values, Geometry(np.eye(4), (1, 24, 20), calibrated=False))
    for name in ("blur", "resampling", "gamma"):
        spoiled = corrupted(slide, BY_NAME[name], BY_NAME[name].levels[2]).array_tzyx
        assert spoiled[..., 2].max() == 0
        assert spoiled.shape == values.shape
    assert corrupted(slide, BY_NAME["jpeg"], 50.0).array_tzyx.shape == values.shape
