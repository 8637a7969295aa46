"""Maps against references written by hand in float64, on the networks of the field, in two and three dimensions."""

from __future__ import annotations

import copy
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
attr = pytest.importorskip("captum.attr")

from networks_to_explain import CLASSIFIERS, OTHERS, SEGMENTERS, TRANSFORMERS  # noqa: E402
from test_explain_gradcam import lively, one_thread  # noqa: E402, F401

from medassist.entities.errors import Refused  # noqa: E402
from medassist.explain import covering, paths  # noqa: E402
from medassist.explain.gradcam import grad_cam  # noqa: E402
from medassist.explain.layers import written_maps  # noqa: E402
from medassist.explain.layout import layout_of  # noqa: E402
from medassist.explain.methods import METHODS  # noqa: E402
from medassist.explain.protocol import Question  # noqa: E402
from medassist.explain.scores import class_score, region_score  # noqa: E402
from medassist.explain.tokens import patches_of  # noqa: E402
from medassist.inference.catalogue import find  # noqa: E402
from medassist.inference.network import load_network  # noqa: E402
from medassist.inference.prepare import prepare  # noqa: E402
from medassist.inference.self_test import usual_image  # noqa: E402
from medassist.inference.shape import ghost_of  # noqa: E402
from medassist.progress import Progress  # noqa: E402

KNOWN = CLASSIFIERS | SEGMENTERS | TRANSFORMERS | OTHERS
BY_NAME = {one.name: one for one in METHODS}
COMPARED = [
    "densenet121_2d", "densenet121_2d_block", "densenet121_3d", "resnet_3d", "segresnet_3d", "unet_3d",
    "segresnet_2d", "unet_2d", "vit_2d", "vit_3d",
]  # fmt: skip


def by_hand(module, layer, image, score, cells=None):
    """Return Grad-CAM as the paper writes it, float64: a copy of the network without in-place layers, one backward."""
    module = copy.deepcopy(module).double().eval()
    for part in module.modules():
        if getattr(part, "inplace", False):
            part.inplace = False
    kept = []
    module.get_submodule(layer).register_forward_hook(lambda _m, _i, output: kept.append(output))
    answer = module(image.double().requires_grad_())
    written = kept[-1]
    written.retain_grad()
    score(answer[0] if isinstance(answer, tuple) else answer).sum().backward()
    values, slope = written.detach().numpy()[0], written.grad.numpy()[0]
    if cells is not None:  # tokens, the class token first
        values, slope = (one[1:].T.reshape(-1, *cells) for one in (values, slope))
    weights = slope.reshape(len(slope), -1).mean(1)
    return np.maximum(np.einsum("k,k...->...", weights, values), 0.0)


