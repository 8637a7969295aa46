"""From a package and a series to a heatmap: the right place in millimetres, the right passport, the right refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("SimpleITK")

from bundles import RAS, WINDOWS, change_json, compose, metadata, write_package, write_segmenter  # noqa: E402

from medassist.entities.errors import Cancelled, Refused, UsageError  # noqa: E402
from medassist.entities.explained_region import ExplainedRegion  # noqa: E402
from medassist.entities.geometry import Geometry  # noqa: E402
from medassist.entities.prediction import Mask, Segment  # noqa: E402
from medassist.entities.study import Series, SeriesKind  # noqa: E402
from medassist.entities.volume import Volume, Window  # noqa: E402
from medassist.explain import methods  # noqa: E402
from medassist.explain.methods import explain  # noqa: E402
from medassist.explain.quality.stamping import stamp  # noqa: E402
from medassist.inference.bundle import build_network  # noqa: E402
from medassist.inference.network import forget_networks, load_network  # noqa: E402
from medassist.inference.packages import read  # noqa: E402
from medassist.locations import resources_dir  # noqa: E402
from medassist.progress import Progress  # noqa: E402

LABELS = ({"value": 0, "label": "Bright spot", "title_zh": "亮点", "threshold": 0.5},)
SEGMENTS = (Segment(1, "Anterior part"), Segment(2, "Posterior part"))


@pytest.fixture(autouse=True)
def no_cached_networks():
    forget_networks()
    yield
    forget_networks()


def volume_of(array, affine, kind=SeriesKind.VOLUME, times=1):
    geometry = Geometry(affine, array.shape, "1.2.3")
    series = Series("1.2", kind, (), modality="MR", shape_zyx=array.shape)
    return Volume(series, np.repeat(array[None], times, axis=0), geometry, windows=(Window(128, 256),))


def flipped_oblique(spacing=(0.8, 1.1, 2.5)):
    """An affine with anisotropic voxels, columns that run to the right-to-left, and slices tilted by 20 degrees."""
    tilt = np.deg2rad(20.0)
    affine = np.eye(4)
    affine[:3, 0] = np.array([-1.0, 0.0, 0.0]) * spacing[0]
    affine[:3, 1] = np.array([0.0, np.cos(tilt), np.sin(tilt)]) * spacing[1]
    affine[:3, 2] = np.array([0.0, np.sin(tilt), -np.cos(tilt)]) * spacing[2]
    affine[:3, 3] = (31.0, -7.0, 112.0)
    return affine


def spot_package(root, dimensions, *preprocessing, bias=-1.0):
    """Write a ResNet that says "bright spot" and can only have seen it where it is: positive weights, no biases."""
    network = {
        "_target_": "ResNet",
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "block_inplanes": [4, 4, 4, 4],
        "spatial_dims": dimensions,
        "n_input_channels": 1,
        "num_classes": 1,
        "conv1_t_size": 3,
        "conv1_t_stride": 1,
        "no_max_pool": True,
    }
    about = metadata(
        "classification",
        LABELS,
        input={"dimensions": dimensions, "values": "modality"},
        explanation={"layer": "layer4", "method": "gradcam"},
    )
    parts = {"network_def": network, "preprocessing": compose(*preprocessing), "inferer": {"_target_": "SimpleInferer"}}
    write_package(root, metadata=about, inference=parts)
    torch.manual_seed(0)
    module = build_network(read(root))
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(
                torch.rand_like(parameter) * 0.1 + 0.1 if parameter.ndim > 1 else torch.ones_like(parameter)
            )
            if name.endswith("bias"):
                parameter.fill_(bias if name == "fc.bias" else 0.0)
    write_package(root, metadata=about, inference=parts, state=module.state_dict())
    return read(root)


def heat_centre(values, geometry):
    """Return where the heat is: the mean position (LPS mm) of the voxels, weighted by their value."""
    k, j, i = np.nonzero(values > 0)
    return np.average(geometry.to_world(np.stack([i, j, k], axis=-1)), axis=0, weights=values[k, j, i])


def test_planted_cue_in_a_flipped_anisotropic_volume_is_found_in_millimetres(tmp_path):
    package = spot_package(tmp_path / "spot", 3, *RAS)
    array = np.zeros((56, 48, 64), dtype=np.float32)
    array[21:24, 29:32, 19:22] = 1.0
    volume = volume_of(array, flipped_oblique())
    found = explain(package, volume, "Bright spot")
    planted = volume.geometry.to_world([20, 30, 22])
    for values, grid in ((found.native_zyx, found.native_geometry), (found.values_zyx, found.geometry)):
        off_cells = np.abs(
            found.native_geometry.to_index(heat_centre(values, grid)) - found.native_geometry.to_index(planted)
        )
        assert off_cells.max() < 0.25, off_cells
    assert found.geometry.same_grid(volume.geometry)
    assert found.cell_mm == pytest.approx((8 * 0.8, 8 * 1.1, 8 * 2.5))
    assert found.native_zyx.shape == (7, 6, 8)
    mirrored = volume.geometry.to_world([63 - 20, 30, 22])
    assert np.linalg.norm(heat_centre(found.values_zyx, found.geometry) - mirrored) > 10.0


@pytest.mark.parametrize("size_xy", [[64, 64], [96, 64]])
def test_planted_cue_on_a_resized_film_is_found_in_millimetres(tmp_path, size_xy):
    resize = {"_target_": "Resized", "keys": "image", "spatial_size": size_xy, "mode": "bilinear"}
    package = spot_package(tmp_path / "spot", 2, resize)
    array = np.zeros((1, 100, 160), dtype=np.float32)
    array[0, 66:74, 116:124] = 1.0
    volume = volume_of(array, flipped_oblique((0.3, 0.2, 1.0)), SeriesKind.FILM)
    found = explain(package, volume, "bright spot", method="Grad-CAM")
    planted = volume.geometry.to_world([119.5, 69.5, 0])
    off_cells = found.native_geometry.to_index(heat_centre(found.values_zyx, found.geometry))
    off_cells = np.abs(off_cells - found.native_geometry.to_index(planted))
    assert off_cells.max() < 0.25, off_cells
    assert found.native_zyx.shape == (1, 8, size_xy[0] // 8)


def test_heat_reaches_the_edges_where_the_cells_do_not(tmp_path):
    """The cells of this ResNet end 3.5 voxels before the last column: the picture has no cold rim there."""
    package = spot_package(tmp_path / "spot", 3, *RAS)
    volume = volume_of(np.ones((16, 32, 32), dtype=np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    found = explain(package, volume, "Bright spot")
    assert (found.values_zyx > 0).all()


def test_passport_of_a_classifier_map(tmp_path):
    package = spot_package(tmp_path / "spot", 3, *RAS)
    array = np.zeros((16, 32, 32), dtype=np.float32)
    array[8, 16, 16] = 1.0
    volume = volume_of(array, np.eye(4), times=2)
    found = explain(package, volume, "亮点")
    assert (found.method, found.target, found.layer, found.series_key) == ("Grad-CAM", "Bright spot", "layer4", "1.2")
    assert found.model == package.ref
    module = load_network(package, "cpu").module
    with torch.no_grad():
        logit = float(module(torch.from_numpy(array[:, ::-1, ::-1].transpose(2, 1, 0).copy())[None, None])[0, 0])
    assert found.target_score == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-4)
    assert found.notes == (methods.FIRST_TIME,)
    assert found.quality == {}
    assert found.values_zyx.dtype == np.float32


def test_all_zero_map_says_so(tmp_path):
    package = spot_package(tmp_path / "spot", 3, *RAS)
    found = explain(package, volume_of(np.zeros((16, 32, 32), dtype=np.float32), np.eye(4)), "Bright spot")
    assert not found.values_zyx.any()
    assert found.notes == (methods.ALL_ZERO,)


@pytest.fixture
def segmenter(tmp_path):
    return read(write_segmenter(tmp_path / "tiny"))


def noise(shape, affine=None):
    return volume_of(
        np.random.default_rng(0).normal(size=shape).astype(np.float32), np.eye(4) if affine is None else affine
    )


def box_mask(volume, *box, value=1):
    labels = np.zeros(volume.geometry.shape_zyx, dtype=np.uint8)
    labels[box] = value
    return Mask(labels, volume.geometry, SEGMENTS)


def test_region_of_a_segmenter_equals_a_map_computed_by_hand(segmenter):
    """The window is padded to 16 voxels as the sliding window does, flipped to RAS, and comes home unflipped."""
    volume = noise((13, 16, 15))
    mask = box_mask(volume, slice(4, 9), slice(2, 8), slice(3, 7), value=2)
    found = explain(segmenter, volume, "Posterior part", method="seg-gradcam", mask=mask)
    module = load_network(segmenter, "cpu").module
    values = volume.array_zyx.transpose(2, 1, 0)[::-1, ::-1]
    values = (values - values.mean()) / values.std()
    image = torch.zeros(1, 1, 16, 16, 16)
    image[0, 0, 0:15, :, 1:14] = torch.from_numpy(values.copy())  # 15 -> nothing before, one after; 13 -> one, two
    region = torch.zeros(16, 16, 16, dtype=torch.bool)
    region[0:15, :, 1:14] = torch.from_numpy((mask.labels_zyx == 2).transpose(2, 1, 0)[::-1, ::-1].copy())
    attr = pytest.importorskip("captum.attr")
    captum = attr.LayerGradCam(
        lambda x: (module(x)[:, 2] * region).sum().reshape(1, 1), module.get_submodule("model.1.submodule")
    )
    reference = (
        captum.attribute(image.requires_grad_(), 0, relu_attributions=True).detach()[0, 0].numpy().transpose(2, 1, 0)
    )
    assert reference.max() > 0
    np.testing.assert_allclose(found.native_zyx, reference, rtol=1e-4, atol=1e-5 * reference.max())
    assert found.method == "Seg-Grad-CAM"
    with torch.no_grad():
        share = torch.softmax(module(image), 1)[0, 2][region].mean()
    assert found.target_score == pytest.approx(float(share), rel=1e-4)
    assert found.parameters["region_voxels"] == 5 * 6 * 4
    assert found.notes == ()


def test_share_outside_the_region_is_what_it_says(segmenter):
    volume = noise((16, 16, 16))
    mask = box_mask(volume, slice(4, 9), slice(2, 8), slice(3, 7))
    found = explain(segmenter, volume, "Anterior part", mask=mask)
    outside = found.values_zyx[mask.labels_zyx != 1].sum() / found.values_zyx.sum()
    assert found.quality["share_outside_region"] == pytest.approx(outside, rel=1e-5)
    everywhere = box_mask(volume, ...)
    assert explain(segmenter, volume, "Anterior part", mask=everywhere).quality == {"share_outside_region": 0.0}


def test_large_image_is_explained_in_a_window_around_the_region(segmenter):
    volume = noise((40, 44, 48), flipped_oblique())
    mask = box_mask(volume, slice(30, 33), slice(6, 9), slice(20, 24))
    found = explain(segmenter, volume, "Anterior part", mask=mask)
    assert found.native_zyx.shape == (8, 8, 8) or found.native_zyx.shape == (16, 16, 16)
    assert methods.WINDOW_ONLY in found.notes
    assert methods.REGION_CUT not in found.notes
    k, j, i = np.nonzero(found.values_zyx)
    assert k.min() <= 30
    assert k.max() >= 32
    assert j.min() <= 6
    assert j.max() >= 8
    assert max(np.ptp(k), np.ptp(j), np.ptp(i)) < 16
    everywhere = explain(segmenter, volume, "Anterior part", mask=box_mask(volume, ...))
    assert methods.REGION_CUT in everywhere.notes


def test_without_a_mask_the_own_segmentation_is_explained(segmenter):
    volume = noise((16, 16, 16))
    found = explain(segmenter, volume, "Anterior part")
    assert found.parameters["region_voxels"] > 0


def test_what_cannot_be_explained_is_refused_in_one_sentence(segmenter, tmp_path):
    volume = noise((16, 16, 16))
    mask = box_mask(volume, slice(0, 3), slice(0, 3), slice(0, 3))
    with pytest.raises(UsageError, match="Anterior part, Posterior part"):
        explain(segmenter, volume, "Liver", mask=mask)
    with pytest.raises(UsageError, match="gradcam"):
        explain(segmenter, volume, "Anterior part", method="tea-leaves", mask=mask)
    with pytest.raises(Refused, match="no voxel of Posterior part"):
        explain(segmenter, volume, "Posterior part", mask=mask)
    with pytest.raises(Refused, match="different grids"):
        explain(segmenter, noise((16, 16, 16), np.diag([1, 1, 2, 1.0])), "Anterior part", mask=mask)
    change_json(segmenter.root, "metadata", medassist={"explanation": {}})
    with pytest.raises(Refused, match=r"names no layer.*explanation\.layer"):
        explain(read(segmenter.root), volume, "Anterior part", mask=mask)


def test_cancel_stops_before_the_network_runs(segmenter):
    volume = noise((16, 16, 16))
    progress = Progress(lambda step: progress.cancel() if step.stage == "Computing the heatmap" else None)
    with pytest.raises(Cancelled):
        explain(segmenter, volume, "Anterior part", mask=box_mask(volume, ...), progress=progress)
    network = load_network(segmenter, "cpu")
    assert not any(part._forward_hooks for part in network.module.modules())
    assert network.lock.acquire(blocking=False)


def test_the_lock_of_the_network_is_held_while_it_is_explained(segmenter, monkeypatch):
    import threading

    from medassist.explain.gradcam import Cam, by_mean_gradient

    seen = []

    class Watching(Cam):
        def attribute(self, question, *, progress):
            taken = []
            other = threading.Thread(target=lambda: taken.append(question.network.lock.acquire(blocking=False)))
            other.start()
            other.join()
            seen.extend(taken)
            return super().attribute(question, progress=progress)

    monkeypatch.setattr(methods, "METHODS", (Watching("gradcam", "Grad-CAM", by_mean_gradient),))
    volume = noise((16, 16, 16))
    explain(segmenter, volume, "Anterior part", mask=box_mask(volume, ...))
    assert seen == [False]


def test_contrast_layer_and_settings_reach_the_method_and_the_passport(segmenter):
    volume = noise((16, 16, 16))
    part, other = SEGMENTS
    mask = box_mask(volume, ...)
    maps = {
        against: explain(
            segmenter, volume, part.label, method="occlusion", against=against, settings={"window": 0.5}, mask=mask
        )
        for against in ("", other.label)
    }
    assert [one.against for one in maps.values()] == ["", other.label]
    for one in maps.values():
        assert one.signed
        assert one.parameters["window"] == 0.5
        assert one.parameters["window_voxels"] == [16, 16, 16]
    assert "difference of the two classes" in str(maps[other.label].parameters["score"])
    assert not np.allclose(maps[""].values_zyx, maps[other.label].values_zyx)
    named = segmenter.explanation.layer
    assert explain(segmenter, volume, part.label, layer=named, mask=mask).layer == named


def test_a_region_is_explained_in_place_of_all_that_was_marked(segmenter):
    volume = noise((16, 16, 16))
    mask = box_mask(volume, slice(0, 8))
    inside = np.zeros(volume.geometry.shape_zyx, dtype=bool)
    inside[10:13, 2:6, 3:7] = True
    region = ExplainedRegion("region of the reader", inside, volume.geometry)
    found = explain(segmenter, volume, "Anterior part", method="saliency", mask=mask, region=region)
    same = explain(segmenter, volume, "Anterior part", method="saliency", mask=box_mask(volume, inside))
    assert np.array_equal(found.values_zyx, same.values_zyx)
    assert found.quality == same.quality
    assert found.target_score == same.target_score
    assert found.region is region
    assert found.parameters["region"] == "region of the reader"
    assert same.region is None
    measured = [stamp(segmenter, volume, one, mask=of) for one, of in ((found, mask), (same, box_mask(volume, inside)))]
    assert measured[0].numbers == pytest.approx(measured[1].numbers), "measured is what was explained"
    nothing = replace(region, inside_zyx=np.zeros_like(inside))
    elsewhere = replace(region, geometry=Geometry(np.diag([2.0, 1.0, 1.0, 1.0]), inside.shape))
    for wrong, said in ((nothing, "holds no voxel"), (elsewhere, "different grids")):
        with pytest.raises(Refused, match=said):
            explain(segmenter, volume, "Anterior part", method="saliency", mask=mask, region=wrong)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"method": "saliency", "layer": "model.0"}, "reads no layer"),
        ({"method": "occlusion", "settings": {"steps": 3.0}}, "it has window"),
        ({"method": "saliency", "settings": {"steps": 3.0}}, "it has -"),
        ({"method": "occlusion", "settings": {"window": 5.0}}, "between 0.03 and 0.5"),
        ({"method": "gradcam", "against": "Anterior part"}, "with itself"),
        ({"method": "gradcam", "against": "Spleen"}, "no label Spleen"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(segmenter, words, told):
    volume = noise((16, 16, 16))
    with pytest.raises(UsageError, match=told):
        explain(segmenter, volume, "Anterior part", mask=box_mask(volume, ...), **words)


def test_notes_and_titles_have_chinese_texts():
    table = json.loads((resources_dir() / "translations" / "zh_CN" / "explain.json").read_text(encoding="utf-8"))
    remarks = [one.remark for one in methods.METHODS if one.remark]
    settings = [setting.title for one in methods.METHODS for setting in one.settings]
    notes = (
        *remarks,
        *settings,
        methods.ALL_ZERO,
        methods.EVEN_CELLS,
        methods.WINDOW_ONLY,
        methods.REGION_CUT,
        methods.FIRST_TIME,
    )
    titles = [one.title(task) for one in methods.METHODS for task in ("classification", "segmentation")]
    assert [text for text in (*notes, *titles) if text not in table] == []
    assert WINDOWS["roi_size"] == [16, 16, 16]  # what the window tests above count on
