from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import UNET_3D, change_json, compose, write_classifier, write_segmenter, write_threshold_segmenter

from medassist.entities.errors import Cancelled, Refused
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.inference import predict as predict_module
from medassist.inference.bundle import Inferer, inferer
from medassist.inference.network import LoadedNetwork, load_network
from medassist.inference.packages import read
from medassist.inference.ports import Label
from medassist.inference.predict import class_scores, predict, probability
from medassist.inference.prepare import prepare
from medassist.inference.windows import count_batches, run_network
from medassist.progress import Progress, Step

FAILED = Check("Body part", "CHEST", "LEG", Verdict.FAIL)
OBLIQUE = np.array([[0.0, 0.3, -1.9, 40], [-0.9, 0.1, 0.2, -7], [0.1, 1.1, 0.3, 300], [0, 0, 0, 1]])


def is_free(network: LoadedNetwork) -> bool:
    """Tell whether another thread could take the lock now."""
    taken: list[bool] = []

    def attempt() -> None:
        taken.append(network.lock.acquire(blocking=False))
        if taken[0]:
            network.lock.release()

    other = threading.Thread(target=attempt)
    other.start()
    other.join()
    return taken[0]


@pytest.fixture
def noise(make_volume):
    array = np.random.default_rng(0).integers(0, 1000, (18, 27, 22)).astype(np.int16)
    return make_volume(array, OBLIQUE)


@pytest.mark.parametrize(
    "windows",
    [{"_target_": "SimpleInferer"}, {"_target_": "SlidingWindowInferer", "roi_size": [8, 10, 32], "overlap": 0.5}],
    ids=["whole", "windows"],
)
def test_a_mask_lies_exactly_where_the_values_are(tmp_path: Path, noise, windows) -> None:
    package = read(write_threshold_segmenter(tmp_path / "bright", 500.5, inferer=windows))
    prediction = predict(package, noise, device="cpu", progress=Progress())
    assert prediction.mask is not None
    assert np.array_equal(prediction.mask.labels_zyx, noise.array_zyx > 500)
    assert prediction.mask.geometry.same_grid(noise.geometry)
    assert prediction.mask.segments == package.segments
    assert prediction.scores == ()
    assert prediction.model == package.ref
    assert prediction.series_key == noise.series.key
    assert prediction.device == "cpu"
    assert set(prediction.timings_s) == {"prepare", "infer"}
    assert datetime.fromisoformat(prediction.started).tzinfo is not None


def test_a_mask_from_a_coarser_grid_comes_home_in_place(tmp_path: Path, make_volume) -> None:
    ball = np.zeros((30, 34, 38), np.int16)
    k, j, i = np.indices(ball.shape)
    ball[(k - 14) ** 2 + (j - 12) ** 2 + (i - 25) ** 2 <= 64] = 100
    spacing = {"_target_": "Spacingd", "keys": "image", "pixdim": [1.7, 1.7, 1.7], "mode": "bilinear"}
    package = read(write_threshold_segmenter(tmp_path / "coarse", 50, spacing))
    mask = predict(package, make_volume(ball, np.diag([-1.0, -1.0, 1.0, 1.0])), device="cpu").mask
    assert mask is not None
    truth = ball > 0
    overlap = np.count_nonzero(mask.labels_zyx.astype(bool) & truth)
    assert 2 * overlap / (mask.voxels(mask.segments[0]) + truth.sum()) > 0.94
    assert np.allclose(np.argwhere(mask.labels_zyx).mean(axis=0), [14, 12, 25], atol=0.1)


def test_only_the_largest_component_is_kept_when_the_bundle_says_so(tmp_path: Path, make_volume) -> None:
    two = np.zeros((10, 10, 10), np.int16)
    two[1:4, 1:4, 1:4] = two[8, 8, 8] = 100
    keep = {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1]}
    argmax = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}
    both = read(write_threshold_segmenter(tmp_path / "both", 50))
    one = read(write_threshold_segmenter(tmp_path / "one", 50, postprocessing=compose(argmax, keep)))
    counts = []
    for package in (both, one):
        mask = predict(package, make_volume(two), device="cpu").mask
        assert mask is not None
        counts.append(mask.voxels(mask.segments[0]))
    assert counts == [28, 27]


def test_windows_are_blended_as_monai_blends_them(tiny_segmenter: Path, noise) -> None:
    from monai.inferers import sliding_window_inference

    package = read(tiny_segmenter)
    network, prepared = load_network(package, "cpu"), prepare(package, noise)
    ours = run_network(network.module, prepared.tensor, inferer(package), "cpu", progress=Progress())
    with torch.inference_mode():
        theirs = sliding_window_inference(
            prepared.tensor, (16, 16, 16), 1, network.module, overlap=0.5, mode="gaussian"
        )
    assert torch.equal(ours, theirs)
    mask = predict(package, noise, device="cpu").mask
    assert mask is not None
    best = np.stack([prepared.to_zyx(channel) for channel in ours[0].numpy()]).argmax(axis=0)
    assert sorted(np.unique(best, return_counts=True)[1]) == sorted(np.unique(mask.labels_zyx, return_counts=True)[1])


