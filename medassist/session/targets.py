"""Folders a site sends reports to: every report gets a folder of its own, so that none takes another's place."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from medassist.entities.errors import UnwritableOutput
from medassist.site import ExportTarget


def folder_in(target: ExportTarget) -> Path:
    """Return a folder for one report, not there yet; its name tells when, and nothing of the patient.

    UnwritableOutput when the target itself is not there: a share that is not connected must not be made up.
    """
    if not target.folder.is_dir():
        raise UnwritableOutput(
            "The folder {folder} of {name} is not there.",
            remedy="Connect it, or ask whoever set up this site.",
            folder=target.folder,
            name=target.name,
        )
    return target.folder / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
