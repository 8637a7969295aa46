"""The bill of materials and the licences of a payload; nothing goes in whose licence forbids it or cannot be told.

`write` makes `sbom.cdx.json` (CycloneDX 1.6) and `licences/NAME/...` in a folder, from installed distributions.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from licence_rules import expression_of, objection
from packageurl import PackageURL
from packaging.utils import canonicalize_name

OWN_TEXTS = Path(__file__).resolve().parent / "licences"
NAME = "sbom.cdx.json"
_TEXT = re.compile(r"licen[cs]e|copying|notice|authors|third-party-programs", re.IGNORECASE)
_GNU = {"pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"), "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt")}
"""Qt is used under the LGPL, dynamically linked; its wheels bring no text, and the LGPL's builds on the GPL's."""


@dataclass(frozen=True)
class Extra:
    """Something in the payload that is no distribution: the interpreter, the boot loader, a compiler's library."""

    name: str
    version: str
    licence: str
    files: str = ""


EXTRAS = (
    Extra("python", sys.version.split()[0], "PSF-2.0"),
    Extra("pyinstaller-bootloader", "", "GPL-2.0-or-later WITH Bootloader-exception"),
    Extra("libgfortran", "", "GPL-3.0-or-later WITH GCC-exception-3.1", r"libgfortran"),
    Extra("libquadmath", "", "LGPL-2.1-or-later", r"libquadmath"),
    Extra("libgomp", "", "GPL-3.0-or-later WITH GCC-exception-3.1", r"libgomp"),
    Extra("libstdc++", "", "GPL-3.0-or-later WITH GCC-exception-3.1", r"libstdc\+\+"),
    Extra("libgcc", "", "GPL-3.0-or-later WITH GCC-exception-3.1", r"libgcc_s"),
)
"""What wheels carry in their own folders of libraries is named when a file of the payload has such a name."""


def write(dists: Sequence[Distribution], folder: Path, files: Iterable[str] = (), version: str = "") -> None:
    """Write bill and licences (SystemExit names every distribution that may not go in)."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "licences").mkdir(parents=True)
    extras = extras_of(files)
    problems = [problem for one in dists if (problem := problem_of(one))]
    problems += [f"{one.name}: {why}" for one in extras if (why := objection(one.licence))]
    if problems:
        raise SystemExit("This may not be packaged:\n  " + "\n  ".join(problems))
    for dist in dists:
        _copy_texts(dist, folder / "licences" / canonicalize_name(dist.name))
    (folder / NAME).write_text(bill(dists, extras, version), encoding="utf-8")


def extras_of(files: Iterable[str]) -> list[Extra]:
    """Return what is in the payload beside distributions; `files` are names in it."""
    names = [Path(one).name for one in files]
    return [one for one in EXTRAS if not one.files or any(re.match(one.files, name) for name in names)]


def problem_of(dist: Distribution) -> str:
    """Return why a distribution may not go in, "" when it may: its licence, or no text of it."""
    why = objection(expression_of(dist))
    if why:
        return f"{dist.name} {dist.version}: {why}"
    if not texts_of(dist):
        return f"{dist.name} {dist.version}: no text of its licence; put one into packaging/licences/"
    return ""


def texts_of(dist: Distribution) -> list[tuple[str, Path]]:
    """Return (name, file) of every licence text of a distribution, its own first, else ours."""
    name = canonicalize_name(dist.name)
    found = [(str(one), Path(str(dist.locate_file(one)))) for one in dist.files or () if _is_text(str(one))]
    own = [(text, OWN_TEXTS / text) for text in _GNU.get(name, (f"{name}.txt",))]
    return [(as_name(text), path) for text, path in (*found, *own) if path.is_file()]


def as_name(path: str) -> str:
    """Return a relative path as one file name, without the folder of the metadata."""
    inside = re.sub(r"^[^/]*\.dist-info/(licenses/)?", "", path.replace("\\", "/"))
    return re.sub(r"[^\w.-]+", "_", inside)


def bill(dists: Sequence[Distribution], extras: Sequence[Extra] = (), version: str = "") -> str:
    """Return the bill of materials as CycloneDX 1.6 JSON, ordered by name."""
    bom = Bom()
    number = version or _version(dists)
    whole = Component(name="medassist", version=number, type=ComponentType.APPLICATION, bom_ref="medassist")
    bom.metadata.component = whole
    parts = [_component(one.name, one.version, expression_of(one), canonicalize_name(one.name))
             for one in dists if canonicalize_name(one.name) != "medassist"]  # fmt: skip
    parts += [_component(one.name, one.version, one.licence) for one in extras]
    bom.components.update(parts)
    bom.register_dependency(whole, parts)
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
    said = "\n".join(sorted(f"{one.name} {one.version}" for one in (whole, *parts)))
    bom.serial_number = uuid5(NAMESPACE_URL, said)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _component(name: str, version: str, licence: str, pypi: str = "") -> Component:
    return Component(
        name=name,
        version=version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}@{version}" if version else name,
        licenses=[LicenseFactory().make_from_string(licence)],
        purl=PackageURL("pypi", None, pypi, version) if pypi else None,
    )


def _version(dists: Sequence[Distribution]) -> str:
    return next((one.version for one in dists if canonicalize_name(one.name) == "medassist"), "")


def _is_text(path: str) -> bool:
    name = Path(path).name
    code = name.endswith((".py", ".pyc", ".h", ".so", ".json"))
    return bool(_TEXT.search(name)) and not code and (".dist-info/" in path or path.count("/") <= 2)


def _copy_texts(dist: Distribution, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in texts_of(dist):
        shutil.copyfile(path, folder / name)
