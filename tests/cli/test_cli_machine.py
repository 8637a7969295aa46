"""`doctor` and `samples`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from bundles import write_segmenter

from medassist.locations import user_models_dir
from medassist.plugins import Availability
from medassist.session.checking import computing, installed
from medassist.session.checking.line import OK, Line, plain
from medassist.storage import terminology

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text(encoding="utf-8"))


def test_doctor_finds_nothing_missing_here(medassist) -> None:
    answer = medassist("doctor", "--json")
    missing = [line for line in answer.json["checks"] if line["verdict"] == "missing"]
    assert (answer.code, missing) == (0, [])
    jsonschema.validate(answer.json, SCHEMA)
    found = {line["check"]: line for line in answer.json["checks"]}
    assert found["model hippocampus_mr"]["found"].endswith("with the expected answer")
    assert sum(name.startswith("codec ") for name in found) == 11
    assert found["device cpu"]["found"].endswith("GFLOP/s")


@pytest.mark.parametrize(
    "damage",
    [
        {"verdict": "bad"},
        {"checks": []},
        {"checks": [{"check": "x", "verdict": "missing", "found": "y", "remedy": ""}]},
        {"checks": [{"check": "x", "verdict": "ok", "found": "y"}]},
        {"more": 1},
    ],
)
def test_the_schema_of_the_answer_takes_no_other(damage) -> None:
    good = {"version": "0.1.0", "verdict": "ok", "checks": [Line(plain("x"), OK, plain("y")).as_json()]}
    jsonschema.validate(good, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good | damage, SCHEMA)


def test_doctor_names_what_optimising_lacks(monkeypatch) -> None:
    monkeypatch.setattr(computing, "needs", lambda modules: Availability(f"needs {', '.join(modules)}"))
    (line,) = computing.optimising()
    assert (line.check, line.verdict) == ("optimising", "note")
    assert "nncf" in line.found
    assert "medassist[optimise]" in line.remedy


def test_doctor_names_a_damaged_model_and_what_to_do(medassist) -> None:
    weights = write_segmenter(user_models_dir() / "tiny") / "models" / "model.pt"
    weights.write_bytes(b"damaged")
    answer = medassist("doctor", "--json")
    line = next(line for line in answer.json["checks"] if line["check"] == "model tiny")
    assert answer.code == 4
    assert line["verdict"] == "missing"
    assert line["remedy"]


def test_doctor_names_a_table_of_terms_that_is_not_used() -> None:
    (line,) = installed.terms()
    assert (line.verdict, line.remedy) == ("ok", "")
    terminology.user_file().parent.mkdir(parents=True, exist_ok=True)
    terminology.user_file().write_text("terms = 3")
    (line,) = installed.terms()
    assert line.verdict == "note"
    assert str(terminology.user_file()) in line.found
    assert line.remedy


def test_samples_ship_and_are_found(medassist) -> None:
    names = {one["name"]: one for one in medassist("samples", "list", "--json").json["samples"]}
    assert names["RG1"]["here"]
    assert names["RG3"]["here"]
    assert all(one["sha256"] and one["licence"] for one in names.values())
    assert Path(medassist("samples", "get", "RG1").out.strip()).is_file()


def test_unknown_sample_is_code_2(refused) -> None:
    assert "RG1" in refused(2, "samples", "get", "nothing")
    assert "RG1" in refused(2, "samples", "get")
