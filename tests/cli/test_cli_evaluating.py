"""`medassist evaluate MODEL DATA`: a table, JSON, and files for people."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from bundles import write_classifier

from medassist.training.audit import areas, people
from medassist.training.evaluation import robustness


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(areas, "REPEATS", 50)
    monkeypatch.setattr(people, "ROUNDS", 1)
    monkeypatch.setattr("medassist.training.evaluate.REPEATS", 30)
    monkeypatch.setattr("medassist.training.evaluate.SUBGROUP_REPEATS", 10)
    monkeypatch.setattr(robustness, "REPEATS", 10)
    monkeypatch.setattr(robustness, "CORRUPTED_CASES", {True: 4, False: 2})
    monkeypatch.setattr(robustness, "ATTACKED_CASES", {True: 4, False: 2})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "tiny")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Twenty-four films of as many people, without folds, without ages; every other has an effusion."""
    root = tmp_path / "kept_apart"
    root.mkdir()
    np.savez(root / "images64.npz", images=np.random.default_rng(4).integers(0, 250, (24, 32, 32)).astype(np.uint8))
    with (root / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "labels", "patient_id", "view"])
        for row in range(24):
            found = "No Finding" if row % 2 else ("Effusion|Cardiomegaly" if row % 4 else "Effusion")
            writer.writerow([row, found, 1000 + row, "PA"])
    return root


def test_table_and_pictures(medassist, model, films, tmp_path) -> None:
    answer = medassist("evaluate", model, films, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0][:3] == ["Label", "Metric", "Value"]
    assert {"Effusion", "Cardiomegaly"} <= {words[0] for words in lines if words}
    assert "Shortcut audit" in answer.out
    names = {"evaluation.json", "evaluation.html", "roc.png", "precision-recall.png", "reliability.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_json_is_the_object_of_the_contract(medassist, model, films) -> None:
    content = medassist("evaluate", model, films, "--json", "--robustness").json
    assert content["n"] == content["subjects"] == 24
    assert set(content["audit"]) == {"Effusion", "Cardiomegaly"}
    assert content["audit"]["Effusion"]["verdict"] in ("pass", "caution", "alarm", "explained")
    assert set(content["labels"]["Effusion"]["auc"]) == {"value", "low", "high", "n"}
    assert content["subgroups"]["view=PA"]["n"] == 24
    assert [one["name"] for one in content["robustness"]["attacks"]] == ["random", "fgsm", "pgd"]
    assert all(len(one["levels"]) == 5 for one in content["robustness"]["corruptions"])


def test_the_audit_can_be_left_out(medassist, model, films, tmp_path) -> None:
    content = medassist("evaluate", model, films, "--no-audit", "--json", "-o", tmp_path / "out").json
    assert content["audit"] == {}
    assert json.loads((tmp_path / "out/evaluation.json").read_text()) == content


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(refused, model, films, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refused(5, "evaluate", model, tmp_path / "no such data", "-o", tmp_path / "file")
