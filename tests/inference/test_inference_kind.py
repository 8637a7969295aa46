"""The router's opinion in the suitability table of other models: red only when it is sure of another kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import change_json, write_classifier

from medassist.entities.errors import Refused, Unsuited, UsageError
from medassist.entities.prediction import Check, ClassScore, Prediction, Verdict
from medassist.entities.study import SeriesKind, Study
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference import kind
from medassist.inference.catalogue import find
from medassist.inference.embedding import NAME as LIKENESS
from medassist.inference.kind import NAME, kind_check
from medassist.inference.packages import Package, read
from medassist.inference.predict import predict
from medassist.language import set_language
from medassist.locations import resources_dir
from medassist.progress import Progress
from medassist.session import jobs
from medassist.training.layouts.layout import picture_volume
from medassist.training.refusals import read_pictures

KINDS = tuple(
    {
        "value": value,
        "label": label,
        "title_zh": chinese,
        "threshold": 0.9,
        "code": [word, "99MEDASSIST", label],
    }
    for value, (word, label, chinese) in enumerate(
        (("CXR", "Chest film", "胸部平片"), ("HAND", "Hand film", "手部平片"))
    )
)


@pytest.fixture
def router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Two kinds of picture told apart by weights nobody trained, installed under the name of the router."""
    root = write_classifier(tmp_path / kind.ROUTER)
    change_json(root, "metadata", medassist={"exclusive": True, "labels": list(KINDS), "suitability": {}})
    package = read(root)
    monkeypatch.setattr(kind, "find", lambda _name: package)
    return package


@pytest.fixture
def model(tiny_classifier: Path) -> Package:
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"kind": ["CXR"]}})
    return read(tiny_classifier)


@pytest.fixture
def film(make_volume):
    values = np.random.default_rng(1).integers(0, 255, (1, 40, 40)).astype(np.uint8)
    return make_volume(values, kind=SeriesKind.FILM)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch):
    """Let the router say how likely a hand is, and how like its training pictures the picture is."""

    def said(hand: float, alike: Verdict = Verdict.PASS) -> None:
        shares = (1.0 - hand, hand)
        scores = tuple(
            ClassScore(one["label"], share, max(0.9, other), exclusive=True)
            for one, share, other in zip(KINDS, shares, shares[::-1], strict=True)
        )
        checks = (Check(LIKENESS, "distance ≤ 1", "0.50", alike),)
        monkeypatch.setattr(
            kind, "predict", lambda package, *_, **__: Prediction(package.ref, "1.2", "now", "cpu", checks, scores)
        )

    return said


@pytest.mark.parametrize(
    ("hand", "alike", "verdict", "found"),
    [
        (0.0, Verdict.PASS, Verdict.PASS, "Chest film (> 0.99)"),
        (0.0, Verdict.UNKNOWN, Verdict.PASS, "Chest film (> 0.99)"),
        (0.3, Verdict.PASS, Verdict.UNKNOWN, "Chest film (0.70)"),
        (0.98, Verdict.PASS, Verdict.UNKNOWN, "Hand film (0.98)"),
        (0.995, Verdict.PASS, Verdict.FAIL, "Hand film (> 0.99)"),
        (0.995, Verdict.UNKNOWN, Verdict.UNKNOWN, "Hand film (> 0.99)"),
        (0.995, Verdict.FAIL, Verdict.UNKNOWN, "unlike all known kinds; most like: Hand film (> 0.99)"),
        (0.0, Verdict.FAIL, Verdict.UNKNOWN, "unlike all known kinds; most like: Chest film (> 0.99)"),
    ],
)
def test_only_a_sure_opinion_on_a_familiar_picture_refuses_it(
    router, model, film, says, hand, alike, verdict, found
) -> None:
    says(hand, alike)
    assert kind_check(model, film) == Check(NAME, "Chest film", found, verdict)


