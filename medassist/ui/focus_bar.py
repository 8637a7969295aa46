"""The way back to all results, as long as the evidence of one finding is shown alone."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from medassist.language import tr
from medassist.session.focusing import Focus, focus_of, focused
from medassist.session.state import Session
from medassist.ui.store import Store
from medassist.ui.wording import claim_title


class FocusBar(QWidget):
    """Say whose evidence alone is drawn, or that there is none to draw; hidden while everything is shown."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.text, self.button = QLabel(self), QPushButton(self)
        self.button.clicked.connect(lambda: store.dispatch(Focus()))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # the window must not grow
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say it again in the current language."""
        self.button.setText(tr("Show all (Esc)"))
        self._draw(self._store.session)

    def _changed(self, old: Session, new: Session) -> None:
        was, now = focus_of(old), focus_of(new)
        results = old.predictions is not new.predictions or old.heatmaps is not new.heatmaps
        if was is not now or (now is not None and results) or (old.compared is None) is not (new.compared is None):
            self._draw(new)

    def _draw(self, session: Session) -> None:
        finding = None if session.compared is not None else focus_of(session)
        self.setVisible(finding is not None)
        if finding is None:
            return
        alone = focused(session)
        title = claim_title(finding)
        if alone.mask is not None or alone.regions or alone.heatmap is not None:
            self.text.setText(tr("Only the evidence of this finding is shown: {finding}", finding=title))
        else:
            self.text.setText(tr("{finding}: nothing to draw; other results are hidden meanwhile.", finding=title))
