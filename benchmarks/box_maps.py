"""Maps of films with boxes: made by every method, laid over the boxes, and set beside maps that know no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.box_figures import Figures, figures
from benchmarks.boxed_films import Boxed, inside
from medassist.entities.errors import Refused
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.volume import Volume
from medassist.explain.methods import explain
from medassist.explain.quality.placing import placed
from medassist.explain.quality.stamping import stamp
from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.training.layouts.layout import open_one

SIDE = 64
"""Maps of different films are averaged on a grid of this many cells, relative to each film."""
SPREAD = 0.2
"""Standard deviation of the spot in the middle, as a share of the side of the film."""
GIVE_UP = 3
"""A method that refuses each of so many films is not asked about the others."""
EDGES = "edge filter"

Heat = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """A film of `shape` (rows, columns), its boxes, and the label of the model that is asked."""

    boxed: Boxed
    shape: tuple[int, int]
    target: str

    @property
    def truth(self) -> Truth:
        """The pixels in a box; made when asked for, since films may be large and many."""
        return inside(self.boxed, *self.shape)


@dataclass
class Maps:
    """What a method gave, case by case: heat (64, 64) whose sum is 1, None for none; figures; stamps of some."""

    heat: list[Heat | None] = field(default_factory=list)
    found: list[Mapping[str, float]] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0

    def add(self, heat: NDArray[np.generic], truth: Truth) -> None:
        """Keep one map (row, column)."""
        self.heat.append(coarse(heat))
        self.found.append(placed(heat, truth))

    @property
    def hopeless(self) -> bool:
        """Whether the method refused each of the first films: the network does not allow it."""
        return self.refused == len(self.found) >= GIVE_UP


def coarse(heat: NDArray[np.generic]) -> Heat | None:
    """Return what speaks for the target on 64 x 64 cells of the film, summing to 1; None for an empty map."""
    from PIL import Image

    small = Image.fromarray(np.maximum(heat.astype(np.float32), 0.0)).resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float64)
    return values / values.sum() if values.sum() > 0.0 else None


def fine(heat: Heat, shape: tuple[int, int]) -> Heat:
    """Return a map of 64 x 64 cells on every pixel of a film (row, column)."""
    from PIL import Image

    large = Image.fromarray(heat.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(large, dtype=np.float64)


def of_others(heats: Sequence[Heat | None], cases: Sequence[Case], at: int) -> Mapping[str, float]:
    """Return where the mean of the maps of other patients lies, about the same label; an even map where none is."""
    own = cases[at]
    others = [
        heat
        for heat, case in zip(heats, cases, strict=True)
        if heat is not None and case.boxed.patient != own.boxed.patient and case.target == own.target
    ]
    mean = np.mean(others, axis=0) if others else np.full((SIDE, SIDE), SIDE**-2.0)
    return placed(fine(mean, own.shape), own.truth)


def asked(package: Package, cases: Sequence[Case], methods: Sequence[str], stamped: int,
          progress: Progress) -> dict[str, Maps]:  # fmt: skip
    """Explain every film by every method, stamp the first few of each target; the edge filter stands among them."""
    from skimage.filters import sobel

    maps = {name: Maps() for name in (*methods, EDGES)}
    for at, case in enumerate(cases):
        volume, truth = open_one(case.boxed.path), case.truth
        early = sum(one.target == case.target for one in cases[:at]) < stamped
        maps[EDGES].add(sobel(volume.array_zyx[0].astype(np.float64)), truth)
        for method in methods:
            progress.step(f"{case.boxed.image}: {method}", at / len(cases))
            if not maps[method].hopeless:
                _ask(package, volume, case.target, method, truth, maps[method], stamped=early)
    return {name: one for name, one in maps.items() if not one.hopeless and one.refused < len(cases)}


def _ask(package: Package, volume: Volume, target: str, method: str, truth: Truth, maps: Maps, *,
         stamped: bool) -> None:  # fmt: skip
    began = perf_counter()
    try:
        heatmap = explain(package, volume, target, method=method, progress=Progress())
    except Refused:
        maps.refused += 1
        maps.add(np.zeros(truth.shape), truth)
        return
    maps.add(heatmap.values_zyx[0], truth)
    if stamped:
        maps.stamps.append(stamp(package, volume, heatmap, progress=Progress()))
    maps.seconds += perf_counter() - began


def rows_of(maps: Mapping[str, Maps], cases: Sequence[Case], target: str = "") -> dict[str, Figures]:
    """Return the figures of each method, then those of maps that need no network; of one target's films, or of all."""
    chosen = [at for at, case in enumerate(cases) if not target or case.target == target]
    patients = [cases[at].boxed.patient for at in chosen]
    truths = [coarse(case.truth) for case in cases]
    share = np.array([cases[at].truth.mean() for at in chosen])
    place: list[Mapping[str, float]] = [of_others(truths, cases, at) for at in chosen]
    rows: dict[str, Figures] = {}
    for name, one in maps.items():
        if name == EDGES:
            continue
        rows[name] = figures(
            [one.found[at] for at in chosen],
            share,
            patients,
            others=[of_others(one.heat, cases, at) for at in chosen],
            place=place,
            fails=float(np.mean([each.standing is not Standing.HOLDS for each in one.stamps])) if one.stamps else None,
            seconds=one.seconds / len(one.found),
        )
    across = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    spot = np.exp(-(across[:, None] ** 2 + across[None] ** 2) / (2.0 * SPREAD**2))
    blind: dict[str, list[Mapping[str, float]]] = {
        EDGES: [maps[EDGES].found[at] for at in chosen],
        "middle of the film": [placed(fine(spot, cases[at].shape), cases[at].truth) for at in chosen],
        "boxes of the others": place,
    }
    return rows | {name: figures(found, share, patients) for name, found in blind.items()}
