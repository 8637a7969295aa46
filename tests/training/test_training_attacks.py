from __future__ import annotations

import numpy as np
import pytest
from bundles import change_json, write_classifier, write_segmenter

from medassist.inference.engine import planned_on
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.evaluation.asking import Question, ask
from medassist.training.evaluation.attacks import ATTACKS, attacked, can_be_misled
from medassist.training.evaluation.robustness import _ask_misled, _some, measure
from medassist.training.layouts.reading import image_of, read_table
from medassist.training.recipe import Label

TRUTH = np.array([True, False])


@pytest.fixture
def classifier(tmp_path):
    return read(write_classifier(tmp_path / "tiny"))


def image(*shape: int):
    import torch

    return torch.from_numpy(np.random.default_rng(0).random((1, 1, *shape), np.float32))


def loss(package, tensor) -> float:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    with torch.no_grad():
        logits = load_network(package, "cpu").module(tensor)
    return float(binary_cross_entropy_with_logits(logits, torch.tensor([[1.0, 0.0]])))


def misled(package, tensor, attack: str, level: float = 0.05, truth=TRUTH, plan=None):
    return attacked(package, tensor, plan, truth, attack=attack, level=level, device="cpu", key="1")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_value_changes_more_than_the_level(classifier, attack) -> None:
    tensor = image(32, 32)
    change = (misled(classifier, tensor, attack) - tensor).abs()
    assert 0 < change.max() <= 0.05 * tensor.std() * 1.001
    if attack != "pgd":
        assert change.min() == pytest.approx(float(change.max()), rel=1e-3)


def test_a_meant_change_harms_more_than_a_random_one_of_its_size(classifier) -> None:
    tensor = image(32, 32)
    before = loss(classifier, tensor)
    after = {name: loss(classifier, misled(classifier, tensor, name)) for name in ATTACKS}
    assert after["fgsm"] > before
    assert after["fgsm"] - before > 3 * abs(after["random"] - before)
    assert after["pgd"] >= after["fgsm"] - 1e-3


def test_the_network_is_left_as_it_was(classifier) -> None:
    import torch

    module = load_network(classifier, "cpu").module
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    misled(classifier, image(32, 32), "pgd")
    assert not module.training
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in module.parameters())


def test_random_signs_are_the_same_each_time(classifier) -> None:
    tensor = image(32, 32)
    assert misled(classifier, tensor, "random").equal(misled(classifier, tensor, "random"))


def test_a_segmenter_is_misled_window_by_window(tmp_path) -> None:
    import torch

    package = read(write_segmenter(tmp_path / "tiny_segmenter"))
    tensor = image(24, 20, 16)
    plan = planned_on(package, (24, 20, 16), "cpu")
    assert plan is not None
    assert plan.count > 1
    changed = misled(package, tensor, "fgsm", truth=None, plan=plan)
    assert (changed - tensor).abs().max() <= 0.05 * tensor.std() * 1.001
    module = load_network(package, "cpu").module
    with torch.no_grad():
        own = module(plan.pad(tensor)[:, :, :16, :16, :16]).argmax(dim=1)
        logits = [module(one[:, :, :16, :16, :16]) for one in (tensor, changed)]
    before, after = (float(torch.nn.functional.cross_entropy(one, own)) for one in logits)
    assert after > before


def test_exclusive_classes_are_led_away_from_the_true_one(tmp_path) -> None:
    root = write_classifier(tmp_path / "router")
    labels = [{"value": at, "label": name, "threshold": 0.5} for at, name in enumerate(("Effusion", "Cardiomegaly"))]
    change_json(root, "metadata", medassist={"exclusive": True, "labels": labels})
    package, tensor = read(root), image(32, 32)
    module = load_network(package, "cpu").module
    share = [float(module(one).softmax(dim=1)[0, 0]) for one in (tensor, misled(package, tensor, "fgsm"))]
    assert share[1] < share[0]


@pytest.fixture
def question(classifier, films):
    """Films on which the random weights happen to be right, so that a fall can be seen."""
    text = (films / "index.csv").read_text().replace("Bright|Other", "").replace("Other", "Effusion|Cardiomegaly")
    (films / "index.csv").write_text(text)
    labels = tuple(Label(at, name, (name,), (), {}) for at, name in enumerate(("Effusion", "Cardiomegaly")))
    return Question(classifier, read_table(films, "films_npz"), labels, "cpu")


def test_an_image_that_is_not_changed_gets_the_answer_of_a_reader(question) -> None:
    row = question.table.rows[0]
    volume = image_of(question.table, row)
    mine = _ask_misled(question, row, volume, "random", 0.0).scores
    theirs = ask(question, row, volume).scores
    assert [one.probability for one in mine] == pytest.approx([one.probability for one in theirs], abs=1e-6)


def test_whole_people_are_asked_whatever_the_order_of_rows(question) -> None:
    rows = question.table.rows
    some = _some(rows, 7)
    assert len(some) == 8
    assert {row.key for row in _some(rows[::-1], 7)} == {row.key for row in some}
    assert len(_some(rows, 100)) == len(rows)


def test_every_way_is_measured_at_every_level(question, monkeypatch) -> None:
    from medassist.training.evaluation import robustness

    monkeypatch.setattr(robustness, "REPEATS", 20)
    monkeypatch.setattr(robustness, "CORRUPTED_CASES", {True: 6, False: 2})
    monkeypatch.setattr(robustness, "ATTACKED_CASES", {True: 6, False: 2})
    found = measure(question, question.table.rows, progress=Progress())
    assert found is not None
    assert found.metric == "auc"
    assert [one.name for one in found.strains] == ["noise", "blur", "gamma", "resampling", "jpeg"]
    assert [one.name for one in found.attacks] == ["random", "fgsm", "pgd"]
    for strain in (*found.strains, *found.attacks):
        assert len(strain.steps) == 5
    clean = found.attack_clean
    assert clean is not None
    assert clean.n == 6
    last = found.attacks[2].steps[-1]
    assert last.measured.value < clean.value
    assert last.drop == pytest.approx((clean.value - last.measured.value) / clean.value)


def test_a_network_without_a_gradient_is_not_attacked_and_says_so(question, monkeypatch) -> None:
    import torch

    from medassist.training.evaluation import robustness

    module, tensor = load_network(question.package, "cpu").module, image(32, 32)
    assert can_be_misled(question.package, tensor, None, "cpu")
    forward = module.forward
    monkeypatch.setattr(module, "forward", lambda x: torch.no_grad()(forward)(x))
    assert not can_be_misled(question.package, tensor, None, "cpu")
    monkeypatch.setattr(robustness, "REPEATS", 5)
    monkeypatch.setattr(robustness, "CORRUPTIONS", ())
    found = measure(question, question.table.rows[:8], progress=Progress())
    assert found is not None
    assert found.attacks == ()
    assert "gradient" in found.why_not