@pytest.mark.parametrize("size", [(16, 16, 16), (5, 16, 40), (33, 20, 17), (64, 9, 16)])
@pytest.mark.parametrize(
    "options",
    [
        {"roi_size": [16, 16, 16], "overlap": 0.5, "sw_batch_size": 1},
        {"roi_size": 16, "overlap": 0.25, "sw_batch_size": 4},
        {"roi_size": [8, -1, 16]},
    ],
    ids=str,
)
def test_windows_are_counted_before_they_run(size, options) -> None:
    steps: list[Step] = []
    image = torch.zeros(1, 1, *size)
    run_network(torch.nn.Identity(), image, Inferer(options), "cpu", progress=Progress(steps.append))
    fractions = [step.fraction for step in steps]
    calls = count_batches(size, options)
    assert len(fractions) == calls + 1
    assert fractions == pytest.approx([done / calls for done in range(calls + 1)])
    assert calls == 1 or steps[1].seconds_left is not None


def test_cancel_stops_before_the_next_window_and_leaves_nothing(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    network = load_network(package, "cpu")
    calls: list[int] = []
    handle = network.module.register_forward_hook(lambda *_: calls.append(1))

    def listen(step: Step) -> None:
        if step.stage == "Running the model" and len(calls) == 3:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled) as caught:
        predict(package, noise, device="cpu", progress=progress)
    assert caught.value.exit_code == 130
    assert len(calls) == 4
    handle.remove()
    assert is_free(network)
    before = predict(package, noise, device="cpu").mask
    again = predict(package, noise, device="cpu").mask
    assert before is not None
    assert again is not None
    assert np.array_equal(before.labels_zyx, again.labels_zyx)


