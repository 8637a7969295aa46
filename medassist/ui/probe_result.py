"""What a probe showed: the change, how far the same change elsewhere moves the score, every label, both pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.probe import PROBABILITY, Probe
from medassist.language import localized, tr
from medassist.report.probes import asked, number, scale
from medassist.ui import theme
from medassist.ui.wording import local_title

PICTURE_PX = 170
BAND_PX = 22


def signed(probe: Probe, value: float) -> str:
    """Write a change with its sign, a true minus for one that falls."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return sign + number(probe, abs(value))


class Strip(QWidget):
    """The change of the region as a diamond among the dots of the controls, on one axis through zero."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._probe: Probe | None = None
        self.setFixedHeight(48)

    def show_probe(self, probe: Probe) -> None:
        """Draw another probe; nothing without controls."""
        self._probe = probe
        self.setVisible(bool(probe.controls))
        told = tr("Change here: {change}; elsewhere: {changes}", change=signed(probe, probe.reading.change),
                  changes=", ".join(signed(probe, one) for one in probe.controls))  # fmt: skip
        self.setToolTip(told)
        self.setAccessibleName(told)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the axis with its ends in numbers, then the dots, then the diamond above them."""
        if self._probe is None or not self._probe.controls:
            return
        probe = self._probe
        widest = max(abs(probe.reading.change), *map(abs, probe.controls), 1e-9)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, middle = 12.0, self.width() - 12.0, 16.0

        def at(change: float) -> float:
            return left + (right - left) * (change / widest + 1.0) / 2.0

        painter.setPen(QPen(QColor(theme.LINE), 1.0))
        painter.drawLine(QPointF(left, middle), QPointF(right, middle))
        painter.drawLine(QPointF(at(0.0), middle - 9), QPointF(at(0.0), middle + 9))
        painter.setPen(QPen(QColor(theme.DIM), 1.5))
        for change in probe.controls:
            painter.drawEllipse(QPointF(at(change), middle), 4.0, 4.0)
        here = at(probe.reading.change)
        painter.setPen(QPen(QColor(theme.GROUND), 1.0))
        painter.setBrush(QColor(theme.AI))
        painter.drawPolygon(QPolygonF([QPointF(here, middle - 7), QPointF(here + 6, middle),
                                       QPointF(here, middle + 7), QPointF(here - 6, middle)]))  # fmt: skip
        painter.setPen(QColor(theme.DIM))
        below = QRectF(0.0, middle + 8, self.width(), 20.0)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, signed(probe, -widest))
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, tr("◆ here   ○ elsewhere"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, signed(probe, widest))
        painter.end()


class Readings(QTableWidget):
    """Every label before and after; of probabilities the change of the log-odds too. The label in question is bold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setTabKeyNavigation(False)  # Tab goes on to the next part of the window
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setProperty("role", "dense")
        self.setShowGrid(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.retranslate()

    def retranslate(self, *, odds: bool = True) -> None:
        """Say the headings again in the current language; `odds` for probabilities."""
        self.setAccessibleName(tr("What the model says before and after"))
        last = tr("Log-odds") if odds else tr("Change")
        self.setHorizontalHeaderLabels([tr("Label"), tr("As it is"), tr("Replaced"), last])

    def show_probe(self, probe: Probe) -> None:
        """Fill the table."""
        odds = probe.unit == PROBABILITY
        self.retranslate(odds=odds)
        self.setRowCount(len(probe.readings))
        for row, one in enumerate(probe.readings):
            moved = one.log_odds[1] - one.log_odds[0] if odds else one.change
            change = f"{moved:+.2f}".replace("-", "−") if odds else signed(probe, moved)
            texts = (local_title(one.label, one.title_zh), number(probe, one.before), number(probe, one.after), change)
            for column, text in enumerate(texts):
                cell = QTableWidgetItem(text)
                font = cell.font()
                font.setBold(one.label == probe.target)
                cell.setFont(font)
                cell.setToolTip(text)
                self.setItem(row, column, cell)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Wrap the texts anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.resizeRowsToContents()
        self.setFixedHeight(self.horizontalHeader().height() + self.verticalHeader().length() + 4)


class ProbeResult(QWidget):
    """All of one probe; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.headline, self.asked, self.scale, self.before, self.after = (QLabel(self) for _ in range(5))
        self.strip, self.table = Strip(self), Readings(self)
        self.headline.setProperty("role", "title")
        self.asked.setProperty("role", "dim")
        for text in (self.headline, self.asked, self.scale):
            text.setWordWrap(True)
        column, pictures = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.headline, self.asked, self.strip, self.scale):
            column.addWidget(widget)
        pictures.addWidget(self.before)
        pictures.addWidget(self.after)
        pictures.addStretch(1)
        column.addLayout(pictures)
        column.addWidget(self.table)

    def show_probe(self, probe: Probe | None) -> None:
        """Show a probe, or nothing."""
        self.setVisible(probe is not None)
        if probe is None:
            return
        one = probe.reading
        self.headline.setText(
            f"{local_title(one.label, one.title_zh)}: {number(probe, one.before)} → {number(probe, one.after)}"
            f" ({signed(probe, one.change)})"
        )
        self.asked.setText(" ".join(localized(text) for text in asked(probe)))
        elsewhere = tr("What the model marks outside of the region.") if probe.unit != PROBABILITY else ""
        warned = (f"⚠ {localized(text)}" for text in probe.notes)
        told = [elsewhere, *(localized(text) for text in scale(probe)), *warned]
        self.scale.setText(" ".join(text for text in told if text))
        self.strip.show_probe(probe)
        self.table.show_probe(probe)
        captions = (tr("As it is"), tr("Modified for the probe"))
        for label, pixels, caption, color in zip(
            (self.before, self.after), (probe.before_rgb, probe.after_rgb), captions,
            (theme.ON_PICTURE.dim, theme.ON_PICTURE.caution),
            strict=True,
        ):  # fmt: skip
            label.setVisible(pixels is not None)
            if pixels is not None:
                label.setPixmap(_captioned(pixels, caption, color))
                label.setToolTip(caption)


def _captioned(pixels: NDArray[np.uint8], caption: str, color: str) -> QPixmap:
    """Return a picture with its caption drawn into it, so that neither is seen without the other."""
    rows, columns = pixels.shape[:2]
    image = QImage(np.ascontiguousarray(pixels).data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    fitted = QSize(columns, rows).scaled(QSize(PICTURE_PX, PICTURE_PX), Qt.AspectRatioMode.KeepAspectRatio)
    scaled = image.scaled(fitted, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    whole = QPixmap(PICTURE_PX, fitted.height() + BAND_PX)
    whole.fill(QColor("black"))
    painter = QPainter(whole)
    painter.drawImage((PICTURE_PX - scaled.width()) // 2, BAND_PX, scaled)
    painter.setPen(QColor(color))
    painter.drawText(QRectF(0, 0, PICTURE_PX, BAND_PX), Qt.AlignmentFlag.AlignCenter, caption)
    painter.end()
    return whole


def one_line(probe: Probe, place: str, way: str) -> str:
    """Name a probe in a list: label, region, means and change."""
    title = local_title(probe.reading.label, probe.reading.title_zh)
    kept = f" · {tr('kept')}" if probe.kept_at else ""
    return f"{title}: {place}, {way} ({signed(probe, probe.reading.change)}){kept}"


def newest_first(probes: Sequence[Probe], series_key: str, model_sha256: str) -> tuple[Probe, ...]:
    """Return the probes of one series and one model."""
    here = (one for one in reversed(probes) if one.series_key == series_key)
    return tuple(one for one in here if one.model.sha256 == model_sha256)
