"""What lies over the picture: mask and map, how strongly, from which value on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QTextBrowser, QVBoxLayout, QWidget

from medassist.entities.overlay import Overlay
from medassist.language import localized, tr
from medassist.session.actions import SetLayers
from medassist.session.state import Layers, Session
from medassist.ui import theme
from medassist.ui.binding import bind_share, bind_switch
from medassist.ui.label_details import LabelDetails
from medassist.ui.overlay_list import OverlayList
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.wording import file_title

SHARES = ("fill_opacity", "outline_opacity", "heatmap_opacity", "heatmap_threshold")
SWITCHES = ("visible", "mask_visible", "heatmap_visible", "heatmap_native_cells", "files_visible")
FILES_HEIGHT = 130


class LayersPanel(QWidget):
    """Switches and sliders of the overlays, with the colours of the labels."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.title = QLabel(self)
        self.title.setProperty("role", "title")
        self.list, self.details = OverlayList(store, self), LabelDetails(store, runner, self)
        self.list.chosen.connect(lambda: self.details.show_label(self.list.selected()))
        self.files = QTextBrowser(self)
        self.files.setOpenLinks(False)
        self.files.setFixedHeight(FILES_HEIGHT)
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
        self.list.retranslate()
        self.details.retranslate()
        self.files.setAccessibleName(tr("Overlays of files"))
        self.switches["visible"].setText(tr("Show AI results (hold Space to hide)"))
        self.switches["mask_visible"].setText(tr("Mask"))
        self.switches["heatmap_visible"].setText(tr("Explanation map"))
        self.switches["heatmap_native_cells"].setText(tr("Cells as computed"))
        self.switches["files_visible"].setText(tr("Show overlays from files"))
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
        column.addWidget(self.list)
        column.addWidget(self.details)
        rows = ("mask_visible", "fill_opacity", "outline_opacity", "heatmap_visible", "heatmap_opacity",
                "heatmap_threshold", "heatmap_native_cells", "files_visible", "files")  # fmt: skip
        for row, name in enumerate(rows):
            if name in self.switches:
                grid.addWidget(self.switches[name], row, 0, 1, 2)
            elif name in self.sliders:
                grid.addWidget(self.labels[name], row, 0)
                grid.addWidget(self.sliders[name], row, 1)
            else:
                grid.addWidget(self.files, row, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)

    def _changed(self, old: Session, new: Session) -> None:
        changed = old.file_map is not new.file_map or old.overlays is not new.overlays or old.current != new.current
        if changed or _differ(old, new):
            self.list.draw(new)
            self.details.show_label(self.list.selected())
        changed = changed or old.layers.heatmap_visible != new.layers.heatmap_visible
        changed = changed or old.layers.visible != new.layers.visible
        changed = changed or old.predictions is not new.predictions or old.presented is not new.presented
        if changed or old.mask is not new.mask or old.heatmap is not new.heatmap:
            self._draw(new)

    def _draw(self, session: Session) -> None:
        has_mask, has_map = session.mask is not None or bool(session.regions), session.heatmap is not None
        overlays = session.overlays_here
        lines = [line for one in overlays for line in _file_lines(one, session)] + _state_lines(session)
        self.files.setHtml("<br>".join(lines))
        self.files.setVisible(bool(lines))
        self.switches["files_visible"].setVisible(bool(lines))
        masks, maps = any(one.masks for one in overlays), any(one.maps for one in overlays)
        self._enable("mask_visible", has_mask)
        self._enable("outline_opacity", has_mask or masks)
        drawn = session.heatmap is not None and not session.heatmap.means_nothing
        covered = drawn and session.layers.heatmap_visible and session.layers.visible
        self._enable("fill_opacity", (masks or has_mask) and not covered)
        self.sliders["fill_opacity"].setToolTip(
            tr("Under this map only outlines are drawn: fillings would be read as a part of it.") if covered else ""
        )
        for name in ("heatmap_visible", "heatmap_opacity", "heatmap_threshold"):
            self._enable(name, has_map or maps)
        self._enable("heatmap_native_cells", has_map)
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


def _differ(old: Session, new: Session) -> bool:
    """Tell whether the list has something else to show, where the overlays are the same."""
    before, now = ((one.mask, one.regions, one.heatmap, one.layers.looks, one.layers.heatmap_visible,
                    one.label_figures, one.editing, one.volume, one.view.time) for one in (old, new))  # fmt: skip
    return before != now


def _state_lines(session: Session) -> list[str]:
    """Return the name of the presentation state that draws over the pictures, and that it covers a part of them."""
    state = session.presented
    shown = None if state is None else state.presentation
    if state is None or shown is None or not (shown.graphics or shown.shutter):
        return []
    title = f"<b>{escape(f'{tr(state.kind)}, {state.title}')}</b>"
    covered = f'<span style="color: {theme.CAUTION};">⚠ {tr("A shutter covers a part of the pictures.")}</span>'
    return [title, *([covered] if shown.shutter else [])]


def _file_lines(overlay: Overlay, session: Session) -> list[str]:
    """Return the name of an overlay of a file, its colours, the range of its maps, and what must be known about it."""
    lines = [f"<b>{escape(file_title(overlay))}</b>"]
    for one in overlay.maps:
        unit = str(one.parameters.get("unit", ""))
        told = tr(
            "{name}: colours from 0 to {maximum} {unit}", name=one.target, maximum=f"{one.maximum:.3g}", unit=unit
        )
        hidden = "" if one is session.file_map else f" ({tr('not drawn: one map at a time')})"
        lines.append(escape(told.strip() + hidden))
    return lines + [
        f'<span style="color: {theme.CAUTION};">⚠ {escape(localized(note))}</span>' for note in overlay.notes
    ]
