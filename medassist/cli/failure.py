"""Turn whatever went wrong into one sentence on standard error and an exit code of the contract."""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from medassist.cli.terminal import note, one_line
from medassist.entities.errors import Cancelled, MedAssistError, UnreadableInput, UnwritableOutput
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
    if isinstance(problem, FileNotFoundError) and _is_nowhere():
        problem = UnreadableInput(
            "The current folder was removed, so no path that begins there can be found.",
            remedy="Change to another folder, or give a full path.",
        )
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


def _is_nowhere() -> bool:
    """Tell whether the current folder is gone: Python then fails wherever it makes a path whole."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _say(sentence: str) -> None:
    note(f"medassist: {one_line(sentence)}")


def _log(problem: BaseException) -> str:
    """Append where it happened to the log; not the message, which may quote a header of a patient."""
    frames = "".join(traceback.format_tb(problem.__traceback__))
    try:
        _append(f"{type(problem).__name__}\n{frames}")
    except OSError:
        return tr("the log cannot be written")
    return str(log_file())


def _append(text: str) -> None:
    path = log_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now().astimezone().isoformat()} {text}\n")


@contextmanager
def log_off_the_terminal() -> Iterator[None]:
    """Send what the product logs to its file where nobody else takes it: Python would print it on standard error."""
    before = logging.lastResort
    logging.lastResort = _ToFile(before)
    try:
        yield
    finally:
        logging.lastResort = before


class _ToFile(logging.Handler):
    """Takes what the product logs, which names no patient; leaves what libraries log to `others`."""

    def __init__(self, others: logging.Handler | None) -> None:
        super().__init__(logging.WARNING)
        self._others = others

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line; a log that cannot be written stops no verb."""
        if record.name.partition(".")[0] == "medassist":
            with suppress(OSError):
                _append(f"{record.levelname} {record.name} {record.getMessage()}")
        elif self._others is not None:
            self._others.handle(record)
