"""One .npz of pictures with their kinds and no index.csv: `images`, `labels`, `class_names`, perhaps `fold`.

Pictures up to `STRETCH` numbers of `source_index` apart may be slices of one patient: a stretch is a subject.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from medassist.entities.errors import UnreadableInput
from medassist.entities.volume import Volume
from medassist.training.layouts.films import read_archive
from medassist.training.layouts.layout import Layout, picture_volume
from medassist.training.refusals import PictureSet, picture_file, read_pictures
from medassist.training.table import Row, Table


def _recognises(root: Path) -> bool:
    return picture_file(root) is not None


def _archive(root: Path) -> Path:
    found = picture_file(root)
    if found is None:
        raise UnreadableInput("{path} does not hold one .npz of pictures.", path=root)
    return found


def _rows(root: Path) -> tuple[Row, ...]:
    pictures = read_pictures(_archive(root))
    divided = _divided(pictures)
    return tuple(_row(pictures, at, divided) for at in range(len(pictures.kinds)))


def _divided(pictures: PictureSet) -> frozenset[str]:
    """Return the stretches that reach over a border between two folds, which does not fall on a round number."""
    if pictures.folds is None:
        return frozenset()
    found = set(zip(pictures.groups, pictures.folds.tolist(), strict=True))
    return frozenset(group for group, count in Counter(group for group, _ in found).items() if count > 1)


def _row(pictures: PictureSet, at: int, divided: frozenset[str]) -> Row:
    fold = None if pictures.folds is None else int(pictures.folds[at])
    group = pictures.groups[at]
    subject = f"{group} of fold {fold}" if group in divided else group
    return Row(str(at), subject, fold, {"labels": pictures.kinds[at]})


def _image(table: Table, row: Row) -> Volume:
    path = _archive(table.root)
    return picture_volume(read_archive(path, path.stat().st_mtime_ns)[int(row.key)], row.key)


PICTURES_NPZ = Layout("pictures_npz", _recognises, _rows, _image)
