"""Tie one value of the session to one widget: the widget shows the value and asks for a change by an action."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractButton, QSlider

from medassist.session.actions import Action
from medassist.session.state import Session
from medassist.ui.store import Store


def bind_share(
    store: Store, slider: QSlider, get: Callable[[Session], float], change: Callable[[Session, float], Action]
) -> None:
    """Let a slider show and set a share in 0..1, in steps of one percent."""
    slider.setRange(0, 100)

    def draw(session: Session) -> None:
        with QSignalBlocker(slider):
            slider.setValue(round(100 * get(session)))

    store.changed.connect(lambda _old, new: draw(new))
    slider.valueChanged.connect(lambda value: store.dispatch(change(store.session, value / 100)))
    draw(store.session)


def bind_switch(
    store: Store, button: QAbstractButton, get: Callable[[Session], bool], change: Callable[[Session, bool], Action]
) -> None:
    """Let a checkable button show and set a yes-or-no value."""
    button.setCheckable(True)

    def draw(session: Session) -> None:
        with QSignalBlocker(button):
            button.setChecked(get(session))

    store.changed.connect(lambda _old, new: draw(new))
    button.toggled.connect(lambda on: store.dispatch(change(store.session, on)))
    draw(store.session)
