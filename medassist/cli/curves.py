"""The curve of a training in the terminal, growing while it runs; silent when piped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from medassist.language import tr
from medassist.progress import Progress, Step

if TYPE_CHECKING:
    from rich.table import Table

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40

Watch = Callable[[Sequence[Mapping[str, float]]], None]


@contextmanager
def training_display(*, quiet: bool = False) -> Iterator[tuple[Progress, Watch]]:
    """Yield a `Progress` and who is shown the curve: a bar and a table under it, where standard error is a terminal.

    `quiet` is for all but the first of several processes.
    """
    if quiet or not sys.stderr.isatty():
        yield Progress(), lambda _curve: None
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    bar = Bar(*columns, console=console)
    task = bar.add_task("", total=1.0)
    with Live(bar, console=console, transient=True, refresh_per_second=4) as live:

        def draw(step: Step) -> None:
            bar.update(task, description=tr(step.stage), completed=step.fraction or 0.0)

        def watch(curve: Sequence[Mapping[str, float]]) -> None:
            live.update(Group(curve_table(curve), bar))

        yield Progress(draw), watch


def curve_table(curve: Sequence[Mapping[str, float]]) -> Table:
    """Return one line per figure: its run so far, its newest value and its best."""
    from rich.table import Table
    from rich.text import Text

    table = Table(tr("Figure"), tr("Epoch {epoch}", epoch=int(curve[-1]["epoch"])), tr("Now"), tr("Best"))
    for name in dict.fromkeys(name for point in curve for name in point):
        if name in ("epoch", "seconds", "learning_rate"):
            continue
        values = [point[name] for point in curve if name in point]
        best = min(values) if name == "loss" else max(values)
        table.add_row(Text(_title(name)), sparkline(values), f"{values[-1]:.4f}", f"{best:.4f}")
    return table


def _title(name: str) -> str:
    titles = {"loss": tr("Training loss"), "score": tr("Score on rows left out")}
    return titles.get(name, name)


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """Return values as a row of bars from the lowest to the highest; neighbours share a bar when they are too many.

    The first quarter does not set the scale: a loss falls so steeply there that all the rest would be one flat line.
    """
    if len(values) > width:
        ends = [round(i * len(values) / width) for i in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(ends)]
    later = values[len(values) // 4 :]
    low, high = min(later), max(later)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((min(max(value, low), high) - low) * scale)] for value in values)
