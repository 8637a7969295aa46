"""`train`: from a recipe to a model package, or to a better recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medassist.cli.curves import Watch, training_display
from medassist.cli.terminal import given_path, note, say
from medassist.entities.errors import UsageError
from medassist.language import tr
from medassist.progress import Progress
from medassist.training.place import first_process

MOST_TRIALS = 10_000
MOST_DIGITS = 6


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    train = verbs.add_parser("train", help="train a model from a recipe")
    train.add_argument("recipe", type=given_path, metavar="RECIPE")
    train.add_argument("--data", type=given_path, required=True, metavar="DIR")
    train.add_argument("--out", type=given_path, required=True, metavar="BUNDLE")
    train.add_argument("--resume", action="store_true", help="go on after an interruption, to the same result")
    train.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:N]|mps")
    more = train.add_mutually_exclusive_group()
    more.add_argument(
        "--cross-validate", action="store_true", help="train one more model per fold and measure each on its fold"
    )
    more.add_argument(
        "--search", type=_count, metavar="N", help="try N sets of values of the recipe's [search], train nothing else"
    )
    train.add_argument(
        "--folds", type=_folds, metavar="F,F", help="with --cross-validate: leave out only these folds, e.g. 0,3"
    )
    train.set_defaults(run=run_train)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_TRIALS:
        raise argparse.ArgumentTypeError(tr("it must be a number from 1 to {most}", most=MOST_TRIALS))
    return int(text)


def _folds(text: str) -> tuple[int, ...]:
    names = text.split(",")
    if not all(name.isdecimal() and len(name) <= MOST_DIGITS for name in names):
        raise argparse.ArgumentTypeError(tr("it must be numbers of folds, e.g. 0,3"))
    return tuple(sorted({int(name) for name in names}))


def run_train(arguments: argparse.Namespace) -> int:
    """Train and say where the package is, or search and say where the best recipe is."""
    if arguments.folds is not None and not arguments.cross_validate:
        raise UsageError("--folds names the folds of a cross-validation.", remedy="Add --cross-validate.")
    with training_display(quiet=not first_process()) as (progress, watch):
        written = _search(arguments, progress, watch) if arguments.search else _train(arguments, progress, watch)
    if first_process():
        say(str(written))
    return 0


def _train(arguments: argparse.Namespace, progress: Progress, watch: Watch) -> Path:
    from medassist.training.train import train

    return train(
        arguments.recipe,
        arguments.data,
        arguments.out,
        resume=arguments.resume,
        device=arguments.device,
        cross_validate=arguments.cross_validate,
        folds=arguments.folds,
        watch=watch,
        progress=progress,
    )


def _search(arguments: argparse.Namespace, progress: Progress, watch: Watch) -> Path:
    from medassist.training.search.study import search

    found = search(
        arguments.recipe,
        arguments.data,
        arguments.out,
        arguments.search,
        device=arguments.device,
        watch=watch,
        progress=progress,
    )
    note(tr("Best score {score} in {count} trials.", score=f"{found.score:.4f}", count=found.trials))
    return found.recipe
