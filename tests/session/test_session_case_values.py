"""Case files somebody made by hand: what nothing could draw or write ends with one sentence, never as a bug."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from phantoms import write_ct_series
from test_session_cases import opened, rewritten, saved_case, worked

from medassist.entities.errors import UnreadableInput
from medassist.progress import Progress
from medassist.report.export import EXPORTERS, export
from medassist.session.history import fold
from medassist.session.reporting import case_of
from medassist.session.restoring import open_case
from medassist.session.state import Session

FORMATS = [name for name in EXPORTERS if name != "pdf" and "pdf" not in EXPORTERS[name].requires]


@pytest.fixture
def file(tmp_path):
    write_ct_series(tmp_path / "ct", slices=6, rows=16, columns=20)
    return saved_case(worked(opened(tmp_path / "ct")), tmp_path / "a.medassist")


def _segment(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["predictions"][0]["mask"]["segments"][0]
    return found


def _view(told: dict[str, Any]) -> dict[str, Any]:
    (view,) = told["views"].values()
    found: dict[str, Any] = view["window"]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: _segment(told).update(color=[300, 0, 0]), "colour in it lies outside"),
        (lambda told: _segment(told).update(color=[0, -1, 0]), "colour in it lies outside"),
        (lambda told: _view(told).update(width={"float": "nan"}), "grey scale in it has no width"),
        (lambda told: _view(told).update(width=0), "grey scale in it has no width"),
        (lambda told: _view(told).update(center={"float": "inf"}), "grey scale in it has no width"),
        (lambda told: told["measurements"][0].update(points_lps=[[0, 0, 0]]), "points of its shape"),
        (lambda told: told["measurements"][0].update(shape="polygon"), "points of its shape"),
        (lambda told: told["predictions"][0].update(started="noon"), "not say when a model ran"),
    ],
)
def test_what_nothing_could_draw_or_write_is_one_sentence(
    file: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    with pytest.raises(UnreadableInput, match=said) as told:
        open_case(Session(), rewritten(file, change), progress=Progress())
    assert told.value.exit_code == 3
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["findings"][1].update(code={"value": "1", "scheme": "99X", "meaning": "m" * 200}),
        lambda told: _segment(told).update(code={"value": "1", "scheme": "99X", "meaning": "m" * 65}),
        lambda told: told["findings"][1].update(label="odd \udc80 name", comment="half \ud800", judged_by="\udfff"),
        lambda told: told["predictions"][0]["model"].update(sha256="\ud800", name="\ud800", version="\udc80"),
        lambda told: _segment(told).update(label="\ud800"),
        lambda told: told["measurements"][0].update(label="\ud800", by="\udfff", made_at="\ud800"),
    ],
)
def test_long_meanings_and_halves_of_characters_are_written(
    file: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    back = fold(Session(), open_case(Session(), rewritten(file, change), progress=Progress()))
    written = export(case_of(back, language="en", reader="Dr Who"), tmp_path / "out", FORMATS, progress=Progress())
    assert {"sr.dcm", "seg.dcm", "result.json"} <= {path.name for path in written}
