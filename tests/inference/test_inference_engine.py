from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bundles import WINDOWS, change_json, write_classifier, write_segmenter

from medassist.entities.errors import Cancelled, Refused, Unsuited, UsageError
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import SeriesKind
from medassist.entities.volume import Window
from medassist.inference import engine
from medassist.inference.backends import openvino_backend, selection
from medassist.inference.backends.protocol import Unsupported
from medassist.inference.demands import EmbeddingSpec
from medassist.inference.embedding import encode
from medassist.inference.forecast import forecast
from medassist.inference.likeness import likeness
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.inference.plan import plan_windows
from medassist.inference.postprocess import Decision
from medassist.inference.predict import predict
from medassist.inference.prepare import prepare
from medassist.inference.results import forget_results
from medassist.inference.shape import keeps_shape
from medassist.plugins import Availability
from medassist.progress import Progress, Step
from medassist.session.jobs import run_model
from medassist.training.embedding import fit_embedding

BATCHES = {**WINDOWS, "sw_batch_size": 4}
needs_openvino = pytest.mark.skipif(
    not openvino_backend.availability().ok, reason="OpenVINO (the extra cpu) is not installed"
)


@pytest.fixture(autouse=True)
def no_remembered_results():
    forget_results()
    yield
    forget_results()


@pytest.fixture
def noise(make_volume):
    return make_volume(np.random.default_rng(0).integers(0, 1000, (20, 24, 40)).astype(np.int16))


@pytest.fixture
def film(make_volume):
    values = np.random.default_rng(1).integers(0, 4000, (1, 60, 50)).astype(np.uint16)
    return make_volume(values, kind=SeriesKind.FILM, modality="CR", windows=(Window(2000, 4000),))


def limit_memory(package, voxels: int, error: Exception) -> list[tuple[int, ...]]:
    """Let the network raise `error` for a batch of more than `voxels`; return the shapes it was asked for."""
    module, asked = load_network(package, "cpu").module, []

    def check(_module, inputs) -> None:
        asked.append(tuple(inputs[0].shape))
        if inputs[0].device.type != "meta" and inputs[0].numel() > voxels:
            raise error

    module.register_forward_pre_hook(check)
    return asked


OUT_OF_MEMORY = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


@pytest.mark.parametrize(
    "error", [OUT_OF_MEMORY, MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")], ids=repr
)
def test_a_run_out_of_memory_goes_on_with_smaller_windows_and_says_so(tmp_path: Path, noise, error) -> None:
    package = read(write_segmenter(tmp_path / "wide", inferer={**BATCHES, "roi_size": [32, 32, 32]}))
    asked = limit_memory(package, 16**3, error)
    prediction = predict(package, noise, device="cpu")
    assert prediction.mask is not None
    assert prediction.manifest.window == (16, 16, 16)
    assert len(prediction.manifest.steps) == 1
    assert "the windows were made smaller" in prediction.manifest.steps[0].message
    assert set(prediction.manifest.steps) <= set(prediction.notes)
    assert asked[-1] == (1, 1, 16, 16, 16)


def test_the_last_rung_is_one_sentence(tmp_path: Path, noise) -> None:
    package = read(write_segmenter(tmp_path / "wide", inferer=BATCHES))
    limit_memory(package, 1, OUT_OF_MEMORY)
    with pytest.raises(Refused, match=r"not enough memory to run wide on this image\. Close other programs"):
        predict(package, noise, device="cpu")


def test_the_rungs_of_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = read(write_segmenter(tmp_path / "wide", inferer={**BATCHES, "roi_size": [32, 32, 32]}))
    cpu = load_network(package, "cpu")
    monkeypatch.setattr(engine, "load_network", lambda _package, device: replace(cpu, device=device))
    image = torch.zeros(1, 1, 40, 40, 40)
    setting = engine._first(package, image, "cuda:0", "auto")
    rungs = []
    while True:
        assert setting.plan is not None
        rungs.append((setting.device, setting.plan.batch, setting.plan.roi[0], setting.half))
        try:
            setting = engine._next(package, image, setting)
        except Refused:
            break
    assert rungs == [
        ("cuda:0", 4, 32, False),
        ("cuda:0", 2, 32, False),
        ("cuda:0", 1, 32, False),
        ("cuda:0", 1, 16, False),
        ("cuda:0", 1, 16, True),
        ("cpu", 1, 32, False),
        ("cpu", 1, 16, False),
    ]
    assert len(setting.steps) == len(rungs) - 1


def test_windows_shrink_only_where_the_network_takes_them() -> None:
    from monai.networks.nets import SwinUNETR, UNet

    unet = UNet(3, 1, 2, channels=(4, 8, 16), strides=(2, 2)).eval()
    assert keeps_shape(unet, (1, 1, 16, 16, 16))
    assert not keeps_shape(unet, (1, 1, 18, 16, 16))
    assert not keeps_shape(unet, (1, 2, 16, 16, 16))
    assert not keeps_shape(SwinUNETR(1, 2, feature_size=12).eval(), (1, 1, 16, 16, 16))


def test_asking_for_shapes_leaves_the_network_as_it_is() -> None:
    """MONAI's DynUNet holds its layers under two names."""
    from monai.networks.nets import DynUNet

    network = DynUNet(3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2], filters=[2, 4, 8]).eval()
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        before = network(image)
        assert keeps_shape(network, (1, 1, 8, 8, 8))
        assert torch.equal(network(image), before)


