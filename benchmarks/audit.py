"""How steady the verdicts of the shortcut audit are: on random halves of the people of each shared set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medassist.progress import Progress
from medassist.training.audit.looking import Look, look_at_all
from medassist.training.audit.shortcuts import audit_looked
from medassist.training.layouts.reading import read_table
from medassist.training.table import Row, Table

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {
    "chest_xray_traps/two_sources": ("pneumonia",),
    "chest_xray_traps/children": ("pneumonia",),
    "chest_xray_nih": ("Effusion", "Cardiomegaly", "Edema"),
    "modality_mednist": ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"),
}


def measure(rounds: int) -> dict[str, Mapping[str, float]]:
    """Return "set label" -> verdict -> share of `rounds` halves (by person, without folds) that it was given on."""
    shares: dict[str, Mapping[str, float]] = {}
    for name, labels in SETS.items():
        table = read_table(SHARED / name)
        looks = look_at_all(table, progress=Progress())
        for label, found in _verdicts(table, looks, labels, rounds).items():
            shares[f"{name} {label}"] = {verdict: count / rounds for verdict, count in found.items()}
    return shares


def _verdicts(table: Table, looks: Sequence[Look], labels: Sequence[str], rounds: int) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for seed in range(rounds):
        half, rows = _half(table, seed)
        answer = audit_looked(half, [looks[at] for at in rows], labels, {}, progress=Progress())
        for label, judged in answer.labels.items():
            found[label][judged.verdict.value] += 1
    return found


def _half(table: Table, seed: int) -> tuple[Table, list[int]]:
    """Return the rows of a random half of the people, as a folder kept apart would hold them, and where they stood."""
    people = sorted({row.subject for row in table.rows})
    chosen = set(np.random.default_rng(seed).permutation(people)[: len(people) // 2].tolist())
    rows = [at for at, row in enumerate(table.rows) if row.subject in chosen]
    return replace(table, rows=tuple(_without_fold(table.rows[at]) for at in rows)), rows


def _without_fold(row: Row) -> Row:
    return replace(row, fold=None, columns={name: text for name, text in row.columns.items() if name != "fold"})