def score_for(name, size, number):
    if not name.startswith(("unet", "segresnet")):
        return class_score(number)
    region = torch.zeros(size, dtype=torch.bool)
    region[tuple(slice(2, one // 2) for one in size)] = True
    return region_score(number, region)


@pytest.mark.parametrize("name", COMPARED)
def test_grad_cam_is_the_formula_of_the_paper(name):
    build, size, layer = KNOWN[name]
    module, image = lively(build), torch.rand(1, 1, *size)
    cells = tuple(one // 8 for one in size) if name in TRANSFORMERS else None
    references = [by_hand(module, layer, image, score_for(name, size, number), cells) for number in range(3)]
    number = max(range(3), key=lambda one: float(references[one].max()))  # a random network's map may be all zero
    mine, _ = grad_cam(module, layer, image, score_for(name, size, number))
    assert references[number].max() > 0
    assert mine.shape == (1, 1, *references[number].shape)
    assert np.abs(mine[0, 0].numpy() - references[number]).max() <= 1e-5 * references[number].max()


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_patches_of_a_transformer_lie_where_they_were_cut(name):
    build, size, layer = TRANSFORMERS[name]
    module = lively(build)
    ghost = ghost_of(module)
    ghost.register_forward_hook(lambda _m, _i, output: output[0])  # as packages build networks that answer a tuple
    names = written_maps(ghost, (1, 1, *size))
    assert layer in names
    assert not [one for one in names if one.endswith("drop_weights")], "attention is no map of the image"
    cells = tuple(one // 8 for one in size)
    found = layout_of(module, layer, size, cells)
    assert (found.first, found.step, found.followed) == ((3.5,) * len(size), (8.0,) * len(size), True)
    image = torch.zeros(1, 1, *size)
    image[(0, 0, *(slice(8, 16) for _ in size))] = 1.0  # one patch differs; so do only its tokens, before any attention
    kept = []
    module.blocks[0].norm1.register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.no_grad():
        module(image), module(torch.zeros_like(image))
    moved = (patches_of(kept[0], cells) - patches_of(kept[1], cells)).abs().sum(1)[0]
    assert torch.nonzero(moved > 1e-6).tolist() == [[1] * len(size)]


def asked(module, image, output=0, layer="", **settings):
    package = SimpleNamespace(name="asked", explanation=SimpleNamespace(layer=layer))
    return Question(SimpleNamespace(module=module, device="cpu", package=package), image, output, settings=settings)


@pytest.mark.parametrize("name", ["chest_xray_findings", "modality_router"])
def test_integrated_gradients_of_the_shipped_classifiers_are_complete(name):
    """At the default steps, for every label, on the package's own test image."""
    package = find(name)
    network, image = load_network(package, "cpu"), prepare(package, usual_image(package, Progress())).tensor
    for label in package.labels:
        with network.held(Progress()):
            question = Question(network, image, label.output)
            gap = BY_NAME["integratedgradients"].attribute(question, progress=Progress()).quality["completeness_gap"]
        assert gap < 0.01, (label.label, gap)


class Placed(torch.nn.Module):
    """A score at a place that is found without a gradient: the brightest column."""

    class Place(torch.nn.Module):
        def forward(self, x):
            with torch.no_grad():
                return torch.softmax(200.0 * x.mean((1, 2)), 1)

    def __init__(self):
        super().__init__()
        self.place = self.Place()

    def forward(self, x):
        seen = (torch.relu(x[:, 0] - 0.4) * self.place(x)[:, None]).sum(2)
        return torch.stack([seen.sum(1), (seen**2).sum(1)], 1)


@pytest.mark.parametrize("method", ["integratedgradients", "gradientshap"])
def test_what_has_no_gradient_is_held_on_the_way(method):
    torch.manual_seed(0)
    module, image = Placed().eval(), torch.rand(1, 1, 12, 14) * 0.5
    image[..., 9] += 0.6
    found = BY_NAME[method].attribute(asked(module, image, 1, samples=300), progress=Progress())
    assert found.parameters["held"] == "place"
    assert found.quality["completeness_gap"] < (0.01 if method == "integratedgradients" else 0.1)
    assert np.abs(found.values[:, 9]).sum() > 0.99 * np.abs(found.values).sum()
    assert not any(part._forward_hooks for part in module.modules())
    free = asked(CLASSIFIERS["resnet_2d"][0]().eval(), torch.rand(1, 1, 64, 64), steps=8, samples=6)
    assert "held" not in BY_NAME[method].attribute(free, progress=Progress()).parameters


def test_pieces_are_short_where_the_score_turns():
    """A score that wakes up at 0.83 of the way: its integrated gradients are known, and few even steps miss them."""

    class Late(torch.nn.Module):
        def forward(self, x):
            return torch.relu(x.sum((1, 2, 3)) - 0.83)[:, None]

    image = torch.rand(1, 1, 6, 7)
    image[0, 0, 0, 0] = 0.0
    image /= image.sum()
    question = asked(Late().eval(), image, 0, steps=16)
    found = BY_NAME["integratedgradients"].attribute(question, progress=Progress())
    assert np.allclose(found.values, 0.17 * image[0, 0].numpy(), rtol=0.01)
    assert found.quality["completeness_gap"] < 0.01
    assert 16 < found.parameters["gradients"] <= 32
    places, weights = np.polynomial.legendre.leggauss(16)
    assert abs(weights[(places + 1.0) / 2.0 > 0.83].sum() / 2.0 / 0.17 - 1.0) > 0.05


def test_integrated_gradients_are_complete_on_densenet121():
    build, _, _ = CLASSIFIERS["densenet121_2d"]
    module, image = lively(build), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        image[..., 20:40, 20:40] += 1.0
    gaps = [
        BY_NAME["integratedgradients"].attribute(asked(module, image, number), progress=Progress()).quality
        for number in range(3)
    ]
    assert max(one["completeness_gap"] for one in gaps) < 0.01


def test_occlusion_equals_brute_force_in_three_dimensions():
    torch.manual_seed(2)
    module = torch.nn.Sequential(
        torch.nn.Conv3d(2, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool3d(2), torch.nn.Flatten(),
        torch.nn.Linear(24, 2),
    ).eval()  # fmt: skip
    image = torch.rand(1, 2, 9, 7, 8)
    question = asked(module, image, 1, window=0.4)
    window, stride = covering.windows_of(question)
    total, times = np.zeros(image.shape[2:]), np.zeros(image.shape[2:])
    places = [range(0, size - one + step, step) for size, one, step in zip(total.shape, window, stride, strict=True)]
    for corner in itertools.product(*places):
        box = tuple(slice(at, at + one) for at, one in zip(corner, window, strict=True))
        covered = image.clone()
        for channel in range(2):  # every channel shows its own mean
            covered[(0, channel, *box)] = image[0, channel].mean()
        with torch.no_grad():
            total[box] += float(module(image)[0, 1] - module(covered)[0, 1])
        times[box] += 1
    assert np.prod([len(one) for one in places]) > 20
    found = BY_NAME["occlusion"].attribute(question, progress=Progress())
    assert np.allclose(found.values, total / times, atol=1e-6)


def following(*layers):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), *layers, torch.nn.Flatten(), torch.nn.LazyLinear(2)).eval()
    module(torch.zeros(1, 1, 12, 12))
    return module


@pytest.mark.filterwarnings("ignore:Input Tensor", "ignore:Setting")
def test_deeplift_is_refused_where_captum_takes_stale_gradients():
    """Two layers without weights in a row (captum issue 1104): where a later captum is right, the map is shown."""
    image = torch.rand(1, 1, 12, 12)
    image[..., 0, 0] = 0.0  # the darkest value, which is the baseline
    exact, wrong = following(torch.nn.ReLU()), following(torch.nn.MaxPool2d(2), torch.nn.ReLU())
    for module in (exact, wrong):
        with torch.no_grad():
            gained = float(module(image)[0, 1] - module(torch.zeros_like(image))[0, 1])
        told = float(attr.DeepLift(module).attribute(image, 0 * image, target=1).detach().sum())
        missing = abs(told - gained) / abs(gained)
        if missing > 0.05:
            assert module is wrong
            with pytest.raises(Refused, match="unexplained"):
                BY_NAME["deeplift"].attribute(asked(module, image, 1), progress=Progress())
        else:
            found = BY_NAME["deeplift"].attribute(asked(module, image, 1), progress=Progress())
            assert found.quality["completeness_gap"] == pytest.approx(missing, abs=1e-4)
            assert found.values.sum() == pytest.approx(gained, rel=0.06)


def test_deeplift_of_a_network_it_cannot_follow_is_refused():
    again = torch.nn.ReLU()
    with pytest.raises(Refused, match="cannot follow this network"):
        BY_NAME["deeplift"].attribute(
            asked(following(again, torch.nn.Conv2d(8, 4, 3), again), torch.rand(1, 1, 12, 12)), progress=Progress()
        )


def test_a_map_that_misses_too_much_is_refused(monkeypatch):
    """The guard itself, whatever captum does."""
    monkeypatch.setattr(paths, "_gap", lambda *_: 0.4)
    with pytest.raises(Refused, match="leaves 40% of the score unexplained"):
        BY_NAME["deeplift"].attribute(asked(following(torch.nn.ReLU()), torch.rand(1, 1, 12, 12)), progress=Progress())
