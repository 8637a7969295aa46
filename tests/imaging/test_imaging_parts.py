"""Series that hold several pictures at every position: each b-value, time or acquisition is a part of its own."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_mr_series

from medassist.entities.parts import find, parts_of, split_reason
from medassist.entities.study import SeriesKind, Warned
from medassist.imaging.headers import read_headers
from medassist.imaging.load import load
from medassist.imaging.scan import scan


def only(folder):
    (series,) = scan(folder).all_series()
    return series


def edit(path, **tags):
    dataset = pydicom.dcmread(path)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def told(series):
    return [part.part for part in parts_of(series)]


def write_b_values(folder):
    for n, path in enumerate(write_mr_series(folder, slices=4, times=2, TemporalPositionIdentifier=None)):
        edit(path, InstanceNumber=n + 1, DiffusionBValue=1000 * (1 - n % 2))


def test_each_b_value_is_a_volume_of_its_own(tmp_path):
    write_b_values(tmp_path)
    whole = only(tmp_path)
    weak, strong = parts_of(whole)
    assert (weak.part, strong.part) == ("b = 0 s/mm²", "b = 1000 s/mm²")
    assert (weak.kind, weak.shape_zyx, weak.times, weak.times_by) == (SeriesKind.VOLUME, (4, 64, 64), 1, "")
    assert (weak.part_of, strong.part_of) == (whole.key, whole.key)
    assert len({whole.key, weak.key, strong.key}) == 3
    assert weak.series_uid == whole.series_uid
    for n, part in enumerate((weak, strong)):
        alone, together = load(part), load(whole)
        np.testing.assert_array_equal(alone.array_tzyx, together.array_tzyx[n : n + 1])
        np.testing.assert_allclose(alone.geometry.affine_lps, together.geometry.affine_lps)
    # Derived objects refer to the images of the part alone.
    assert {float(header.DiffusionBValue) for header in read_headers(strong)} == {1000.0}


def test_the_reason_names_what_tells_the_parts_apart(tmp_path):
    write_b_values(tmp_path)
    assert split_reason(only(tmp_path)).text() == "Each position holds 2 pictures, told apart by b-value."


def test_a_part_is_found_by_its_key(tmp_path):
    write_b_values(tmp_path)
    whole = only(tmp_path)
    for part in parts_of(whole):
        assert find([whole], part.key) == part
    assert find([whole], whole.key) == whole
    assert find([whole], f"{whole.key}#volume 3") is None
    assert find([whole], f"{whole.key}#volume x") is None
    assert find([whole], "1.2.3") is None


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        ({"AcquisitionNumber": lambda t: t + 2}, ["acquisition 2", "acquisition 3"]),
        ({"TriggerTime": lambda t: 12.5 + 40 * t}, ["trigger time 12.5 ms", "trigger time 52.5 ms"]),
        ({"ContentTime": lambda t: ("105958.5", "110011.0")[t]}, ["time 0 s", "time 12.5 s"]),
        ({"AcquisitionTime": lambda t: ("235950.5", "000003")[t], "AcquisitionDate": lambda t: 20260131 + 70 * t},
         ["time 0 s", "time 12.5 s"]),
        ({"InstanceNumber": lambda t: None}, ["volume 1", "volume 2"]),
    ],
)  # fmt: skip
def test_parts_are_named_by_their_clock(tmp_path, tags, labels):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2, TemporalPositionIdentifier=None)):
        own = {keyword: value(n % 2) for keyword, value in tags.items()}
        edit(path, **{"InstanceNumber": n + 1} | {k: str(v) if "Date" in k else v for k, v in own.items() if v})
    assert told(only(tmp_path)) == labels


def test_positions_in_time_also_tell_their_seconds(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=3)):
        edit(path, AcquisitionTime=f"1011{12 + 6 * (n % 3):02d}.4")
    assert told(only(tmp_path)) == ["time point 1, 0 s", "time point 2, 6 s", "time point 3, 12 s"]


def test_b_values_that_repeat_stand_beside_the_clock(tmp_path):
    b_values = (0, 1000, 1000)
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=3, TemporalPositionIdentifier=None)):
        edit(path, AcquisitionNumber=n % 3 + 1, DiffusionBValue=b_values[n % 3])
    assert told(only(tmp_path)) == [
        "acquisition 1, b = 0 s/mm²", "acquisition 2, b = 1000 s/mm²", "acquisition 3, b = 1000 s/mm²",
    ]  # fmt: skip


def test_a_b_value_is_not_claimed_where_slices_disagree(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=4, times=2)):
        swapped = (n // 2) % 2  # every other slice counts its temporal positions the other way round
        edit(path, DiffusionBValue=1000 * ((n + swapped) % 2))
    series = only(tmp_path)
    assert all("b =" not in label for label in told(series))


def test_a_series_of_one_time_has_no_parts(tmp_path):
    write_ct_series(tmp_path)
    assert parts_of(only(tmp_path)) == ()


def test_parts_of_a_tilted_series_are_straight_and_keep_their_raw_slices(tmp_path):
    for n, path in enumerate(write_mr_series(tmp_path, slices=5, times=2)):
        edit(path, ImagePositionPatient=[0, 0.4 * (n // 2), n // 2])
    straight, raw = scan(tmp_path).all_series()
    second = parts_of(straight)[1]
    assert (second.raw.key, second.kind) == (parts_of(raw)[1].key, SeriesKind.VOLUME)
    covered = slice(None), slice(2, 64)  # beyond it every volume is filled with its own least value
    np.testing.assert_array_equal(load(second).array_zyx[covered], load(straight).array_tzyx[1][covered])
    assert second.part == "tilt corrected, time point 2"


def test_what_a_part_is_can_be_told_in_any_language(tmp_path):
    write_b_values(tmp_path)
    (label, _) = only(tmp_path).time_labels
    assert isinstance(label, Warned)
    assert dict(label.values) == {"value": "0"}