def test_what_a_run_will_need_is_told_with_it(tiny_segmenter: Path, noise) -> None:
    prediction = predict(read(tiny_segmenter), noise, device="cpu")
    assert prediction.manifest.forecast_bytes is not None
    # The answer of one window alone, and the pixels; but never what all windows would take.
    assert 3 * 4 * 16**3 + 4 * noise.array_zyx.size < prediction.manifest.forecast_bytes < 20_000_000


def test_a_network_is_asked_once_for_each_shape(tiny_segmenter: Path, monkeypatch) -> None:
    from medassist.inference import forecast as room

    package = read(tiny_segmenter)
    module, plan = load_network(package, "cpu").module, plan_windows((20, 24, 40), {"roi_size": 16})
    first = forecast(package, module, (1, 1, 20, 24, 40), plan)
    monkeypatch.setattr(room, "answer_on_meta", lambda *_: pytest.fail("asked again"))
    assert forecast(package, module, (1, 1, 20, 24, 40), plan) == first
    larger = forecast(package, module, (1, 1, 40, 24, 40), plan_windows((40, 24, 40), {"roi_size": 16}))
    assert first is not None
    assert larger is not None
    assert larger.network == first.network
    assert larger.sums > first.sums


def test_the_forecast_grows_with_the_window_and_follows_a_measured_line(tiny_segmenter: Path) -> None:
    package = read(tiny_segmenter)
    module, shape = load_network(package, "cpu").module, (1, 1, 64, 64, 64)
    small, large = (forecast(package, module, shape, plan_windows(shape[2:], {"roi_size": size})) for size in (16, 32))
    assert small is not None
    assert large is not None
    assert large.network == 8 * small.network > 0
    change_json(tiny_segmenter, "metadata", medassist={"memory": {"base_bytes": 1000, "bytes_per_voxel": 2}})
    told = forecast(read(tiny_segmenter), module, shape, plan_windows(shape[2:], {"roi_size": 16}))
    assert told is not None
    assert told.network == 1000 + 2 * 16**3


def test_other_errors_are_not_taken_for_a_want_of_memory(tmp_path: Path, noise) -> None:
    package = read(write_segmenter(tmp_path / "wide", inferer=BATCHES))
    asked = limit_memory(package, 1, RuntimeError("expected scalar type Half"))
    with pytest.raises(Refused, match="cannot run on an input of 1 x 1 x 16 x 16 x 16: expected scalar type Half"):
        predict(package, noise, device="cpu")
    assert len(asked) == 1


