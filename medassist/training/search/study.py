"""A search of so many trials: kept in a journal so that a kill costs nothing, and written down at its end."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused, UnwritableOutput, UsageError
from medassist.plugins import needs
from medassist.progress import Progress
from medassist.training.curves import Watch, unwatched
from medassist.training.log import logged
from medassist.training.place import joined
from medassist.training.recipe import Recipe, read_recipe
from medassist.training.record import write_json
from medassist.training.search.space import meant, own_values, space_of, with_values
from medassist.training.search.trials import Course, prepare_course, run_trial, searching

if TYPE_CHECKING:
    import optuna

_log = logging.getLogger(__name__)

JOURNAL, RESULT, BEST = "journal.log", "search.json", "best.toml"
PROBLEM = "problem"


@dataclass(frozen=True)
class Searched:
    """The recipe that did best, its score, and what the one it came from would be told apart by."""

    recipe: Path
    score: float
    values: dict[str, Any]
    trials: int


def search(
    recipe_path: Path,
    data: Path,
    out: Path,
    trials: int,
    *,
    device: str = "auto",
    watch: Watch = unwatched,
    progress: Progress | None = None,
) -> Searched:
    """Try `trials` sets of values of the recipe's `[search]` and write the best recipe into `OUT.search`.

    Values are drawn by the tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), a trial that falls below
    the median of the others is cut short, and what counts is the validation score inside the training folds: the
    test folds are never looked at. A search that was killed goes on with the same command to the same trials.

    Raises UsageError for the recipe, Refused without Optuna or when no trial succeeded, UnwritableOutput, Cancelled.
    """
    progress = progress or Progress()
    _demand_optuna()
    recipe = read_recipe(recipe_path)
    space = space_of(recipe)
    folder = out.with_name(out.name + ".search")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=folder, reason=error.strerror) from error
    with joined(device) as place, logged(folder / "log.txt", place):
        if place.size > 1:
            raise UsageError("A search runs in one process; start it without torchrun.")
        course = prepare_course(searching(recipe), space, data, folder, place, watch, progress)
        study = _study(recipe, folder)
        _run(course, study, trials)
    return _written(recipe, course, study, folder)


def _demand_optuna() -> None:
    missing = [name for name in ("optuna", "tomlkit") if not needs([name]).ok]
    if missing:
        raise Refused(
            "A search needs {packages}, which is not installed.",
            remedy="pip install 'medassist[train]' brings it.",
            packages=", ".join(missing),
        )


def _study(recipe: Recipe, folder: Path) -> optuna.Study:
    """Open the journal; another recipe or other ranges are another study in it."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    backend = JournalFileBackend(str(folder / JOURNAL))
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name=_name(recipe),
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=searching(recipe).schedule.epochs // 4),
    )


def _name(recipe: Recipe) -> str:
    text = json.dumps([searching(recipe).fingerprint, recipe.search], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _run(course: Course, study: optuna.Study, trials: int) -> None:
    """Run what is missing of `trials`: first the recipe as it stands, so that the best is never worse than that."""
    import optuna

    _begin_again(course, study)
    while (done := len(_finished(study))) < trials:
        # A sampler per trial, seeded by its number, draws the same whether or not the search was interrupted before.
        study.sampler = optuna.samplers.TPESampler(seed=(course.recipe.schedule.seed + done) % 2**31)
        trial = study.ask()
        try:
            study.tell(trial, run_trial(course, trial))
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        except (Refused, UsageError) as problem:
            trial.set_user_attr(PROBLEM, problem.sentence())
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        _log.info("trial %d of %d: %s %s", done + 1, trials, study.trials[-1].state.name, study.trials[-1].value)


def _begin_again(course: Course, study: optuna.Study) -> None:
    """Queue the recipe's own values in a new study, and those of a trial that was killed in an old one."""
    from optuna.trial import TrialState

    if not study.trials:
        own = own_values(course.recipe, course.space)
        if own is not None:
            study.enqueue_trial(own)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that came to an end of their own, whichever."""
    from optuna.trial import TrialState

    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    return [trial for trial in study.trials if trial.state in ended or PROBLEM in trial.user_attrs]


def _written(recipe: Recipe, course: Course, study: optuna.Study, folder: Path) -> Searched:
    from optuna.trial import TrialState

    trials = _finished(study)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.value is not None]
    if not complete:
        problems = [str(trial.user_attrs[PROBLEM]) for trial in trials if PROBLEM in trial.user_attrs]
        raise Refused("No trial of the search came to an end: {reason}", reason=problems[0] if problems else "–")
    best = max(complete, key=lambda trial: float(trial.value or 0.0))
    found = Searched(folder / BEST, float(best.value or 0.0), meant(course.space, best.params), len(trials))
    write_json(folder / RESULT, _content(recipe, course, trials, best))
    _write_recipe(recipe, found, len(course.checks))
    return found


def _content(
    recipe: Recipe, course: Course, trials: Sequence[optuna.trial.FrozenTrial], best: optuna.trial.FrozenTrial
) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "fingerprint": recipe.fingerprint,
        "epochs": course.recipe.schedule.epochs,
        "rows": {"train": len(course.samples), "validation": len(course.checks)},
        "best": best.number,
        "trials": [
            {
                "number": trial.number,
                "state": trial.state.name.lower(),
                "score": trial.value,
                "epochs": max(trial.intermediate_values, default=0),
                "values": meant(course.space, trial.params),
                **({PROBLEM: trial.user_attrs[PROBLEM]} if PROBLEM in trial.user_attrs else {}),
            }
            for trial in trials
        ],
    }


def _write_recipe(recipe: Recipe, found: Searched, judged: int) -> None:
    """Write the recipe with the best values in their places and, on top, where they come from."""
    head = (
        f"# The best of {found.trials} trials of `medassist train {recipe.path.name} --search {found.trials}`:\n"
        f"# score {found.score:.4f} on {judged} rows of subjects left out of training; no test fold was looked at.\n"
        "# The best of many is a little lucky: only `medassist evaluate` on people never seen tells what it is worth.\n"
        + "".join(f"#   {key} = {json.dumps(value)}\n" for key, value in found.values.items())
    )
    try:
        found.recipe.write_text(head + with_values(recipe, found.values).text, encoding="utf-8")
    except OSError as error:
        raise UnwritableOutput(
            "{path} cannot be written: {reason}.", path=found.recipe, reason=error.strerror
        ) from error
