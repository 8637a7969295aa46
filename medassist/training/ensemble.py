"""Train the members of an ensemble one by one, each as a model of its own, and make one package of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import UsageError
from medassist.inference.bundle import build_network
from medassist.inference.network import load_network
from medassist.inference.packages import read
from medassist.training.bundle import write_skeleton, write_weights
from medassist.training.curves import PICTURE, draw_curve
from medassist.training.embedding import write_embedding
from medassist.training.recipe import Recipe
from medassist.training.record import FILE, training_content, write_json
from medassist.training.table import Table, split_rows
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    import torch

    from medassist.training.run import Run

_log = logging.getLogger(__name__)

Learn = Callable[["Run", Table], None]


def member_of(recipe: Recipe, number: int) -> Recipe:
    """Return the recipe of one member: the same but for its seed; only the first keeps people back to watch a curve.

    Nothing is chosen by them, so that the others may learn from everybody.
    """
    split = recipe.split if number == 0 else replace(recipe.split, validation_share=0.0)
    schedule = replace(recipe.schedule, seed=recipe.schedule.seed + number)
    return replace(recipe, ensemble=None, split=split, schedule=schedule, embedding={})


def learn_members(run: Run, table: Table, learn: Learn) -> None:
    """Write the package of an ensemble; each member is trained by `learn` in `folder/member-N`, and may be resumed.

    Raises UsageError for a task whose outputs are scores: their thresholds would be those of single members.
    """
    assert run.recipe.ensemble is not None  # noqa: S101 - the caller looked
    if task_of(run.recipe).logits is not None:
        raise UsageError("The recipe {path} asks for an ensemble, which only masks can have.", path=run.recipe.path)
    packages = []
    for number in range(run.recipe.ensemble.members):
        folder = run.folder / f"member-{number}"
        home = folder if run.place.leads else run.out / f"member-{number}"
        member = replace(run, recipe=member_of(run.recipe, number), out=home / "package", folder=folder)
        _log.info("member %d of the ensemble", number + 1)
        learn(member, table)
        packages.append(member.out)
    if run.place.leads:
        join(run, table, packages)


def join(run: Run, table: Table, packages: Sequence[Path]) -> None:
    """Make one package of trained members; the curve it tells is that of the first, the people are those of all."""
    from medassist.inference.networks.ensemble import Ensemble

    recipe, out = run.recipe, run.out
    write_skeleton(recipe, out)
    package = read(out)
    network = build_network(package)
    assert isinstance(network, Ensemble)  # noqa: S101 - the skeleton says so
    network.take([_weights(one) for one in packages])
    rows, watched = split_rows(recipe, table)
    curve = json.loads((packages[0] / FILE).read_text(encoding="utf-8"))["curve"]
    everybody = (*rows, *watched) if len(packages) > 1 else rows
    write_json(out / FILE, training_content(recipe, everybody, watched, recipe.schedule.epochs, curve))
    draw_curve(curve, out / PICTURE)
    write_weights(recipe, out, network.state_dict(), ())
    if recipe.embedding:
        write_embedding(recipe, out, task_of(recipe).samples(recipe, package, table, rows, run.progress), rows)


def _weights(package: Path) -> Mapping[str, torch.Tensor]:
    return load_network(read(package), "cpu").module.state_dict()
