"""Do maps point at what radiologists drew a box around? Each method beside what needs no network at all.

`python -m benchmarks boxes FOLDER [--model M] [--methods A,B] [--target LABEL] [-o OUT]`: per method the share of films
whose strongest pixel lies in a box (pointing) and the share of the heat in boxes (energy), with 95 % intervals over
patients, and how much more that is than chance, which is the share of the film the boxes cover.

Chance is easily beaten without seeing anything: boxes lie in lungs, and lungs in the middle. So each map also stands
against the mean map that the same method gives of the other patients' films, and below the methods stand an edge
filter, a spot in the middle of the film, and the place where the boxes of the other patients lie.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.box_figures import Figures, conclusion, text_of
from benchmarks.box_maps import Case, Maps, asked, rows_of
from benchmarks.box_targets import target_for, with_learned
from benchmarks.boxed_films import Boxed, inside, read_boxed
from medassist.cli.terminal import given_path, progress_bar, say, say_json
from medassist.entities.errors import MedAssistError, UsageError
from medassist.explain.costs import passes_of
from medassist.explain.methods import METHODS, find
from medassist.inference import catalogue
from medassist.inference.packages import Package
from medassist.training.layouts.layout import open_one
from medassist.training.record import write_json

MODEL = "chest_xray_findings"
STAMPED = 3
FEWEST = 5
"""Films a target needs for a table of its own."""


def cases_of(package: Package, folder: Path, wanted: str) -> list[Case]:
    """Return the films with a target (UsageError when the model has no label for any of them)."""
    boxed = read_boxed(folder)
    targets = {one.finding: target_for(package, one.finding, wanted) for one in boxed}
    for finding in (one for one, target in targets.items() if not target):
        sys.stderr.write(f"left out, since no label of the model fits: {finding}\n")
    if not any(targets.values()):
        raise UsageError(
            "No label of {model} fits the findings of {path}.",
            remedy="Name one with --target.",
            model=package.name,
            path=folder,
        )
    found = [Case(one, _shape(one), targets[one.finding]) for one in boxed if targets[one.finding]]
    for case in found:
        inside(case.boxed, *case.shape)
    return found


def _shape(boxed: Boxed) -> tuple[int, int]:
    _slices, rows, columns = open_one(boxed.path).geometry.shape_zyx
    return rows, columns


def affordable(wanted: str, shape: tuple[int, ...]) -> list[str]:
    """Return the methods named, else all that fit; says what each costs, in passes of the network per film."""
    names = [one for one in wanted.split(",") if one] or [
        one.name for one in METHODS if one.applies_to("classification") and one.availability().ok
    ]
    chosen = [find(one, "classification") for one in names]
    costs = (f"{one.name} {passes_of(one, shape, region=False, settings={}):.0f}" for one in chosen)
    sys.stderr.write(f"passes of the network per film, about: {', '.join(costs)}\n")
    return [one.name for one in chosen]


def main(words: Sequence[str]) -> int:
    """Parse the command line, measure, print; an error is one line and its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks boxes", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=given_path, help="a folder with boxes.csv, index.csv and films")
    parser.add_argument("--model", default=MODEL, help="a name of `medassist models list`, or a folder")
    parser.add_argument("--methods", default="", help="names, separated by commas; all that apply without")
    parser.add_argument("--target", default="", help="a label to ask about instead of the one that fits the finding")
    parser.add_argument("--stamps", type=int, default=STAMPED, help="films whose maps are stamped, 0 for none")
    parser.add_argument("-o", "--out", type=given_path, help="a folder for boxes.json and boxes.txt")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    try:
        package = with_learned(catalogue.find(given.model))
        cases = cases_of(package, given.folder, given.target)
        methods = affordable(given.methods, cases[0].shape)
        with progress_bar() as progress:
            maps = asked(package, cases, methods, given.stamps, progress)
    except MedAssistError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    told = asked_about(cases, {label.label for label in catalogue.find(given.model).labels})
    text, content = _text(maps, cases, told), _content(package, maps, cases, told)
    if given.out is not None:
        write_json(given.out / "boxes.json", content)
        (given.out / "boxes.txt").write_text(text + "\n", encoding="utf-8")
    if given.json:
        say_json(content)
    else:
        say(text)
    return 0


def _targets(cases: Sequence[Case]) -> list[str]:
    """Return what is asked about, where that is more than one thing."""
    targets = list(dict.fromkeys(case.target for case in cases))
    return targets if len(targets) > 1 else []


def _text(maps: Mapping[str, Maps], cases: Sequence[Case], told: Sequence[str]) -> str:
    lines = [*told, "", text_of(rows_of(maps, cases))]
    for target in _targets(cases):
        count = sum(case.target == target for case in cases)
        if count >= FEWEST:
            lines += ["", f"{target}, {count} films", text_of(rows_of(maps, cases, target))]
    return "\n".join(lines)


def _content(
    package: Package, maps: Mapping[str, Maps], cases: Sequence[Case], told: Sequence[str]
) -> dict[str, object]:
    rows = rows_of(maps, cases)
    return {
        "model": package.name,
        "weights": package.sha256,
        "asked": list(told),
        "methods": _json(rows),
        "by_target": {target: _json(rows_of(maps, cases, target)) for target in _targets(cases)},
        "conclusion": conclusion(rows),
    }


def _json(rows: Mapping[str, Figures]) -> dict[str, object]:
    return {name: one.as_json() for name, one in rows.items()}


def asked_about(cases: Sequence[Case], offered: set[str]) -> list[str]:
    """Return one sentence per finding: which label was asked about it, on how many films of how many patients."""
    lines = []
    for finding in dict.fromkeys(case.boxed.finding for case in cases):
        own = [case for case in cases if case.boxed.finding == finding]
        patients = len({case.boxed.patient for case in own})
        hidden = "" if own[0].target in offered else " (learned, not offered)"
        lines.append(f"{finding}: {len(own)} films of {patients} patients, asked about {own[0].target}{hidden}")
    return lines
