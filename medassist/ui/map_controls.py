"""How the map on screen is drawn: how strongly, from which value on, in its own cells, and what it does not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QSlider, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.actions import SetLayers
from medassist.session.state import Session
from medassist.ui.binding import bind_share, bind_switch
from medassist.ui.map_facts import drawn_text
from medassist.ui.store import Store

SHARES = ("heatmap_opacity", "heatmap_threshold")


class MapControls(QWidget):
    """Sliders and a switch of the explanation map; hidden while there is none."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.sliders = {name: QSlider(Qt.Orientation.Horizontal, self) for name in SHARES}
        self.labels = {name: QLabel(self) for name in SHARES}
        self.cells, self.area = QCheckBox(self), QLabel(self)
        self.area.setProperty("role", "dim")
        self._lay_out()
        bind_share(store, self.sliders["heatmap_opacity"], lambda one: one.layers.heatmap_opacity, _set("opacity"))
        bind_share(
            store, self.sliders["heatmap_threshold"], lambda one: one.layers.heatmap_threshold, _set("threshold")
        )
        bind_switch(store, self.cells, lambda one: one.layers.heatmap_native_cells, _set("native_cells"))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        for name, word in zip(SHARES, (tr("Opacity"), tr("Hide below")), strict=True):
            self.labels[name].setText(word)
            self.sliders[name].setAccessibleName(word)
        self.cells.setText(tr("Cells as computed"))
        self._draw(self._store.session)

    def _lay_out(self) -> None:
        column, form = QVBoxLayout(self), QFormLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for name in SHARES:
            form.addRow(self.labels[name], self.sliders[name])
        column.addLayout(form)
        column.addWidget(self.area)
        column.addWidget(self.cells)

    def _changed(self, old: Session, new: Session) -> None:
        if old.heatmap is not new.heatmap or old.layers is not new.layers:
            self._draw(new)

    def _draw(self, session: Session) -> None:
        heatmap = session.heatmap
        self.setVisible(heatmap is not None)
        if heatmap is not None:
            self.area.setText(drawn_text(heatmap, session.layers.heatmap_threshold))


def _set(name: str) -> Callable[[Session, float], SetLayers]:
    def change(session: Session, value: float) -> SetLayers:
        return SetLayers(replace(session.layers, **{f"heatmap_{name}": value}))  # type: ignore[arg-type]

    return change
