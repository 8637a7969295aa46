"""Which models there are: shipped, the site's, the user's own, those of Python packages; broken ones stay, with why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from medassist import site
from medassist.entities.errors import Refused, UsageError
from medassist.inference.packages import METADATA, Package, broken, read
from medassist.locations import shipped_models_dir, user_models_dir

ENTRY_POINTS = "medassist.models"
NAME = re.compile(r"\w[\w.-]{0,79}")


class Origin(Enum):
    """Where a model comes from, which tells who may remove it."""

    SHIPPED = "shipped"
    SITE = "set up for this site"
    USER = "added by the user"
    PYTHON = "Python package"
    FOLDER = "folder"


def packages() -> tuple[Package, ...]:
    """Return every package by name; of one name a shipped one wins, then the site's, the user's, a Python package's."""
    found: dict[str, Package] = {}
    for folder, _ in _homes():
        for root in _roots(folder):
            if root.name not in found:
                found[root.name] = _listed(root, root.name)
    for point in _points():
        if point.name not in found:
            found[point.name] = _of_python(point)
    return tuple(found[name] for name in sorted(found))


def find(name_or_path: str | Path) -> Package:
    """Return one package by name or by folder.

    A broken package raises its own Refused; a name nobody knows raises UsageError with the known ones.
    """
    root, name = locate(name_or_path)
    return replace(read(root), name=name)


def locate(name_or_path: str | Path) -> tuple[Path, str]:
    """Return folder and name of a package without reading it (UsageError when nobody knows it)."""
    asked = str(name_or_path)
    for folder, _ in _homes():
        if asked == Path(asked).name and (folder / asked / METADATA).is_file():
            return folder / asked, asked
    for point in _points():
        if asked == point.name:
            return _root_of(point), point.name
    if (Path(asked) / METADATA).is_file():
        return Path(asked), Path(asked).resolve().name
    raise unknown(asked)


def unknown(name: str) -> UsageError:
    """Return the error that nobody knows a model of that name, with those there are."""
    known = ", ".join(package.name for package in packages())
    return UsageError(
        "There is no model called {name}.",
        remedy="Known models: {known}." if known else "No model is installed.",
        name=name,
        known=known,
    )


def names() -> dict[str, Origin]:
    """Return the names in use and where they come from, also those of folders that hold no readable package."""
    taken = {point.name: Origin.PYTHON for point in _points()}
    for folder, origin in reversed(_homes()):
        taken.update({root.name: origin for root in _folders(folder)})
    return taken


def origin(package: Package) -> Origin:
    """Return where a package comes from."""
    for folder, one in _homes():
        if package.root.resolve().parent == folder.resolve():
            return one
    return Origin.PYTHON if package.name in {point.name for point in _points()} else Origin.FOLDER


def _homes() -> tuple[tuple[Path, Origin], ...]:
    """Return the folders that hold packages and whose they are; the first one wins."""
    of_site = tuple((folder, Origin.SITE) for folder in site.read().model_folders)
    return ((shipped_models_dir(), Origin.SHIPPED), *of_site, (user_models_dir(), Origin.USER))


def _folders(folder: Path) -> Iterator[Path]:
    """Yield the subfolders that are not hidden: models on their way in or out have a name with a dot."""
    for root in sorted(folder.iterdir()) if folder.is_dir() else ():
        if root.is_dir() and not root.name.startswith("."):
            yield root


def _roots(folder: Path) -> Iterator[Path]:
    for root in _folders(folder):
        if (root / METADATA).is_file():
            yield root


def _points() -> tuple[EntryPoint, ...]:
    """Return what installed Python packages offer, one per name, in the order of names."""
    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return tuple(offered[name] for name in sorted(offered) if NAME.fullmatch(name))


def _root_of(point: EntryPoint) -> Path:
    """Ask an installed Python package where its model lies (Refused when it does not say).

    This imports it: whoever installed it with pip has let it run code already.
    """
    try:
        value = point.load()
        root = Path(value() if callable(value) else value)
    except Exception as error:  # foreign code may raise anything
        raise Refused(
            "The Python package behind the model {name} does not say where the model lies: {reason}.",
            remedy="Install that package again.",
            name=point.name,
            reason=f"{type(error).__name__}: {error}",
        ) from error
    if not (root / METADATA).is_file():
        raise Refused("{folder} holds no model package: {file} is missing.", folder=root, file=METADATA)
    return root


def _of_python(point: EntryPoint) -> Package:
    try:
        root = _root_of(point)
    except Refused as error:
        return replace(broken(Path(point.name), error.sentence()), name=point.name)
    return _listed(root, point.name)


def _listed(root: Path, name: str) -> Package:
    try:
        return replace(read(root), name=name)
    except Refused as error:
        return replace(broken(root, error.sentence()), name=name)
