"""Films with boxes drawn by hand: a folder with `boxes.csv` and `index.csv`, read strictly, whatever its films are.

`boxes.csv` has a line per box (image, finding, x, y, width, height): pixels of the film's file, origin in its upper
left corner. `index.csv` says whose film it is and where its file lies; where no column names a file, one of that name
is looked for. Several boxes of one finding on one film are one truth together.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.training.table import SUBJECT_COLUMNS, read_lines

BOXES = "boxes.csv"
PLACE = ("x", "y", "width", "height")
FILM_COLUMNS = ("image", "file", "film", "path", "picture")
"""How a column of index.csv begins that may name the film's file; one of a mask or of an earlier film does not."""
NO_FILM = (".csv", ".md", ".txt", ".json")
OVERHANG = 0.02
"""A box may leave the film by this share of its side: rounding; more means pixels of another size."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Boxed:
    """The boxes of one finding on one film: x, y, width, height in pixels of the file."""

    image: str
    patient: str
    path: Path
    finding: str
    boxes: tuple[Box, ...]


def read_boxed(folder: Path) -> tuple[Boxed, ...]:
    """Return one case per film and finding, in the order of boxes.csv (UnreadableInput names the file and what lacks).

    Lines without numbers say that a film has no box; they are left out.
    """
    found: dict[tuple[str, str], list[Box]] = {}
    for number, line in enumerate(_lines(folder / BOXES), start=2):
        box = _box(folder / BOXES, number, line)
        if box is not None:
            found.setdefault((line["image"].strip(), line["finding"].strip()), []).append(box)
    if not found:
        raise UnreadableInput("{path} holds no box.", path=folder / BOXES)
    known = {name: line for line in read_lines(folder) for name in _names(line)}
    return tuple(
        Boxed(image, _patient(known.get(image, {}), image), _file(folder, image, known.get(image, {})), finding,
              tuple(boxes))
        for (image, finding), boxes in found.items()
    )  # fmt: skip


def _lines(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                {name: text or "" for name, text in line.items() if name}
                for line in csv.DictReader(file, skipinitialspace=True)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=error) from error
    for column in ("image", "finding", *PLACE):
        if lines and column not in lines[0]:
            raise UnreadableInput("{path} has no column {column}.", path=path, column=column)
    return lines


def _box(path: Path, number: int, line: Mapping[str, str]) -> Box | None:
    if not any(line[name].strip() for name in PLACE):
        return None
    try:
        x, y, width, height = (float(line[name]) for name in PLACE)
    except ValueError:
        x = y = width = height = float("nan")
    if not (np.isfinite((x, y, width, height)).all() and width > 0 and height > 0):
        raise UnreadableInput("{path}: line {number} is no box.", path=path, number=number)
    return x, y, width, height


def _names(line: Mapping[str, str]) -> Sequence[str]:
    told = [line[name] for name in ("image", "file", "id") if line.get(name)]
    return [*told, *(Path(one).name for one in told)]


def _patient(line: Mapping[str, str], image: str) -> str:
    return next((line[name] for name in SUBJECT_COLUMNS if line.get(name)), image)


def _file(folder: Path, image: str, line: Mapping[str, str]) -> Path:
    """Return the film's file inside the folder: as the index names it, else the only one of that name."""
    home = folder.resolve()
    told = [text for name, text in line.items() if name.lower().startswith(FILM_COLUMNS) and text]
    for text in sorted((*told, image), key=lambda one: Path(one).stem != Path(image).stem):
        path = (folder / text).resolve()
        if _is_file(path) and path.is_relative_to(home) and path.suffix.lower() not in NO_FILM:
            return path
    alike = [one for one in sorted(folder.rglob("*")) if one.is_file() and Path(image).stem in (one.stem, one.name)]
    films = [one for one in alike if one.suffix.lower() not in NO_FILM and one.resolve().is_relative_to(home)]
    if len(films) != 1:
        raise UnreadableInput(
            "{path} has {count} files of the film {image}.", path=folder, count=len(films), image=image
        )
    return films[0]


def _is_file(path: Path) -> bool:
    """Tell whether a text of a table names a file; a long one names none."""
    try:
        return path.is_file()
    except OSError:
        return False


def inside(case: Boxed, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels (rows, columns) whose centres lie in a box (UnreadableInput for a box that leaves the film)."""
    down, across = np.arange(rows)[:, None] + 0.5, np.arange(columns)[None] + 0.5
    found = np.zeros((rows, columns), np.bool_)
    for x, y, width, height in case.boxes:
        beyond = max(-x / columns, -y / rows, (x + width) / columns - 1.0, (y + height) / rows - 1.0)
        if beyond > OVERHANG:
            raise UnreadableInput(
                "A box of {image} leaves the film, which has {columns} x {rows} pixels.",
                remedy="Give the boxes in pixels of the films in the folder.",
                image=case.image,
                columns=columns,
                rows=rows,
            )
        found |= (across >= x) & (across < x + width) & (down >= y) & (down < y + height)
    return found
