"""All pictures of one evaluation."""

from __future__ import annotations

from medassist.inference.packages import Package
from medassist.training.evaluation.asking import CLASSES, FINDINGS, MASKS, OBJECTS
from medassist.training.evaluation.plots import confusion, marks, scores, strain
from medassist.training.evaluation.plots.style import Drawing, words_for
from medassist.training.evaluation.result import Evaluation


def drawings(evaluation: Evaluation, package: Package, language: str) -> tuple[Drawing, ...]:
    """Return what is worth drawing, in the order of a page; () for refusal rates, which are a table."""
    labels = tuple(label.label for label in package.labels)
    words = words_for(language, package.labels)
    found: tuple[Drawing, ...] = ()
    if evaluation.kind == CLASSES:
        found += confusion.drawings(evaluation, labels, words)
    if evaluation.kind in (CLASSES, FINDINGS):
        found += scores.drawings(evaluation, labels, words)
    if evaluation.kind in (MASKS, OBJECTS):
        found += marks.drawings(evaluation, labels, words)
    return found + strain.drawings(evaluation, words)
