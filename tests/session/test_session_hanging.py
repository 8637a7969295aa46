"""Hanging rules: which fits, what goes where, and that no rule takes away what is on screen or mixes patients."""

from __future__ import annotations

from pathlib import Path

import pytest

from medassist.entities.errors import UnreadableInput
from medassist.entities.pane_layout import LAYOUTS
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.imaging.slicing import Plane
from medassist.locations import resources_dir
from medassist.session.hanging import hang
from medassist.session.state import Session
from medassist.storage import hanging

JANE, JOHN = Patient("Doe^Jane", "ID-7"), Patient("Roe^John", "ID-8")


def one(key: str, modality: str, kind: SeriesKind = SeriesKind.VOLUME, **fields: str) -> Series:
    return Series(key, kind, (), modality=modality, shape_zyx=(1 if kind is SeriesKind.FILM else 9, 5, 6), **fields)


def film(key: str, view: str = "", **fields: str) -> Series:
    return one(key, fields.pop("modality", "DX"), SeriesKind.FILM, view_position=view, **fields)


def study(*series: Series, date: str = "20260102", patient: Patient = JANE) -> Study:
    return Study(f"1.{date}.{series[0].key}", patient, date=date, series=series)


def session(*studies: Study, current: str) -> Session:
    return Session(scans=(Scan(Path("/data"), studies),), current=current)


def hung(*studies: Study, current: str) -> tuple[str, tuple[str, ...]]:
    found = hang(session(*studies, current=current), hanging.read().rules)
    return found.layout, tuple(pane.series_key for pane in found.panes)


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDASSIST_CONFIG", str(tmp_path))
    return tmp_path / "hanging.toml"


def test_every_rule_that_ships_can_be_read_and_is_named():
    rules = hanging.read()
    assert rules.problem is None
    assert len(rules.rules) >= 9
    assert all(rule.name and len(rule.places) == LAYOUTS[rule.layout] for rule in rules.rules)


@pytest.mark.parametrize(
    ("series", "current", "expected"),
    [
        ((one("a", "CT"), one("b", "CT")), "a", ("mpr", ())),
        ((film("a", "PA"),), "a", ("mpr", ())),
        ((film("l", "LL"), film("p", "PA")), "l", ("1x2", ("p", "l"))),
        ((film("l", description="Thorax lateral"), film("p", description="Thorax pa")), "p", ("1x2", ("p", "l"))),
        ((film("l", "LL", modality="CR"), film("p", "AP", modality="CR")), "p", ("1x2", ("p", "l"))),
        ((one("a", "CT"), one("b", "PT")), "b", ("1x2", ("a", "b"))),
        ((one("a", "MR"), one("b", "MR")), "a", ("1x2", ("a", "b"))),
        ((one("a", "MR"), one("b", "MR"), one("c", "MR")), "b", ("2x2", ("b", "a", "c", ""))),
        ((one("a", "MR"),), "a", ("mpr", ())),
        ((one("a", "CT"), one("s", "SEG", SeriesKind.OTHER)), "a", ("mpr", ())),
    ],
)
def test_the_rules_that_ship(series, current, expected):
    assert hung(study(*series), current=current) == expected


def test_four_mammograms_hang_back_to_back():
    films = [
        film("1", description="L MLO", modality="MG"),
        film("2", description="RCC", modality="MG"),
        film("3", "CC", laterality="L", modality="MG"),
        film("4", "MLO", laterality="R", modality="MG"),
    ]
    assert hung(study(*films), current="1") == ("2x2", ("2", "3", "4", "1"))


def test_the_newest_earlier_study_of_the_same_patient_hangs_beside():
    now, old, older = (study(one(key, "CT"), date=date) for key, date in
                       (("n", "20260102"), ("o", "20250102"), ("p", "20200102")))  # fmt: skip
    assert hung(now, older, old, current="n") == ("1x2", ("n", "o"))
    assert hung(now, old, current="o") == ("1x2", ("n", "o"))  # opened after the newer one
    assert hung(now, older, old, current="p") == ("mpr", ())  # not the one that would hang there
    assert hung(study(one("n", "CT")), study(one("o", "CT"), one("q", "CT"), date="2025"), current="q") == (
        "1x2",
        ("n", "q"),
    )


