"""`doctor` and `samples`."""

from __future__ import annotations

from pathlib import Path

from bundles import write_segmenter

from medassist.locations import user_models_dir
from medassist.plugins import Availability
from medassist.session import doctor
from medassist.storage import terminology


def test_doctor_finds_nothing_missing_here(medassist) -> None:
    answer = medassist("doctor", "--json")
    missing = [line for line in answer.json["checks"] if line["verdict"] == "missing"]
    assert (answer.code, missing) == (0, [])


def test_doctor_names_what_optimising_lacks(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "needs", lambda modules: Availability(f"needs {', '.join(modules)}"))
    (line,) = doctor._optimising()
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
    (line,) = doctor._terms()
    assert (line.verdict, line.remedy) == ("ok", "")
    terminology.user_file().parent.mkdir(parents=True, exist_ok=True)
    terminology.user_file().write_text("terms = 3")
    (line,) = doctor._terms()
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
