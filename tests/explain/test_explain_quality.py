"""The quality stamp: each measure does what its name says, and a map that knows nothing of the network fails."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("captum")

from bundles import change_json  # noqa: E402
from test_explain_gradcam import assert_unchanged, snapshot  # noqa: E402
from test_explain_methods import spot_package, volume_of  # noqa: E402

from benchmarks import planted  # noqa: E402
from medassist.entities.errors import Cancelled, Refused  # noqa: E402
from medassist.entities.heatmap import MapKind  # noqa: E402
from medassist.entities.stamp import Limits, Stamp, Standing  # noqa: E402
from medassist.explain.methods import METHODS, explain  # noqa: E402
from medassist.explain.protocol import Layout, Question  # noqa: E402
from medassist.explain.quality import agreement, known, measuring, randomisation, replacing, stamping  # noqa: E402
from medassist.explain.quality.asked import Asked, on_input  # noqa: E402
from medassist.explain.quality.judging import judged  # noqa: E402
from medassist.explain.quality.last_layers import last_layers  # noqa: E402
from medassist.explain.quality.likeness import pooled, rank_correlation, similarity  # noqa: E402
from medassist.explain.quality.placing import placed  # noqa: E402
from medassist.inference.explaining import read_measured  # noqa: E402
from medassist.inference.network import LoadedNetwork, forget_networks  # noqa: E402
from medassist.inference.packages import Package, read  # noqa: E402
from medassist.progress import Progress  # noqa: E402

BY_NAME = {one.name: one for one in (*METHODS, *planted.IGNORANT)}
HALVES = {"window": 0.5, "copies": 4, "steps": 8, "masks": 50, "cells": 3, "samples": 50}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    forget_networks()
    yield
    forget_networks()
    torch.set_num_threads(before)


class Corner(torch.nn.Module):
    """The probability of class 1 is the brightness of one corner: what there is to be found is known."""

    def __init__(self):
        super().__init__()
        self.seen = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 1, bias=False), torch.nn.ReLU())
        torch.nn.init.ones_(self.seen[0].weight)
        self.said = torch.nn.Linear(4, 2, bias=False)
        with torch.no_grad():
            self.said.weight.copy_(torch.tensor([[-1.0] * 4, [2.0] * 4]))

    def forward(self, x):
        return self.said(self.seen(x)[..., :8, 16:].mean((2, 3)))


def corner(method="occlusion", **changes):
    """Return a map of that method on a picture with two bright corners, of which one matters."""
    package = Package(root=None, name="corner", explanation=SimpleNamespace(layer="seen"))
    image = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(1)) * 0.1
    image[..., :8, 16:] += 1.0
    image[..., 16:, :8] += 1.0
    question = Question(LoadedNetwork(Corner().eval(), package, "cpu"), image, 1, settings=HALVES)
    explainer = BY_NAME[method]
    answer = replace(explainer.attribute(question, progress=Progress()), **changes)
    return Asked(question, explainer, answer, lambda logits: logits.softmax(1)[:, 1].tolist())


def test_stamps_tell_maps_that_find_the_planted_cue_from_those_that_know_nothing():
    real = ("gradcam", "layercam", "saliency", "occlusion")
    table = planted.table([BY_NAME[name] for name in (*real, "guidedbackprop", "edges", "random")], 2, classifiers=1)
    for name in real:
        assert table[name]["holds"] == 1.0, (name, table[name])
        assert table[name]["gain_over_random"] > 0.1 + max(
            table[one]["gain_over_random"] for one in ("edges", "random")
        )
        assert table[name]["energy_in_mask"] > table[name]["mask_share"]
    for name in ("guidedbackprop", "edges", "random"):
        assert table[name]["fails"] == 1.0, (name, table[name])
    assert table["edges"]["randomised_top_ssim"] == pytest.approx(1.0)
    assert table["random"]["repeatability"] < 0.3
    assert planted.misses(table) == []
    assert set(list(table)[1:5]) == set(real)
    assert table["edges"]["energy_in_rings"] > 2 * table["edges"]["energy_in_mask"]  # brighter, and there are three


def test_deletion_falls_and_insertion_rises_where_the_map_is_right():
    right = corner()
    wrong = replace(right, answer=replace(right.answer, values=-right.answer.values))
    good, bad = (replacing.replaced(one, Progress()) for one in (right, wrong))
    assert good["deletion_auc"] < good["random_deletion_auc"] < bad["deletion_auc"]
    assert good["insertion_auc"] > good["random_insertion_auc"] > bad["insertion_auc"]
    gained = good["random_deletion_auc"] - good["deletion_auc"] + good["insertion_auc"] - good["random_insertion_auc"]
    assert good["gain_over_random"] == pytest.approx(gained)
    assert bad["gain_over_random"] < 0


def test_random_maps_are_asked_about_once_for_all_methods_of_a_grain():
    one = corner()
    replacing.replaced(one, Progress())
    passed = []
    one.question.network.module.register_forward_hook(lambda _m, images, _o: passed.append(len(images[0])))
    replacing.replaced(replace(one, answer=replace(one.answer, values=-one.answer.values)), Progress())
    assert sum(passed) == 2 + 2 * 15


def test_a_score_of_nothing_cannot_be_deleted():
    nothing = replace(corner(), chances=lambda logits: [0.0] * len(logits))
    assert replacing.replaced(nothing, Progress()) == {}


def test_regions_of_equal_heat_take_their_turn_in_no_order_of_the_rows():
    turn = replacing.order(np.zeros((24, 24), np.float32))
    assert set(np.unique(turn)) == set(np.arange(144) / 144)
    assert abs(rank_correlation(turn, np.arange(576))) < 0.3
    heat = np.zeros((24, 20, 16), np.float32)
    heat[2:4, 18:, 5] = 1.0
    assert replacing.order(heat)[2, 19, 5] < 1 / 200


@pytest.mark.parametrize("method", ["gradcam", "saliency", "edges"])
def test_randomisation_leaves_the_network_alone_and_finds_out_edge_filters(method):
    asked = corner(method)
    before = snapshot(asked.question.network.module)
    numbers = randomisation.randomised(asked, Progress())
    assert_unchanged(before, asked.question.network.module)
    if method == "edges":
        assert list(numbers.values()) == pytest.approx([1.0] * 4)
    elif method == "gradcam":  # the gradient of this little network has one shape, whatever the weights
        assert numbers["randomised_top_ssim"] < 0.999
    assert randomisation.randomised(asked, Progress()) == numbers


def test_last_layers_are_those_the_score_meets_first_in_every_member_of_a_committee():
    class Committee(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = torch.nn.ModuleList(
                [torch.nn.Linear(4, 2), torch.nn.Linear(4, 2, bias=False), torch.nn.Sequential(torch.nn.Linear(4, 4))]
            )
            self.heads[2].append(torch.nn.Linear(4, 2))
            self.body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 4), torch.nn.ReLU())

        def forward(self, x):
            seen = self.body(x)
            return sum(head(seen) for head in self.heads)

    module = Committee().eval()
    network = LoadedNetwork(module, Package(root=None, name="committee"), "cpu")
    found = last_layers(module, Question(network, torch.rand(1, 1, 4, 4), 0))
    assert found == [module.heads[0], module.heads[1], module.heads[2][1]]


def test_likeness_of_maps():
    one = np.random.default_rng(0).random((12, 12))
    assert similarity(one, one * 7) == pytest.approx(1.0)
    assert similarity(one, np.zeros_like(one)) == 0.0
    assert abs(similarity(one, np.random.default_rng(1).random((12, 12)))) < 0.3
    assert rank_correlation(one, one**3) == pytest.approx(1.0)
    assert rank_correlation(one, np.ones_like(one)) == 0.0
    assert pooled(np.arange(24.0).reshape(24, 1), 4)[:, 0] == pytest.approx([2.5, 8.5, 14.5, 20.5])


def test_cells_lie_on_the_input_where_the_layout_says():
    cells = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    found = on_input(cells, Layout((1.5, 1.5), (4.0, 4.0)), (8, 8))
    assert found[0, 0] == 0.0
    assert found[7, 7] == 3.0
    assert found[3, 1] == pytest.approx(2 * 1.5 / 4)


def test_pointing_and_energy_beside_chance():
    heat = np.zeros((1, 10, 10))
    heat[0, 2, 2], heat[0, 8, 8], heat[0, 5, 5] = 3.0, 1.0, -9.0
    mask = np.zeros(heat.shape, bool)
    mask[0, :5] = True
    assert placed(heat, mask) == {"energy_in_mask": 0.75, "pointing_hit": 1.0, "mask_share": 0.5}
    assert placed(heat, ~mask)["pointing_hit"] == 0.0
    assert placed(-np.ones((2, 2)), np.ones((2, 2), bool)) == {}


@pytest.mark.parametrize(
    ("numbers", "word"),
    [
        ({"randomised_top_ssim": 0.9}, "last layer"),
        ({"randomised_all_ssim": 0.7}, "every layer"),
        ({"gain_over_random": 0.05}, "Taking away"),
        ({"repeatability": 0.2}, "Noise"),
        ({"completeness_gap": 0.2}, "account"),
    ],
)
def test_a_measure_beyond_its_limit_fails_with_the_reason(numbers, word):
    found = judged(numbers, Limits())
    assert found.standing is Standing.FAILS
    assert [word in one.text() for one in found.reasons] == [True]
    allowed = Limits(0.95, 0.8, 0.01, 0.1, 0.3)
    assert judged(numbers, allowed).standing is Standing.HOLDS
    assert judged(numbers, allowed, known="known").standing is Standing.FAILS


def test_an_empty_map_and_a_target_that_hardly_scores_mean_nothing():
    empty = corner(values=np.zeros((24, 24), np.float32))
    found = measuring.measured(empty, Limits(), score=0.9, progress=Progress())
    assert (found.standing, found.numbers, len(found.reasons)) == (Standing.MEANINGLESS, {}, 1)
    faint = measuring.measured(corner(), Limits(), score=0.09, progress=Progress())
    assert faint.standing is Standing.MEANINGLESS
    assert "0.090" in faint.reasons[0].text()


def test_a_second_method_is_of_another_family_and_none_that_is_known_to_fail():
    for name in ("gradcam", "saliency", "occlusion", "edges"):
        other = agreement.second(BY_NAME[name], corner(name).question)
        assert other is not None
        assert not any({name, other.name} <= {one.name for one in family} for family in agreement.FAMILIES)
        assert not other.remark


@pytest.mark.parametrize("method", ["gradcam", "saliency", "occlusion"])
def test_the_forecast_is_near_what_a_stamp_takes(method):
    asked, passed = corner(method), []
    forward = Corner.forward

    def counted(self, images):
        passed.append(len(images) * (2.5 if images.requires_grad else 1.0))
        return forward(self, images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Corner, "forward", counted)
        measuring.measured(asked, Limits(), progress=Progress())
    assert 0.5 < sum(passed) / measuring.passes(asked.explainer, asked.question) < 1.5


def test_a_stamp_stops_when_it_is_cancelled_at_any_step_and_leaves_the_network_alone():
    counted = corner()
    steps = []
    measuring.measured(counted, Limits(), progress=Progress(steps.append))
    assert [one.fraction for one in steps] == sorted(one.fraction for one in steps)
    for last in (1, len(steps) // 3, len(steps) - 2):
        asked = corner()
        before, seen = snapshot(asked.question.network.module), stopped_at(asked, last)
        assert len(seen) == last
        assert_unchanged(before, asked.question.network.module)


def stopped_at(asked, last):
    """Return the steps of a stamp that is cancelled at one of them."""
    seen = []

    def listen(step):
        seen.append(step)
        if len(seen) == last:
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        measuring.measured(asked, Limits(), progress=progress)
    return seen


def film(tmp_path, **section):
    """Return a package that sees bright spots, a film with one, and where it is."""
    package = spot_package(tmp_path / "spot", 2)
    if section:
        change_json(package.root, "metadata", medassist={"explanation": {"layer": "layer4", **section}})
        package = read(package.root)
    array = np.zeros((1, 48, 64), np.float32)
    array[0, 10:14, 40:44] = 1.0
    affine = np.diag([0.5, 0.7, 1.0, 1.0])
    return package, volume_of(array, affine), array > 0


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_a_map_on_a_film_is_measured_as_it_was_computed(tmp_path, method):
    package, volume, spot = film(tmp_path)
    heatmap = explain(package, volume, "Bright spot", method=method)
    asked = stamping.as_asked(package, volume, heatmap, mask=None, device="cpu", progress=Progress())
    again = asked.explainer.attribute(asked.question, progress=Progress())
    assert np.array_equal(asked.answer.values, again.values)
    assert asked.answer.layout.step == pytest.approx(again.layout.step)
    assert asked.answer.layout.first == pytest.approx(again.layout.first, abs=1e-6)
    assert asked.chances(torch.from_numpy(again.outputs[None])) == [pytest.approx(heatmap.target_score)]
    found = stamping.stamp(package, volume, heatmap, reference=spot)
    assert found.numbers["energy_in_mask"] > found.numbers["mask_share"]
    assert found.second_method == ("Saliency" if method == "gradcam" else "Grad-CAM")


def test_a_map_of_another_kind_model_or_series_is_refused(tmp_path):
    package, volume, _ = film(tmp_path)
    heatmap = explain(package, volume, "Bright spot")
    other = volume_of(np.zeros((1, 20, 20), np.float32), np.eye(4))
    for one, where in (
        (replace(heatmap, kind=MapKind.UNCERTAINTY), volume),
        (replace(heatmap, model=replace(heatmap.model, sha256="0" * 64)), volume),
        (heatmap, other),
    ):
        with pytest.raises(Refused, match="cannot be measured"):
            stamping.stamp(package, where, one)


def test_a_package_states_limits_in_range(tmp_path):
    package, *_ = film(tmp_path, limits={"gain": 0.5, "share_of_threshold": 0})
    assert package.explanation.limits == Limits(gain=0.5, share_of_threshold=0.0)
    for wrong in ({"gain": 2}, {"gian": 0.5}, {"gain": "much"}):
        change_json(package.root, "metadata", medassist={"explanation": {"limits": wrong}})
        with pytest.raises(Refused, match=r"explanation\.limits"):
            read(package.root)


def test_what_was_measured_once_is_kept_in_the_package_and_believed_only_as_promised(tmp_path):
    package, volume, _ = film(tmp_path)
    found = known.measure_package(package, ("gradcam",), device="cpu")
    known.write_known(package, found)
    package = read(package.root)
    assert read_measured(package.explanation, package.sha256, package.name) == found
    heatmap = explain(package, volume, "Bright spot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(randomisation, "randomised", lambda *_: pytest.fail("measured again"))
        numbers = stamping.stamp(package, volume, heatmap).numbers
    assert {name: numbers[name] for name in found["gradcam"]} == found["gradcam"]
    with pytest.raises(Refused, match="other weights"):
        read_measured(package.explanation, "0" * 64, package.name)
    path = package.root / known.FILE
    path.write_text(path.read_text().replace("gradcam", "layercam"))
    with pytest.raises(Refused, match="not the file"):
        stamping.stamp(package, volume, heatmap)


def test_measuring_one_more_method_keeps_the_others_unless_the_weights_are_new(tmp_path):
    package, *_ = film(tmp_path)
    one, other = ({name: {"randomised_top_ssim": 0.25}} for name in ("gradcam", "saliency"))
    known.write_known(package, one)
    known.write_known(read(package.root), other, add=True)
    package = read(package.root)
    assert read_measured(package.explanation, package.sha256, "spot") == {**one, **other}
    known.write_known(replace(package, sha256="0" * 64), other, add=True)
    assert read_measured(read(package.root).explanation, "0" * 64, "spot") == other
    known.write_known(package, one)
    package = read(package.root)
    assert read_measured(package.explanation, package.sha256, "spot") == one


@pytest.mark.parametrize("methods", [{"gradcam": {"randomised_top_ssim": 2}}, {"gradcam": []}, [], None])
def test_a_file_of_nonsense_is_refused(tmp_path, methods):
    path = tmp_path / "explanations.json"
    content = json.dumps({"weights": "0" * 64, "methods": methods}).encode()
    path.write_bytes(content)
    spec = SimpleNamespace(measured=SimpleNamespace(file=path, sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(Refused):
        read_measured(spec, "0" * 64, "spot")


def test_the_stamp_arrives_where_its_map_is(tmp_path):
    from medassist.session import trail
    from medassist.session.actions import AddHeatmap
    from medassist.session.stamps import is_cheap, stamp_heatmap
    from medassist.session.state import Session

    package, volume, _ = film(tmp_path)
    maps = [explain(package, volume, "Bright spot", method=one) for one in ("gradcam", "saliency")]
    session = Session()
    for one in maps:
        session = AddHeatmap(one)(session)
    action = stamp_heatmap(volume, package, maps[0], progress=Progress())
    after = action(session)
    assert [one.method for one in after.heatmaps] == ["Grad-CAM", "Saliency"]
    assert isinstance(after.heatmaps[0].stamp, Stamp)
    assert after.heatmaps[1] is maps[1]
    assert [one.action for one in trail.events(session, after)] == ["stamp"]
    assert action(Session()).heatmaps == ()
    assert is_cheap(package, maps[0])
    assert not is_cheap(package, replace(maps[0], passes=120.0))
