"""What a changed setting changes in the open window at once; the others are read where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medassist.session.actions import SetLayers
from medassist.session.impressions import SetReaderFirst
from medassist.ui.settings_window import SettingsWindow

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow
    from medassist.ui.store import Store


def show_settings(window: MainWindow, store: Store) -> SettingsWindow:
    """Show the settings, and let what is chosen there hold in the window."""
    page = SettingsWindow(window)
    page.changed.connect(lambda key, value: take(window, store, page, key, value))
    page.show()
    page.search.setFocus()
    return page


def take(window: MainWindow, store: Store, page: SettingsWindow, key: str, value: object) -> None:
    """Let a setting hold in the window."""
    if key in _EFFECTS:
        _EFFECTS[key](window, store, value)
    if key == "language":
        page.retranslate()


def _layers(store: Store, **shares: Any) -> None:
    store.dispatch(SetLayers(replace(store.session.layers, **shares)))


def _device(window: MainWindow, _store: Store, name: str) -> None:
    window.models.device.prefer(name)


def _tool_stays(window: MainWindow, _store: Store, on: bool) -> None:
    window.tools.keep_tool(on)


_EFFECTS: Mapping[str, Callable[[MainWindow, Store, Any], None]] = {
    "language": lambda window, _store, value: window.say_in(value),
    "theme": lambda window, _store, value: window.wear(value),
    "device": _device,
    "reader_first": lambda _window, store, value: store.dispatch(SetReaderFirst(value)),
    "fill_opacity": lambda _window, store, value: _layers(store, fill_opacity=value),
    "heatmap_opacity": lambda _window, store, value: _layers(store, heatmap_opacity=value),
    "measure_tool_stays": _tool_stays,
}
