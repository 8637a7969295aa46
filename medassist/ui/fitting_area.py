"""An area that is as high as what it holds needs, up to a share of its panel; beyond that it scrolls."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

LEAST_PX, FEW_LINES_PX = 24, 48


class FittingArea(QScrollArea):
    """Holds texts that wrap: their height follows from the width, and changes with every word of theirs."""

    def __init__(self, content: QWidget, most: float, parent: QWidget) -> None:
        """Hold `content`; `most` is the share of the parent's height it may take."""
        super().__init__(parent)
        self._content, self._panel, self._most, self._wanted = content, parent, most, LEAST_PX
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def fit(self) -> None:
        """Take the height that the content needs at this width."""
        frame = 2 * self.frameWidth()
        needed = self._content.heightForWidth(self.width() - frame) + frame
        self._wanted = max(LEAST_PX, min(needed, int(self._most * self._panel.height())))
        self.setMaximumHeight(self._wanted)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for what the content needs; where the panel has less, it scrolls rather than make the window grow."""
        return QSize(super().sizeHint().width(), self._wanted)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Need two lines, or the one there is."""
        return QSize(super().minimumSizeHint().width(), min(self._wanted, FEW_LINES_PX))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Fit again when something inside asks for another size."""
        handled = super().eventFilter(watched, event)
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return handled

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit again when the width changed."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.fit()
