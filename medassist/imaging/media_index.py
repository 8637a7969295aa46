"""A DICOMDIR is an index only: what it lists is read by walking its folder, and nothing outside of that is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from medassist.entities.errors import UnreadableInput
from medassist.imaging import tags
from medassist.imaging.dicom_files import read_header

NAME = "DICOMDIR"


def index_remark(path: Path) -> UnreadableInput:
    """Say what an index is, and which of the files it lists are missing or lie outside of its folder."""
    listed = _listed(path)
    outside = next((name for name in listed if _leaves(path.parent, name)), None)
    if outside is not None:
        return UnreadableInput(
            "{path} is an index; it names a file outside its folder ({name}), which was not opened.",
            path=path,
            name=outside,
        )
    missing = [name for name in listed if not (path.parent / name).exists()]
    if missing:
        return UnreadableInput(
            "{path} is an index; {count} of the {total} files it lists are missing, the first is {name}.",
            path=path,
            count=len(missing),
            total=len(listed),
            name=missing[0],
        )
    return UnreadableInput("{path} is an index; the files it lists are read themselves.", path=path)


def _listed(path: Path) -> list[str]:
    """Return the file names of the directory records, with slashes."""
    records = tags.value_of((read_header(path, complete=True),), "DirectoryRecordSequence") or ()
    names = ("/".join(tags.texts((record,), "ReferencedFileID")) for record in records)
    return [name for name in names if name]


def _leaves(folder: Path, name: str) -> bool:
    """Tell whether a name leads out of the folder: upwards, from a root, or by a link."""
    parts = PureWindowsPath(name)  # knows slashes, backslashes and drives
    return bool(parts.anchor) or ".." in parts.parts or is_link_outside(folder / name, folder)


def is_link_outside(path: Path, folder: Path) -> bool:
    """Tell whether a path, followed through links, ends outside of the folder."""
    return not path.resolve().is_relative_to(folder.resolve())


def without_links_outside(files: Sequence[Path], root: Path) -> tuple[list[Path], list[tuple[Path, UnreadableInput]]]:
    """Leave out links that lead out of a medium, that is, of a folder with an index; name them with the reason."""
    if not any(path.name.upper() == NAME for path in files):
        return list(files), []
    outside = {path for path in files if path.is_symlink() and is_link_outside(path, root)}
    refused = [
        (path, UnreadableInput("{path} is a link out of its folder, which was not followed.", path=path))
        for path in files
        if path in outside
    ]
    return [path for path in files if path not in outside], refused
