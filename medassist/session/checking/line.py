"""One line of the doctor: what was looked at, the verdict, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.study import Warned, warned

OK, NOTE, MISSING = "ok", "note", "missing"
"""Nothing to do; worth knowing; something needed is not there (exit code 4)."""


@dataclass(frozen=True)
class Line:
    """One check, in words that every face can translate.

    Attributes:
        title: what was looked at.
        verdict: OK, NOTE or MISSING.
        told: what was found.
        advice: what to do about it, None where nothing is to be done.
    """

    title: Warned
    verdict: str
    told: Warned
    advice: Warned | None = None

    @property
    def check(self) -> str:
        """What was looked at, in English."""
        return self.title.text()

    @property
    def found(self) -> str:
        """What was found, in English."""
        return self.told.text()

    @property
    def remedy(self) -> str:
        """What to do about it, in English, "" for nothing."""
        return "" if self.advice is None else self.advice.text()

    def as_json(self) -> dict[str, str]:
        """Return the line as `doctor --json` writes it."""
        return {"check": self.check, "verdict": self.verdict, "found": self.found, "remedy": self.remedy}


def plain(text: str) -> Warned:
    """Return a text that is data or stands in the catalogue as it is: a name, a version, a reason."""
    return Warned("{text}", (("text", text),)) if "{" in text or "}" in text else Warned(text)


def named(title: str, name: object) -> Warned:
    """Return a title that names one of many, "model hippocampus_mr"; the title stands in the catalogue."""
    return warned("{title} {name}", title=Warned(title), name=name)
