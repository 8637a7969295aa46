"""View > Go to: the parts of the window and the neighbouring series and studies, by key alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medassist.entities.study import Series
from medassist.language import tr
from medassist.session.patients import patients_of
from medassist.session.state import Session
from medassist.ui.opening import showable
from medassist.ui.store import Store
from medassist.ui.viewer.keys import GO_KEYS

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow


class GoMenu(QMenu):
    """Entries with keys; a series is shown as a click in the list shows it, so that no work is lost."""

    def __init__(self, window: MainWindow, store: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._store = window, store
        self.entries = {name: self._action(name, act) for name, act in self._acts().items()}

    def retranslate(self) -> None:
        """Say every entry again."""
        self.setTitle(tr("Go to"))
        words = {
            "studies": tr("Studies"), "picture": tr("The picture"), "models": tr("Models"),
            "explanation": tr("Explanation"), "findings": tr("Findings"), "report": tr("Report"),
            "overlays": tr("Overlays"), "next_series": tr("Next series"), "previous_series": tr("Previous series"),
            "next_study": tr("Next study"), "previous_study": tr("Previous study"),
        }  # fmt: skip
        for name, action in self.entries.items():
            action.setText(words[name])

    def _acts(self) -> dict[str, Callable[[], object]]:
        window = self._window
        return {
            "studies": lambda: _enter(window.studies.tree),
            "picture": window.viewer.focus,
            "models": partial(self._tab, window.models),
            "explanation": partial(self._tab, window.explain),
            "findings": lambda: _enter(window.findings),
            "report": partial(self._tab, window.report),
            "overlays": lambda: _enter(window.layers),
            "next_series": partial(self._series, 1),
            "previous_series": partial(self._series, -1),
            "next_study": partial(self._study, 1),
            "previous_study": partial(self._study, -1),
        }

    def _action(self, name: str, act: Callable[[], object]) -> QAction:
        action = QAction(self)
        action.triggered.connect(lambda _on=False: act())
        action.setShortcut(QKeySequence(GO_KEYS[name]))
        if name == "next_series":
            self.addSeparator()
        self.addAction(action)
        return action

    def _tab(self, panel: QWidget) -> None:
        self._window.bring_up(panel)
        _enter(panel)

    def _series(self, step: int) -> None:
        self._show(neighbour([one for study in _studies(self._store.session) for one in study], self._here(), step))

    def _study(self, step: int) -> None:
        studies = _studies(self._store.session)
        mine = next((study for study in studies if any(one.key == self._here() for one in study)), [])
        at = studies.index(mine) + step if mine else 0
        if 0 <= at < len(studies):
            self._show(studies[at][0])

    def _here(self) -> str:
        return self._store.session.current

    def _show(self, series: Series | None) -> None:
        if series is not None and series.key != self._here():
            self._window.studies.bring(series)


def neighbour(listed: Sequence[Series], key: str, step: int) -> Series | None:
    """Return the series before or behind another one, None at the ends; the first one where none is on screen."""
    at = next((number for number, one in enumerate(listed) if one.key == key), None)
    if at is None:
        return listed[0] if listed else None
    return listed[at + step] if 0 <= at + step < len(listed) else None


def _studies(session: Session) -> list[list[Series]]:
    """Return what can be shown of each study, in the order of the list."""
    listed = (study for studies in patients_of(session) for study in studies)
    found = ([one for one in study.series if showable(one)] for study in listed)
    return [series for series in found if series]


def _enter(part: QWidget) -> None:
    """Give the keys to a part of the window: to the first thing in it that can have them."""
    reason = Qt.FocusReason.ShortcutFocusReason
    takers = (part, *part.findChildren(QWidget))
    able = (one for one in takers if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isEnabled())
    seen = next((one for one in able if one.isVisible()), None)
    if seen is not None:
        seen.setFocus(reason)
