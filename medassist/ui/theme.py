"""Colours, spacing and the style sheet of the dark reading room. Pictures stand on pure black."""

from __future__ import annotations

from string import Template

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from medassist.language import current_language

GROUND = "#15181c"
SURFACE = "#1c2025"
RAISED = "#272d34"
LINE = "#38404a"
TEXT = "#dde3ea"
DIM = "#98a3b0"
ACCENT = "#4f9fe8"
GOOD = "#6cc08b"
CAUTION = "#e3b341"
BAD = "#f0776b"
AI = "#c49bff"
ANNOTATION = "#7fd6e8"

AXIS_COLORS = {"axial": "#e0554f", "coronal": "#58c26b", "sagittal": "#e3c341"}

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
    background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; alternate-background-color: #20252b; }
QTreeWidget::item, QListWidget::item { padding: 3px 2px; }
QTreeWidget::item:selected, QTableWidget::item:selected, QListWidget::item:selected {
    background: #2c4a68; color: white; }
QHeaderView::section { background: $RAISED; color: $DIM; border: none; padding: 4px 6px; }
QTableWidget[role="dense"], QTableWidget[role="dense"] QHeaderView { font-size: 9pt; }
QTableWidget[role="dense"]::item { padding: 2px 0; }
QTableWidget[role="dense"] QHeaderView::section { padding: 4px 3px; }
QTableCornerButton::section { background: $RAISED; border: none; }
QPushButton { background: $RAISED; border: 1px solid $LINE; border-radius: 4px; padding: 5px 12px; }
QPushButton:hover { border-color: $ACCENT; }
QPushButton:pressed, QPushButton:checked { background: #2c4a68; }
QPushButton:disabled { color: #66707b; background: $SURFACE; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px; }
QToolButton:hover, QToolButton:focus { border-color: $ACCENT; }
QToolButton:checked { background: #2c4a68; border-color: $ACCENT; }
QPushButton[role="primary"] { background: #2867a3; border-color: #2867a3; color: white; }
QPushButton[role="primary"]:hover { background: #3177b8; }
QPushButton[role="primary"]:disabled { background: $RAISED; border-color: $LINE; color: #66707b; }
QPushButton:focus, QComboBox:focus, QLineEdit:focus, QTreeWidget:focus, QTableWidget:focus, QCheckBox:focus {
    border: 1px solid $ACCENT; }
QComboBox, QLineEdit { background: $RAISED; border: 1px solid $LINE; border-radius: 4px; padding: 4px 8px; }
QComboBox QAbstractItemView { background: $SURFACE; border: 1px solid $LINE; selection-background-color: #2c4a68; }
QTabWidget::pane { border: 1px solid $LINE; border-radius: 4px; top: -1px; background: $GROUND; }
QTabBar::tab { background: $SURFACE; color: $DIM; padding: 6px 14px; border: 1px solid $LINE; }
QTabBar::tab:selected { background: $RAISED; color: $TEXT; border-bottom: 2px solid $ACCENT; }
QCheckBox:disabled, QLabel:disabled { color: #66707b; }
QProgressBar { background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; text-align: center; height: 16px; }
QProgressBar::chunk { background: #2867a3; border-radius: 3px; }
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
QLabel[role="strip"] { background: #4a3410; color: #ffd98a; font-weight: 600; padding: 4px 10px; }
QLabel[role="patients"] { background: #7a1f1a; color: white; font-weight: 600; padding: 6px 10px; }
QLabel[role="hint"] { background: black; color: #98a3b0; padding: 16px; }
QLabel[role="banner"] { background: #40330f; color: #ffdf94; padding: 6px 10px; }
QFrame[role="card"] { background: $SURFACE; border: 1px solid $LINE; border-radius: 4px; }
QFrame[role="message"] { background: #47211d; border-left: 4px solid $BAD; }
QFrame[role="message"][tone="note"] { background: #1e3347; border-left: 4px solid $ACCENT; }
""")


def style_sheet() -> str:
    """Return the style sheet with the colours filled in."""
    return _SHEET.substitute({name: value for name, value in globals().items() if isinstance(value, str)})


def palette() -> QPalette:
    """Return the dark palette for what a style sheet does not reach."""
    colors = QPalette()
    role = QPalette.ColorRole
    pairs = (
        (role.Window, GROUND), (role.WindowText, TEXT), (role.Base, SURFACE), (role.AlternateBase, RAISED),
        (role.Text, TEXT), (role.Button, RAISED), (role.ButtonText, TEXT), (role.ToolTipBase, RAISED),
        (role.ToolTipText, TEXT), (role.PlaceholderText, DIM), (role.Highlight, "#2c4a68"),
        (role.HighlightedText, "#ffffff"), (role.Link, ACCENT), (role.BrightText, BAD),
    )  # fmt: skip
    for name, color in pairs:
        colors.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        colors.setColor(QPalette.ColorGroup.Disabled, name, QColor("#66707b"))
    return colors


def font(points: float = 10.0) -> QFont:
    """Return the face of the window in the current language; the other script's families stand behind.

    Chinese leads in Chinese: as a mere fallback Qt draws it too heavy beside a Latin face.
    """
    chosen = QFont()
    chosen.setFamilies(_CHINESE + _LATIN if current_language().startswith("zh") else _LATIN + _CHINESE)
    chosen.setPointSizeF(points)
    return chosen


def apply(application: QApplication) -> None:
    """Dress the application."""
    application.setStyle("Fusion")
    application.setPalette(palette())
    application.setFont(font())
    application.setStyleSheet(style_sheet())
