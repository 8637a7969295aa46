"""The curve of a training as files: one JSON line per epoch, TensorBoard events and a picture."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from medassist.entities.errors import UnwritableOutput

_log = logging.getLogger(__name__)

Point = Mapping[str, float]
Watch = Callable[[Sequence[Point]], None]

LINES, EVENTS, PICTURE = "curve.jsonl", "tensorboard", "docs/curve.png"
NOT_DRAWN = ("epoch", "seconds")


def unwatched(_curve: Sequence[Point]) -> None:
    """Look away: the watcher of a training nobody watches."""


@contextmanager
def recorded(folder: Path | None, epoch: int) -> Iterator[Watch]:
    """Yield what writes a curve into a folder after every epoch (None: nowhere); `epoch` were done before.

    Events of later epochs, left by a run that was killed or thrown away, are marked as void.
    """
    if folder is None:
        yield unwatched
        return
    writer = _event_writer(folder / EVENTS, epoch)

    def record(curve: Sequence[Point]) -> None:
        (folder / LINES).write_text("".join(json.dumps(dict(point)) + "\n" for point in curve), encoding="utf-8")
        if writer is not None and curve:
            for name, value in curve[-1].items():
                if name != "epoch":
                    writer.add_scalar(name.replace(" ", "_"), value, int(curve[-1]["epoch"]))  # type: ignore[attr-defined]
            writer.flush()  # type: ignore[attr-defined]

    try:
        yield record
    finally:
        if writer is not None:
            writer.close()  # type: ignore[attr-defined]


def _event_writer(folder: Path, epoch: int) -> object | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        _log.info("tensorboard is not installed (pip install 'medassist[train]'): no event files are written")
        return None
    return SummaryWriter(str(folder), purge_step=epoch + 1)


def series_of(curve: Sequence[Point]) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return (epoch, value) of every figure of a curve; figures not measured in an epoch have no point there."""
    names = dict.fromkeys(name for point in curve for name in point if name not in NOT_DRAWN)
    found = {
        name: tuple((point["epoch"], point[name]) for point in curve if name in point and math.isfinite(point[name]))
        for name in names
    }
    return {name: points for name, points in found.items() if points}


def draw_curve(curve: Sequence[Point], path: Path) -> None:
    """Draw loss and learning rate, and below them what was watched on rows left out, as a PNG (UnwritableOutput)."""
    from matplotlib.figure import Figure

    found = series_of(curve)
    watched = {name: points for name, points in found.items() if name not in ("loss", "learning_rate")}
    figure = Figure(figsize=(7.0, 6.0 if watched else 3.2), dpi=110, layout="constrained")
    panels = figure.subplots(2 if watched else 1, 1, sharex=True, squeeze=False)[:, 0]
    panels[0].plot(*zip(*found["loss"], strict=True), color="#0072b2")
    panels[0].set_ylabel("training loss", color="#0072b2")
    rate = panels[0].twinx()
    rate.plot(*zip(*found["learning_rate"], strict=True), color="#999999", linewidth=1.0, linestyle="--")
    rate.set_ylabel("learning rate", color="#777777")
    for name, points in watched.items():
        bold = name == "score"
        panels[1].plot(*zip(*points, strict=True), label=name, linewidth=2.2 if bold else 1.2, marker=".")
    if watched:
        panels[1].set_ylabel("on rows left out")
        panels[1].legend(fontsize=8, loc="lower right")
    for panel in panels:
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("epoch")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": None})
    except OSError as error:
        raise UnwritableOutput("{path} cannot be written: {reason}.", path=path, reason=error.strerror) from error
