"""`report`: write the report of saved work, without a window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medassist.cli.models import fold, tell_written
from medassist.cli.terminal import given_path, note, progress_bar
from medassist.entities.errors import UnreadableInput, UsageError
from medassist.language import LANGUAGES, current_language, localized, set_language
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.drafts import draft_of
from medassist.session.restoring import open_case
from medassist.session.state import Session


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    report = verbs.add_parser("report", help="write the report of saved work: a case file or an exported folder")
    report.add_argument("case", type=given_path, metavar="CASE", help="a .medassist file, or a folder that holds work")
    report.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    report.add_argument("--format", default="", metavar="A,B", help="formats, by commas; the usual ones without")
    report.add_argument("--series", default="", metavar="UID", help="which series, when work was done on several")
    report.add_argument("--images", type=given_path, action="append", default=[], metavar="DIR",
                        help="where the images are now, when they were moved")  # fmt: skip
    report.add_argument("--reader", default="", metavar="NAME", help="who signs; nobody: the report stays unverified")
    report.add_argument("--allow-unreviewed", action="store_true",
                        help="let findings out that nobody judged, marked as not reviewed")  # fmt: skip
    report.add_argument("--language", choices=tuple(LANGUAGES), default="", help="language of the report")
    report.add_argument("--json", action="store_true", help="print result.json on standard output")
    report.set_defaults(run=run_report)


def run_report(arguments: argparse.Namespace) -> int:
    """Restore the work onto its images and write the report of one series."""
    formats = _formats(arguments)
    with progress_bar() as progress:
        opened = open_case(Session(), arguments.case, images=arguments.images, progress=progress)
        session = _shown(fold(Session(), opened), arguments.series, progress)
        asked = arguments.language or draft_of(session, session.current).language
        if asked in LANGUAGES:
            set_language(asked)
        written = jobs.write_report(
            session,
            arguments.out,
            formats=formats,
            language=current_language(),
            reader=arguments.reader,
            allow_unreviewed=arguments.allow_unreviewed,
            progress=progress,
        )
    fold(session, written)
    tell_written(written, arguments)
    for one in session.restored[-1].notes:
        note(localized(one))
    return 0


def _formats(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the formats asked for, in lower case; result.json with them when it is to be printed."""
    asked = tuple(one.strip().lower() for one in arguments.format.split(",") if one.strip())
    if arguments.format and not asked:
        raise UsageError("--format names no format.", remedy="Write it as --format sr,seg,pdf.")
    return (*asked, "json") if asked and arguments.json and "json" not in asked else asked


def _shown(session: Session, wanted: str, progress: Progress) -> Session:
    """Bring the series on screen that the report is about: the one asked for, else the one that was seen last."""
    keys = session.restored[-1].series
    if wanted:
        mine = [key for key in keys if wanted in (key, session.series(key).series_uid)]
        if not mine:
            raise UsageError("There is no saved work on the series {uid}.", remedy="It is on: {keys}.",
                             uid=wanted, keys=", ".join(keys))  # fmt: skip
        keys = tuple(mine)
    elif session.volume is not None:
        return session
    if not keys:
        raise UnreadableInput("There is no series with pictures in the saved work.")
    volume = session.volumes.get(keys[0])
    if volume is not None:
        from medassist.session.actions import ShowVolume

        return fold(session, ShowVolume(volume))
    return fold(session, jobs.load_series(session.series(keys[0]), progress=progress))
