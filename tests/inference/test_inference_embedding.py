from __future__ import annotations

import hashlib

import numpy as np
import pytest
from bundles import change_json
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.errors import Refused
from medassist.entities.prediction import Verdict
from medassist.inference.embedding import Embedding, encode, of_windows, pool, read_embedding, watched
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.training.embedding import fit_embedding


def cloud(seed: int = 0, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Features that vary much along one axis and little along the others, in five groups."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 6)) * [10, 1, 1, 1, 0.1, 0.1] + 3, np.arange(count) % 5


def with_embedding(root, embedding: Embedding, layer: str, how: str = "mean", sha256: str = ""):
    content = encode(embedding)
    (root / "models" / "embedding.npz").write_bytes(content)
    told = sha256 or hashlib.sha256(content).hexdigest()
    spec = {"file": "models/embedding.npz", "sha256": told, "layer": layer, "pool": how}
    change_json(root, "metadata", medassist={"suitability": {"embedding": spec}})
    return read(root)


def test_the_distance_is_mahalanobis_where_all_axes_are_kept() -> None:
    features, _ = cloud()
    center, covariance = features.mean(0), np.cov(features.T, bias=True)
    variances, axes = np.linalg.eigh(covariance)
    whole = Embedding(center, axes.T, variances, 1.0, 1.0, 2.0)
    away = features[0] - center
    assert whole.distance(features[0]) == pytest.approx(away @ np.linalg.inv(covariance) @ away)
    assert whole.distance(center) == 0.0


def test_a_step_across_counts_more_than_the_same_step_along() -> None:
    features, groups = cloud()
    fitted = fit_embedding(features, groups)
    steps = 20.0 * np.eye(6)
    along, across = fitted.center + steps[0], fitted.center + steps[5]
    assert fitted.check(along).verdict is not Verdict.FAIL
    assert fitted.check(across).verdict is Verdict.FAIL


def test_two_percent_of_unseen_images_of_the_same_kind_are_beyond_the_limit() -> None:
    fitted = fit_embedding(*cloud(0, 3000))
    unseen, _ = cloud(1, 3000)
    verdicts = [fitted.check(one).verdict for one in unseen]
    assert verdicts.count(Verdict.FAIL) / 3000 == pytest.approx(0.02, abs=0.01)
    assert verdicts.count(Verdict.UNKNOWN) / 3000 == pytest.approx(0.03, abs=0.01)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6), st.floats(1.0, 10.0))
@settings(max_examples=50, deadline=None)
def test_farther_from_the_center_is_never_nearer(direction, factor) -> None:
    fitted = fit_embedding(*cloud())
    step = np.array(direction)
    near, far = (fitted.distance(fitted.center + scale * step) for scale in (1.0, factor))
    assert far >= near * (1 - 1e-9)


def test_what_is_no_number_is_unsuited() -> None:
    assert fit_embedding(*cloud()).check(np.full(6, np.nan)).verdict is Verdict.FAIL


def test_written_and_read_again_it_measures_the_same(tiny_classifier) -> None:
    features, groups = cloud()
    fitted = fit_embedding(features, groups)
    read_back = read_embedding(with_embedding(tiny_classifier, fitted, "features"))
    assert read_back is not None
    assert read_back.distance(features[7]) == pytest.approx(fitted.distance(features[7]), rel=1e-3)
    assert read_back.unsuited == fitted.unsuited


def test_a_package_without_statistics_has_none(tiny_classifier) -> None:
    assert read_embedding(read(tiny_classifier)) is None


def test_other_statistics_than_the_promised_ones_are_refused(tiny_classifier) -> None:
    package = with_embedding(tiny_classifier, fit_embedding(*cloud()), "features", sha256="0" * 64)
    with pytest.raises(Refused, match="not the file"):
        read_embedding(package)


@pytest.mark.parametrize("content", [b"", b"PK nonsense", b"\x80\x04."])
def test_a_file_that_holds_no_statistics_is_refused(tiny_classifier, content) -> None:
    with_embedding(tiny_classifier, fit_embedding(*cloud()), "features", sha256=hashlib.sha256(content).hexdigest())
    (tiny_classifier / "models" / "embedding.npz").write_bytes(content)
    with pytest.raises(Refused, match="no usable statistics"):
        read_embedding(read(tiny_classifier))


def test_objects_in_the_file_are_never_unpickled(tiny_classifier, tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    path = tiny_classifier / "models" / "embedding.npz"
    np.savez(path, center=np.array([Bomb()], dtype=object))
    told = hashlib.sha256(path.read_bytes()).hexdigest()
    spec = {"file": "models/embedding.npz", "sha256": told, "layer": "features"}
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"embedding": spec}})
    with pytest.raises(Refused):
        read_embedding(read(tiny_classifier))
    assert not (tmp_path / "ran").exists()


def test_a_file_outside_the_package_is_refused(tiny_classifier) -> None:
    spec = {"file": "../../embedding.npz", "sha256": "0" * 64, "layer": "features"}
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"embedding": spec}})
    with pytest.raises(Refused, match="outside the package"):
        read(tiny_classifier)


@pytest.mark.parametrize("how", ["mean", "max", "std"])
def test_the_watched_network_answers_as_before_and_is_left_as_it_was(tiny_classifier, how) -> None:
    import torch

    package = with_embedding(tiny_classifier, fit_embedding(*cloud()), "features", how)
    module = load_network(package, "cpu").module
    seen: list[torch.Tensor] = []
    image = torch.rand(2, 1, 32, 32)
    hook = module.features.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.inference_mode():
        expected = module(image)
        hook.remove()
        logits, features = watched(module, package.suitability.embedding)(image)
    assert torch.equal(logits, expected)
    assert torch.equal(features, pool(seen[0], how))
    assert not any(one._forward_hooks for one in module.modules())


def test_a_layer_nobody_knows_is_named(tiny_classifier) -> None:
    import torch

    package = with_embedding(tiny_classifier, fit_embedding(*cloud()), "nowhere")
    module = load_network(package, "cpu").module
    with pytest.raises(Refused, match="nowhere"):
        watched(module, package.suitability.embedding)(torch.rand(1, 1, 32, 32))


def test_windows_become_one_image() -> None:
    windows = [np.array([1.0, 5.0]), np.array([3.0, 1.0])]
    assert of_windows(windows, "max").tolist() == [3.0, 5.0]
    assert of_windows(windows, "mean").tolist() == [2.0, 3.0]
