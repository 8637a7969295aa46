"""Turn whatever went wrong into one sentence on standard error and an exit code of the contract."""

from __future__ import annotations

import errno
import traceback
from datetime import datetime

from medassist.cli.terminal import note, one_line
from medassist.entities.errors import Cancelled, MedAssistError, UnwritableOutput
from medassist.language import localized, tr
from medassist.locations import log_file

_FULL = (errno.ENOSPC, errno.EDQUOT)


def exit_code_of(problem: BaseException) -> int:
    """Say what went wrong and return the exit code; argparse's own exits keep theirs."""
    if isinstance(problem, SystemExit):
        return problem.code if isinstance(problem.code, int) else int(problem.code is not None)
    if isinstance(problem, KeyboardInterrupt):
        problem = Cancelled()
    if isinstance(problem, BrokenPipeError):
        return 0
    if isinstance(problem, OSError) and problem.errno in _FULL:
        problem = UnwritableOutput("The answer cannot be written: {reason}.", reason=problem.strerror)
    if isinstance(problem, MedAssistError):
        _say(localized(problem))
        return problem.exit_code
    _say(
        tr(
            "Something went wrong inside MedAssist ({kind}). Details: {log}",
            kind=type(problem).__name__,
            log=_log(problem),
        )
    )
    return 1


def _say(sentence: str) -> None:
    note(f"medassist: {one_line(sentence)}")


def _log(problem: BaseException) -> str:
    """Append where it happened to the log; not the message, which may quote a header of a patient."""
    path = log_file()
    frames = "".join(traceback.format_tb(problem.__traceback__))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().astimezone().isoformat()} {type(problem).__name__}\n{frames}\n")
    except OSError:
        return tr("the log cannot be written")
    return str(path)
