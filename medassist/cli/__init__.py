"""The command line: every verb on the jobs the window uses. Exit codes are a contract (see docs/command-line.md)."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from medassist import RESEARCH_USE_NOTICE, __version__
from medassist.cli import batch, catalogue, learning, machine, models, optimising, reporting, studies, training, window
from medassist.cli.failure import exit_code_of, log_off_the_terminal
from medassist.cli.terminal import accept_any_text, note, one_line
from medassist.imaging.decode_worker import FLAG, serve
from medassist.language import localized, set_language
from medassist.storage import settings

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """Return the parser with every verb; each verb sets `run`, a function of the parsed arguments."""
    top = argparse.ArgumentParser(prog="medassist", description=f"MedAssist {__version__}. {RESEARCH_USE_NOTICE}.")
    top.add_argument("--version", action="version", version=f"MedAssist {__version__}")
    top.set_defaults(run=window.start)
    verbs = top.add_subparsers(title="verbs", metavar="VERB")
    for room in (window, studies, catalogue, models, reporting, batch, training, learning, optimising, machine):
        room.register(verbs)
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and exit with the code of the contract; the frozen program is also its own decoder process."""
    if arguments is None and sys.argv[1:] == [FLAG]:
        serve()
        return
    accept_any_text()
    try:
        set_language(settings.read().text("language"))
        parsed = parser().parse_args(arguments)
        with log_off_the_terminal():
            _tell_of_the_site()
            code = parsed.run(parsed) or 0
    except BaseException as problem:  # the one place where the command line catches
        code = exit_code_of(problem)
    sys.exit(code)


def _tell_of_the_site() -> None:
    """Say what of the site's set-up is not used: a limit nobody applies must not go unseen."""
    for problem in settings.site_problems():
        log.warning("%s", problem.text())
        note(f"medassist: {one_line(localized(problem))}")
