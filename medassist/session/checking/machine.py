"""The program and the machine: versions, memory, folders that must take files."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from medassist import __version__
from medassist.entities.study import Warned, warned
from medassist.inference.devices import free_bytes
from medassist.locations import cache_dir, config_dir, data_dir
from medassist.session.checking.line import MISSING, NOTE, OK, Line, plain
from medassist.session.memory import physical_bytes

ENOUGH_DISK_BYTES = 2 * 2**30
ENOUGH_MEMORY_BYTES = 4 * 10**9
"""What the window, torch and one ordinary volume take together; machines of "4 GB" have a little more."""


def program() -> Iterator[Line]:
    """Tell which program runs, on which Python and system."""
    built = "" if not getattr(sys, "frozen", False) else ", installed package"
    found = f"{__version__}{built}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    yield Line(Warned("MedAssist"), OK, plain(found))


def memory() -> Iterator[Line]:
    """Tell how much memory there is; where the system does not say, nothing."""
    whole, free = physical_bytes(), free_bytes("cpu")
    if not whole:
        return
    told = warned("{whole} GB, {free} GB free", whole=_gb(whole), free="?" if free is None else _gb(free))
    if whole >= ENOUGH_MEMORY_BYTES:
        yield Line(Warned("memory"), OK, told)
    else:
        yield Line(Warned("memory"), NOTE, told, warned("Large volumes need more: use a machine with 8 GB."))


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f}"


def folders() -> Iterator[Line]:
    """Write a file into every folder the program writes to, and take it away again."""
    places = (("data folder", data_dir()), ("cache folder", cache_dir()), ("settings folder", config_dir()))
    for name, folder in places:
        yield _folder(Warned(name), folder)


def _folder(title: Warned, folder: Path) -> Line:
    place = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"medassist")
            file.flush()
    except OSError as error:
        told = warned("{folder} cannot be written: {reason}", folder=folder, reason=error.strerror or str(error))
        return Line(title, MISSING, told, warned("Allow writing to {folder}.", folder=place))
    free = shutil.disk_usage(place).free
    told = warned("{folder}, {free} GiB free", folder=folder, free=f"{free / 2**30:.0f}")
    if free > ENOUGH_DISK_BYTES:
        return Line(title, OK, told)
    return Line(title, NOTE, told, warned("Make room on this disk: reports and answers of models are written there."))
