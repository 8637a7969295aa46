"""Who sits in front of the screen, as the system knows them."""

from __future__ import annotations

import getpass


def reader_name() -> str:
    """Return the login name, "" where the system has none for this process (a bare container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
