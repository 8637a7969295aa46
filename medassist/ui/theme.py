"""Colours, spacing and the style sheet of the window, in the theme of the moment; pictures stand on pure black.

`theme.TEXT` and the other colours are those of the moment: ask for one when you draw, never when a module is imported.
What is written on a picture has the colours of `ON_PICTURE` in every theme.
"""

from __future__ import annotations

from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from medassist.language import current_language
from medassist.ui.theme_colors import DARK, THEMES, Colors

if TYPE_CHECKING:
    GROUND: str
    SURFACE: str
    RAISED: str
    LINE: str
    TEXT: str
    DIM: str
    FAINT: str
    ACCENT: str
    CHOSEN: str
    GOOD: str
    CAUTION: str
    BAD: str
    AI: str
else:

    def __getattr__(name: str) -> str:
        """Return a colour of the theme of the moment by its name in capitals."""
        if name.isupper() and name.lower() in Colors.__annotations__:
            return getattr(colors(), name.lower())
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


ON_PICTURE = DARK
ANNOTATION = "#7fd6e8"

AXIS_COLORS = {"axial": "#e0554f", "coronal": "#58c26b", "sagittal": "#e3c341"}

_chosen = ["dark"]
_LATIN = ["Noto Sans", "Segoe UI", "Helvetica Neue", "DejaVu Sans"]
_CHINESE = ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "Source Han Sans SC"]

_SHEET = Template("""
QWidget { color: $TEXT; }
QToolTip { color: $TEXT; background: $RAISED; border: 1px solid $LINE; padding: 4px; }
QMainWindow, QMainWindow > QWidget, QMenuBar, QStatusBar { background: $GROUND; }
QStatusBar { border-top: 1px solid $LINE; }
QStatusBar QLabel { color: $DIM; padding: 0 8px; }
QMenuBar::item { padding: 4px 10px; background: transparent; }
QMenuBar::item:selected, QMenu::item:selected { background: $RAISED; }
QMenu { background: $SURFACE; border: 1px solid $LINE; padding: 4px; }
QMenu::item { padding: 5px 24px; }
QMenu::separator { height: 1px; background: $LINE; margin: 4px 8px; }
QSplitter::handle { background: $GROUND; }
QTreeWidget, QTableWidget, QTextBrowser, QListWidget, QPlainTextEdit {
    background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; alternate-background-color: $STRIPE; }
QTreeWidget::item, QListWidget::item { padding: 3px 2px; }
QTreeWidget::item:selected, QTableWidget::item:selected, QListWidget::item:selected {
    background: $CHOSEN; color: $ON_CHOSEN; }
QHeaderView::section { background: $RAISED; color: $DIM; border: none; padding: 4px 6px; }
QTableWidget[role="dense"], QTableWidget[role="dense"] QHeaderView { font-size: 9pt; }
QTableWidget[role="dense"]::item { padding: 2px 0; }
QTableWidget[role="dense"] QHeaderView::section { padding: 4px 3px; }
QTableCornerButton::section { background: $RAISED; border: none; }
QPushButton { background: $RAISED; border: 1px solid $LINE; border-radius: 4px; padding: 5px 12px; }
QPushButton[role="close"] { padding: 4px 0; }
QPushButton:hover { border-color: $ACCENT; }
QPushButton:pressed, QPushButton:checked { background: $CHOSEN; color: $ON_CHOSEN; }
QPushButton:disabled { color: $FAINT; background: $SURFACE; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px; }
QToolButton:hover, QToolButton:focus { border-color: $ACCENT; }
QToolButton:checked { background: $CHOSEN; border-color: $ACCENT; }
QPushButton[role="primary"] { background: $PRIMARY; border-color: $PRIMARY; color: $ON_PRIMARY; }
QPushButton[role="primary"]:hover { background: $PRIMARY_HOVER; }
QPushButton[role="primary"]:disabled { background: $RAISED; border-color: $LINE; color: $FAINT; }
QPushButton:focus, QComboBox:focus, QLineEdit:focus, QTreeWidget:focus, QTableWidget:focus, QCheckBox:focus {
    border: 1px solid $ACCENT; }
QComboBox, QLineEdit { background: $RAISED; border: 1px solid $LINE; border-radius: 4px; padding: 4px 8px; }
QComboBox QAbstractItemView { background: $SURFACE; border: 1px solid $LINE; selection-background-color: $CHOSEN;
    selection-color: $ON_CHOSEN; }
QTabWidget::pane { border: 1px solid $LINE; border-radius: 4px; top: -1px; background: $GROUND; }
QTabBar::tab { background: $SURFACE; color: $DIM; padding: 6px 14px; border: 1px solid $LINE; }
QTabBar::tab:selected { background: $RAISED; color: $TEXT; border-bottom: 2px solid $ACCENT; }
QCheckBox:disabled, QLabel:disabled { color: $FAINT; }
QProgressBar { background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; text-align: center; height: 16px; }
QProgressBar::chunk { background: $PRIMARY; border-radius: 3px; }
QSlider::groove:horizontal { height: 4px; background: $LINE; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $ACCENT; border-radius: 2px; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $LINE; }
QSlider::handle:horizontal { width: 14px; margin: -6px 0; border-radius: 7px; background: $TEXT; }
QScrollBar:vertical { background: $GROUND; width: 10px; }
QScrollBar:horizontal { background: $GROUND; height: 10px; }
QScrollBar::handle { background: $LINE; border-radius: 5px; min-height: 24px; min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollArea, QScrollArea > QWidget > QWidget { background: $GROUND; border: none; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="dim"] { color: $DIM; }
QLabel[role="caution"] { color: $CAUTION; }
QLabel[role="bad"] { color: $BAD; }
QLabel[role="strip"] { background: $STRIP; color: $ON_STRIP; font-weight: 600; padding: 4px 10px; }
QLabel[role="patients"] { background: #7a1f1a; color: white; font-weight: 600; padding: 6px 10px; }
QLabel[role="hint"] { background: black; color: #98a3b0; padding: 16px; }
QLabel[role="banner"] { background: $BANNER; color: $ON_BANNER; padding: 6px 10px; }
QFrame[role="card"] { background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; }
QFrame[role="message"] { background: $PROBLEM; border-left: 4px solid $BAD; }
QFrame[role="message"][tone="note"] { background: $NOTE; border-left: 4px solid $ACCENT; }
""")