def test_the_titles_are_those_of_the_language(router, model, film, says) -> None:
    says(0.999)
    set_language("zh_CN")
    try:
        row = kind_check(model, film)
    finally:
        set_language("en")
    assert row is not None
    assert (row.demanded, row.found) == ("胸部平片", "手部平片 (> 0.99)")


def test_the_real_road_gives_the_opinion_of_the_package(router, model, film) -> None:
    row = kind_check(model, film)
    assert row is not None
    assert row.name == NAME
    assert row.found.startswith(("Chest film (", "Hand film ("))


def test_who_demands_nothing_or_a_word_nobody_knows_gets_no_row(router, model, film) -> None:
    for demanded in ((), ("MAMMOGRAM",)):
        other = replace(model, suitability=replace(model.suitability, kind=demanded))
        assert kind_check(other, film) is None


def test_volumes_and_colours_get_no_row(router, model, make_volume) -> None:
    assert kind_check(model, make_volume(np.zeros((3, 40, 40), np.uint8))) is None
    colours = np.random.default_rng(0).integers(0, 255, (1, 40, 40, 3)).astype(np.uint8)
    assert kind_check(model, make_volume(colours, kind=SeriesKind.FILM)) is None


def test_without_a_router_there_is_no_row(model, film, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> Package:
        raise UsageError("There is no model called {name}.", name=name)

    monkeypatch.setattr(kind, "find", nobody)
    assert kind_check(model, film) is None


def test_a_router_that_cannot_run_leaves_the_row_open(router, model, film, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_, **__):
        raise Refused("The model {model} gave no usable answer on this image.", model="router")

    monkeypatch.setattr(kind, "predict", fails)
    assert kind_check(model, film) == Check(NAME, "Chest film", "cannot be told", Verdict.UNKNOWN)


def test_a_run_asks_the_router_first_and_is_refused(router, model, film, says, monkeypatch) -> None:
    says(0.999)
    monkeypatch.setattr("medassist.inference.predict.load_network", lambda *_: pytest.fail("the network was loaded"))
    with pytest.raises(Unsuited, match=r"Kind of picture: demanded Chest film, found Hand film \(> 0\.99\)") as problem:
        jobs.run_model(Study("1.9"), film, model, progress=Progress())
    assert [row.name for row in problem.value.rows if row.verdict is Verdict.FAIL] == [NAME]


@pytest.fixture
def demands_chest() -> Package:
    package = find("chest_xray_findings")
    return replace(package, suitability=replace(package.suitability, kind=("CXR",)))


def opened(path: Path):
    (series,) = scan(path, progress=Progress()).all_series()
    return load(series, progress=Progress())


def test_the_shipped_router_lets_a_real_chest_film_pass(demands_chest) -> None:
    row = kind_check(demands_chest, opened(resources_dir() / "samples/RG1_J2KR.dcm"))
    assert row is not None
    assert row.verdict is Verdict.PASS, row


def test_the_shipped_router_stops_a_hand(demands_chest) -> None:
    hand = opened(find(kind.ROUTER).root / "test/phantom.png")
    row = kind_check(demands_chest, hand)
    assert row is not None
    assert row.verdict is not Verdict.PASS
    assert row.found.startswith("Hand film") or "Hand film" in row.found


def test_the_shipped_router_sorts_the_pictures_it_was_not_trained_on(shared_data) -> None:
    """Four pictures of each kind of the test stretch; `medassist evaluate modality_router` measures all."""
    router = find(kind.ROUTER)
    pictures = read_pictures(shared_data("modality_mednist") / "mednist.npz")
    assert pictures.folds is not None
    for name, wanted in zip(dict.fromkeys(pictures.kinds), router.labels, strict=True):
        rows = [at for at, one in enumerate(pictures.kinds) if one == name and pictures.folds[at] == 4][::50]
        for at in rows:
            scores = predict(router, picture_volume(pictures.images[at], str(at)), device="cpu").scores
            assert max(scores, key=lambda one: one.probability).label == wanted.label
