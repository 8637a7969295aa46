"""Write an evaluation into a folder: JSON for programs, a page and pictures for people."""

from __future__ import annotations

import json
from pathlib import Path

from medassist.entities.errors import Refused, UnwritableOutput
from medassist.inference.packages import Package
from medassist.plugins import needs
from medassist.training.evaluation.page import render
from medassist.training.evaluation.plots.draw import drawings
from medassist.training.evaluation.plots.style import save
from medassist.training.evaluation.result import Evaluation


def prepare(folder: Path) -> None:
    """Make the folder before anything long runs (UnwritableOutput; Refused where a library is missing)."""
    reason = needs(("matplotlib", "sklearn")).reason
    if reason:
        raise Refused(
            "The pictures of an evaluation cannot be drawn: {reason}.",
            remedy="Install medassist[train], or leave out -o and take --json.",
            reason=reason,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _unwritable(folder, problem) from problem


def write(evaluation: Evaluation, package: Package, folder: Path, language: str) -> tuple[Path, ...]:
    """Write evaluation.json, evaluation.html and the PNGs; return their paths (as `prepare` for errors)."""
    prepare(folder)
    wanted = drawings(evaluation, package, language)
    try:
        content = json.dumps(evaluation.as_json(), ensure_ascii=False, indent=2, allow_nan=False)
        (folder / "evaluation.json").write_text(content + "\n", encoding="utf-8")
        for one in wanted:
            save(one, folder)
        page = render(evaluation, package, wanted, folder, language)
        (folder / "evaluation.html").write_text(page, encoding="utf-8")
    except OSError as problem:
        raise _unwritable(folder, problem) from problem
    return tuple(folder / name for name in ("evaluation.json", "evaluation.html", *(one.file_name for one in wanted)))


def _unwritable(folder: Path, problem: OSError) -> UnwritableOutput:
    return UnwritableOutput("{folder} cannot be written: {reason}.", folder=folder, reason=problem.strerror)
