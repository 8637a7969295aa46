"""How a model bears worse images: spoiled ones by the reader's road, misleading ones at the door of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from medassist.entities.prediction import ClassScore, Mask
from medassist.entities.volume import Volume
from medassist.inference.decide import Masking, Separating
from medassist.inference.devices import choose
from medassist.inference.engine import planned_on, run
from medassist.inference.plan import Plan
from medassist.inference.predict import class_scores
from medassist.inference.prepare import Prepared, prepare
from medassist.inference.windows import Forward, answer_of, blocks
from medassist.progress import Progress
from medassist.training.evaluation.asking import CLASSES, FINDINGS, Ask, Question, Said, ask, cases
from medassist.training.evaluation.attacks import ATTACKS, LEVELS, UNIT, attacked, can_be_misled
from medassist.training.evaluation.corruptions import CORRUPTIONS, Corruption, corrupted
from medassist.training.evaluation.figures import MAIN, main_figure
from medassist.training.evaluation.result import Case, Robustness, Strain, Strained
from medassist.training.layouts.reading import image_of
from medassist.training.metrics import Measured
from medassist.training.table import Row, subject_hash

if TYPE_CHECKING:
    import torch

REPEATS = 200
CORRUPTED_CASES = {True: 150, False: 20}
ATTACKED_CASES = {True: 60, False: 8}
"""How many rows at most, of a classifier (True) and of what marks voxels; whole subjects, in the order of a hash."""
NO_GRADIENT = "its answer does not depend on the image by a gradient"
TOO_FEW = "too few cases with and without a label"
STAGE, ATTACK_STAGE = "Spoiling images", "Misleading the model"


def measure(question: Question, rows: Sequence[Row], *, progress: Progress) -> Robustness | None:
    """Return the main figure of a model on rows that are changed in every way, at every level.

    None when the figure cannot be told on these rows.
    """
    classifies = question.kind in (CLASSES, FINDINGS)
    chosen = _some(rows, CORRUPTED_CASES[classifies])
    clean = _figure(question, _ask_all(question, chosen, ask, STAGE, progress))
    if clean is None:
        return None
    strains = tuple(
        Strain(one.name, one.unit, _steps(question, chosen, clean, one.levels, _spoiler(one), STAGE, progress))
        for one in CORRUPTIONS
    )
    found = Robustness(MAIN[question.kind], clean, strains)
    reason = question.package.explainable.reason
    return replace(found, why_not=reason) if reason else _with_attacks(found, question, chosen, progress)


def _with_attacks(found: Robustness, question: Question, chosen: Sequence[Row], progress: Progress) -> Robustness:
    few = _some(chosen, ATTACKED_CASES[question.kind in (CLASSES, FINDINGS)])
    clean = _figure(question, _ask_all(question, few, ask, ATTACK_STAGE, progress))
    if clean is None:
        return replace(found, why_not=TOO_FEW)
    if not _has_gradient(question, few[0]):
        return replace(found, why_not=NO_GRADIENT)
    attacks = tuple(
        Strain(name, UNIT, _steps(question, few, clean, LEVELS, _misleader(name), ATTACK_STAGE, progress))
        for name in ATTACKS
    )
    return replace(found, attack_clean=clean, attacks=attacks)


def _has_gradient(question: Question, row: Row) -> bool:
    package, device = question.package, choose(question.device)
    image = prepare(package, image_of(question.table, row)).tensor
    return can_be_misled(package, image, planned_on(package, tuple(image.shape[2:]), device), device)


def _some(rows: Sequence[Row], most: int) -> list[Row]:
    """Return rows of whole subjects, in an order that depends on the subjects alone, until there are enough."""
    ordered = sorted(rows, key=lambda row: subject_hash(row.subject))
    last = next((row.subject for row in ordered[most - 1 : most]), None)
    upto = [at for at, row in enumerate(ordered) if row.subject == last]
    return ordered[: upto[-1] + 1] if upto else ordered


def _steps(
    question: Question,
    rows: Sequence[Row],
    clean: Measured,
    levels: Iterable[float],
    way: Callable[[float], Ask],
    stage: str,
    progress: Progress,
) -> tuple[Strained, ...]:
    found = [(level, _figure(question, _ask_all(question, rows, way(level), stage, progress))) for level in levels]
    return tuple(Strained(level, one, _drop(clean.value, one.value)) for level, one in found if one is not None)


def _drop(clean: float, now: float) -> float:
    return (clean - now) / clean if clean else 0.0


def _ask_all(question: Question, rows: Sequence[Row], way: Ask, stage: str, progress: Progress) -> tuple[Case, ...]:
    return cases(question, rows, stage=stage, progress=progress, ask=way)


def _figure(question: Question, found: Sequence[Case]) -> Measured | None:
    return main_figure(question.package, found, repeats=REPEATS)


def _spoiler(corruption: Corruption) -> Callable[[float], Ask]:
    def at(level: float) -> Ask:
        return lambda question, row, volume: ask(question, row, corrupted(volume, corruption, level))

    return at


def _misleader(attack: str) -> Callable[[float], Ask]:
    def at(level: float) -> Ask:
        return lambda question, row, volume: _ask_misled(question, row, volume, attack, level)

    return at


def _ask_misled(question: Question, row: Row, volume: Volume, attack: str, level: float) -> Said:
    """Prepare an image as ever, change what the network would get, and go on from there as ever."""
    package, device = question.package, choose(question.device)
    prepared = prepare(package, volume)
    truth = question.truth([row])[0] if package.task == "classification" else None

    def work(forward: Forward, plan: Plan | None, device: str) -> tuple[tuple[ClassScore, ...], Mask | None]:
        image = attacked(package, prepared.tensor, plan, truth, attack=attack, level=level, device=device, key=row.key)
        return _answer(question, forward, replace(prepared, tensor=image), plan, device)

    scores, mask = run(package, prepared.tensor, work, device=device, backend="torch", progress=Progress()).answer
    return Said(scores, mask)


def _answer(
    question: Question, forward: Forward, prepared: Prepared, plan: Plan | None, device: str
) -> tuple[tuple[ClassScore, ...], Mask | None]:
    package, progress = question.package, Progress()
    if not package.marks_voxels:
        logits: torch.Tensor = answer_of(forward, prepared.tensor, plan, device, progress=progress)
        return class_scores(package, logits.numpy()), None
    whole = Masking(package, prepared) if package.separation is None else Separating(package, prepared)
    for block in blocks(forward, prepared.tensor, plan, device, progress=progress):
        whole.add(block)
    return (), whole.finish(progress)
