"""The table of docs/dicom-conformance.md against the tests it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROWS = re.findall(
    r"^\| (\d+) \| .+ \| .+ \| `(test_traps_\w+\.py)::(test_trap_(\d\d)_\w+)` \|$",
    (HERE.parents[1] / "docs" / "dicom-conformance.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_trap_has_a_row():
    assert [int(row[0]) for row in ROWS] == list(range(1, 57))


@pytest.mark.parametrize(("number", "file", "name", "own"), ROWS, ids=[row[0] for row in ROWS])
def test_the_named_test_exists(number, file, name, own):
    assert int(number) == int(own)
    assert f"\ndef {name}(" in (HERE / file).read_text(encoding="utf-8")
