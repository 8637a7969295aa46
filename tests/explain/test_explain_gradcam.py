"""Grad-CAM is captum's Grad-CAM, and leaves a network as it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from networks_to_explain import CLASSIFIERS, SEGMENTERS, resnet_2d  # noqa: E402

from medassist.entities.errors import Refused  # noqa: E402
from medassist.explain.gradcam import grad_cam  # noqa: E402
from medassist.explain.scores import class_score, region_score  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def lively(build):
    """Build with statistics and biases that are not those of a fresh network, in eval mode."""
    module = build()
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            torch.nn.init.normal_(part.running_mean, std=0.1)
            torch.nn.init.normal_(part.weight, 1.0, 0.3)
            torch.nn.init.normal_(part.bias, std=0.1)
    return module.eval()


def snapshot(module):
    return (
        [(name, part.training, len(part._forward_hooks), len(part._backward_hooks), len(part._forward_pre_hooks))
         for name, part in module.named_modules()],
        [(name, one.requires_grad, one.grad is None) for name, one in module.named_parameters()],
        [one.clone() for one in module.state_dict().values()],
    )  # fmt: skip


def assert_unchanged(before, module):
    after = snapshot(module)
    assert before[:2] == after[:2]
    assert all(torch.equal(old, new) for old, new in zip(before[2], after[2], strict=True))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier_maps_equal_captum(name):
    attr = pytest.importorskip("captum.attr")
    build, size, layer = CLASSIFIERS[name]
    module, image = lively(build), torch.randn(1, 1, *size)
    captum = attr.LayerGradCam(module, module.get_submodule(layer))
    references = [captum.attribute(image, number, relu_attributions=True).detach() for number in range(3)]
    number = max(range(3), key=lambda one: float(references[one].max()))  # a random network's map may be all zero
    reference = references[number]
    mine, logits = grad_cam(module, layer, image, class_score(number))
    assert mine.shape == reference.shape
    assert reference.max() > 0
    torch.testing.assert_close(mine, reference, rtol=1e-5, atol=1e-5 * float(reference.max()))
    torch.testing.assert_close(logits, module(image).detach())


@pytest.mark.parametrize("name", SEGMENTERS)
def test_region_maps_equal_captum(name):
    attr = pytest.importorskip("captum.attr")
    build, size, layer = SEGMENTERS[name]
    module, image = lively(build), torch.randn(1, 1, *size)
    region = torch.zeros(size, dtype=torch.bool)
    region[2:9, 5:20, 3:8] = True

    def summed(values):
        return (module(values)[:, 2] * region).sum().reshape(1, 1)

    reference = (
        attr.LayerGradCam(summed, module.get_submodule(layer)).attribute(image, 0, relu_attributions=True).detach()
    )
    mine, _ = grad_cam(module, layer, image, region_score(2, region))
    assert reference.max() > 0
    torch.testing.assert_close(mine, reference, rtol=1e-5, atol=1e-5 * float(reference.max()))


def test_wrong_target_gives_another_map():
    build, size, layer = CLASSIFIERS["resnet_2d"]
    module, image = lively(build), torch.randn(1, 1, *size)
    first, second = (grad_cam(module, layer, image, class_score(number))[0] for number in (0, 1))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("name", [*CLASSIFIERS, *SEGMENTERS])
def test_network_is_left_as_it_was(name):
    build, size, layer = (CLASSIFIERS | SEGMENTERS)[name]
    module, image = build().train(), torch.randn(1, 1, *size)
    next(module.parameters()).requires_grad_(False)
    list(module.children())[-1].eval()
    before = snapshot(module)
    score = class_score(0) if name in CLASSIFIERS else region_score(0, torch.ones(size, dtype=torch.bool))
    grad_cam(module, layer, image, score)
    assert_unchanged(before, module)


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("when", ["score", "forward"])
def test_network_is_left_as_it_was_after_an_exception(when):
    build, size, layer = CLASSIFIERS["densenet121_2d"]
    module = build().train()

    def fail(*_):
        raise BrokenError

    handle = module.class_layers.register_forward_pre_hook(fail) if when == "forward" else None
    before = snapshot(module)
    with pytest.raises(BrokenError):
        grad_cam(module, layer, torch.randn(1, 1, *size), fail)
    assert_unchanged(before, module)
    if handle:
        handle.remove()


@pytest.mark.parametrize("layer", ["no.such.layer", "fc", "avgpool2", "act"])
def test_layers_without_a_map_are_refused_and_named(layer):
    module = resnet_2d()
    before = snapshot(module)
    if layer == "act":  # runs, and its last call is on the way: a map
        assert grad_cam(module, layer, torch.randn(1, 1, 64, 64), class_score(0))[0].shape[:2] == (1, 1)
    else:
        with pytest.raises(Refused, match=layer):
            grad_cam(module, layer, torch.randn(1, 1, 64, 64), class_score(0))
    assert_unchanged(before, module)


def test_score_that_does_not_depend_on_the_layer_is_refused():
    module = resnet_2d()
    with pytest.raises(Refused, match="does not depend on the layer layer4"):
        grad_cam(module, "layer4", torch.randn(1, 1, 64, 64), lambda logits: logits.detach().sum())


def test_it_works_inside_inference_mode():
    build, size, layer = CLASSIFIERS["resnet_2d"]
    module = lively(build)
    with torch.inference_mode():
        image = torch.randn(1, 1, *size)
        inside, _ = grad_cam(module, layer, image, class_score(0))
    outside, _ = grad_cam(module, layer, image.clone(), class_score(0))
    torch.testing.assert_close(inside, outside)


def test_empty_regions_and_unknown_classes_are_refused():
    with pytest.raises(Refused, match="no voxel"):
        region_score(1, torch.zeros(4, 4, dtype=torch.bool))
    with pytest.raises(Refused, match="no class number 7"):
        class_score(7)(torch.zeros(1, 3))
    with pytest.raises(Refused, match="no class number 7"):
        region_score(7, torch.ones(4, 4, dtype=torch.bool))(torch.zeros(1, 3, 4, 4))


def test_region_is_not_part_of_the_graph():
    logits = torch.randn(1, 2, 4, 4, requires_grad=True)
    region_score(1, torch.eye(4, dtype=torch.bool))(logits).backward()
    torch.testing.assert_close(logits.grad[0, 1], torch.eye(4))
    assert not logits.grad[0, 0].any()
