"""Verdicts and kinds of cue in a language."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.report.wording import Wording
from medassist.training.audit.answer import AuditVerdict


def verdict_name(verdict: AuditVerdict, words: Wording) -> str:
    """Return a verdict as people read it."""
    tr = words.tr
    return {"pass": tr("pass"), "caution": tr("caution"), "alarm": tr("alarm"), "explained": tr("explained")}[
        verdict.value
    ]


def group_names(words: Wording) -> Mapping[str, str]:
    """Return what the kinds of cue are called."""
    tr = words.tr
    return {
        "file": tr("file"),
        "picture": tr("picture"),
        "person": tr("patient and view"),
        "selection": tr("selection"),
    }
