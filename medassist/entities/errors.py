"""Errors a person can act on: one sentence, a remedy where one exists, and the exit code of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from medassist.entities.prediction import Check


class MedAssistError(Exception):
    """Say what went wrong in one sentence; `remedy` says what to do about it.

    `message` and `remedy` are English templates in `str.format` syntax; `values` fill them in, so that a
    face can translate the template first (see `medassist.language.localized`).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "", **values: object) -> None:
        self.message = message
        self.remedy = remedy
        self.values = values
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return the message and the remedy in English as one line."""
        text = f"{self.message} {self.remedy}".strip()
        return text.format(**self.values) if self.values else text


class UsageError(MedAssistError):
    """The request itself makes no sense: an unknown name, an option out of range."""

    exit_code = 2


class UnreadableInput(MedAssistError):
    """A file, folder or series cannot be read, or not faithfully."""

    exit_code = 3


class Refused(MedAssistError):
    """A check said no: unsuited input, untrusted package, leaking split, failed parity."""

    exit_code = 4


class Unsuited(Refused):
    """An input does not suit a model; `rows` is the whole suitability table, with what passed."""

    def __init__(self, message: str, rows: Sequence[Check], *, remedy: str = "", **values: object) -> None:
        self.rows = tuple(rows)
        super().__init__(message, remedy=remedy, **values)


class UnwritableOutput(MedAssistError):
    """A result could not be written where it was asked for."""

    exit_code = 5


class Cancelled(MedAssistError):
    """The user stopped the job."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")
