"""`medassist evaluate --audit`: a table, JSON, and files for people."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from medassist.storage import settings
from medassist.training.audit import areas, people


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(areas, "REPEATS", 100)
    monkeypatch.setattr(people, "ROUNDS", 1)


def films(root: Path, *, marked: bool) -> Path:
    """Sixty little films of as many people; every other has an effusion, and a mark in the corner where `marked`."""
    random = np.random.default_rng(4)
    images = random.integers(40, 200, (60, 64, 64)).astype(np.uint8)
    if marked:
        images[::2, 2:5, 2:20] = 250
    root.mkdir(parents=True)
    np.savez(root / "images64.npz", images=images)
    with (root / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "labels", "patient_id", "age", "view"])
        for row in range(60):
            writer.writerow([row, "No Finding" if row % 2 else "Effusion|Mass", 1000 + (row * 37) % 60, 50, "PA"])
    return root


def test_table_and_reasons(medassist, tmp_path) -> None:
    marked, plain = films(tmp_path / "marked", marked=True), films(tmp_path / "plain", marked=False)
    answer = medassist("evaluate", "--audit", marked, plain, "--labels", "Effusion")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].split()[:3] == ["Set", "Label", "Verdict"]
    assert lines[1].split()[:3] == ["marked", "Effusion", "alarm"]
    assert lines[2].split()[:3] == ["plain", "Effusion", "pass"]
    assert "marked · Effusion: alarm" in lines
    assert lines[-2:] == ["marked: alarm", "plain: pass"]


def test_json_of_one_and_of_several_sets(medassist, tmp_path) -> None:
    marked, plain = films(tmp_path / "marked", marked=True), films(tmp_path / "plain", marked=False)
    one = medassist("evaluate", "--audit", marked, "--json").json
    assert {label: found["verdict"] for label, found in one["audit"].items()} == {"Effusion": "alarm", "Mass": "alarm"}
    assert one["sets"]["marked"]["n"] == one["n"] == 60
    several = medassist("evaluate", "--audit", marked, plain, "--labels", "Mass", "--json").json
    assert {name: found["audit"]["Mass"]["verdict"] for name, found in several["sets"].items()} == {
        "marked": "alarm",
        "plain": "pass",
    }
    assert "audit" not in several


def test_folders_of_one_name_keep_apart(medassist, tmp_path) -> None:
    here, there = films(tmp_path / "a" / "set", marked=False), films(tmp_path / "b" / "set", marked=False)
    answer = medassist("evaluate", "--audit", here, there, "--labels", "Mass", "--json")
    assert set(answer.json["sets"]) == {"a/set", "b/set"}


def test_declared_on_the_command_line(medassist, tmp_path) -> None:
    marked = films(tmp_path / "marked", marked=True)
    answer = medassist("evaluate", "--audit", marked, "--expected", "*=a mark on purpose", "--json").json
    assert answer["verdict"] == "explained"
    assert answer["audit"]["Mass"]["reasons"][-1] == "Declared as expected: a mark on purpose."


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_files(medassist, tmp_path, language) -> None:
    settings.write("language", language)
    out, hostile = tmp_path / "out", films(tmp_path / "<b>set", marked=True)
    table = hostile / "index.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("Effusion", "$_{<i>$"), encoding="utf-8")
    answer = medassist("evaluate", "--audit", hostile, "--labels", "$_{<i>$", "-o", out)
    assert answer.code == 0, answer.err
    content = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert content["audit"]["$_{<i>$"]["verdict"] == "alarm"
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;set" in page
    assert "<b>set" not in page
    assert "<i>" not in page
    assert {"en": "mean grey level of the border", "zh_CN": "边缘平均灰度"}[language] in page
    pictures = list(out.glob("*.png"))
    assert [one.name for one in pictures] == ["audit-b_set.png"]
    assert pictures[0].read_bytes().startswith(b"\x89PNG")
    assert page.count("data:image/png;base64,") == 1


def test_wrong_words_are_refused(refused, tmp_path) -> None:
    plain = films(tmp_path / "plain", marked=False)
    assert "No folder has the label Hernia" in refused(2, "evaluate", "--audit", plain, "--labels", "Hernia")
    assert "CUE=WHY" in refused(2, "evaluate", "--audit", plain, "--expected", "view")
    assert "Name a model" in refused(2, "evaluate")
    assert "stands before it" in refused(2, "evaluate", "model", plain, "--audit", plain)
    assert "index.csv" in refused(3, "evaluate", "--audit", tmp_path)
    assert "cannot be written" in refused(
        5, "evaluate", "--audit", plain, "--labels", "Mass", "-o", plain / "index.csv"
    )
