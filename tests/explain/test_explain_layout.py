"""Where the cells of a map really lie: against hand calculation, autograd and a planted impulse."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from networks_to_explain import CLASSIFIERS, SEGMENTERS, resnet_2d, unet_3d  # noqa: E402
from torch import nn  # noqa: E402

from medassist.explain.layout import evenly, layout_of  # noqa: E402


def cells_of(module, layer, size):
    seen = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[2:])))
    with torch.no_grad():
        module.eval()(torch.zeros(1, 1, *size))
    handle.remove()
    return seen[-1]


# centre of the first cell and step: worked out by hand from strides, kernels and paddings
BY_HAND = {
    "densenet121_2d": (14.0, 32.0),
    "densenet121_2d_block": (6.0, 16.0),
    "resnet_2d": (0.0, 32.0),
    "densenet_3d": (6.0, 16.0),
    "resnet_3d": (0.0, 16.0),
    "unet_3d": (0.0, 4.0),
    "segresnet_3d": (0.0, 4.0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_layers_of_known_networks_lie_where_arithmetic_says(name):
    build, size, layer = (CLASSIFIERS | SEGMENTERS)[name]
    module = build()
    layout = layout_of(module, layer, size, cells_of(module, layer, size))
    first, step = BY_HAND[name]
    assert layout.followed
    assert layout.first == pytest.approx([first] * len(size))
    assert layout.step == pytest.approx([step] * len(size))


@pytest.mark.parametrize(("layer", "cell"), [("layer1", (8, 8)), ("layer2", (4, 5)), ("layer3", (2, 2))])
def test_layout_is_the_centre_of_what_autograd_says_a_cell_sees(layer, cell):
    torch.manual_seed(0)
    module, size = resnet_2d().eval(), (64, 64) if layer != "layer3" else (96, 96)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.abs_()
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out))
    centres = []
    for _ in range(8):  # the winner of a max pooling is random under noise
        image = torch.rand(1, 1, *size, requires_grad=True)
        module(image)
        (seen,) = torch.autograd.grad(kept.pop()[0, :, cell[0], cell[1]].sum(), image)
        rows, columns = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
        centres.append([float((seen[0, 0] * axis).sum() / seen.sum()) for axis in (rows, columns)])
    handle.remove()
    layout = layout_of(module, layer, size, cells_of(module, layer, size))
    expected = [first + step * at for first, step, at in zip(layout.first, layout.step, cell, strict=True)]
    assert np.abs(np.mean(centres, axis=0) - expected).max() < 0.1 * layout.step[0]


def test_planted_impulse_is_found_and_the_even_rule_would_be_off_by_half_a_cell():
    module = nn.Sequential(*(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False) for _ in range(4)))
    for part in module:
        nn.init.constant_(part.weight, 1.0)
    size, planted = (128, 128), (61, 70)
    image = torch.zeros(1, 1, *size)
    image[0, 0, planted[0], planted[1]] = 1.0
    with torch.no_grad():
        answer = module(image)[0, 0].numpy()
    centroid = [float((np.indices(answer.shape)[axis] * answer).sum() / answer.sum()) for axis in (0, 1)]

    def error(layout):
        places = [first + step * at for first, step, at in zip(layout.first, layout.step, centroid, strict=True)]
        return max(abs(place - true) for place, true in zip(places, planted, strict=True)) / layout.step[0]

    assert error(layout_of(module, "3", size, answer.shape)) < 0.25
    assert error(evenly(size, answer.shape)) > 0.4


@pytest.mark.parametrize(
    ("part", "cells"),
    [
        (nn.Conv2d(1, 2, 3, stride=2, dilation=2), (14, 14)),
        (nn.Conv2d(1, 2, 5, padding="same"), (32, 32)),
        (nn.MaxPool2d(3, stride=2, ceil_mode=True), (16, 16)),
        (nn.AvgPool2d(2), (16, 16)),
        (nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1, output_padding=1), (64, 64)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (64, 64)),
        (nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (64, 64)),
        (nn.AdaptiveAvgPool2d(8), (8, 8)),
    ],
)
def test_every_kind_of_layer_agrees_with_its_own_answer_to_a_ramp(part, cells):
    """A ramp through averaging weights gives each cell's mean position; interior cells only, edges see padding."""
    module = nn.Sequential(part)
    if hasattr(part, "weight"):
        nn.init.constant_(part.weight, 1.0)
        nn.init.zeros_(part.bias)
    ramp = torch.arange(32.0).reshape(1, 1, 32, 1).expand(1, 1, 32, 32)
    with torch.no_grad():
        weighted, weight = module(ramp)[0, 0, :, cells[1] // 2], module(torch.ones_like(ramp))[0, 0, :, cells[1] // 2]
    measured = (weighted / weight).numpy()
    if isinstance(part, nn.MaxPool2d):
        measured = measured - 1.0  # the largest of three is one beyond the middle
    layout = layout_of(module, "0", (32, 32), cells)
    inner = np.arange(len(measured))[2:-2]
    assert layout.followed
    np.testing.assert_allclose(layout.first[0] + layout.step[0] * inner, measured[2:-2], atol=0.51 * layout.step[0])
    np.testing.assert_allclose(np.mean(layout.first[0] + layout.step[0] * inner - measured[2:-2]), 0.0, atol=1e-4)


class Gated(nn.Module):
    """Multiplies maps, which hands no positions on."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, stride=2, padding=1)
        self.last = nn.Identity()

    def forward(self, values):
        values = self.conv(values)
        return self.last(values * values)


def test_networks_that_cannot_be_followed_fall_back_openly():
    layout = layout_of(Gated(), "last", (32, 32), (16, 16))
    assert layout == evenly((32, 32), (16, 16))
    assert not layout.followed


@pytest.mark.parametrize("blocks", [(1, 1, 1), (1, 2, 2, 4)])
def test_decoder_whose_paths_disagree_is_not_given_a_made_up_place(blocks):
    """SegResNet adds linearly upsampled maps to skips that lie half a coarse cell away."""
    from monai.networks.nets import SegResNet

    up = (1,) * (len(blocks) - 1)
    module = SegResNet(spatial_dims=2, init_filters=8, blocks_down=blocks, blocks_up=up)
    cells = cells_of(module, "up_layers.0", (64, 64))
    assert layout_of(module, "up_layers.0", (64, 64), cells) == evenly((64, 64), cells)


def test_following_leaves_the_network_alone():
    module = unet_3d()
    before = {name: value.data_ptr() for name, value in module.state_dict().items()}
    layout_of(module, "model.1.submodule.0", (16, 16, 16), (8, 8, 8))
    assert {name: value.data_ptr() for name, value in module.state_dict().items()} == before
    assert not any(part._forward_hooks for part in module.modules())


def test_one_cell_stands_for_the_whole_axis():
    module = resnet_2d()
    layout = layout_of(module, "layer4", (32, 64), (1, 2))
    assert layout.first == pytest.approx((15.5, 0.0))
    assert layout.step == pytest.approx((32.0, 32.0))
