"""One change of the installed models: what was done to which package, by its whole content."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from medassist.entities.prediction import ModelRef


class ModelVerb(Enum):
    """What can be done to the installed models; the values are words of the audit trail."""

    ADD = "add model"
    REMOVE = "remove model"
    TRUST = "trust model"
    REVOKE = "revoke trust"


@dataclass(frozen=True)
class ModelChange:
    """One change; `content_sha256` is over all files of the package, "" where it could not be read."""

    verb: ModelVerb
    model: ModelRef
    content_sha256: str = ""
