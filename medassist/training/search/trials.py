"""One trial after another: values drawn, a model trained on the training folds, hopeless ones cut short."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused, UnreadableInput, UsageError
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.bundle import write_skeleton
from medassist.training.curves import Point, Watch
from medassist.training.layouts.reading import read_table
from medassist.training.place import Place
from medassist.training.recipe import Recipe
from medassist.training.run import Run
from medassist.training.search.space import EPOCHS, Space, with_values
from medassist.training.table import split_rows, with_folds
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    import optuna

    from medassist.training.tasks.task import Sample

_log = logging.getLogger(__name__)

LEAST_SHARE = 0.2


@dataclass(frozen=True)
class Course:
    """What all trials share: the recipe they vary, the samples, and where they are kept.

    `checks` are of subjects inside the training and validation folds: a search never looks at a test fold.
    """

    recipe: Recipe
    space: Space
    samples: Sequence[Sample]
    checks: Sequence[Sample]
    folder: Path
    place: Place
    watch: Watch
    progress: Progress


def searching(recipe: Recipe) -> Recipe:
    """Return the recipe as its trials begin: shorter when `search.epochs` says so, and with subjects to judge by.

    Without validation folds a fifth of the training subjects at least judges: fewer would tell chance from chance.
    """
    epochs = recipe.search.get(EPOCHS, recipe.schedule.epochs)
    if type(epochs) is not int or not 1 <= epochs <= recipe.schedule.epochs:
        raise UsageError(
            "The key {key} of the recipe {path} has the wrong type.", path=recipe.path, key="search.epochs"
        )
    share = (
        recipe.split.validation_share
        if recipe.split.validation_folds
        else max(LEAST_SHARE, recipe.split.validation_share)
    )
    return replace(
        recipe, schedule=replace(recipe.schedule, epochs=epochs), split=replace(recipe.split, validation_share=share)
    )


def prepare_course(
    recipe: Recipe, space: Space, data: Path, folder: Path, place: Place, watch: Watch, progress: Progress
) -> Course:
    """Read and prepare the rows once for all trials (UnreadableInput without rows to learn from or to judge by)."""
    table = with_folds(recipe, read_table(data, recipe.layout))
    learn, check = split_rows(recipe, table)
    if not learn or not check:
        raise UnreadableInput("{path} has no rows in the training folds.", path=data / "index.csv")
    write_skeleton(recipe, folder / "package")
    package, task = read(folder / "package"), task_of(recipe)
    samples, checks = (task.samples(recipe, package, table, rows, progress) for rows in (learn, check))
    return Course(recipe, space, samples, checks, folder, place, watch, progress)


def run_trial(course: Course, trial: optuna.Trial) -> float:
    """Train with the values of a trial and return its score; a trial that was killed goes on where it was.

    Raises optuna.TrialPruned when it falls behind the median of the others, Refused or UsageError when these values
    make no network that learns.
    """
    recipe = varied(course, trial)
    folder = course.folder / f"trial-{recipe.fingerprint[:12]}"
    write_skeleton(recipe, folder / "package")
    watch = _judged_by(trial, course.watch)
    run = Run(recipe, folder / "package", folder, True, course.progress, course.place, watch)
    _, trained = run.fit(course.samples, course.checks)
    return score_of(recipe, trained.curve)


def varied(course: Course, trial: optuna.Trial) -> Recipe:
    """Return the recipe of a trial; what a search shortened or drew stays as in the others."""
    values = {key: spread.draw(trial, key) for key, spread in course.space.items()}
    recipe = with_values(course.recipe, values)
    schedule = replace(recipe.schedule, epochs=course.recipe.schedule.epochs)
    return replace(recipe, schedule=schedule, split=course.recipe.split)


def score_of(recipe: Recipe, curve: Sequence[Point]) -> float:
    """Return the score of the epoch that would be shipped: the best with early stopping, else the last."""
    scores = [point["score"] for point in curve if "score" in point]
    if not scores:
        raise Refused("The rows left out for validation give no score.", remedy="Leave out more subjects.")
    return max(scores) if recipe.schedule.patience else scores[-1]


def _judged_by(trial: optuna.Trial, shown: Watch) -> Watch:
    """Return who reports every new score to the trial and ends it when the others did better."""

    def watch(curve: Sequence[Point]) -> None:
        import optuna

        shown(curve)
        for point in curve:
            if math.isfinite(point.get("score", math.nan)) and int(point["epoch"]) not in known:
                known.add(int(point["epoch"]))
                trial.report(point["score"], int(point["epoch"]))
        if trial.should_prune():
            raise optuna.TrialPruned()

    known: set[int] = set()
    return watch
