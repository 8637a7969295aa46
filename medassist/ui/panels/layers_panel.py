"""What lies over the picture: mask and map, how strongly, from which value on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.session.actions import SetLayers
from medassist.session.state import Layers, Session
from medassist.ui.binding import bind_share, bind_switch
from medassist.ui.store import Store
from medassist.ui.wording import local_title

SHARES = ("fill_opacity", "outline_opacity", "heatmap_opacity", "heatmap_threshold")
SWITCHES = ("visible", "mask_visible", "heatmap_visible", "heatmap_native_cells")


class LayersPanel(QWidget):
    """Switches and sliders of the overlays, with the colours of the labels."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.title, self.legend = QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.switches = {name: QCheckBox(self) for name in SWITCHES}
        self.sliders = {name: QSlider(Qt.Orientation.Horizontal, self) for name in SHARES}
        self.labels = {name: QLabel(self) for name in SHARES}
        self._lay_out()
        for name, switch in self.switches.items():
            bind_switch(store, switch, _get_switch(name), _setter(name))
        for name, slider in self.sliders.items():
            bind_share(store, slider, _get_share(name), _setter(name))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Overlays"))
        self.switches["visible"].setText(tr("Show AI results (hold Space to hide)"))
        self.switches["mask_visible"].setText(tr("Mask"))
        self.switches["heatmap_visible"].setText(tr("Explanation map"))
        self.switches["heatmap_native_cells"].setText(tr("Cells as computed"))
        words = {
            "fill_opacity": tr("Fill"),
            "outline_opacity": tr("Outline"),
            "heatmap_opacity": tr("Opacity"),
            "heatmap_threshold": tr("Hide below"),
        }
        for name, word in words.items():
            self.labels[name].setText(word)
            self.sliders[name].setAccessibleName(word)
        self.sliders["heatmap_threshold"].setToolTip(tr("Hide values below this share of the map's maximum"))
        self._draw(self._store.session)

    def _lay_out(self) -> None:
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(8, 8, 4, 8)
        column.addWidget(self.title)
        column.addWidget(self.switches["visible"])
        rows = ("mask_visible", "fill_opacity", "outline_opacity", "", "heatmap_visible", "heatmap_opacity",
                "heatmap_threshold", "heatmap_native_cells")  # fmt: skip
        for row, name in enumerate(rows):
            if name in self.switches:
                grid.addWidget(self.switches[name], row, 0, 1, 2)
            elif name in self.sliders:
                grid.addWidget(self.labels[name], row, 0)
                grid.addWidget(self.sliders[name], row, 1)
            else:
                grid.addWidget(self.legend, row, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)

    def _changed(self, old: Session, new: Session) -> None:
        if old.mask is not new.mask or old.heatmap is not new.heatmap:
            self._draw(new)

    def _draw(self, session: Session) -> None:
        has_mask, has_map = session.mask is not None, session.heatmap is not None
        self.legend.setText("<br>".join(_legend_lines(session)))
        self.legend.setVisible(has_mask)
        for name in ("mask_visible", "fill_opacity", "outline_opacity"):
            self._enable(name, has_mask)
        for name in ("heatmap_visible", "heatmap_opacity", "heatmap_threshold", "heatmap_native_cells"):
            self._enable(name, has_map)
        self._enable("visible", has_mask or has_map)

    def _enable(self, name: str, on: bool) -> None:
        widget = self.switches.get(name) or self.sliders[name]
        widget.setEnabled(on)
        if name in self.labels:
            self.labels[name].setEnabled(on)


def _setter(name: str) -> Callable[[Session, float], SetLayers]:
    def change(session: Session, value: float) -> SetLayers:
        return SetLayers(replace(session.layers, **{name: value}))  # type: ignore[arg-type]

    return change


def _field(layers: Layers, name: str) -> float | bool:
    value: float | bool = getattr(layers, name)
    return value


def _get_share(name: str) -> Callable[[Session], float]:
    return lambda session: float(_field(session.layers, name))


def _get_switch(name: str) -> Callable[[Session], bool]:
    return lambda session: bool(_field(session.layers, name))


def _legend_lines(session: Session) -> list[str]:
    from html import escape

    segments = session.mask.segments if session.mask is not None else ()
    return [
        f'<span style="color: rgb{segment.color};">■</span> {escape(local_title(segment.label, segment.title_zh))}'
        for segment in segments
    ]