def colors() -> Colors:
    """Return the colours of the theme of the moment."""
    return THEMES[_chosen[0]]


def chosen() -> str:
    """Return the name of the theme of the moment."""
    return _chosen[0]


def choose(name: str) -> None:
    """Take another theme (KeyError for an unknown one); `apply` dresses the application in it."""
    if name not in THEMES:
        raise KeyError(name)
    _chosen[0] = name


def style_sheet() -> str:
    """Return the style sheet with the colours filled in."""
    return _SHEET.substitute({name.upper(): value for name, value in asdict(colors()).items()})


def palette() -> QPalette:
    """Return the palette for what a style sheet does not reach."""
    filled, now, role = QPalette(), colors(), QPalette.ColorRole
    pairs = (
        (role.Window, now.ground), (role.WindowText, now.text), (role.Base, now.surface), (role.Text, now.text),
        (role.AlternateBase, now.raised), (role.Button, now.raised), (role.ButtonText, now.text),
        (role.ToolTipBase, now.raised), (role.ToolTipText, now.text), (role.PlaceholderText, now.dim),
        (role.Highlight, now.chosen), (role.HighlightedText, now.on_chosen), (role.Link, now.accent),
        (role.BrightText, now.bad),
    )  # fmt: skip
    for name, color in pairs:
        filled.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        filled.setColor(QPalette.ColorGroup.Disabled, name, QColor(now.faint))
    return filled


def _of_ticks() -> QPalette:
    """Return the palette of check boxes: the style draws their frame a shade darker than the ground they stand on."""
    filled = palette()
    filled.setColor(QPalette.ColorRole.Window, QColor(colors().line).lighter(160))
    return filled


def font(points: float = 10.0) -> QFont:
    """Return the face of the window in the current language; the other script's families stand behind.

    Chinese leads in Chinese: as a mere fallback Qt draws it too heavy beside a Latin face.
    """
    face = QFont()
    face.setFamilies(_CHINESE + _LATIN if current_language().startswith("zh") else _LATIN + _CHINESE)
    face.setPointSizeF(points)
    return face


def apply(application: QApplication) -> None:
    """Dress the application in the chosen theme, again after another was chosen."""
    if application.style().objectName() != "fusion":
        application.setStyle("Fusion")
    application.setPalette(palette())
    application.setPalette(_of_ticks(), "QCheckBox")  # type: ignore[arg-type]  # Qt takes a str, its stub says bytes
    application.setFont(font())
    application.setStyleSheet(style_sheet())
