"""Which models there are: the shipped ones, then the user's own; broken ones stay listed with their reason."""

from __future__ import annotations

from pathlib import Path

from medassist.entities.errors import Refused, UsageError
from medassist.inference.packages import METADATA, Package, broken, read
from medassist.locations import shipped_models_dir, user_models_dir


def packages() -> tuple[Package, ...]:
    """Return every package by name; a shipped one wins over a user's of the same name."""
    found: dict[str, Package] = {}
    for folder in (shipped_models_dir(), user_models_dir()):
        for root in sorted(folder.iterdir()) if folder.is_dir() else ():
            if (root / METADATA).is_file() and root.name not in found:
                found[root.name] = _listed(root)
    return tuple(found[name] for name in sorted(found))


def find(name_or_path: str | Path) -> Package:
    """Return one package by name or by folder.

    A broken package raises its own Refused; a name nobody knows raises UsageError with the known ones.
    """
    asked = str(name_or_path)
    for folder in (shipped_models_dir(), user_models_dir()):
        if asked == Path(asked).name and (folder / asked / METADATA).is_file():
            return read(folder / asked)
    if (Path(asked) / METADATA).is_file():
        return read(Path(asked))
    known = ", ".join(package.name for package in packages())
    raise UsageError(
        "There is no model called {name}.",
        remedy="Known models: {known}." if known else "No model is installed.",
        name=asked,
        known=known,
    )


def _listed(root: Path) -> Package:
    try:
        return read(root)
    except Refused as error:
        return broken(root, error.sentence())
