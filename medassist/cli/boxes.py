"""`analyze --box`: outline what lies in a box of one slice, follow it when asked, and write the report."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from medassist.cli.studies import note_left_out
from medassist.cli.terminal import note, progress_bar
from medassist.entities.errors import UsageError
from medassist.entities.prompt import Box
from medassist.language import current_language, localized
from medassist.report.prompts import sentences
from medassist.session import jobs
from medassist.session.actions import ShowVolume
from medassist.session.regions import box_region
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.entities.study import Series
    from medassist.inference.packages import Package

SHAPE = "X0,Y0,X1,Y1,SLICE"


def add_options(analyze: Any) -> None:
    """Add the options of a box to the parser of `analyze`."""
    analyze.add_argument(
        "--box", default="", metavar=SHAPE, help="first column and row, last column and row, slice; all from 0"
    )
    analyze.add_argument("--follow", action="store_true", help="with --box: follow the region through the slices")
    analyze.add_argument("--label", default="", metavar="NAME", help="with --box: what the region is called")


def run_box(arguments: argparse.Namespace, package: Package) -> int:
    """Open, outline, measure and report one region of one series."""
    from medassist.cli.models import fold, tell_written

    box = _asked(arguments, package)
    with progress_bar() as progress:
        began = time.perf_counter()
        session = fold(Session(), jobs.open_path(arguments.path, charset=arguments.charset, progress=progress))
        volume = jobs.load_series(_one_series(session, arguments.series), progress=progress).volume
        session = ShowVolume(volume)(session)
        read_s = time.perf_counter() - began
        added = box_region(
            volume, package, box, label=arguments.label, follow=arguments.follow, device=arguments.device,
            progress=progress,
        )  # fmt: skip
        session = fold(session, added)
        written = jobs.write_report(
            session,
            arguments.out,
            language=current_language(),
            timings_s={"read": read_s},
            allow_unreviewed=True,
            progress=progress,
        )
    fold(session, written)
    tell_written(written, arguments)
    for text in sentences(added.prediction):
        note(localized(text))
    note_left_out(session.scans[-1])
    return 0


def _asked(arguments: argparse.Namespace, package: Package) -> Box:
    """Return the box (UsageError for options that do not go together)."""
    from medassist.inference.packages import PROMPTED

    if package.task != PROMPTED:
        raise UsageError("The model {model} takes no box.", model=package.name)
    if arguments.target or arguments.explain not in ("", "none"):
        raise UsageError("A region in a box has no explanation: there is no score to explain.")
    return parse_box(arguments.box)


def parse_box(text: str) -> Box:
    """Read X0,Y0,X1,Y1,SLICE (UsageError when it is anything but five whole numbers from 0, corners in order)."""
    numbers = [int(part) for part in text.split(",") if part.strip().isascii() and part.strip().isdigit()]
    if len(numbers) != 5 or text.count(",") != 4 or numbers[0] >= numbers[2] or numbers[1] >= numbers[3]:
        raise UsageError(
            "{text} is no box.",
            remedy="Give --box {shape}: whole numbers from 0, first column and row before the last, then the slice.",
            text=text or '""',
            shape=SHAPE,
        )
    return Box(*numbers)


def _one_series(session: Session, key_or_uid: str) -> Series:
    """Return the series the box lies on: with several there is no guessing (UsageError)."""
    found = jobs.with_pictures(session.all_series(), session.scans[-1].source, key_or_uid=key_or_uid)
    if len(found) > 1:
        raise UsageError(
            "There are {count} series with pictures, and a box lies on one of them.",
            remedy="Say which with --series UID; `medassist info` lists them.",
            count=len(found),
        )
    return found[0]
