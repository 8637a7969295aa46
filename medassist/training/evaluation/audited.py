"""The shortcut audit of the labels a model speaks of, and what it said, as rows for the page and the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medassist.progress import Progress
from medassist.report.wording import Wording
from medassist.training.audit.questions import labels_of
from medassist.training.audit.shortcuts import audit
from medassist.training.audit.wording import TONES, verdict_name
from medassist.training.evaluation.asking import CLASSES, FINDINGS, Question
from medassist.training.evaluation.result import Case
from medassist.training.table import Row

CHINESE = "zh_CN"


def audited(question: Question, rows: Sequence[Row], cases: Sequence[Case], *, progress: Progress) -> Mapping[str, Any]:
    """Audit the labels of the folder that a classifier was asked about; {} for any other model.

    Return label -> verdict, reasons (English, and Chinese under `reasons_zh_CN`) and what they rest on. All rows of
    the folder are audited; the scores of the model are those of `cases`.
    """
    if question.kind not in (CLASSES, FINDINGS):
        return {}
    there = labels_of(question.table)
    outputs = {name: label.label for label in question.labels for name in label.members if name in there}
    if not outputs:
        return {}
    at = {row: place for place, row in enumerate(map(id, question.table.rows))}
    scores = {name: np.full(len(question.table.rows), np.nan) for name in outputs}
    for row, case in zip(rows, cases, strict=True):
        for name, label in outputs.items():
            scores[name][at[id(row)]] = case.figures[label]["score"]
    found = audit(
        question.table,
        tuple(outputs),
        package=question.package,
        scores=scores,
        device=question.device,
        progress=progress,
    )
    chinese = Wording(CHINESE)
    return {
        label: {**judged.as_json(), f"reasons_{CHINESE}": [chinese.warning(one) for one in judged.sentences]}
        for label, judged in found.labels.items()
    }


@dataclass(frozen=True)
class AuditRow:
    """One label: verdict, in a colour that is never the only sign, and why."""

    label: str
    verdict: str
    tone: str
    reasons: tuple[str, ...]


def audit_rows(audit: Mapping[str, Any], words: Wording) -> list[AuditRow]:
    """Return one row per label of the object `audit` of evaluation.json."""
    key = f"reasons_{CHINESE}" if words.language == CHINESE else "reasons"
    return [
        AuditRow(
            words.tr(label),
            verdict_name(str(found.get("verdict", "")), words),
            TONES.get(str(found.get("verdict", "")), "warn"),
            tuple(str(one) for one in found.get(key, ())),
        )
        for label, found in audit.items()
    ]
