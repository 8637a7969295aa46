"""A package with a smaller network: pruned and tuned, or taught by the old one, by the recipe it was made with."""

from __future__ import annotations

import hashlib
import io
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused, UsageError
from medassist.inference.bundle import build_network
from medassist.inference.network import load_network
from medassist.inference.packages import Package, read
from medassist.progress import Progress
from medassist.training.bundle import write_skeleton
from medassist.training.cross_validation import FILE as CROSS_VALIDATION
from medassist.training.layouts.reading import image_of, read_table
from medassist.training.optimise.distil import teaching_loss, without_truth
from medassist.training.optimise.means import Means
from medassist.training.optimise.narrow import narrower
from medassist.training.optimise.prune import pruned_weights
from medassist.training.optimise.rows import Rows
from medassist.training.place import Place
from medassist.training.recipe import Initial, Recipe, read_recipe
from medassist.training.run import Run, learn
from medassist.training.table import Table, split_rows, with_folds
from medassist.training.tasks.choosing import task_of

if TYPE_CHECKING:
    import torch

    from medassist.training.tasks.task import Sample

HALF = 0.5
HELD_OUT = 0.2
"""Share of the training people that thresholds are chosen on, where the recipe chose them by cross-fitting."""
TUNING = 0.25
"""Share of the recipe's epochs that a pruned network is tuned for, where the recipe does not say."""
NOTE = """\
# medassist optimize put a smaller network in the place of the one below, which it was made from: what runs stands in
# configs/inference.json, and where it comes from in configs/metadata.json under "made_from".
"""
STALE = (CROSS_VALIDATION, "docs/evaluation.json")


@dataclass(frozen=True)
class Pupil:
    """Who learns: the old package, the copy that gets the smaller network, and the rows."""

    package: Package
    copy: Path
    rows: Rows
    window: torch.Tensor
    progress: Progress


def shrink(pupil: Pupil, means: Means) -> None:
    """Give the copy of a package a smaller network, by the recipe in it, and the thresholds that belong to it.

    `[distill]` of the recipe may name a `network`, `epochs`, an `embedding` and an `explanation`; `[prune]` may name
    `epochs`. Raises Refused for a package without a recipe or whose network cannot be made smaller, UsageError for the
    recipe, UnreadableInput for the data.
    """
    recipe = _recipe(pupil.package)
    smaller = _distilled(recipe) if means.distill else _pruned(recipe, means.prune)
    table = _table(pupil.rows, recipe)
    for stale in STALE:
        (pupil.copy / stale).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=pupil.copy.parent) as place:
        folder = Path(place)
        run = Run(smaller, pupil.copy, folder, resume=False, progress=pupil.progress, place=Place())
        run = _taught(pupil, run, table, means) if means.distill else _cut(pupil, run, folder)
        learn(run, table)


def _recipe(package: Package) -> Recipe:
    path = package.root / "recipe.toml"
    if not path.is_file():
        raise Refused("{model} has no recipe, so no smaller network can be trained in its place.", model=package.name)
    return read_recipe(path)


def _own(recipe: Recipe, name: str) -> Mapping[str, Any]:
    """Return a table of the recipe that only an optimisation reads, {} where there is none."""
    table = tomllib.loads(recipe.text).get(name, {})
    if not isinstance(table, dict):
        raise UsageError("The key {key} of the recipe {path} has the wrong type.", path=recipe.path, key=name)
    return table


def _distilled(recipe: Recipe) -> Recipe:
    own = _own(recipe, "distill")
    network = own.get("network") or narrower(recipe.network, HALF)
    package = {**recipe.package, **({"explanation": own["explanation"]} if "explanation" in own else {})}
    embedding = own.get("embedding", recipe.embedding)
    changed = replace(recipe, network=network, package=package, embedding=embedding, ensemble=None)
    return _learnable(changed, own.get("epochs", recipe.schedule.epochs))


def _pruned(recipe: Recipe, share: float) -> Recipe:
    if recipe.ensemble is not None:
        raise Refused(
            "{model} is an ensemble, whose members cannot be pruned together.",
            remedy="--distill teaches one network what all of them say.",
            model=recipe.name,
        )
    own = _own(recipe, "prune")
    epochs = own.get("epochs", max(1, round(TUNING * recipe.schedule.epochs)))
    return _learnable(replace(recipe, network=narrower(recipe.network, 1.0 - share)), epochs)


def _learnable(recipe: Recipe, epochs: object) -> Recipe:
    """Return the recipe for `epochs`, with people held out for thresholds where cross-fitting chose them."""
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        raise UsageError("The key {key} of the recipe {path} has the wrong type.", path=recipe.path, key="epochs")
    changed = replace(recipe, schedule=replace(recipe.schedule, epochs=epochs), initial=None, text=NOTE + recipe.text)
    if not recipe.cross_fit or task_of(recipe).logits is None:
        return changed
    return replace(changed, cross_fit=False, split=replace(recipe.split, validation_share=HELD_OUT))


def _table(rows: Rows, recipe: Recipe) -> Table:
    """Return the folder to learn from, without anybody who is judged."""
    table = with_folds(recipe, rows.training_table)
    judged = {row.subject for row in rows.judged}
    kept = Table(table.root, table.layout, tuple(row for row in table.rows if row.subject not in judged))
    if not table.has_folds or not split_rows(recipe, kept)[0]:
        raise Refused(
            "{path} has no rows of the training of this model, which a smaller network has to learn from.",
            remedy="Say --training-data.",
            path=table.root,
        )
    return kept


def _taught(pupil: Pupil, run: Run, table: Table, means: Means) -> Run:
    teacher = load_network(pupil.package, "cpu").module
    more = _unlabelled(pupil, run.recipe, table, means.unlabelled) if means.unlabelled is not None else []
    return replace(run, loss=teaching_loss(run.recipe), teacher=teacher, more=more)


def _unlabelled(pupil: Pupil, recipe: Recipe, table: Table, folder: Path) -> Sequence[Sample]:
    """Return the images of a folder, prepared as the package prepares them, without the people who are judged."""
    from medassist.inference.prepare import prepare

    others = read_table(folder)
    judged = {row.subject for row in pupil.rows.judged}
    rows = [row for row in others.rows if row.subject not in judged]
    like = task_of(recipe).samples(recipe, pupil.package, table, table.rows[:1], Progress())[0]
    images = [
        prepare(pupil.package, image_of(others, row)).tensor[0]
        for row in pupil.progress.over(rows, "Reading training data")
    ]
    return without_truth(images, like)


def _cut(pupil: Pupil, run: Run, folder: Path) -> Run:
    """Begin with the weights that are left when the weakest channels are gone."""
    import torch

    write_skeleton(run.recipe, pupil.copy)
    narrow = build_network(read(pupil.copy)).state_dict()
    left = pruned_weights(load_network(pupil.package, "cpu").module, pupil.window, narrow)
    content = io.BytesIO()
    torch.save(left, content)
    file = folder / "pruned.pt"
    file.write_bytes(content.getvalue())
    return replace(
        run, recipe=replace(run.recipe, initial=Initial(file, hashlib.sha256(content.getvalue()).hexdigest()))
    )
