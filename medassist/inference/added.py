"""What the user's models were when they were added, so that a later change is noticed though nobody promised a hash."""

from __future__ import annotations

import json
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.inference.packages import Package
from medassist.inference.trust import content_of
from medassist.locations import user_models_dir


def record_file(name: str) -> Path:
    """Return where the content of a model of the user is written down: beside its folder, out of its reach."""
    return user_models_dir() / f".{name}.json"


def as_added(content_sha256: str) -> bytes:
    """Return what `record_file` holds."""
    return json.dumps({"content_sha256": content_sha256}).encode()


def check_unchanged(package: Package) -> bool:
    """Refuse a model of the user that is not what was added; False when nothing is known of that."""
    if package.root.resolve().parent != user_models_dir().resolve():
        return False
    try:
        known = json.loads(record_file(package.root.name).read_text(encoding="utf-8"))["content_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found = content_of(package.root).sha256
    if found != known:
        raise Refused(
            "The files of the model {name} have changed since it was added: SHA-256 {expected}… then, {found}… now.",
            remedy="Remove it and add it again from a source you trust.",
            name=package.name,
            expected=str(known)[:12],
            found=found[:12],
        )
    return True
