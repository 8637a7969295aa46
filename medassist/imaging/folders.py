"""The files below a folder."""

from __future__ import annotations

import os
from pathlib import Path


def files_below(root: Path) -> list[Path]:
    """Return all files below a folder in a stable order; links to folders are not followed."""
    if not root.is_dir():
        return [root]
    found, folders = [], [root]
    while folders:
        folder = folders.pop()
        inside = _entries(folder)
        found += [folder / entry.name for entry in inside if _is_file(entry)]
        folders += [folder / entry.name for entry in reversed(inside) if _is_folder(entry)]
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:  # tells files from folders without asking for each
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # it may not be read
        return []


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
