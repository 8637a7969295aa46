"""What tokens add to a score: exact where it can be worked out, captum's elsewhere, and nothing for special tokens."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_explain_gradcam import assert_unchanged, one_thread, snapshot  # noqa: E402, F401

from medassist.entities.errors import Cancelled, Refused  # noqa: E402
from medassist.explain.protocol import Question  # noqa: E402
from medassist.explain.scores import class_score  # noqa: E402
from medassist.explain.text import IntegratedTokens, explain_text  # noqa: E402
from medassist.progress import Progress  # noqa: E402

PAD, START, END = 0, 1, 2
WORDS = 30


class Bag(torch.nn.Module):
    """The mean of the vectors of all tokens, weighed."""

    def __init__(self):
        super().__init__()
        self.words, self.out = torch.nn.Embedding(WORDS, 6), torch.nn.Linear(6, 3)

    def forward(self, ids):
        return self.out(self.words(ids).mean(1))


class Reader(torch.nn.Module):
    """A small transformer with positions, an attention mask and the answer at the first token."""

    def __init__(self):
        super().__init__()
        self.words, self.places = torch.nn.Embedding(WORDS, 16, padding_idx=PAD), torch.nn.Embedding(12, 16)
        layer = torch.nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, batch_first=True)
        self.layers = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = torch.nn.Linear(16, 3)

    def forward(self, ids, attention_mask=None):
        vectors = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        hidden = None if attention_mask is None else attention_mask == 0
        return SimpleNamespace(logits=self.out(self.layers(vectors, src_key_padding_mask=hidden)[:, 0]))


TEXT = torch.tensor([[START, 7, 12, 12, 25, 9, END, PAD]])
MASK = (TEXT != PAD).long()
SPECIAL = (PAD, START, END)


def explained(module, **changes):
    torch.manual_seed(0)
    asked = {"baseline_id": PAD, "special_ids": SPECIAL, **changes}
    return explain_text(module, TEXT, "words", asked.pop("score", class_score(1)), **asked)


def test_a_bag_of_words_is_worked_out_exactly():
    module = Bag().eval()
    found = explained(module)
    weight, vectors = module.out.weight[1].detach(), module.words.weight.detach()
    by_hand = [float((vectors[one] - vectors[PAD]) @ weight) / TEXT.shape[1] for one in TEXT[0]]
    by_hand = [0.0 if int(one) in SPECIAL else value for one, value in zip(TEXT[0], by_hand, strict=True)]
    np.testing.assert_allclose(found.values, by_hand, atol=1e-6)
    assert found.values[2] == found.values[3], "the same word twice adds twice the same"
    assert found.completeness_gap < 1e-5
    np.testing.assert_allclose(found.logits, module(TEXT)[0].detach(), rtol=1e-6)
    assert sum(by_hand) == pytest.approx(found.gained, rel=1e-4)


def test_a_transformer_is_complete_and_agrees_with_captum():
    attr = pytest.importorskip("captum.attr")
    module = Reader().eval()
    found = explained(module, arguments={"attention_mask": MASK})
    assert found.completeness_gap < 0.03
    base = torch.tensor([[START, PAD, PAD, PAD, PAD, PAD, END, PAD]])
    reference = attr.LayerIntegratedGradients(
        lambda ids: module(ids, MASK.expand(len(ids), -1)).logits, module.words
    ).attribute(TEXT, base, target=1, n_steps=50, method="gausslegendre")
    np.testing.assert_allclose(found.values, reference[0].sum(-1).detach(), atol=1e-5)
    assert [index for index, value in enumerate(found.values) if value == 0.0] == [0, 6, 7]
    assert np.abs(found.values[1:6]).min() > 1e-4


def test_a_contrast_is_the_difference_of_two_classes():
    module = Reader().eval()
    one, other, between = (explained(module, score=class_score(*classes)) for classes in ((1,), (2,), (1, 2)))
    np.testing.assert_allclose(between.values, one.values - other.values, atol=1e-5)


def test_it_comes_through_the_door_of_every_method_and_leaves_the_network_alone():
    module = Reader().train()
    next(module.parameters()).requires_grad_(False)
    before = snapshot(module)
    network = SimpleNamespace(module=module, device="cpu", package=SimpleNamespace())
    method = IntegratedTokens(PAD, SPECIAL, {"attention_mask": MASK})
    question = Question(network, TEXT, 1, layer="words", settings={"steps": 20})
    passed = []
    handle = module.register_forward_hook(lambda _m, inputs, _o: passed.append(len(inputs[0])))
    answer = method.attribute(question, progress=Progress())
    handle.remove()
    assert_unchanged(before, module)
    expected = explained(module.eval(), steps=20, arguments={"attention_mask": MASK})
    np.testing.assert_array_equal(answer.values, expected.values)
    assert answer.signed
    assert answer.quality["completeness_gap"] == expected.completeness_gap
    assert answer.layout.step == (1.0,)
    assert max(passed) <= 4, "a chunk holds a few texts, however many steps"
    assert sum(passed) == 22
    assert method.applies_to("text")
    assert not method.applies_to("classification")


def test_it_stops_when_cancelled_and_survives_an_exception():
    module = Reader().train()
    before, steps = snapshot(module), []

    def listen(step):
        steps.append(step)
        if len(steps) == 3:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        explained(module, progress=progress)
    assert len(steps) == 3
    assert_unchanged(before, module)

    def broken(_logits):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explained(module, score=broken)
    assert_unchanged(before, module)


def test_what_cannot_be_explained_is_refused():
    class Wordless(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.unused = torch.nn.EmbeddingBag(WORDS, 4), torch.nn.Embedding(WORDS, 4)

        def forward(self, ids):
            return self.words(ids)[:, :3]

    with pytest.raises(Refused, match="no vector for each token"):
        explained(Wordless())
    with pytest.raises(Refused, match="does not depend on the layer unused"):
        explain_text(Wordless(), TEXT, "unused", class_score(1), baseline_id=PAD)
    with pytest.raises(Refused, match="no layer called nowhere"):
        explain_text(Wordless(), TEXT, "nowhere", class_score(1), baseline_id=PAD)
