"""Verdicts and kinds of cue in a language."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.report.wording import Wording

TONES = {"pass": "good", "explained": "good", "caution": "warn", "alarm": "bad"}
"""The colour of a verdict on a page; never the only sign."""


def verdict_name(verdict: str, words: Wording) -> str:
    """Return a verdict, one of `AuditVerdict` or its value out of JSON, as people read it."""
    tr = words.tr
    names = {"pass": tr("pass"), "caution": tr("caution"), "alarm": tr("alarm"), "explained": tr("explained")}
    return names.get(verdict, verdict)


def group_names(words: Wording) -> Mapping[str, str]:
    """Return what the kinds of cue are called."""
    tr = words.tr
    return {
        "file": tr("file"),
        "picture": tr("picture"),
        "person": tr("patient and view"),
        "selection": tr("selection"),
    }
