"""A network that is right for the wrong reason, and what its explanations show of that.

`python -m benchmarks shortcut FOLDER -o OUT` trains a small network (`benchmarks/shortcut.toml`, the product's own
training) on films of two folders of which one went through another processing, measures it on people it has not seen,
and asks two questions that look at no disease: what remains of its AUC when the middle of the film is blanked, or all
but the middle; and which share of its heat lies outside of the middle, beside the share of the area and beside a
shipped model on the same films. OUT gets the network, `shortcut.json` and `shortcut.png`; exit code 1 says that
nothing was shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.box_maps import coarse
from benchmarks.shortcut_picture import draw
from benchmarks.shortcut_words import Heat, as_json, sentences
from medassist.cli.terminal import given_path, progress_bar, say
from medassist.entities.errors import MedAssistError, Refused
from medassist.entities.volume import Volume
from medassist.explain.methods import explain, find
from medassist.inference import catalogue
from medassist.inference.packages import Package, read
from medassist.inference.predict import predict
from medassist.progress import Progress
from medassist.training.audit.areas import Area, Draws, area
from medassist.training.audit.blanking import blank, ellipse
from medassist.training.layouts.reading import image_of, read_table
from medassist.training.metrics import Measured, bootstrap
from medassist.training.recipe import read_recipe
from medassist.training.record import read_record, write_json
from medassist.training.table import Row, rows_in, with_folds
from medassist.training.train import train

RECIPE = Path(__file__).with_suffix(".toml")
REFERENCE, REFERENCE_TARGET = "chest_xray_findings", "Pleural effusion"
METHODS = "gradcam,layercam,smoothgrad,integratedgradients,occlusion"
FILMS = 12
REPEATS = 2000


@dataclass(frozen=True, eq=False)
class Films:
    """Films of people the network has not seen, whose they are, and from which folder."""

    rows: tuple[Row, ...]
    volumes: tuple[Volume, ...] = field(repr=False)

    @property
    def sources(self) -> NDArray[np.str_]:
        """What each film is labelled, which says where it comes from."""
        return np.array([row.columns["labels"] for row in self.rows])

    def by_source(self) -> dict[str, list[Volume]]:
        """Return the films of each source."""
        return {one: [film for film, source in zip(self.volumes, self.sources, strict=True) if source == one]
                for one in sorted(set(self.sources.tolist()))}  # fmt: skip

    def first(self, count: int) -> Films:
        """Return the first films of each source."""
        kept = [at for one in sorted(set(self.sources)) for at in np.flatnonzero(self.sources == one)[:count]]
        return Films(tuple(self.rows[at] for at in kept), tuple(self.volumes[at] for at in kept))


def trained(folder: Path, recipe: Path, out: Path, progress: Progress) -> Package:
    """Return the network of the recipe: trained now, or before, or from where a training was interrupted."""
    done = out / "docs/evaluation.json"
    same = done.is_file() and (out / "recipe.toml").read_text(encoding="utf-8") == recipe.read_text(encoding="utf-8")
    return read(out if same else train(recipe, folder, out, resume=True, device="cpu", progress=progress))


def unseen(package: Package, folder: Path) -> Films:
    """Return the films of the test folds, which are drawn by the recipe where the folder names none."""
    table = with_folds(read_recipe(package.root / "recipe.toml"), read_table(folder))
    rows = tuple(rows_in(table, read_record(package).test_folds))
    return Films(rows, tuple(image_of(table, row) for row in rows))


def probe(package: Package, films: Films, progress: Progress) -> dict[str, Measured]:
    """Return the AUC on films as they are, without their middle, and with nothing but it; and two differences.

    The middle is an ellipse that covers half of the film; what is blanked gets the mean grey value of all films.
    """
    label = read_record(package).labels[0]
    truth = np.array([bool({*label.members} & {one}) for one in films.sources])
    draws = Draws.of(np.unique([row.subject for row in films.rows], return_inverse=True)[1])
    fill = float(np.mean([one.array_tzyx.mean() for one in films.volumes]))
    shown = {"whole": films.volumes, "middle blanked": [blank(one, None, fill) for one in films.volumes],
             "only the middle": [blank(one, ~middle_of(one), fill) for one in films.volumes]}  # fmt: skip
    found: dict[str, Area] = {}
    for name, volumes in shown.items():
        scores = np.array([predict(package, one, device="cpu").scores[0].probability
                           for one in progress.over(volumes, f"Asking: {name}")])  # fmt: skip
        measured = area(scores, truth, draws)
        if measured is None:
            raise Refused("{model} has no unseen films of both kinds.", model=package.name)
        found[name] = measured
    lost = found["whole"].above(found["middle blanked"])
    more = found["middle blanked"].above(found["only the middle"])
    return {**{name: one.measured() for name, one in found.items()}, "lost without the middle": lost,
            "more without the middle than with it alone": more}  # fmt: skip


def middle_of(volume: Volume) -> NDArray[np.bool_]:
    """Return the ellipse in the middle of a film (row, column), half of its area."""
    return ellipse(*volume.geometry.shape_zyx[1:])


def heat(package: Package, films: Films, target: str, method: str, progress: Progress) -> Heat:
    """Explain a target on every film (Refused as by the method)."""
    shares, areas, maps = list[float](), list[float](), list[NDArray[np.float64] | None]()
    for volume in progress.over(films.volumes, f"{package.name}: {method}"):
        values = np.maximum(explain(package, volume, target, method=method, device="cpu").values_zyx[0], 0.0)
        outside = ~middle_of(volume)
        areas.append(float(outside.mean()))
        shares.append(float(values[outside].sum() / values.sum()) if values.any() else float("nan"))
        maps.append(coarse(values))
    columns = {"outside": np.array(shares), "less_area": np.array(shares) - np.array(areas)}
    measured = bootstrap(lambda rows: {name: float(np.nanmean(one[rows])) for name, one in columns.items()},
                         [row.subject for row in films.rows], repeats=REPEATS)  # fmt: skip
    return Heat(measured["outside"], measured["less_area"], _means(maps, films.sources))


def _means(maps: Sequence[NDArray[np.float64] | None], sources: NDArray[np.str_]) -> dict[str, NDArray[np.float64]]:
    chosen = {one: [each for each, source in zip(maps, sources, strict=True) if source == one and each is not None]
              for one in sorted(set(sources))}  # fmt: skip
    return {source: np.mean(own, axis=0) for source, own in chosen.items() if own}


def main(words: Sequence[str]) -> int:
    """Parse the command line, train, measure, print; an error is one line and its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks shortcut", description=__doc__.split("\n")[0])
    parser.add_argument(
        "folder", type=given_path, help="films of two sources: ../shared/data/chest_xray_traps/two_sources"
    )
    parser.add_argument("-o", "--out", type=given_path, required=True)
    parser.add_argument("--recipe", type=given_path, default=RECIPE)
    parser.add_argument("--methods", default=METHODS, help="names, separated by commas")
    parser.add_argument("--films", type=int, default=FILMS, help="films of each source that are explained")
    given = parser.parse_args(words)
    try:
        with progress_bar() as progress:
            return _told(given, progress)
    except MedAssistError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code


def _told(given: argparse.Namespace, progress: Progress) -> int:
    methods = [find(one, "classification").name for one in given.methods.split(",")]  # before minutes of training
    given.out.mkdir(parents=True, exist_ok=True)
    package = trained(given.folder, given.recipe, given.out / "network", progress)
    films = unseen(package, given.folder)
    areas, explained = probe(package, films, progress), films.first(given.films)
    maps = {one: heat(package, explained, package.labels[0].label, one, progress) for one in methods}
    reference = catalogue.find(REFERENCE)
    others = {one: heat(reference, explained, REFERENCE_TARGET, one, progress) for one in maps}
    people = len({row.subject for row in films.rows})
    lines, shown = sentences(areas, maps, others, (len(films.rows), people, len(explained.rows)), reference.name)
    write_json(given.out / "shortcut.json", as_json(package, areas, maps, others))
    (given.out / "shortcut.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    targets = (package.labels[0].label, REFERENCE_TARGET)
    draw(given.out / "shortcut.png", films.by_source(), areas, maps, others, targets)
    say("\n".join(lines))
    return 0 if shown else 1
