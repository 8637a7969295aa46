"""`train`: from a recipe to a model package."""

from __future__ import annotations

import argparse
from typing import Any

from medassist.cli.curves import training_display
from medassist.cli.terminal import given_path, say
from medassist.training.place import first_process


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    train = verbs.add_parser("train", help="train a model from a recipe")
    train.add_argument("recipe", type=given_path, metavar="RECIPE")
    train.add_argument("--data", type=given_path, required=True, metavar="DIR")
    train.add_argument("--out", type=given_path, required=True, metavar="BUNDLE")
    train.add_argument("--resume", action="store_true", help="go on after an interruption, to the same result")
    train.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:N]|mps")
    train.set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace) -> int:
    """Train and say where the package is."""
    from medassist.training.train import train

    with training_display(quiet=not first_process()) as (progress, watch):
        place = train(
            arguments.recipe,
            arguments.data,
            arguments.out,
            resume=arguments.resume,
            device=arguments.device,
            watch=watch,
            progress=progress,
        )
    if first_process():
        say(str(place))
    return 0
