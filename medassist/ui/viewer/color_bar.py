"""The scale of the map below the picture: colours, what they stand for, and what a map is not."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.volume import Volume
from medassist.language import localized, tr
from medassist.session.state import Layers, Session
from medassist.ui import theme
from medassist.ui.viewer.hatch import draw_hatched
from medassist.ui.viewer.layers import heat_table
from medassist.ui.wording import label_title

HEIGHT, TALL, TALLEST = 46, 56, 96
"""A signed scale has a line more below it; captions may need more than that."""
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where along the bar, as shares of its width."""
SHORT = 170
"""In a bar that is narrower (px) only its ends and its middle are written: more would run together."""


class ColorBar(QWidget):
    """Shown while a map is drawn: shares of the maximum for a map of a model, values with unit for one of a file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heatmap: Heatmap | None = None
        self._target, self._against, self._of_file = "", "", False
        self._layers = Layers()
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(200)
        self.hide()

    def draw(self, session: Session, *, hidden: bool) -> None:
        """Show the scale of the map on screen, or nothing when no map is drawn."""
        layers, volume = session.layers, session.volume
        of_model = session.heatmap if layers.visible and layers.heatmap_visible else None
        heatmap = session.file_map or of_model
        drawn = not hidden and heatmap is not None and _fits(heatmap, volume) and not heatmap.means_nothing
        self._heatmap, self._layers, self._of_file = heatmap, layers, session.file_map is not None
        self._target = "" if heatmap is None else label_title(session, heatmap.target)
        self._against = label_title(session, heatmap.against) if heatmap is not None and heatmap.against else ""
        self._fit()
        reasons = heatmap.stamp.reasons if heatmap is not None and heatmap.stamp is not None else ()
        self.setToolTip("\n".join(localized(one) for one in reasons))
        self.setVisible(drawn)
        self.update()

    def captions(self) -> tuple[str, str]:
        """Return what stands left and right of the colours."""
        if self._heatmap is None:
            return "", ""
        if self._of_file:
            return tr("From a file: {title}", title=self._target), tr("Values as the file gives them, no AI result")
        if self._heatmap.kind is MapKind.UNCERTAINTY:
            return tr("Uncertainty of the segmentation"), tr("Where it is sure, it can still be wrong")
        if self._heatmap.kind is MapKind.SPREAD:
            return tr("Spread over mirrored views"), tr("Where they agree, all can still be wrong")
        if self._heatmap.kind is MapKind.DIFFERENCE:
            shapes = tr("Each as a share of its own full scale: shapes, not strengths")
            return tr("Difference of the two maps"), self._failure() or shapes
        left = map_title(tr(self._heatmap.method), self._target, self._against)
        left += f" · {tr(self._heatmap.region.name)}" if self._heatmap.region is not None else ""
        plain = tr("Regions that influenced the score, not lesion outline")
        return left, self._failure() or (f"? {tr('Not measured')} · {plain}" if self._heatmap.stamp is None else plain)

    def _failure(self) -> str:
        """Return why the map must not be believed, "" where nothing says so."""
        stamp = self._heatmap.stamp if self._heatmap is not None and self._heatmap.fails else None
        if stamp is None:
            return ""
        return tr("✕ Failed: {reason}", reason=localized(stamp.reasons[0]) if stamp.reasons else "")

    def scale(self) -> str:
        """Return what the numbers below the colours are."""
        if self._heatmap is None:
            return ""
        if self._heatmap.kind is MapKind.UNCERTAINTY:
            return tr("0 %: sure, 100 %: every label equally likely")
        if self._heatmap.kind is MapKind.SPREAD:
            return tr("share of the largest possible standard deviation (0.5)")
        if self._heatmap.kind is MapKind.DIFFERENCE:
            return tr("100 %: as far apart as two such maps can be")
        if self._of_file:
            unit = str(self._heatmap.parameters.get("unit", ""))
            return tr("in {unit}", unit=unit) if unit else tr("without a unit")
        if self._heatmap.signed:
            return tr("share of the largest absolute value ({maximum})", maximum=f"{self._heatmap.full_scale:.3g}")
        return tr("share of maximum ({maximum})", maximum=f"{self._heatmap.maximum:.3g}")

    def ends(self) -> tuple[str, str]:
        """Return what the left and the right end of a signed scale mean; nothing for one from 0 on."""
        if self._heatmap is None or not self._heatmap.signed:
            return "", ""
        if self._heatmap.kind is MapKind.DIFFERENCE:
            return tr("more in B"), tr("more in A")
        return tr("against"), tr("for")

    def ticks(self) -> Sequence[str]:
        """Return what stands below the colours, from the lowest to the highest."""
        signed = self._heatmap is not None and self._heatmap.signed
        shares = [2.0 * at - 1.0 if signed else at for at in TICKS]
        if self._heatmap is None or not self._of_file:
            return [f"{share:.0%}".replace("-", "−") for share in shares]  # a true minus sign
        return [f"{share * self._heatmap.full_scale:.3g}" for share in shares]

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep room for the captions, which wrap in a narrow window."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._heatmap is None:
            return
        metrics, (left, right) = QFontMetricsF(theme.font(9.0)), self.captions()
        bar, wrap = self._bar(), int(Qt.TextFlag.TextWordWrap)
        texts = ((bar.left() - 36 - 8, f"{left}\n{self.scale()}"), (self.width() - bar.right() - 36, right))
        rooms = ((QRectF(0, 0, max(width, 40.0), 500), text) for width, text in texts)
        tall = max(metrics.boundingRect(room, wrap, text).height() for room, text in rooms)
        self.setFixedHeight(min(max(TALL if self._heatmap.signed else HEIGHT, ceil(tall) + 6), TALLEST))

    def _bar(self) -> QRectF:
        width = max(120.0, 0.26 * self.width())
        return QRectF(self.width() / 2 - width / 2, 8, width, 10)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the height of one scale."""
        return QSize(600, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the colours with their ticks, and the captions beside them."""
        if self._heatmap is None:
            return
        painter = QPainter(self)
        painter.setFont(theme.font(9.0))
        bar = self._bar()
        signed = self._heatmap.signed
        table = heat_table(1.0, self._layers.heatmap_threshold, signed)[1 if signed else 0 :].copy()
        image = QImage(table.data, len(table), 1, 4 * len(table), QImage.Format.Format_RGBA8888)
        painter.fillRect(self.rect(), QColor(0, 0, 0))  # part of the picture, which is on black in every theme
        if self._heatmap.fails:
            draw_hatched(painter, bar, lambda pen: pen.drawImage(bar, image))
        else:
            painter.drawImage(bar, image)
        painter.setPen(QPen(QColor(theme.ON_PICTURE.dim), 1))
        painter.drawRect(bar)
        self._draw_ticks(painter, bar)
        self._draw_captions(painter, bar)
        painter.end()

    def _draw_ticks(self, painter: QPainter, bar: QRectF) -> None:
        painter.setPen(QColor(theme.ON_PICTURE.text))
        step = 2 if bar.width() < SHORT else 1
        for share, text in list(zip(TICKS, self.ticks(), strict=True))[::step]:
            x = bar.left() + share * bar.width()
            painter.drawText(QRectF(x - 30, 20, 60, 14), Qt.AlignmentFlag.AlignCenter, text)
        for x, text in zip((bar.left(), bar.right()), self.ends(), strict=True):
            painter.drawText(QRectF(x - 45, 36, 90, 16), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_captions(self, painter: QPainter, bar: QRectF) -> None:
        left, right = self.captions()
        left = f"{left}\n{self.scale()}".strip()
        wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(theme.ON_PICTURE.text if self._of_file else theme.ON_PICTURE.ai))
        west = QRectF(8, 2, bar.left() - 36 - 8, self.height() - 4)
        painter.drawText(west, int(wrap | Qt.AlignmentFlag.AlignLeft), left)
        if self._failure():
            painter.setPen(QColor(theme.ON_PICTURE.bad))
        east = QRectF(bar.right() + 28, 2, self.width() - bar.right() - 36, self.height() - 4)
        painter.drawText(east, int(wrap | Qt.AlignmentFlag.AlignRight), right)


def map_title(method: str, target: str, against: str) -> str:
    """Name a map by its method, its target and what that is compared with."""
    if against:
        return tr("{method} for {label}, not {other}", method=method, label=target, other=against)
    return tr("{method} for {label}", method=method, label=target)


def _fits(heatmap: Heatmap, volume: Volume | None) -> bool:
    return volume is not None and heatmap.geometry.same_grid(volume.geometry)
