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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.box_figures import Figures, figures, text_of
from benchmarks.box_targets import target_for, with_learned
from benchmarks.boxed_films import Boxed, inside, read_boxed
from medassist.cli.terminal import given_path, progress_bar, say, say_json
from medassist.entities.errors import MedAssistError, Refused, UsageError
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.volume import Volume
from medassist.explain.costs import passes_of
from medassist.explain.methods import METHODS, explain, find
from medassist.explain.quality.placing import placed
from medassist.explain.quality.stamping import stamp
from medassist.inference import catalogue
from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.layouts.layout import open_one

MODEL = "chest_xray_findings"
STAMPED = 3
SIDE = 64
"""Maps of different films are averaged on a grid of this many cells, relative to each film."""
SPREAD = 0.2
"""Standard deviation of the spot in the middle, as a share of the side of the film."""

Heat = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    """A film, its boxes as pixels (row, column), and the label of the model that is asked."""

    boxed: Boxed
    volume: Volume = field(repr=False)
    truth: Truth = field(repr=False)
    target: str


@dataclass
class Maps:
    """What a method gave, case by case: heat (64, 64) whose sum is 1, None for none; figures; stamps of some."""

    heat: list[Heat | None] = field(default_factory=list)
    found: list[Mapping[str, float]] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    seconds: float = 0.0


def cases_of(package: Package, folder: Path, wanted: str) -> list[Case]:
    """Return the films with a target (UsageError when the model has no label for any of them)."""
    boxed = read_boxed(folder)
    targets = {one.finding: target_for(package, one.finding, wanted) for one in boxed}
    if not any(targets.values()):
        raise UsageError(
            "No label of {model} fits the findings of {path}.",
            remedy="Name one with --target.",
            model=package.name,
            path=folder,
        )
    opened = ((one, open_one(one.path)) for one in boxed if targets[one.finding])
    return [Case(one, film, inside(one, *film.geometry.shape_zyx[1:]), targets[one.finding]) for one, film in opened]


def coarse(heat: NDArray[np.generic]) -> Heat | None:
    """Return what speaks for the target on 64 x 64 cells of the film, summing to 1; None for an empty map."""
    from PIL import Image

    small = Image.fromarray(np.maximum(heat.astype(np.float32), 0.0)).resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float64)
    return values / values.sum() if values.sum() > 0.0 else None


def fine(heat: Heat, shape: tuple[int, ...]) -> Heat:
    """Return a map of 64 x 64 cells on every pixel of a film (row, column)."""
    from PIL import Image

    large = Image.fromarray(heat.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(large, dtype=np.float64)


def of_others(heats: Sequence[Heat | None], cases: Sequence[Case], at: int) -> Heat:
    """Return the mean of the maps of other patients' films, even where there is none."""
    patient = cases[at].boxed.patient
    others = [
        heat for heat, case in zip(heats, cases, strict=True) if heat is not None and case.boxed.patient != patient
    ]
    return np.mean(others, axis=0) if others else np.full((SIDE, SIDE), SIDE**-2.0)


def asked(package: Package, cases: Sequence[Case], method: str, stamped: int, progress: Progress) -> Maps:
    """Explain every film by one method (Refused when the network does not allow it); stamp the first few."""
    maps, began = Maps(), perf_counter()
    for at, case in enumerate(cases):
        progress.step(method, at / len(cases))
        heatmap = explain(package, case.volume, case.target, method=method, progress=Progress())
        maps.heat.append(coarse(heatmap.values_zyx[0]))
        maps.found.append(placed(heatmap.values_zyx[0], case.truth))
        if at < stamped:
            maps.stamps.append(stamp(package, case.volume, heatmap, progress=Progress()))
    maps.seconds = perf_counter() - began
    return maps


def without_network(cases: Sequence[Case]) -> dict[str, Maps]:
    """Return the maps that need no network: chance must not look like an explanation."""
    from skimage.filters import sobel

    boxes = [coarse(case.truth) for case in cases]
    across = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    spot = np.exp(-(across[:, None] ** 2 + across[None] ** 2) / (2.0 * SPREAD**2))
    drawn: dict[str, Callable[[int], Heat]] = {
        "edge filter": lambda at: np.asarray(sobel(cases[at].volume.array_zyx[0].astype(np.float64))),
        "middle of the film": lambda at: fine(spot, cases[at].truth.shape),
        "boxes of the others": lambda at: fine(of_others(boxes, cases, at), cases[at].truth.shape),
    }
    return {
        name: Maps(found=[placed(draw(at), case.truth) for at, case in enumerate(cases)])
        for name, draw in drawn.items()
    }


def measured(package: Package, cases: Sequence[Case], methods: Sequence[str], stamped: int,
             progress: Progress) -> dict[str, Figures]:  # fmt: skip
    """Return the figures of each method the network allows, then those of the maps that need none."""
    patients = [case.boxed.patient for case in cases]
    share = np.array([case.truth.mean() for case in cases])
    controls, rows = without_network(cases), dict[str, Figures]()
    place = controls["boxes of the others"].found
    for method in methods:
        try:
            maps = asked(package, cases, method, stamped, progress)
        except Refused:
            continue
        others = [placed(fine(of_others(maps.heat, cases, at), case.truth.shape), case.truth)
                  for at, case in enumerate(cases)]  # fmt: skip
        fails = [one.standing is not Standing.HOLDS for one in maps.stamps]
        rows[method] = figures(maps.found, share, patients, others=others, place=place,
                               fails=float(np.mean(fails)) if fails else None,
                               seconds=maps.seconds / len(cases))  # fmt: skip
    return rows | {name: figures(maps.found, share, patients) for name, maps in controls.items()}


def affordable(wanted: str, case: Case) -> list[str]:
    """Return the methods named, else all that fit; says what each costs, in passes of the network per film."""
    names = [one for one in wanted.split(",") if one] or [
        one.name for one in METHODS if one.applies_to("classification") and one.availability().ok
    ]
    chosen = [find(one, "classification") for one in names]
    shape = case.volume.geometry.shape_zyx[1:]
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
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(words)
    try:
        package = with_learned(catalogue.find(given.model))
        cases = cases_of(package, given.folder, given.target)
        methods = affordable(given.methods, cases[0])
        with progress_bar() as progress:
            rows = measured(package, cases, methods, given.stamps, progress)
    except MedAssistError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    offered = {label.label for label in catalogue.find(given.model).labels}
    told = asked_about(cases, offered)
    if given.json:
        say_json({"model": package.ref.name, "weights": package.sha256, "asked": told,
                  "methods": {name: one.as_json() for name, one in rows.items()}})  # fmt: skip
    else:
        say("\n".join([*told, "", text_of(rows)]))
    return 0


def asked_about(cases: Sequence[Case], offered: set[str]) -> list[str]:
    """Return one sentence per finding: which label was asked about it, on how many films of how many patients."""
    lines = []
    for finding in dict.fromkeys(case.boxed.finding for case in cases):
        own = [case for case in cases if case.boxed.finding == finding]
        patients = len({case.boxed.patient for case in own})
        hidden = "" if own[0].target in offered else " (learned, not offered)"
        lines.append(f"{finding}: {len(own)} films of {patients} patients, asked about {own[0].target}{hidden}")
    return lines