def test_a_network_is_locked_while_it_runs(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    network = load_network(package, "cpu")
    free: list[bool] = []

    def listen(step: Step) -> None:
        if step.stage == "Running the model":
            free.append(is_free(network))

    predict(package, noise, device="cpu", progress=Progress(listen))
    assert free
    assert not any(free)


def test_waiting_for_a_busy_network_can_be_cancelled(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    network = load_network(package, "cpu")
    busy, done = threading.Event(), threading.Event()

    def explain() -> None:
        with network.lock:
            busy.set()
            done.wait(20)

    other = threading.Thread(target=explain)
    other.start()
    busy.wait(20)
    progress = Progress(lambda step: progress.cancel() if step.stage == "Waiting for the model" else None)
    with pytest.raises(Cancelled):
        predict(package, noise, device="cpu", progress=progress)
    done.set()
    other.join()
    assert is_free(network)


@pytest.fixture
def film(make_volume):
    values = np.random.default_rng(1).integers(0, 4000, (1, 60, 50)).astype(np.uint16)
    return make_volume(values, kind=SeriesKind.FILM, modality="CR", windows=(Window(2000, 4000),), inverted=True)


def test_scores_are_calibrated_sigmoids_at_their_operating_points(tiny_classifier: Path, film) -> None:
    package = read(tiny_classifier)
    prediction = predict(package, film, device="cpu")
    with torch.inference_mode():
        logits = load_network(package, "cpu").module(prepare(package, film).tensor)[0].double()
    effusion, cardiomegaly = prediction.scores
    assert effusion.probability == pytest.approx(torch.sigmoid(0.5 * logits[0] - 0.25).item(), abs=1e-6)
    assert cardiomegaly.probability == pytest.approx(torch.sigmoid(logits[1]).item(), abs=1e-6)
    assert (effusion.threshold, effusion.calibrated, effusion.positive) == (0.3, True, True)
    assert (cardiomegaly.threshold, cardiomegaly.calibrated, cardiomegaly.positive) == (0.9, False, False)
    assert effusion.operating_point == "Chosen for tests."
    assert effusion.code is not None
    assert prediction.mask is None


def test_extreme_logits_stay_probabilities(tiny_classifier: Path) -> None:
    assert probability(Label(0, "x"), 1e6) == 1.0
    assert probability(Label(0, "x"), -1e6) == 0.0
    package = read(tiny_classifier)
    with pytest.raises(Refused, match="score for Cardiomegaly is not a number"):
        class_scores(package, np.array([0.0, np.nan], np.float32))
    with pytest.raises(Refused, match="does not fit its 2 labels"):
        class_scores(package, np.array([0.0], np.float32))


def test_a_network_with_other_outputs_is_refused(tiny_segmenter: Path, tiny_classifier: Path, noise, film) -> None:
    change_json(tiny_segmenter, "metadata", medassist={"labels": [{"value": 1, "label": "One"}]})
    with pytest.raises(Refused, match=r"writes 3 x .* outputs, which does not fit its 1 labels"):
        predict(read(tiny_segmenter), noise, device="cpu")
    third = {"value": 2, "label": "Three", "threshold": 0.5}
    change_json(tiny_classifier, "metadata", medassist={"labels": [third]})
    with pytest.raises(Refused, match="writes 2 outputs"):
        predict(read(tiny_classifier), film, device="cpu")


def test_the_gate_stands_before_the_run(tiny_classifier: Path, film, monkeypatch: pytest.MonkeyPatch) -> None:
    package = read(tiny_classifier)
    with monkeypatch.context() as patch:
        patch.setattr(predict_module, "load_network", lambda *_: pytest.fail("the network was loaded"))
        with pytest.raises(Refused, match="Body part: demanded CHEST, found LEG"):
            predict(package, film, checks=(FAILED,), device="cpu")
    prediction = predict(package, film, checks=(FAILED,), device="cpu", override_reason=" a phantom ")
    assert prediction.override_reason == "a phantom"
    assert prediction.checks == (FAILED,)


def test_overlapping_labels_are_refused(tmp_path: Path, noise) -> None:
    sigmoid = compose({"_target_": "Activationsd", "keys": "pred", "sigmoid": True})
    package = read(write_threshold_segmenter(tmp_path / "sigmoid", 50, postprocessing=sigmoid))
    with pytest.raises(Refused, match="overlapping labels"):
        predict(package, noise, device="cpu")


def test_a_series_over_time_says_what_was_analysed(tmp_path: Path) -> None:
    from medassist.entities.geometry import Geometry

    array = np.stack([np.full((4, 4, 4), value, np.int16) for value in (0, 100)])
    volume = Volume(Series("k", SeriesKind.VOLUME, (), times=2), array, Geometry(np.eye(4), (4, 4, 4)))
    package = read(write_threshold_segmenter(tmp_path / "bright", 50))
    prediction = predict(package, volume, device="cpu")
    assert prediction.mask is not None
    assert prediction.mask.labels_zyx.max() == 0
    assert prediction.notes == ("Only the first time point of the series was analysed.",)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"_target_": "Resized", "keys": "image", "spatial_size": [8, 8, 8]}, "wrong lost the place of the image"),
        (
            {"_target_": "NormalizeIntensityd", "keys": "image", "subtrahend": [1, 2], "channel_wise": True},
            "wrong failed on this image: ",
        ),
    ],
)
def test_a_failed_preparation_is_one_sentence(tmp_path: Path, film, step, message) -> None:
    package = read(write_classifier(tmp_path / "wrong", preprocessing=compose(step)))
    with pytest.raises(Refused, match=message):
        predict(package, film, device="cpu")


def test_the_phantom_marker_is_found_where_the_phantom_put_it(tmp_path: Path) -> None:
    phantoms = pytest.importorskip("phantoms")
    load = pytest.importorskip("medassist.imaging.load").load
    scan = pytest.importorskip("medassist.imaging.scan").scan
    folder = tmp_path / "ct"
    orientation = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
    phantoms.write_ct_series(folder, orientation=orientation, spacing=(0.7, 0.9, 2.5))
    series = scan(folder, progress=Progress()).all_series()[0]
    volume = load(series, progress=Progress())
    package = read(write_threshold_segmenter(tmp_path / "bright", phantoms.MARKER_HU - 1))
    mask = predict(package, volume, device="cpu").mask
    assert mask is not None
    k, j, i = np.argwhere(mask.labels_zyx)[0]
    assert mask.voxels(mask.segments[0]) == 1
    assert volume.array_zyx[k, j, i] == phantoms.MARKER_HU


def test_an_image_the_network_cannot_take_is_one_sentence(tmp_path: Path, tiny_segmenter: Path, make_volume) -> None:
    odd = make_volume(np.zeros((15, 15, 15), np.int16))
    change_json(tiny_segmenter, "inference", inferer={"_target_": "SimpleInferer"})
    with pytest.raises(Refused, match="tiny_segmenter gave no usable answer on this image"):
        predict(read(tiny_segmenter), odd, device="cpu")
    two = read(write_segmenter(tmp_path / "two", network_def={**UNET_3D, "in_channels": 2}))
    with pytest.raises(Refused, match="network cannot run on an input of 1 x 1 x 16 x 16 x 16: "):
        predict(two, odd, device="cpu")
