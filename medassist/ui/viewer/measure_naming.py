"""The name of a measurement and the words of a text, typed on the picture where they belong."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF

from medassist.entities.measurement import Measurement
from medassist.session.measurements import AddMeasurement, ChangeMeasurement, measurement_of
from medassist.ui.store import Store
from medassist.ui.viewer.label_edit import LabelEdit
from medassist.ui.viewer.measure_drawing import Drawing
from medassist.ui.viewer.measure_place import on_plane
from medassist.ui.viewer.slice_view import SliceView


def ask_name(store: Store, view: SliceView, uid: str) -> None:
    """Ask for the name of a measurement, right beside it."""
    one = measurement_of(store.session, uid)
    if one is None:
        return

    def named(words: str | None) -> None:
        view.setFocus()
        if words is not None:
            store.dispatch(ChangeMeasurement(uid, label=words))

    LabelEdit(one.label, _beside(view, one), named, view.viewport())


def ask_words(store: Store, drawing: Drawing, text: Measurement) -> None:
    """Ask for the words of a text before it is kept: one without words could not be seen."""
    view = drawing.view

    def typed(words: str | None) -> None:
        view.setFocus()
        if words:
            store.dispatch(AddMeasurement(replace(text, label=words)))

    at = view.viewportTransform().map(QPointF(*drawing.clicks[0]))
    LabelEdit("", at.toPoint(), typed, view.viewport())


def _beside(view: SliceView, one: Measurement) -> QPoint:
    """Return where the name of a measurement is typed: over its figures, or where it begins."""
    written = view.measures.label_place(one.uid)
    points = on_plane(one, view.shown) if view.shown is not None else None
    if not written.isEmpty() or points is None:
        return written.topLeft().toPoint()
    return view.viewportTransform().map(QPointF(*points[0])).toPoint()
