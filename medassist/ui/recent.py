"""The paths opened last, kept in the user's settings folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from medassist.locations import config_dir

MOST = 10
log = logging.getLogger(__name__)


def _file() -> Path:
    return config_dir() / "recent.json"


def recent_paths() -> tuple[Path, ...]:
    """Return the paths opened last, newest first; a damaged list counts as empty."""
    try:
        names = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(Path(name) for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def remember(paths: Sequence[Path]) -> None:
    """Put paths on top of the list; a list that cannot be written is logged, not fatal."""
    kept = dict.fromkeys([*(str(path.absolute()) for path in paths), *map(str, recent_paths())])
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps(list(kept)[:MOST], ensure_ascii=False), encoding="utf-8")
    except OSError as problem:
        log.warning("the list of recent paths was not kept: %s", type(problem).__name__)
