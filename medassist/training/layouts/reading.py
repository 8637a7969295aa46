"""The layouts there are, and how a folder is read by one of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medassist.entities.errors import UnreadableInput
from medassist.entities.volume import Volume
from medassist.training.layouts.files import FILES
from medassist.training.layouts.films import FILMS_NPZ
from medassist.training.layouts.layout import LabelMap, Layout
from medassist.training.layouts.pairs import PICTURE_PAIRS, VOLUME_PAIRS
from medassist.training.layouts.pictures import PICTURES_NPZ
from medassist.training.table import Row, Table

LAYOUTS: Mapping[str, Layout] = {one.name: one for one in (VOLUME_PAIRS, PICTURE_PAIRS, FILMS_NPZ, FILES, PICTURES_NPZ)}


def read_table(root: Path, layout: str | None = None) -> Table:
    """Read the rows of a training folder; `layout` is the one to expect, None expects nothing.

    A folder that is laid out in another known way is read by that. Raises UnreadableInput, which names the file and
    what is missing.
    """
    chosen = _recognised(root, layout)
    return Table(root, chosen.name, chosen.rows(root))


def _recognised(root: Path, layout: str | None) -> Layout:
    expected = [] if layout is None else [LAYOUTS[layout]]
    for one in (*expected, *LAYOUTS.values()):
        if one.recognises(root):
            return one
    if not expected:
        raise UnreadableInput(
            "{path} is laid out in no known way: index.csv with a column `file`, `id` or `row`, or one .npz.", path=root
        )
    return expected[0]


def image_of(table: Table, row: Row) -> Volume:
    """Return the image of a row as the viewer would open it (UnreadableInput)."""
    return LAYOUTS[table.layout].image(table, row)


def mask_of(table: Table, row: Row, volume: Volume) -> LabelMap:
    """Return the labels (slice, row, column) int32 on the grid of the image of a row (UnreadableInput)."""
    return LAYOUTS[table.layout].mask(table, row, volume)


def file_of(table: Table, row: Row) -> Path | None:
    """Return the file the image of a row has for itself, None where many share one."""
    return LAYOUTS[table.layout].file(table, row)
