"""Methods on the input: each equals a reference made by hand or by captum, is bounded, and leaves the network alone."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
attr = pytest.importorskip("captum.attr")

from networks_to_explain import CLASSIFIERS, SEGMENTERS  # noqa: E402
from test_explain_gradcam import assert_unchanged, lively, snapshot  # noqa: E402

from medassist.entities.errors import Cancelled, Refused  # noqa: E402
from medassist.explain import covering, gradients, paths  # noqa: E402
from medassist.explain.attention import Attention  # noqa: E402
from medassist.explain.methods import METHODS  # noqa: E402
from medassist.explain.protocol import Question  # noqa: E402
from medassist.explain.superpixels import pieces_of  # noqa: E402
from medassist.progress import Progress, Step  # noqa: E402

BY_NAME = {one.name: one for one in METHODS if not isinstance(one, Attention)}
QUICK = {"copies": 8, "steps": 8, "samples": 50, "masks": 50, "window": 0.5, "pieces": 10, "channels": 8}
SMALL_2D, SMALL_3D, SEGMENTER = "resnet_2d", "densenet_3d", "unet_3d"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def asked(name, *, module=None, **changes):
    """Return a question about one of the little networks and a random image."""
    build, size, layer = (CLASSIFIERS | SEGMENTERS)[name]
    module = lively(build) if module is None else module
    package = SimpleNamespace(name=name, explanation=SimpleNamespace(layer=layer))
    network = SimpleNamespace(module=module, device="cpu", package=package)
    region = None
    if name in SEGMENTERS:
        region = torch.zeros(size, dtype=torch.bool)
        region[tuple(slice(2, 6) for _ in size)] = True
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(1))
    return Question(network, image, 1, region, **{"settings": QUICK, **changes})


class Little(torch.nn.Module):
    """Two convolutions and a sum: small enough to work out every step."""

    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.Conv2d(3, 2, 3, padding=1)
        self.relu = torch.nn.ReLU(inplace=True)

    def forward(self, x):
        return self.two(self.relu(self.one(x))).mean((2, 3))


def little(**settings):
    torch.manual_seed(3)
    package = SimpleNamespace(name="little", explanation=SimpleNamespace(layer="one"))
    network = SimpleNamespace(module=Little().eval(), device="cpu", package=package)
    return Question(network, torch.rand(1, 1, 16, 14), 1, settings=settings)


def answer(name, question, progress=None):
    return BY_NAME[name].attribute(question, progress=progress or Progress())


@pytest.mark.parametrize("name", sorted(BY_NAME))
@pytest.mark.parametrize("network", [SMALL_2D, SMALL_3D, SEGMENTER])
def test_every_method_answers_and_leaves_the_network_alone(name, network):
    build, *_ = (CLASSIFIERS | SEGMENTERS)[network]
    module = build().train()
    next(module.parameters()).requires_grad_(False)
    list(module.children())[-1].eval()
    before, question = snapshot(module), asked(network, module=module)
    try:
        found = answer(name, question)
    except Refused:
        if name != "deeplift":  # it says itself which networks it cannot follow
            raise
    else:
        assert np.isfinite(found.values).all()
        assert found.values.ndim == question.inputs.ndim - 2
        assert found.signed or found.values.min() >= 0
        assert len(found.layout.first) == found.values.ndim
        if not found.layer:
            assert found.values.shape == tuple(question.inputs.shape[2:])
    assert_unchanged(before, module)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_method_stops_when_it_is_cancelled(name):
    question = little(**QUICK)
    before, steps = snapshot(question.network.module), []

    def listen(step: Step) -> None:
        steps.append(step)
        if len(steps) == 2:
            progress.cancel()

    progress = Progress(listen)
    if BY_NAME[name].passes(question) < 4:
        answer(name, question, progress)  # one pass and one way back: there is nothing to stop between
    else:
        with pytest.raises(Cancelled):
            answer(name, question, progress)
        assert len(steps) == 2
    assert_unchanged(before, question.network.module)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_forecast_of_passes_is_near_what_it_takes(name):
    question = asked(SMALL_2D)
    passed = []
    question.network.module.register_forward_hook(lambda _module, inputs, _output: passed.append(len(inputs[0])))
    try:
        answer(name, question)
    except Refused:
        pytest.skip("this network cannot be followed")
    cost = BY_NAME[name].passes(question)
    gradient = 2.5 if name in {one.name for one in (*gradients.GRADIENTS, *paths.PATHS)} else 1.0
    assert cost / 2 <= sum(passed) * gradient <= cost * 2.5


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_same_question_gets_the_same_answer(name):
    question = little(**QUICK)
    assert np.array_equal(answer(name, question).values, answer(name, question).values)


def test_saliency_and_input_times_gradient_are_the_gradient():
    question = little()
    image = question.inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(question.network.module(image)[0, 1], image)
    assert np.allclose(answer("saliency", question).values, gradient[0, 0].abs(), atol=1e-7)
    assert np.allclose(answer("inputxgradient", question).values, (gradient * image)[0, 0].detach(), atol=1e-7)


def test_a_contrast_is_the_difference_of_two_classes():
    question = little()
    one = Question(question.network, question.inputs, 1)
    other = Question(question.network, question.inputs, 0)
    between = Question(question.network, question.inputs, 1, against=0)
    difference = answer("inputxgradient", one).values - answer("inputxgradient", other).values
    assert np.allclose(answer("inputxgradient", between).values, difference, atol=1e-6)
    assert "difference" in answer("inputxgradient", between).parameters["score"]


def test_integrated_gradients_are_captums_and_complete():
    question = little(steps=50)
    base = torch.full_like(question.inputs, float(question.inputs.min()))
    reference = attr.IntegratedGradients(question.network.module).attribute(
        question.inputs, base, target=1, n_steps=50, method="gausslegendre"
    )
    found = answer("integratedgradients", question)
    assert np.allclose(found.values, reference[0, 0].detach(), atol=1e-6)
    assert found.quality["completeness_gap"] < 0.01
    with torch.no_grad():
        gained = question.network.module(question.inputs)[0, 1] - question.network.module(base)[0, 1]
    assert found.values.sum() == pytest.approx(float(gained), rel=0.01)


def test_occlusion_equals_brute_force():
    question = little(window=0.3)
    window, stride = covering.windows_of(question)
    image, module = question.inputs, question.network.module
    total, times = np.zeros(image.shape[2:]), np.zeros(image.shape[2:])
    places = [
        range(0, size - one + step, step) for size, one, step in zip(image.shape[2:], window, stride, strict=True)
    ]
    for y, x in itertools.product(*places):
        box = (slice(y, y + window[0]), slice(x, x + window[1]))  # the last ones reach over the edge
        covered = image.clone()
        covered[(0, 0, *box)] = image.mean()
        with torch.no_grad():
            lost = float(module(image)[0, 1] - module(covered)[0, 1])
        total[box] += lost
        times[box] += 1
    assert len(places[0]) * len(places[1]) > 20
    assert np.allclose(answer("occlusion", question).values, total / times, atol=1e-6)


@pytest.mark.parametrize("name", ["occlusion", "rise", "lime", "kernelshap", "scorecam", "integratedgradients"])
def test_a_planted_cue_is_found(name):
    """The score is the brightness of one corner: every method that is worth anything points there."""

    class Corner(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.seen = torch.nn.Conv2d(1, 2, 1)
            torch.nn.init.ones_(self.seen.weight)

        def forward(self, x):
            corner = torch.relu(self.seen(x))[:, :1, 4:12, 20:28].mean((2, 3))
            return torch.cat([-corner, 10 * corner], 1)

    package = SimpleNamespace(name="corner", explanation=SimpleNamespace(layer="seen"))
    image = torch.rand(1, 1, 32, 32) * 0.2
    image[..., 4:12, 20:28] += 1.0
    image[..., 20:28, 4:12] += 1.0  # as bright, and of no interest
    network = SimpleNamespace(module=Corner().eval(), device="cpu", package=package)
    question = Question(network, image, 1, settings={"window": 0.2, "masks": 800, "cells": 8, "pieces": 40})
    values = np.maximum(answer(name, question).values, 0)
    cue, other = values[4:12, 20:28].mean(), values[20:28, 4:12].mean()
    if name == "scorecam":
        assert cue > 0
        assert other == pytest.approx(cue, rel=0.2), "a map of activations cannot tell two equal places apart"
    else:
        assert cue > 3 * max(other, 1e-9)


def test_pieces_are_numbered_without_gaps_in_two_and_three_dimensions():
    for shape in ((1, 1, 24, 30), (1, 1, 12, 14, 10), (1, 3, 24, 30)):
        pieces = pieces_of(torch.rand(shape), 12)
        assert pieces.shape == (1, 1, *shape[2:])
        assert set(pieces.unique().tolist()) == set(range(int(pieces.max()) + 1))
    assert int(pieces_of(torch.zeros(1, 1, 16, 16), 10).min()) == 0, "an image of one value has pieces too"


def test_masks_of_rise_cover_half_of_the_image_on_average():
    masks = covering.random_masks(400, (30, 22), 7, torch.Generator().manual_seed(0))
    assert masks.shape == (400, 1, 30, 22)
    assert float(masks.min()) >= 0
    assert float(masks.max()) <= 1
    assert np.allclose(masks.mean(0), 0.5, atol=0.12)


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
def test_guided_backpropagation_is_captums_and_says_what_it_is():
    question = asked(SMALL_2D)
    reference = attr.GuidedBackprop(question.network.module).attribute(question.inputs.requires_grad_(), target=1)
    assert np.allclose(answer("guidedbackprop", question).values, reference[0].abs().max(0).values, atol=1e-6)
    assert "sanity" in BY_NAME["guidedbackprop"].remark


def test_a_method_that_needs_a_gradient_says_when_there_is_none():
    class Steps(torch.nn.Module):
        def forward(self, x):
            return (x.flatten(1) > 0.5).float()[:, :2]

    package = SimpleNamespace(name="steps", explanation=SimpleNamespace(layer=""))
    network = SimpleNamespace(module=Steps().eval(), device="cpu", package=package)
    question = Question(network, torch.rand(1, 1, 8, 8), 0, settings=QUICK)
    with pytest.raises(Refused, match="gradient"):
        answer("saliency", question)
    assert np.isfinite(answer("occlusion", question).values).all()
