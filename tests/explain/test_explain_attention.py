"""Attention of a vision transformer: equal to a computation by hand, with a class where it has one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from test_explain_gradcam import assert_unchanged, snapshot  # noqa: E402

from medassist.entities.errors import Refused  # noqa: E402
from medassist.explain.attention import ATTENTION  # noqa: E402
from medassist.explain.protocol import Question  # noqa: E402
from medassist.progress import Progress  # noqa: E402

ROLLOUT, RELEVANCE = ATTENTION


def transformer(size=(32, 48)):
    from monai.networks.nets import ViT

    torch.manual_seed(0)
    return ViT(
        in_channels=1, img_size=size, patch_size=8, hidden_size=24, mlp_dim=32, num_layers=3, num_heads=3,
        classification=True, num_classes=3, post_activation=None, spatial_dims=len(size),
    ).train()  # fmt: skip


def asked(module, size=(32, 48), output=1):
    network = SimpleNamespace(module=module, device="cpu", package=SimpleNamespace(name="vit"))
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(1))
    return Question(network, image, output)


def attention_by_hand(module, image):
    """Return the attention of every block as MONAI would store it, with its gradient to one logit."""
    kept = []
    handles = [
        block.attn.drop_weights.register_forward_hook(lambda _m, _i, output: kept.append(output))
        for block in module.blocks
    ]
    logits = module.eval()(image.clone().requires_grad_())[0]
    gradients = torch.autograd.grad(logits[0, 1], kept)
    for handle in handles:
        handle.remove()
    return [one.detach()[0] for one in kept], [one[0] for one in gradients]


@pytest.mark.parametrize("size", [(32, 48), (16, 24, 16)])
def test_maps_have_one_value_per_patch_and_leave_the_network_alone(size):
    module = transformer(size)
    before = snapshot(module)
    for method in ATTENTION:
        found = method.attribute(asked(module, size), progress=Progress())
        assert found.values.shape == tuple(one // 8 for one in size)
        assert found.layout.first == (3.5,) * len(size)
        assert found.layout.step == (8.0,) * len(size)
        assert found.values.min() >= 0
    assert_unchanged(before, module)


def test_rollout_is_the_product_of_what_every_block_passes_on():
    module, question = transformer(), asked(transformer())
    blocks, _ = attention_by_hand(module, question.inputs)
    total = np.eye(25)
    for block in blocks:
        mixed = 0.5 * block.mean(0).numpy() + 0.5 * np.eye(25)
        total = mixed / mixed.sum(1, keepdims=True) @ total
    found = ROLLOUT.attribute(question, progress=Progress())
    assert np.allclose(found.values, total[0, 1:].reshape(4, 6), atol=1e-6)


def test_relevance_follows_attention_that_raises_the_score():
    module = transformer()
    question = asked(module)
    blocks, gradients = attention_by_hand(module, question.inputs)
    total = np.eye(25)
    for block, gradient in zip(blocks, gradients, strict=True):
        total = total + np.maximum((block * gradient).numpy(), 0).mean(0) @ total
    found = RELEVANCE.attribute(question, progress=Progress())
    assert np.allclose(found.values, total[0, 1:].reshape(4, 6), atol=1e-6)


def test_only_relevance_knows_the_class():
    module = transformer()
    maps = {
        m.name: [m.attribute(asked(module, output=k), progress=Progress()).values for k in (0, 1)] for m in ATTENTION
    }
    assert np.array_equal(*maps["attentionrollout"])
    assert not np.allclose(*maps["relevance"], rtol=1e-3)
    assert "whatever the class" in ROLLOUT.remark


def test_a_network_without_attention_is_refused():
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(32 * 48, 3))
    with pytest.raises(Refused, match="no attention"):
        ROLLOUT.attribute(asked(plain), progress=Progress())
