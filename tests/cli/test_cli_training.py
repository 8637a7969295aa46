"""`train` hands on what was asked, and only one process of several speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medassist.training.search.study import Searched


@pytest.fixture
def asked(monkeypatch) -> dict[str, Any]:
    """Return what the verb hands to the training, which itself is left out."""
    seen: dict[str, Any] = {}

    def train(recipe: Path, data: Path, out: Path, **more: Any) -> Path:
        seen.update(verb="train", recipe=recipe, data=data, out=out, **more)
        return out

    def search(recipe: Path, data: Path, out: Path, trials: int, **more: Any) -> Searched:
        seen.update(verb="search", trials=trials, **more)
        return Searched(Path("x.search/best.toml"), 0.75, {}, trials)

    monkeypatch.setattr("medassist.training.train.train", train)
    monkeypatch.setattr("medassist.training.search.study.search", search)
    return seen


WORDS = ("train", "r.toml", "--data", "d", "--out", "x")


def test_flags_reach_the_training(medassist, asked) -> None:
    answer = medassist(*WORDS)
    assert (answer.code, answer.out, answer.err) == (0, "x\n", "")
    assert (asked["resume"], asked["cross_validate"], asked["device"]) == (False, False, "auto")
    medassist(*WORDS, "--resume", "--cross-validate", "--device", "cpu")
    assert (asked["resume"], asked["cross_validate"], asked["device"]) == (True, True, "cpu")


def test_a_search_names_the_recipe_it_found(medassist, asked) -> None:
    answer = medassist(*WORDS, "--search", "5")
    assert (asked["verb"], asked["trials"]) == ("search", 5)
    assert (answer.out, answer.err) == ("x.search/best.toml\n", "Best score 0.7500 in 5 trials.\n")


@pytest.mark.parametrize(("rank", "said"), [("0", "x\n"), ("1", "")])
def test_only_the_first_process_of_several_speaks(medassist, asked, monkeypatch, rank, said) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("RANK", rank)
    assert medassist(*WORDS).out == said


def test_a_cross_validation_of_some_folds(medassist, asked) -> None:
    medassist(*WORDS, "--cross-validate", "--folds", "3,0")
    assert asked["folds"] == (0, 3)


@pytest.mark.parametrize(
    "more",
    [
        ("--search", "0"),
        ("--search", "many"),
        ("--search", "2", "--cross-validate"),
        ("--folds", "1"),
        ("--cross-validate", "--folds", "one"),
        ("--cross-validate", "--folds", "1,"),
    ],
)
def test_what_makes_no_sense_is_usage(medassist, asked, more) -> None:
    assert medassist(*WORDS, *more).code == 2
    assert not asked


def test_a_recipe_that_is_not_there(refused, tmp_path) -> None:
    line = refused(2, "train", tmp_path / "none.toml", "--data", tmp_path, "--out", tmp_path / "out")
    assert "none.toml" in line
    assert not (tmp_path / "out").exists()
