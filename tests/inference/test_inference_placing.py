"""Laying pictures over a template: what was moved is found again, and what is told comes back to where it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medassist.inference.networks.placed_gradients import PlacedGradients
from medassist.inference.networks.placing import SIZE, Placing, frame, returned, warped


def chests(count: int, seed: int = 0) -> torch.Tensor:
    """Return (count, 1, 64, 64) pictures of two dark ovals in a bright body, with a little noise."""
    random = torch.Generator().manual_seed(seed)
    x, y = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    body = ((x / 0.85) ** 2 + (y / 0.95) ** 2 < 1).float()
    lungs = sum(torch.exp(-(((x - side) / 0.25) ** 2) - ((y / 0.5) ** 2)) for side in (-0.4, 0.4))
    picture = body - 1.5 * lungs + 0.3 * y
    return picture[None, None] + 0.05 * torch.randn(count, 1, 64, 64, generator=random)


@pytest.fixture
def placing() -> Placing:
    learned = Placing(pull=0.1, steps=30)
    for seed in range(3):
        learned(chests(4, seed))
    return learned.eval()


@pytest.mark.parametrize(
    "move",
    [(-0.15, 0.0, 0.0, 0.0, 0.0), (0.0, -0.12, 0.0, 0.0, 0.0), (0.0, 0.0, 0.15, -0.1, 0.0), (0.1, 0.1, 0.1, 0.1, 0.1)],
)
def test_a_moved_picture_is_found_at_its_place(placing, move) -> None:
    still, place = chests(1, 7), torch.tensor([move])
    # on the picture that `returned` makes of the still one, the template lies at `place`
    moved = returned(still, place, frame(64), 1.0)
    again = warped(moved, placing(moved), frame(64))
    middle = (slice(None), slice(None), slice(12, 52), slice(12, 52))
    before = (moved - still)[middle].abs().mean()
    assert (again - warped(still, placing(still), frame(64)))[middle].abs().mean() < 0.35 * before
    torch.testing.assert_close(placing(moved) - placing(still), place, atol=0.06, rtol=0.0)


def test_returned_is_the_inverse_of_warped() -> None:
    smooth = torch.nn.functional.avg_pool2d(torch.rand(2, 3, 96, 96), 33, 1)
    place = torch.tensor([[0.1, -0.2, 0.05, -0.1, 0.08], [-0.1, 0.1, 0.0, 0.1, -0.05]])
    back = returned(warped(smooth, place, frame(64)), place, frame(64), 1.0)
    inner = (slice(None), slice(None), slice(20, 44), slice(20, 44))
    torch.testing.assert_close(back[inner], smooth[inner], atol=0.01, rtol=0.0)


def test_the_template_is_symmetric_and_fixed_after_training(placing) -> None:
    torch.testing.assert_close(placing.template, placing.template.flip(2))
    before = {name: value.clone() for name, value in placing.state_dict().items()}
    place = placing(chests(2, 9))
    assert all(torch.equal(before[name], value) for name, value in placing.state_dict().items())
    torch.testing.assert_close(placing(chests(2, 9)[:1]), place[:1])  # no picture's place depends on its neighbours
    mirrored = placing(chests(2, 9).flip(2))
    torch.testing.assert_close(mirrored[:, [0, 1, 2]], place[:, [0, 1, 2]], atol=2e-3, rtol=0.0)
    torch.testing.assert_close(mirrored[:, [3, 4]], -place[:, [3, 4]], atol=2e-3, rtol=0.0)


def taught(spot: tuple[int, int]) -> PlacedGradients:
    """Return a network that has learned to see a ring at a spot (x, y) of the picture."""
    torch.manual_seed(0)
    network = PlacedGradients(2, dropout_prob=0.0)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for seed in range(60):
        pictures, truth = chests(8, seed), torch.zeros(8, 2)
        truth[:4, 0] = 1.0
        for picture in pictures[:4]:
            mark(picture, spot)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(pictures), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def mark(picture: torch.Tensor, spot: tuple[int, int]) -> None:
    x, y = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    away = torch.sqrt((x - spot[0]) ** 2.0 + (y - spot[1]) ** 2.0)
    picture[0][(away < 6) & (away > 3)] += 1.0


def test_evidence_says_where_and_adds_up_to_the_logit() -> None:
    from medassist.explain.gradcam import grad_cam
    from medassist.explain.scores import class_score

    spot = (20, 44)
    network, picture = taught(spot), chests(1, 100)
    plain = network(picture)
    mark(picture[0], spot)
    found: list[torch.Tensor] = []
    handle = network.evidence.register_forward_hook(lambda _module, _inputs, output: found.append(output.detach()))
    logits = network(picture)
    handle.remove()
    assert logits[0, 0] > plain[0, 0] + 2.0
    torch.testing.assert_close(found[0].mean((2, 3)) + network.bias, logits, atol=1e-5, rtol=1e-5)
    heat, again = grad_cam(network, "evidence", picture, class_score(0))
    torch.testing.assert_close(again, logits.detach())
    torch.testing.assert_close(heat[0, 0] * 256.0, found[0][0, 0].clamp_min(0.0), atol=1e-4, rtol=1e-4)
    hottest = np.unravel_index(int(heat[0, 0].argmax()), (16, 16))
    assert np.hypot(4 * hottest[0] + 1.5 - spot[0], 4 * hottest[1] + 1.5 - spot[1]) < 8.0


def test_evidence_follows_a_picture_that_was_shifted() -> None:
    """Eight pixels to the side: the same score, and its map moved as far."""
    spot = (20, 44)
    network, picture = taught(spot), chests(1, 100)
    mark(picture[0], spot)
    shifted = picture.roll(6, 2)
    shifted[:, :, :6] = picture[:, :, :1]
    maps: list[torch.Tensor] = []
    handle = network.evidence.register_forward_hook(lambda _module, _inputs, output: maps.append(output.detach()))
    logits = network(picture), network(shifted)
    handle.remove()
    assert logits[1][0, 0] > 0.5 * logits[0][0, 0] > 0.0
    centres = []
    for one in maps:
        heat = one[0, 0].clamp_min(0.0) * (one[0, 0] > 0.5 * one[0, 0].max())
        centres.append(float((heat.sum(1) * torch.arange(16)).sum() / heat.sum()))
    assert centres[1] - centres[0] == pytest.approx(1.5, abs=0.6)


def test_the_kind_of_picture_is_seen_in_its_place() -> None:
    network, seen = taught((20, 44)), []
    handle = network.likeness.register_forward_hook(lambda _module, _inputs, output: seen.append(output.flatten(1)))
    for picture in (chests(1, 1), chests(1, 2), -chests(1, 1), chests(1, 1).transpose(2, 3)):
        network(picture)
    handle.remove()
    assert seen[0].shape == (1, (SIZE // 2) ** 2)
    near = (seen[1] - seen[0]).norm()
    assert all((other - seen[0]).norm() > 4.0 * near for other in seen[2:])


def test_scores_are_the_same_in_openvino() -> None:
    import warnings

    openvino = pytest.importorskip("openvino", reason="openvino (extra cpu) is not installed")
    network, picture = taught((20, 44)), chests(1, 5)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.export and the converter warn of each other
        converted = openvino.convert_model(torch.export.export(network, (torch.zeros(1, 1, 64, 64),)))
    told = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(picture.numpy())[0]
    np.testing.assert_allclose(told, network(picture).detach().numpy(), atol=2e-3)
