"""No method leaves a trace on a network: answered, failed in mid-pass or in the way back, or cancelled."""

from __future__ import annotations

import contextlib
import threading
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("captum")

from bundles import write_segmenter  # noqa: E402
from networks_to_explain import CLASSIFIERS, OTHERS, SEGMENTERS, TRANSFORMERS  # noqa: E402
from test_explain_gradcam import one_thread  # noqa: E402, F401

from medassist.entities.errors import Cancelled, Refused  # noqa: E402
from medassist.entities.geometry import Geometry  # noqa: E402
from medassist.entities.prediction import Mask  # noqa: E402
from medassist.entities.study import Series, SeriesKind  # noqa: E402
from medassist.entities.volume import Volume  # noqa: E402
from medassist.explain.methods import METHODS, explain  # noqa: E402
from medassist.explain.protocol import Question  # noqa: E402
from medassist.inference.network import forget_networks, load_network  # noqa: E402
from medassist.inference.packages import read  # noqa: E402
from medassist.progress import Progress  # noqa: E402

KNOWN = CLASSIFIERS | SEGMENTERS | TRANSFORMERS | OTHERS
NETWORKS = {
    "densenet121_2d": (32, 32), "densenet_3d": (32, 32, 32), "unet_2d": (32, 48), "unet_3d": (16, 24, 16),
    "segresnet_2d": (32, 48), "segresnet_3d": (16, 24, 16), "vit_2d": (32, 48), "vit_3d": (16, 24, 16),
}  # fmt: skip
LAYERS = {"densenet121_2d": "features.denseblock3"}
QUICK = {"copies": 4, "steps": 8, "samples": 6, "masks": 50, "window": 0.5, "pieces": 10, "channels": 8}
BY_NAME = {one.name: one for one in METHODS}
NO_WAY = {  # what a method says it cannot explain
    "deeplift": set(NETWORKS), "attentionrollout": {one for one in NETWORKS if not one.startswith("vit")},
    "relevance": {one for one in NETWORKS if not one.startswith("vit")},
}  # fmt: skip


def everything(module):
    """Return what an explanation could change, in the network and in torch itself."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return (
        [(name, part.training, getattr(part, "inplace", None), *(list(getattr(part, one)) for one in hooks))
         for name, part in module.named_modules()],
        [(name, id(one), one.requires_grad, one.grad is None, one._version) for name, one in module.named_parameters()],
        [(name, id(one), one._version) for name, one in module.named_buffers()],
        [one.clone() for one in (*module.parameters(), *module.buffers())],
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.random.get_rng_state().tolist(),
    )  # fmt: skip


def assert_same(before, module):
    after = everything(module)
    for place in (0, 1, 2, 4, 5, 6):
        assert before[place] == after[place]
    assert all(torch.equal(old, new) for old, new in zip(before[3], after[3], strict=True))


def question(name):
    build, _, layer = KNOWN[name]
    module = build().train()  # a run would update the running means of batch norms
    next(module.parameters()).requires_grad_(False)
    list(module.children())[-1].eval()
    size, region = NETWORKS[name], None
    if name.startswith(("unet", "segresnet")):
        region = torch.zeros(size, dtype=torch.bool)
        region[tuple(slice(2, 9) for _ in size)] = True
    package = SimpleNamespace(name=name, explanation=SimpleNamespace(layer=LAYERS.get(name, layer)))
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(1))
    return Question(SimpleNamespace(module=module, device="cpu", package=package), image, 1, region, settings=QUICK)


class BrokenError(Exception):
    pass


def fail_in(module, way, after):
    """Let the last layer with weights fail at its pass number `after`, forward or on the way back."""
    part, calls = [one for one in module.modules() if list(one.parameters(recurse=False))][-1], []

    def broken(*_):
        raise BrokenError

    def hook(_part, _inputs, output):
        calls.append(way)
        if len(calls) >= after and way == "forward":
            broken()
        if len(calls) >= after and output.requires_grad:
            output.register_hook(broken)

    return part.register_forward_hook(hook)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", sorted(BY_NAME))
def test_a_network_is_left_as_it_was(method, network):
    asked = question(network)
    module, explainer = asked.network.module, BY_NAME[method]
    may_refuse = network in NO_WAY.get(method, ())
    before = everything(module)
    try:
        found = explainer.attribute(asked, progress=Progress())
        assert np.isfinite(found.values).all()
    except Refused:
        assert may_refuse
    assert_same(before, module)
    for way, after in (("forward", 1), ("forward", 2), ("backward", 1), ("backward", 2)):
        handle = fail_in(module, way, after)
        during = everything(module)
        try:
            explainer.attribute(asked, progress=Progress())
        except (BrokenError, Refused):
            pass
        else:
            assert (way, after) != ("forward", 1), "every method runs the network once"
        assert_same(during, module)
        handle.remove()
    steps = []
    progress = Progress(lambda step: steps.append(step) or (progress.cancel() if len(steps) == 2 else None))
    with contextlib.suppress(Cancelled, Refused):
        explainer.attribute(asked, progress=progress)
    assert_same(before, module)


def test_a_second_thread_waits_for_the_network_and_can_be_cancelled(tmp_path):
    forget_networks()
    package = read(write_segmenter(tmp_path / "tiny"))
    array = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    series = Series("1.2", SeriesKind.VOLUME, (), modality="MR", shape_zyx=array.shape)
    volume = Volume(series, array[None], Geometry(np.eye(4), array.shape, "1.2.3"))
    part = package.segments[0]
    mask = Mask(np.full(array.shape, part.value, np.uint8), volume.geometry, package.segments)
    network, waits, ended = load_network(package, "cpu"), threading.Event(), []

    def run(progress):
        try:
            ended.append(explain(package, volume, part.label, mask=mask, device="cpu", progress=progress))
        except Cancelled as error:
            ended.append(error)

    def started(progress):
        thread = threading.Thread(target=run, args=(progress,))
        thread.start()
        assert waits.wait(30)
        waits.clear()
        return thread

    def listen(step):
        if step.stage == "Waiting for the model":
            waits.set()

    first, second = Progress(listen), Progress(listen)
    with network.held(Progress()):
        thread = started(first)
        first.cancel()
        thread.join(30)
        assert isinstance(ended.pop(), Cancelled)
        thread = started(second)
        assert ended == []
    thread.join(30)
    assert ended[0].values_zyx.shape == array.shape
    forget_networks()
