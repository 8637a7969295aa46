"""The files below a folder."""

from __future__ import annotations

import os
from pathlib import Path

from medassist.entities.errors import UnreadableInput


def files_below(root: Path) -> tuple[list[Path], list[tuple[Path, UnreadableInput]]]:
    """Return all files below a folder in a stable order, and the folders that were left out, with the reason.

    Links to folders are not followed: they may lead anywhere, and round in a circle.
    """
    if not root.is_dir():
        return [root], []
    found, left_out, folders = [], [], [root]
    while folders:
        folder = folders.pop()
        try:
            inside = _entries(folder)
        except OSError as error:
            left_out.append((folder, _closed(folder, error)))
            continue
        found += [folder / entry.name for entry in inside if _is_file(entry)]
        folders += [folder / entry.name for entry in reversed(inside) if _is_folder(entry)]
        left_out += [(folder / entry.name, _link(folder / entry.name)) for entry in inside if _is_link(entry)]
    return found, left_out


def _closed(folder: Path, error: OSError) -> UnreadableInput:
    return UnreadableInput("{path} is a folder that cannot be opened: {reason}.", path=folder, reason=error.strerror)


def _link(path: Path) -> UnreadableInput:
    return UnreadableInput("{path} is a link to a folder, which was not followed.", path=path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:  # tells files from folders without asking for each
        return sorted(entries, key=lambda entry: entry.name)


def _is_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
