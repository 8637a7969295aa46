"""From a recipe and a folder of labelled data to a complete model package with its measured card."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from medassist.entities.errors import UnreadableInput, UnwritableOutput
from medassist.inference.network import forget_networks
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.card import write_cards
from medassist.training.curves import Watch, unwatched
from medassist.training.evaluate import Evaluation, evaluate
from medassist.training.folds import demand_folds, measure_folds
from medassist.training.layouts.reading import read_table
from medassist.training.log import logged
from medassist.training.place import Place, joined
from medassist.training.recipe import read_recipe
from medassist.training.record import write_json
from medassist.training.run import Run, learn
from medassist.training.table import Table, split_rows, with_folds


def train(
    recipe_path: Path,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    cross_validate: bool = False,
    folds: Collection[int] | None = None,
    watch: Watch = unwatched,
    progress: Progress | None = None,
) -> Path:
    """Train the model of a recipe and write its package to `out`; return `out`.

    Checkpoint, log, curve and TensorBoard events lie beside it in `OUT.training`; with `resume` an interrupted run
    goes on from there to the result an uninterrupted one would have had (on a CPU, with the same number of threads).
    Started by `torchrun`, every process takes its share of each batch; the test folds are looked at once, at the end,
    for the card. With `cross_validate` one more model per fold is trained in the same way and measured on the fold it
    never saw, and the card tells these figures too; `folds` names those to leave out when not all shall be.

    Raises UsageError for the recipe, UnreadableInput for the data, UnwritableOutput for `out`, Refused for parts
    MedAssist does not know, for a device that cannot be used and a loss that is no number, and Cancelled.
    """
    progress = progress or Progress()
    recipe = read_recipe(recipe_path)
    table = with_folds(recipe, read_table(data, recipe.layout))
    if not split_rows(recipe, table)[0]:
        raise UnreadableInput("{path} has no rows in the training folds.", path=data / "index.csv")
    demand_folds(folds or (), table)
    folder = training_folder(out)
    with joined(device) as place, _package(out, place) as package, logged(folder / "log.txt", place):
        run = Run(recipe, package, folder, resume, progress, place, watch)
        learn(run, table)
        evaluation = _measured(run, table, data) if place.leads else None
        if cross_validate:
            measure_folds(run, table, data, evaluation, folds)
        if place.leads:
            write_cards(recipe, read(out), evaluation, out)
    return out


def training_folder(out: Path) -> Path:
    """Return the folder beside a package where its training keeps what it needs to go on (UnwritableOutput)."""
    folder = out.with_name(out.name + ".training")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=folder, reason=error.strerror) from error
    return folder


@contextmanager
def _package(out: Path, place: Place) -> Iterator[Path]:
    """Yield where this process writes its package: only the first one's is kept."""
    if place.leads:
        yield out
        return
    with TemporaryDirectory(prefix="medassist-") as folder:
        yield Path(folder) / out.name


def _measured(run: Run, table: Table, data: Path) -> Evaluation | None:
    """Evaluate the finished package on the test folds; None without rows in them."""
    forget_networks()
    if not any(row.fold in run.recipe.split.test_folds for row in table.rows):
        return None
    evaluation = evaluate(read(run.out), data, device=run.place.device, audit=True, progress=run.progress)
    write_json(run.out / "docs/evaluation.json", evaluation.as_json())
    return evaluation
