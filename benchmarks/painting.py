"""What a stroke costs on 300 slices of 512 x 512: begun, painted, drawn, ended, and measured behind the scenes.

The three planes of a viewer are painted as the tool of the window does it, without a screen. Times are CPU of this
process alone, so that other work on the machine does not count. A move has to be painted and drawn in the time of one
picture of 60 a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.imaging.mask_editing_brush import stroke
from medassist.progress import Progress
from medassist.report.findings import findings_from
from medassist.session.actions import AddPrediction, AddScan, ShowVolume
from medassist.session.mask_editing import SetEditing, apply_edit, begun
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.ui.store import Store
    from medassist.ui.viewer.brush_canvas import Canvas
    from medassist.ui.viewer.viewer import Viewer

SHAPE, SLICE = (300, 512, 512), 150
MOVES = 60
RADIUS_MM = 10.0
FLAT, BALL = "flat brush, 10 mm", "ball, 10 mm"
PICTURE_MS = 1000 / 60


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return the median milliseconds of CPU of the parts of a stroke, for a flat brush and for a ball."""
    told = {name: [_stroke(ball=name == BALL) for _ in range(rounds)] for name in (FLAT, BALL)}
    return {name: {key: median(one[key] for one in rows) for key in rows[0]} for name, rows in told.items()}


def misses(rows: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    """Say which brush is too slow for 60 pictures a second."""
    moves = {name: row["paint a move ms"] + row["draw it ms"] for name, row in rows.items()}
    return [
        f"{name}: {one:.1f} ms per move, more than {PICTURE_MS} ms" for name, one in moves.items() if one > PICTURE_MS
    ]


def _stroke(*, ball: bool) -> dict[str, float]:
    """Draw one stroke on the planes of a viewer, as the tool of the window does, and measure what it changed."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance() or QApplication([])
    store, canvas, viewer = _on_screen()
    volume = store.session.volume
    assert volume is not None
    begin = _timed(canvas.begin)
    places = volume.geometry.to_world([(265 + 0.8 * step, 200 + 0.9 * step, 150) for step in range(MOVES + 1)])
    paint, draw = [], []
    for before, here in pairwise(places.tolist()):
        paint.append(_timed(partial(_paint, viewer, canvas, before, here, ball)))
        viewer.update()
        draw.append(_timed(application.processEvents))
    changed = canvas.end()
    assert changed is not None and canvas.prediction is not None  # noqa: PT018 - the way is free
    run = partial(apply_edit, volume, canvas.prediction, *changed, canvas.segments, by="", at="", progress=Progress())
    viewer.close()
    return {"begin ms": begin, "paint a move ms": median(paint), "draw it ms": median(draw), "measure ms": _timed(run)}


def _timed(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return 1000 * (time.process_time() - began)


def _paint(viewer: Viewer, canvas: Canvas, before: list[float], here: list[float], ball: bool) -> None:
    assert canvas.prediction is not None and canvas.prediction.mask is not None  # noqa: PT018 - it was put there
    patch = stroke(canvas.prediction.mask.geometry, before, here, RADIUS_MM, None if ball else (2, SLICE))
    if patch is not None and canvas.paint(patch, erase=False):
        for view in viewer.planes:
            if view.shown is not None:
                view.brush.touch(view.shown, canvas, patch)


def _on_screen() -> tuple[Store, Canvas, Viewer]:
    from medassist.ui.store import Store
    from medassist.ui.viewer.brush_canvas import Canvas
    from medassist.ui.viewer.viewer import Viewer

    store, canvas = Store(_session()), Canvas()
    viewer = Viewer(store)
    viewer.resize(1000, 800)
    canvas.follow(store.session)
    for view in viewer.planes:
        view.canvas = canvas
    viewer.show()
    viewer.retranslate()
    return store, canvas, viewer


def _session() -> Session:
    affine = np.diag([0.7, 0.7, 1.0, 1.0])
    affine[:3, 3] = (-180.0, -180.0, -150.0)
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    inside = ((x - 180) / 90.0) ** 2 + ((y - 230) / 80.0) ** 2 + ((z - 150) / 80.0) ** 2 <= 1
    series = Series("one", SeriesKind.VOLUME, (), modality="CT", shape_zyx=SHAPE)
    values = np.where(inside, np.int16(60), np.int16(-1000))[None]
    volume = Volume(series, values, Geometry(affine, SHAPE, "1.2.3"), "HU", (Window(40.0, 400.0),))
    mask = Mask(inside.astype(np.uint8), volume.geometry, (Segment(1, "Liver"),))
    prediction = Prediction(ModelRef("organs", "1.0", "0" * 64), "one", "", "cpu", mask=mask)
    study = Study("1.2", Patient("Phantom"), "20260102", series=(series,))
    opened = ShowVolume(volume)(AddScan(Scan(Path("/phantom"), (study,)))(Session()))
    run = AddPrediction(prediction, findings_from(prediction, volume))(opened)
    return SetEditing(begun(run.predictions[0]))(run)