def test_no_series_of_another_patient_or_another_part_hangs_beside():
    now = study(one("n", "CT", body_part="HEAD"))
    assert hung(now, study(one("o", "CT"), date="2025", patient=JOHN), current="n")[0] == "mpr"
    assert hung(now, study(one("o", "CT"), date="2025", patient=Patient()), current="n")[0] == "mpr"
    assert hung(now, study(one("o", "CT", body_part="FOOT"), date="2025"), current="n")[0] == "mpr"
    assert hung(now, study(one("o", "MR"), date="2025"), current="n")[0] == "mpr"
    assert hung(now, study(one("o", "CT"), date=""), current="n")[0] == "mpr"


def test_a_film_in_two_views_hangs_with_the_views_of_before():
    now, old = study(film("p", "PA"), film("l", "LL")), study(film("q", "PA"), film("m", "LL"), date="2025")
    assert hung(now, old, current="p") == ("2x2", ("p", "l", "q", "m"))
    assert hung(now, study(film("q", "PA"), date="2025"), current="p") == ("2x2", ("p", "l", "q", ""))


def test_rules_of_the_user_come_first_and_may_stand_alone(own):
    own.write_text(
        '[[rule]]\nname = "Liver"\nmodalities = ["ct"]\nbody_parts = ["LIVER", "肝"]\nlayout = "1x2"\n'
        'panes = [{ words = ["arterial"] }, { words = ["portal"], plane = "coronal" }]\n',
        encoding="utf-8",
    )
    liver = study(one("a", "CT", description="Liver arterial"), one("b", "CT", description="Liver portal"))
    found = hang(session(liver, current="a"), hanging.read().rules)
    assert [(pane.series_key, pane.plane) for pane in found.panes] == [("a", None), ("b", Plane.CORONAL)]
    for first, layout in (("肝 arterial", "1x2"), ("Deliver arterial", "mpr")):
        mine = study(one("a", "CT", description=first), one("b", "CT", description="portal"))
        assert hung(mine, current="a")[0] == layout
    assert hung(study(one("a", "MR"), one("b", "MR")), current="a")[0] == "1x2"
    own.write_text("alone = true\n" + own.read_text(encoding="utf-8"), encoding="utf-8")
    assert hung(study(one("a", "MR"), one("b", "MR")), current="a")[0] == "mpr"


def test_words_that_must_not_be_there(own):
    own.write_text('[[rule]]\nlayout = "1x2"\npanes = [{ not_words = ["LOC"] }, { not_words = ["LOC"] }]\n')
    mine = study(
        one("x", "MR", description="LOC 3 plane"), one("a", "MR", description="T1"), one("b", "MR", description="T2")
    )
    assert hung(mine, current="b") == ("1x2", ("b", "a"))
    assert hung(mine, current="x")[1][:1] == ("x",)  # the next rule: a rule never takes the series on screen away


@pytest.mark.parametrize(
    "text",
    [
        "rule = 3",
        "[[rule]]\nlayout = '5x5'",
        "[[rule]]\nlayout = ['1x1']",
        "[[rule]]\nlayout = '1x2'\npanes = [{}]",
        "[[rule]]\nlayout = '1x1'\npanes = [{ plane = 'oblique' }]",
        "[[rule]]\nlayout = '1x1'\npanes = [{ plane = ['axial'] }]",
        "[[rule]]\nlayout = '1x1'\npanes = [{ prior = 'yes' }]",
        "[[rule]]\nlayout = '1x1'\npanes = [{ colour = 'red' }]",
        "[[rule]]\nlayout = '1x1'\npanes = [{}]\nmodalities = 'CT'",
        "[[rule]]\nlayout = 'mpr'\nname = 3",
        "else = 1",
        "alone = 1",
        "[[rule",
        "\udcff",
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_shipped_rules_count(own, text):
    own.write_bytes(text.encode("utf-8", "surrogateescape"))
    rules = hanging.read()
    assert isinstance(rules.problem, UnreadableInput)
    assert str(own) in str(rules.problem)
    assert len(rules.rules) >= 9


def test_the_shipped_file_stands_where_it_is_looked_for():
    assert (resources_dir() / "hanging.toml").is_file()
