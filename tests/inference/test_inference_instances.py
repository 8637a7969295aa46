"""Objects one by one: cores become objects, rims join theirs, and they come home to the picture's own pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import change_json, compose, metadata, write_package
from PIL import Image

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference.packages import read
from medassist.inference.predict import predict
from medassist.inference.result_file import decode, encode
from medassist.inference.separation import Separation, separate
from medassist.inference.uncertainty import check_uncertainty
from medassist.progress import Progress

CORE, RIM, GROUND = (255, 0, 0), (0, 255, 0), (0, 0, 0)
NUCLEUS = {"value": 1, "label": "Nucleus", "title_zh": "细胞核", "color": [0, 230, 118]}


def write_painted(root: Path, **instances: object) -> Path:
    """Write a package that reads its maps from the colours: red is core, green rim, black ground."""
    weight = torch.zeros(3, 3, 1, 1)
    weight[1, 0], weight[2, 1] = 20.0, 20.0
    state = {"weight": weight, "bias": torch.tensor([10.0, 0.0, 0.0])}
    loading = ({"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"})
    scale = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": 0, "a_max": 255, "b_min": 0, "b_max": 1}
    windows = {"_target_": "SlidingWindowInferer", "roi_size": [32, 32], "overlap": 0.25, "mode": "gaussian"}
    return write_package(
        root,
        metadata=metadata(
            "instances",
            [NUCLEUS],
            input={"dimensions": 2, "values": "display", "channels": 3},
            instances=instances,
            tta={"flips": [[0], [1]]},
        ),
        inference={
            "network_def": {"_target_": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 3, "kernel_size": 1},
            "preprocessing": compose(*loading, scale),
            "inferer": windows,
        },
        state=state,
    )


def paint(path: Path, shape: tuple[int, int], *, step: int = 8) -> tuple[Volume, int]:
    """Draw touching objects of `step` pixels in rows, each a core of `step - 4` in a rim; return how many."""
    picture = np.zeros((*shape, 3), np.uint8)
    rows, columns = (range(step, size - 2 * step, step) for size in shape)
    for row in rows:
        for column in columns:
            picture[row : row + step, column : column + step] = RIM
            picture[row + 2 : row + step - 2, column + 2 : column + step - 2] = CORE
    Image.fromarray(picture).save(path)
    series = scan(path, progress=Progress()).all_series()[0]
    return load(series, progress=Progress()), len(rows) * len(columns)


def test_more_objects_than_a_mask_can_tell_apart(tmp_path: Path) -> None:
    volume, count = paint(tmp_path / "picture.png", (150, 171))
    found = predict(read(write_painted(tmp_path / "painted")), volume, device="cpu")
    assert found.instances is not None
    assert found.mask is not None
    assert count > 255
    assert found.instances.count == count
    assert set(found.instances.sizes.tolist()) == {64}
    np.testing.assert_array_equal(found.mask.labels_zyx, found.instances.labels_zyx > 0)
    assert found.instances.geometry.same_grid(volume.geometry)


def test_objects_lie_where_they_were_painted(tmp_path: Path) -> None:
    picture = np.zeros((40, 70, 3), np.uint8)
    picture[5:15, 48:66], picture[7:13, 50:64] = RIM, CORE
    Image.fromarray(picture).save(tmp_path / "one.png")
    volume = load(scan(tmp_path / "one.png", progress=Progress()).all_series()[0], progress=Progress())
    found = predict(read(write_painted(tmp_path / "painted")), volume, device="cpu")
    assert found.instances is not None
    expected = np.zeros((1, 40, 70), np.int32)
    expected[0, 5:15, 48:66] = 1
    np.testing.assert_array_equal(found.instances.labels_zyx, expected)


def test_windows_and_mirrored_views_do_not_cut_objects(tmp_path: Path) -> None:
    """An object on the border of two windows is one object, with and without flips."""
    volume, count = paint(tmp_path / "picture.png", (100, 100), step=20)
    package = read(write_painted(tmp_path / "painted"))
    plain, flipped = predict(package, volume, device="cpu"), predict(package, volume, device="cpu", tta=True)
    assert plain.manifest.windows > 1
    assert plain.instances is not None
    assert flipped.instances is not None
    assert plain.instances.count == flipped.instances.count == count
    np.testing.assert_array_equal(plain.instances.labels_zyx, flipped.instances.labels_zyx)


def test_another_grid_loses_no_object_and_shifts_none(tmp_path: Path) -> None:
    """A network that sees the picture at half size: every object comes home to within a pixel of its place."""
    root = write_painted(tmp_path / "painted")
    parts = json.loads((root / "configs/inference.json").read_text(encoding="utf-8"))
    half = {"_target_": "Resized", "keys": "image", "spatial_size": [50, 40], "mode": "area"}
    parts["preprocessing"]["transforms"].append(half)
    (root / "configs/inference.json").write_text(json.dumps(parts), encoding="utf-8")
    picture = np.zeros((80, 100, 3), np.uint8)
    picture[20:40, 60:80] = CORE
    Image.fromarray(picture).save(tmp_path / "one.png")
    volume = load(scan(tmp_path / "one.png", progress=Progress()).all_series()[0], progress=Progress())
    found = predict(read(root), volume, device="cpu")
    assert found.instances is not None
    expected = np.zeros((1, 80, 100), bool)
    expected[0, 20:40, 60:80] = True
    np.testing.assert_array_equal(found.instances.labels_zyx == 1, expected)


def test_thresholds_of_the_package_are_obeyed(tmp_path: Path) -> None:
    volume, _ = paint(tmp_path / "picture.png", (60, 60), step=10)
    found = predict(read(write_painted(tmp_path / "painted", least_object=101)), volume, device="cpu")
    assert found.instances is not None
    assert found.mask is not None
    assert found.instances.count == 0
    assert not found.mask.labels_zyx.any()


@pytest.mark.parametrize(
    ("instances", "key"),
    [
        ({"core": 1.0}, "medassist.instances.core"),
        ({"foreground": 0}, "medassist.instances.foreground"),
        ({"least_object": 0}, "medassist.instances.least_object"),
        ({"least_core": 1e9}, "medassist.instances.least_core"),
        ({"least_core": 1.5}, "medassist.instances.least_core"),
        ({"core": "high"}, "medassist.instances.core"),
        ({"smoothing": -1}, "medassist.instances.smoothing"),
        ({"smoothing": 21}, "medassist.instances.smoothing"),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(tmp_path: Path, instances: dict[str, object], key: str) -> None:
    root = write_painted(tmp_path / "painted")
    change_json(root, "metadata", medassist={"instances": instances})
    with pytest.raises(Refused, match=key):
        read(root)


def test_volumes_and_second_labels_are_refused(tmp_path: Path) -> None:
    root = write_painted(tmp_path / "painted")
    change_json(root, "metadata", medassist={"labels": [NUCLEUS, {**NUCLEUS, "value": 2, "label": "Other"}]})
    with pytest.raises(Refused, match="labels"):
        read(root)
    change_json(root, "metadata", medassist={"labels": [NUCLEUS], "input": {"dimensions": 3}})
    with pytest.raises(Refused, match=r"input\.dimensions"):
        read(root)


def test_a_network_of_other_outputs_is_refused(tmp_path: Path) -> None:
    root = write_painted(tmp_path / "painted")
    parts = json.loads((root / "configs/inference.json").read_text(encoding="utf-8"))
    parts["network_def"]["out_channels"] = 2
    write_package(root, metadata=json.loads((root / "configs/metadata.json").read_text()), inference=parts)
    volume, _ = paint(tmp_path / "picture.png", (40, 40))
    with pytest.raises(Refused, match="outputs"):
        predict(read(root), volume, device="cpu")


def test_a_kept_answer_holds_the_objects(tmp_path: Path) -> None:
    volume, _ = paint(tmp_path / "picture.png", (60, 60))
    package = read(write_painted(tmp_path / "painted"))
    found = predict(package, volume, device="cpu")
    again = decode(encode(found), package, volume)
    assert found.instances is not None
    assert again.instances is not None
    np.testing.assert_array_equal(again.instances.labels_zyx, found.instances.labels_zyx)


def test_no_map_of_uncertainty(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="one by one"):
        check_uncertainty(read(write_painted(tmp_path / "painted")))


def test_touching_objects_part_at_the_valley_between_their_cores() -> None:
    core = np.full((9, 21), 0.3, np.float32)
    core[2:7, 2:8], core[2:7, 13:19], core[:, 10] = 0.9, 0.9, 0.1
    objects = separate(np.ones_like(core), core, Separation())
    assert objects.max() == 2
    assert len(np.unique(objects[:, :10])) == len(np.unique(objects[:, 11:])) == 1


def test_foreground_without_a_core_is_no_object() -> None:
    foreground, core = np.zeros((12, 12), np.float32), np.zeros((12, 12), np.float32)
    foreground[1:5, 1:5], foreground[7:11, 7:11], core[8:10, 8:10] = 1.0, 1.0, 1.0
    objects = separate(foreground, core, Separation())
    assert objects.max() == 1
    assert not objects[:6, :6].any()
    assert not separate(foreground, core, Separation(least_core=5)).any()


def test_smoothing_takes_a_checkerboard_out_of_the_maps() -> None:
    maps = np.zeros((30, 30), np.float32)
    maps[5:25, 5:25] = 1.0
    maps[10:20:2, 10:24:2] = 0.0
    rough = separate(maps, maps, Separation(smoothing=0.0))
    smooth = separate(maps, maps, Separation(smoothing=1.5))
    assert smooth.max() == rough.max() == 1
    ragged = np.zeros((30, 30), np.float32)
    ragged[5:25:2, 5:25] = 1.0  # stripes: ten objects, or one
    assert separate(ragged, ragged, Separation()).max() == 10
    assert separate(ragged, ragged, Separation(0.4, 0.4, smoothing=1.5)).max() == 1


def test_a_hole_inside_an_object_is_filled_and_another_object_in_it_stays() -> None:
    foreground, core = np.zeros((20, 40), np.float32), np.zeros((20, 40), np.float32)
    for column in (2, 22):
        foreground[2:18, column : column + 16], core[2:18, column : column + 16] = 1.0, 1.0
        foreground[5:15, column + 3 : column + 13], core[5:15, column + 3 : column + 13] = 0.0, 0.0
    foreground[8:12, 28:32], core[8:12, 28:32] = 1.0, 1.0
    objects = separate(foreground, core, Separation())
    assert objects.max() == 3
    assert np.count_nonzero(objects[:, :20]) == 16 * 16
    assert (objects[8:12, 28:32] == objects[9, 29]).all()
    assert objects[9, 29] != objects[2, 22]


def test_labels_of_objects_have_no_gap() -> None:
    home = Geometry(np.eye(4), (1, 2, 2), calibrated=False)
    with pytest.raises(ValueError, match="gap"):
        Instances(np.array([[[0, 1], [0, 3]]], np.int32), home)
    with pytest.raises(ValueError, match="gap"):
        Instances(np.array([[[0, 1], [0, 2**31 - 1]]], np.int32), home)
    with pytest.raises(ValueError, match="int32"):
        Instances(np.zeros((1, 2, 2), np.uint8), home)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="grid"):
        Instances(np.zeros((1, 2, 3), np.int32), home)


def test_measures_are_in_pixels_until_the_size_of_a_pixel_is_known() -> None:
    labels = np.zeros((1, 10, 10), np.int32)
    labels[0, :2, :2], labels[0, 5:7, 5:8] = 1, 2
    plain = Instances(labels, Geometry(np.eye(4), labels.shape, calibrated=False)).measures()
    assert plain == {"count": 2, "touching_edge": 1, "per_megapixel": 20_000, "median_area_px": 5}
    half_micron = Geometry(np.diag([0.0005, 0.0005, 1.0, 1.0]), labels.shape)
    told = Instances(labels, half_micron).measures()
    assert told["median_area_um2"] == pytest.approx(1.25)
    assert told["per_mm2"] == pytest.approx(2 / (100 * 0.0005**2))


def test_no_object_has_no_median() -> None:
    empty = Instances(np.zeros((1, 4, 4), np.int32), Geometry(np.eye(4), (1, 4, 4)))
    assert empty.measures() == {"count": 0, "touching_edge": 0, "per_megapixel": 0, "per_mm2": 0}