def test_cancel_acts_after_one_window_even_when_the_bundle_runs_batches(tmp_path: Path, noise) -> None:
    package = read(write_segmenter(tmp_path / "batches", inferer=BATCHES))
    windows: list[int] = []
    hook = load_network(package, "cpu").module.register_forward_hook(lambda _m, i, _o: windows.append(len(i[0])))

    def listen(step: Step) -> None:
        if step.stage == "Running the model" and len(windows) == 2:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        predict(package, noise, device="cpu", progress=progress)
    assert sum(windows) <= 3
    hook.remove()


def test_an_identical_run_is_remembered_and_says_so(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    runs: list[int] = []
    load_network(package, "cpu").module.register_forward_hook(lambda *_: runs.append(1))
    first = predict(package, noise, device="cpu", reuse=True)
    count = len(runs)
    again = predict(package, noise, device="cpu", reuse=True)
    assert len(runs) == count > 0
    assert (first.manifest.from_cache, again.manifest.from_cache) == (False, True)
    assert again.manifest.computed == first.started
    assert again.manifest.computed_s == first.timings_s
    assert len(again.manifest.input_sha256) == 64
    assert again.mask is not None
    assert first.mask is not None
    assert np.array_equal(again.mask.labels_zyx, first.mask.labels_zyx)
    assert "taken from the cache" in str(again.notes[-1])
    assert not predict(package, noise, device="cpu").manifest.from_cache


def test_what_changes_the_answer_changes_the_key(tiny_segmenter: Path, noise) -> None:
    def from_cache(volume, package=None, **options) -> bool:
        return predict(package or read(tiny_segmenter), volume, reuse=True, **options).manifest.from_cache

    assert not from_cache(noise, device="cpu")
    moved = replace(noise, geometry=replace(noise.geometry, affine_lps=np.diag([1.0, 1.0, 2.0, 1.0])))
    brighter = replace(noise, array_tzyx=noise.array_tzyx + 1)
    padded = replace(noise, padding=(0, 3))
    for volume in (moved, brighter, padded):
        assert not from_cache(volume, device="cpu")
    change_json(tiny_segmenter, "inference", inferer={**WINDOWS, "overlap": 0.25})
    assert not from_cache(noise, device="cpu")
    assert from_cache(noise, device="cpu")


def test_checks_and_reasons_are_never_remembered(tiny_segmenter: Path, noise) -> None:
    package, failed = read(tiny_segmenter), Check("Body part", "CHEST", "LEG", Verdict.FAIL)
    first = predict(package, noise, device="cpu", checks=(failed,), override_reason="a phantom", reuse=True)
    with pytest.raises(Refused, match="demanded CHEST"):
        predict(package, noise, device="cpu", checks=(failed,), reuse=True)
    again = predict(package, noise, device="cpu", reuse=True)
    assert (first.checks[0], first.override_reason) == (failed, "a phantom")
    assert again.manifest.from_cache
    assert (again.checks, again.override_reason) == (first.checks[1:], "")  # what the run itself told stays


@needs_openvino
def test_openvino_gives_the_answer_of_torch(tiny_segmenter: Path, tmp_path: Path, noise, film) -> None:
    package = read(tiny_segmenter)
    reference, other = (predict(package, noise, device="cpu", backend=name) for name in ("torch", "auto"))
    assert (reference.manifest.backend, other.manifest.backend) == ("torch", "openvino")
    assert other.manifest.precision == "f32"
    assert other.manifest.parity is not None
    assert reference.mask is not None
    assert other.mask is not None
    assert (reference.mask.labels_zyx == other.mask.labels_zyx).mean() > 0.9999
    chest = read(write_classifier(tmp_path / "chest"))
    pairs = [predict(chest, film, device="cpu", backend=name).scores for name in ("torch", "openvino")]
    for one, two in zip(*pairs, strict=True):
        assert one.probability == pytest.approx(two.probability, abs=1e-4)


@pytest.mark.parametrize("backend", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_every_backend_tells_how_like_the_training_images_an_image_is(tmp_path: Path, film, backend) -> None:
    chest = write_classifier(tmp_path / "chest")
    describe_by(chest, np.random.default_rng(0).normal(size=(40, features_of(chest, film).size)), "features")
    package = read(chest)
    alone = likeness(package, film, device="cpu")
    found = predict(package, film, device="cpu", backend=backend)
    assert found.manifest.backend == backend
    assert alone is not None
    assert [(one.name, one.verdict) for one in found.checks] == [(alone.name, alone.verdict)]
    assert float(found.checks[0].found) == pytest.approx(float(alone.found), rel=1e-3)


def test_a_result_that_tells_of_an_unsuited_image_is_no_finding(tmp_path: Path, film, make_study) -> None:
    chest = write_classifier(tmp_path / "chest")
    near = features_of(chest, film) + np.random.default_rng(0).normal(size=(40, 1)) * 1e-3
    describe_by(chest, near + 100.0, "features")
    with pytest.raises(Unsuited, match="Likeness") as refused:
        run_model(make_study(), film, read(chest), device="cpu", progress=Progress())
    assert refused.value.rows[-1].verdict is Verdict.FAIL
    added = run_model(make_study(), film, read(chest), device="cpu", override_reason="a test", progress=Progress())
    assert added.prediction.override_reason == "a test"
    assert added.prediction.checks[-1].name == refused.value.rows[-1].name


def features_of(root: Path, film) -> np.ndarray:
    from medassist.training.embedding import features_of as measure

    spec = EmbeddingSpec(root, "", "features", "mean")
    return measure(read(root), spec, {"image": prepare(read(root), film).tensor[0]})


def describe_by(root: Path, features: np.ndarray, layer: str) -> None:
    content = encode(fit_embedding(features.astype(np.float64), np.arange(len(features)) % 4))
    (root / "models" / "embedding.npz").write_bytes(content)
    spec = {"file": "models/embedding.npz", "sha256": hashlib.sha256(content).hexdigest(), "layer": layer}
    change_json(root, "metadata", medassist={"suitability": {"embedding": spec}})


@needs_openvino
def test_openvino_tells_nobody(tiny_segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was sent"))
    openvino_backend.openvino_backend(load_network(read(tiny_segmenter), "cpu"), (1, 1, 16, 16, 16))
    assert sys.modules["openvino_telemetry"] is None
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]


@needs_openvino
def test_a_converted_network_is_read_back_and_a_damaged_one_is_converted_again(tiny_segmenter: Path, tmp_path) -> None:
    from medassist.inference.network import forget_networks

    package, converted = read(tiny_segmenter), tmp_path / "medassist_cache" / "openvino"
    for damage in (None, None, "damage"):
        forget_networks()
        if damage:
            next(converted.glob("*.xml")).write_text("<net", encoding="utf-8")
        backend = openvino_backend.openvino_backend(load_network(package, "cpu"), (1, 1, 16, 16, 16))
        assert backend.parity is not None
        assert backend.parity < 1e-4
        assert len(list(converted.glob("*.xml"))) == 1


@needs_openvino
def test_weights_that_answer_otherwise_are_never_used(tiny_segmenter: Path, tmp_path: Path, noise) -> None:
    """Somebody's file in the cache under the name of another network."""
    from medassist.inference.network import forget_networks

    package, other = read(tiny_segmenter), read(write_segmenter(tmp_path / "other", seed=7))
    shape = (1, 1, 16, 16, 16)
    for one in (package, other):
        openvino_backend.openvino_backend(load_network(one, "cpu"), shape)
    places = [
        openvino_backend.converted.place_of(one, shape, openvino_backend.version("openvino"))
        for one in (package, other)
    ]
    for suffix in (".xml", ".bin"):
        places[0].with_suffix(suffix).write_bytes(places[1].with_suffix(suffix).read_bytes())
    forget_networks()
    with pytest.raises(Unsupported, match="differs from torch's"):
        openvino_backend.openvino_backend(load_network(package, "cpu"), shape)
    prediction = predict(package, noise, device="cpu", backend="auto")
    assert prediction.manifest.backend == "torch"
    assert "OpenVINO cannot run it" in str(prediction.notes[0])
    with pytest.raises(Refused, match="OpenVINO cannot run tiny_segmenter: its answer differs"):
        predict(package, noise, device="cpu", backend="openvino")


def closest_swapped(logits: torch.Tensor) -> torch.Tensor:
    """Let the second highest logit of the least decided voxel win."""
    flat = logits.flatten(2)[0].clone()
    best = flat.topk(2, dim=0)
    at = int((best.values[0] - best.values[1]).argmin())
    flat[best.indices[:, at], at] = best.values[:, at].flip(0)
    return flat.reshape(logits.shape)


@needs_openvino
def test_labels_on_the_first_real_window_decide_too(tiny_segmenter: Path, noise, monkeypatch) -> None:
    """A backend that is torch on noise, and on the image moves as few logits as the limit for numbers lets pass."""
    package, moved = read(tiny_segmenter), []
    module = load_network(package, "cpu").module

    def compiled(*_):
        def watch(windows):
            logits = module(windows)
            if not torch.equal(windows, torch.randn(windows.shape, generator=torch.Generator().manual_seed(0))):
                moved.append(1)
                logits = closest_swapped(logits)
            return logits, logits

        return watch

    monkeypatch.setattr(openvino_backend, "_compiled", compiled)
    monkeypatch.setattr(openvino_backend, "MOST_DECIDED_OTHERWISE", 0.0)
    prediction = predict(package, noise, device="cpu", backend="auto")
    assert prediction.manifest.backend == "torch"
    assert "of the voxels otherwise than torch" in str(prediction.notes[0])
    predict(package, noise, device="cpu", backend="auto")
    assert len(moved) == 1  # the verdict is kept with the network
    monkeypatch.setattr(openvino_backend, "MOST_DECIDED_OTHERWISE", 1.0)
    openvino_backend._verdicts.clear()
    assert predict(package, noise, device="cpu", backend="auto").manifest.backend == "openvino"


def test_the_share_of_voxels_labelled_otherwise() -> None:
    one = torch.zeros(1, 2, 4, 5, 5)
    one[:, 1] = 1.0
    two = one.clone()
    two[0, 1, 0, 0, 0] = -1.0
    assert openvino_backend.decided_otherwise(Decision(), one, one) == 0.0
    assert openvino_backend.decided_otherwise(Decision(), one, two) == pytest.approx(0.01)
    labels = Decision(activation="sigmoid", threshold=0.5)
    two[0, 0, 0, 0, :3] = -1.0
    assert openvino_backend.decided_otherwise(labels, one, two) == pytest.approx(0.03)


def test_without_openvino_torch_runs_and_asking_for_it_says_how_to_get_it(
    tiny_segmenter: Path, noise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_backend, "availability", lambda: Availability("not here"))
    prediction = predict(read(tiny_segmenter), noise, device="cpu", backend="auto")
    assert prediction.manifest.backend == "torch"
    assert prediction.notes == ()
    with pytest.raises(Refused, match=r"pip install 'medassist\[cpu\]'"):
        predict(read(tiny_segmenter), noise, device="cpu", backend="openvino")
    with pytest.raises(UsageError, match="no backend called abacus"):
        predict(read(tiny_segmenter), noise, device="cpu", backend="abacus")
    with pytest.raises(UsageError, match="not on cuda"):
        predict(read(tiny_segmenter), noise, device="cuda", backend="openvino")


@pytest.mark.parametrize(
    ("record", "holds"),
    [
        ({}, False),
        ({"dice": 0.9995}, True),
        ({"dice": 0.998}, False),
        ({"dice": "0.9995"}, False),
        ({"dice": 0.9995, "weights_sha256": "0" * 64}, False),
    ],
)
def test_less_precision_needs_a_proof_for_these_very_weights(tiny_segmenter: Path, record, holds) -> None:
    told = {"weights_sha256": read(tiny_segmenter).sha256, **record} if record else record
    change_json(tiny_segmenter, "metadata", medassist={"parity": {"openvino": {"bf16": told}}})
    assert selection.proven(read(tiny_segmenter), "bf16") == holds
