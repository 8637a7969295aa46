"""The numbers of one label: each cue alone, all together, the frame against the inside, the model without the organ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medassist.training.audit.answer import CueArea, LabelAudit, OfModel
from medassist.training.audit.areas import Area, Draws, area
from medassist.training.audit.blanking import ModelScores
from medassist.training.audit.cues import Cue
from medassist.training.audit.people import Parts, count_people, parts_of
from medassist.training.audit.pictures import frame_mask
from medassist.training.audit.questions import Question
from medassist.training.audit.simple_models import level_scores, pixel_scores, together_scores
from medassist.training.audit.verdict import FEWEST_PEOPLE
from medassist.training.metrics import Measured

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Numbers = NDArray[np.intp]

PARTED_BY = "view"
BEST_OF_MANY = 0.005
"""Within a part of the rows only the best of about ten cues is told: its interval is one of 99.5 %."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the questions about a folder share, row by row: cues, small pictures, people, what folds keep together."""

    cues: tuple[Cue, ...]
    pictures: NDArray[np.float32] = field(repr=False)
    people: Numbers = field(repr=False)
    groups: Numbers = field(repr=False)
    model: ModelScores | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class _Simple:
    """Scores of the simple models, (rows of the question,) each."""

    together: Floats
    visible: Floats
    frame: Floats
    inside: Floats


def audit_label(question: Question, seen: Seen) -> LabelAudit:
    """Measure one label; a label with too few people gets its counts alone."""
    rows, truth = question.rows, question.truth
    people, groups = seen.people[rows], seen.groups[rows]
    counts = count_people(truth, people)
    cues = [cue.at(rows) for cue in seen.cues]
    told = [cue for cue in cues if not cue.is_constant]
    constant = tuple(cue.name for cue in cues if cue.is_constant)
    known = min(counts) >= FEWEST_PEOPLE
    parts = parts_of(truth, groups) if known else []
    draws = Draws.of(people)
    simple = _simple(told, seen.pictures[rows], truth, parts) if known else None
    areas = {} if simple is None else {name: area(one, truth, draws) for name, one in vars(simple).items()}
    return LabelAudit(
        label=question.label,
        against=question.against,
        positive=int(truth.sum()),
        negative=int((~truth).sum()),
        people=counts,
        cues=dict(_alone(told, truth, parts, draws)) if known else {},
        constant=constant,
        gain=_above(areas.get("inside"), areas.get("frame")),
        within=dict(_within(told, truth, people, groups)) if known else {},
        model=_of_model(question, seen, simple) if simple is not None else None,
        **{name: _measured(areas.get(name)) for name in ("together", "visible", "frame", "inside")},
    )


def _simple(cues: list[Cue], pictures: NDArray[np.float32], truth: Bools, parts: Parts) -> _Simple:
    frame = frame_mask()
    return _Simple(
        together=together_scores(cues, truth, parts),
        visible=together_scores([cue for cue in cues if cue.group != "selection"], truth, parts),
        frame=pixel_scores(pictures[:, frame], truth, parts),
        inside=pixel_scores(pictures[:, ~frame], truth, parts),
    )


def _alone(
    cues: list[Cue], truth: Bools, parts: Parts, draws: Draws, outside: float = 0.05
) -> Iterator[tuple[str, CueArea]]:
    for cue in cues:
        several = len(cue.levels) > 2
        found = area(level_scores(cue, truth, parts) if several else cue.values, truth, draws)
        if found is not None:
            rising = found.value >= 0.5
            better = found if several or rising else found.turned()
            yield cue.name, CueArea(cue.group, better.measured(outside), None if several else rising)


def _within(
    cues: list[Cue], truth: Bools, people: Numbers, groups: Numbers
) -> Iterator[tuple[str, tuple[str, Measured]]]:
    """Look at each view by itself: a cue may point one way in one and the other way in another."""
    parted = next((cue for cue in cues if cue.name == PARTED_BY), None)
    for level, part in enumerate(parted.levels if parted else ()):
        rows = np.flatnonzero(parted.values == level) if parted else np.zeros(0, np.intp)
        if min(count_people(truth[rows], people[rows])) < FEWEST_PEOPLE:
            continue
        told = [cue.at(rows) for cue in cues if cue.group in ("file", "picture")]
        told = [cue for cue in told if not cue.is_constant]
        found = dict(
            _alone(told, truth[rows], parts_of(truth[rows], groups[rows]), Draws.of(people[rows]), BEST_OF_MANY)
        )
        if found:
            best = max(found, key=lambda name: found[name].area.value)
            yield part, (best, found[best].area)


def _of_model(question: Question, seen: Seen, simple: _Simple) -> OfModel | None:
    """Measure the model on the rows it has scores for, and the simple models on the same rows."""
    scores = None if seen.model is None else seen.model.whole.get(question.label)
    if seen.model is None or scores is None:
        return None
    known = np.flatnonzero(np.isfinite(scores[question.rows]))
    rows, truth = question.rows[known], question.truth[known]
    draws = Draws.of(seen.people[rows])
    whole = area(scores[rows], truth, draws) if len(rows) else None
    if whole is None:
        return None
    hidden = seen.model.blanked.get(question.label)
    blanked = None if hidden is None else area(hidden[rows], truth, draws)
    marks = {name: area(one[known], truth, draws) for name, one in vars(simple).items()}
    return OfModel(
        whole=whole.measured(),
        blanked=_measured(blanked),
        lost=_above(whole, blanked),
        over_frame=_above(whole, marks["frame"]),
        over_together=_above(whole, marks["together"]),
        over_visible=_above(whole, marks["visible"]),
    )


def _measured(found: Area | None) -> Measured | None:
    return None if found is None else found.measured()


def _above(one: Area | None, other: Area | None) -> Measured | None:
    return None if one is None or other is None else one.above(other)
