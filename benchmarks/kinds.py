"""How often the router refuses pictures, by set: chest films it must let pass, other kinds it should catch.

`python -m benchmarks.kinds --data ../shared/data` prints, for the row "Kind of picture" of a model that demands chest
films, the share of red, amber and green rows with exact 95 % intervals, and the milliseconds of one row. Pictures of
the router's own training are left out; pictures of one person or stretch are counted as they come, so that the
intervals of sets with several films of a person are a little narrow.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.stats import beta

from medassist.entities.prediction import Verdict
from medassist.entities.volume import Volume
from medassist.imaging.load import load
from medassist.imaging.render import to_gray8
from medassist.imaging.scan import scan
from medassist.inference.catalogue import find
from medassist.inference.embedding import NAME as LIKENESS
from medassist.inference.kind import ROUTER, kind_check
from medassist.inference.packages import Package
from medassist.inference.predict import predict
from medassist.locations import resources_dir
from medassist.progress import Progress
from medassist.training.layouts.layout import picture_volume
from medassist.training.layouts.reading import image_of, read_table
from medassist.training.refusals import picture_file, read_pictures

TEST_FOLD = 4


def opened(path: Path) -> Iterator[Volume]:
    """Yield every picture under a path as the viewer opens it."""
    for series in scan(path, progress=Progress()).all_series():
        yield load(series, progress=Progress())


def mirrored(volumes: Iterable[Volume], *, grey: bool) -> Iterator[Volume]:
    """Yield films with black and white changed (`grey`), or turned by a quarter."""
    for one in volumes:
        if grey:
            yield replace(one, inverted=not one.inverted)
        else:
            yield picture_volume(np.rot90(one.array_zyx[0]).copy(), one.series.key)


def sets(data: Path) -> Iterator[tuple[str, Iterable[Volume]]]:
    """Yield the sets by name; those that are not there are left out."""
    nih = data / "chest_xray_nih"
    if nih.is_dir():
        table = read_table(nih, "films_npz")
        films = [image_of(table, row) for row in table.rows]
        yield "chest films, adults, 64 px (NIH)", films
        yield "the same, black and white changed", mirrored(films, grey=True)
        yield "the same, turned by 90 degrees", mirrored(films, grey=False)
        yield "chest films, adults, 512 px (NIH)", opened(nih / "images512")
    for name, title in (("two_sources", "chest films, two sources"), ("children", "chest films, children")):
        if (data / "chest_xray_traps" / name / "images").is_dir():
            yield title, opened(data / "chest_xray_traps" / name / "images")
    yield "sample RG1, a chest film", opened(resources_dir() / "samples/RG1_J2KR.dcm")
    yield "sample RG3, a leg", opened(resources_dir() / "samples/RG3_J2KR.dcm")
    path = picture_file(data / "modality_mednist") if (data / "modality_mednist").is_dir() else None
    if path is not None:
        pictures = read_pictures(path)
        tested = [at for at in range(len(pictures.kinds)) if pictures.folds is None or pictures.folds[at] == TEST_FOLD]
        for kind in dict.fromkeys(pictures.kinds):
            rows = [at for at in tested if pictures.kinds[at] == kind]
            yield f"{kind}, test stretch (MedNIST)", [picture_volume(pictures.images[at], str(at)) for at in rows]


def interval(hits: int, count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper and Pearson, Biometrika 1934)."""
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, count - hits + 1))
    return low, 1.0 if hits == count else float(beta.ppf(0.975, hits + 1, count - hits))


def line(title: str, package: Package, volumes: Iterable[Volume]) -> str:
    """Measure one set and return its line."""
    verdicts, seconds = [], []
    for volume in volumes:
        began = perf_counter()
        row = kind_check(package, volume)
        seconds.append(perf_counter() - began)
        if row is not None:
            verdicts.append(row.verdict)
    if not verdicts:
        return f"{title:36} no single grey picture"
    told = []
    for word, verdict in (("red", Verdict.FAIL), ("amber", Verdict.UNKNOWN), ("green", Verdict.PASS)):
        hits = verdicts.count(verdict)
        low, high = interval(hits, len(verdicts))
        told.append(f"{word} {hits:4d} = {hits / len(verdicts):.3f} ({low:.3f}-{high:.3f})")
    return f"{title:36} n {len(verdicts):4d}  {'  '.join(told)}  {1000 * float(np.median(seconds)):.1f} ms"


def slices(data: Path) -> Iterator[str]:
    """Yield what the router takes the middle slice of each real volume for, under its first window.

    These lines are why volumes are not routed.
    """
    router = find(ROUTER)
    for volume in opened(data / "dicom"):
        if volume.is_color or volume.geometry.shape_zyx[0] < 2:
            continue
        grey = to_gray8(volume.array_zyx[volume.geometry.shape_zyx[0] // 2], volume.windows[0], volume.inverted)
        told = predict(router, picture_volume(grey, volume.series.key), device="cpu")
        best = max(told.scores, key=lambda one: one.probability)
        alike = next((f"{row.found} {row.verdict.value}" for row in told.checks if row.name == LIKENESS), "")
        name = f"{volume.series.modality} {volume.series.description}"[:36]
        yield f"{name:36} {best.label} {best.probability:.3f}, likeness {alike}"


def main() -> None:
    """Measure all sets, then show single slices of volumes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kinds", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    package = find("chest_xray_findings")
    demanding = replace(package, suitability=replace(package.suitability, kind=("CXR",)))
    data = parser.parse_args().data
    for title, volumes in sets(data):
        print(line(title, demanding, volumes), flush=True)
    for text in slices(data) if (data / "dicom").is_dir() else ():
        print(text, flush=True)


if __name__ == "__main__":
    main()
