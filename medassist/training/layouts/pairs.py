"""An image and its mask of the same name: `images/ID.nii.gz` and `labels/ID.nii.gz`, or both .png.

index.csv has `id`, the subject (`subject`, `patient_id` or `field`) and, unless the folder is kept apart, `fold`. The
numbers of a 16-bit PNG are either classes or one number per object.
"""

from __future__ import annotations

from pathlib import Path

from medassist.entities.errors import UnreadableInput
from medassist.entities.volume import Volume
from medassist.training.layouts.layout import LabelMap, Layout, label_map, open_one
from medassist.training.table import Row, Table, columns_of, fold_of, read_lines, subject_column


def _pairs(name: str, suffix: str) -> Layout:
    def place(table: Table, row: Row, folder: str) -> Path:
        return table.root / folder / f"{row.key}{suffix}"

    def recognises(root: Path) -> bool:
        return "id" in columns_of(root) and any((root / "labels").glob(f"*{suffix}"))

    def image(table: Table, row: Row) -> Volume:
        return open_one(place(table, row, "images"))

    def mask(table: Table, row: Row, volume: Volume) -> LabelMap:
        return label_map(place(table, row, "labels"), volume, row.key)

    def file(table: Table, row: Row) -> Path:
        return place(table, row, "images")

    return Layout(name, recognises, _rows, image, mask, file)


def _rows(root: Path) -> tuple[Row, ...]:
    lines = read_lines(root, "id")
    subject = subject_column(root, lines)
    return tuple(Row(_plain(root, line["id"]), line[subject], fold_of(root, line), line) for line in lines)


def _plain(root: Path, key: str) -> str:
    """Return a name that stays inside its folder (UnreadableInput for any other)."""
    if Path(key).name != key or key in ("", ".", ".."):
        raise UnreadableInput("{path} names a file outside of its folder: {name}.", path=root / "index.csv", name=key)
    return key


VOLUME_PAIRS = _pairs("volume_pairs", ".nii.gz")
PICTURE_PAIRS = _pairs("picture_pairs", ".png")
