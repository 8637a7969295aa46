"""The hazard log against the code: every row says what prevents it, and names tests that exist or why it is open."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT / "docs" / "hazards.md"
COLUMNS = ("id", "hazard", "how", "prevents", "proof", "remains")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of all tables, without their heads."""
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines]
    rows = [line for line in cells if line[0] != "id" and set(line[0]) != {"-"}]
    return [dict(zip(COLUMNS, line, strict=True)) for line in rows]


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the test functions of a file, read without importing it."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(one.name for one in nodes if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"))


def problems_of(row: dict[str, str]) -> list[str]:
    """Return what is wrong with a row."""
    empty = [name for name in COLUMNS if not row[name]]
    named = TEST.findall(row["proof"])
    gone = [f"{file}::{name}" for file, name in named if name not in names_in(file)]
    open_with_reason = re.match(r"open: \w{2,}.{10,}", row["proof"])
    proof = [] if named or open_with_reason else ["neither a test nor 'open: reason'"]
    rest = re.sub(r"<br>", "", TEST.sub("", row["proof"])).strip()
    unread = [rest] if named and rest else []
    return [*(f"no {name}" for name in empty), *(f"no such test: {one}" for one in gone), *proof, *unread]


ROWS = rows_of(LOG.read_text(encoding="utf-8"))


def test_ids_are_unique_and_in_order() -> None:
    assert [row["id"] for row in ROWS] == [f"H{number:02}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 50


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_row_says_what_prevents_it_and_what_proves_it(row: dict[str, str]) -> None:
    assert problems_of(row) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proof": "`tests/test_hazards.py::test_that_is_not_there`"}, "no such test"),
        ({"proof": "`tests/test_nowhere.py::test_ids_are_unique_and_in_order`"}, "no such test"),
        ({"proof": "open"}, "neither a test"),
        ({"proof": "open: "}, "neither a test"),
        ({"proof": "tests/test_hazards.py::test_ids_are_unique_and_in_order"}, "neither a test"),
        ({"proof": "`tests/test_hazards.py::rows_of`"}, "no such test"),
        ({"prevents": ""}, "no prevents"),
        ({"remains": ""}, "no remains"),
    ],
)
def test_a_row_that_proves_nothing_is_found_out(changes: dict[str, str], said: str) -> None:
    row = dict.fromkeys(COLUMNS, "x") | {"proof": "`tests/test_hazards.py::test_ids_are_unique_and_in_order`"}
    assert problems_of(row) == []
    assert said in " ".join(problems_of(row | changes))
