"""The keys of the viewer: one table that both handles and explains them."""

from __future__ import annotations

from PySide6.QtCore import Qt

from medassist.language import tr

Key = Qt.Key

SCROLL_KEYS: dict[int, int] = {
    Key.Key_Up: -1,
    Key.Key_Down: 1,
    Key.Key_PageUp: -10,
    Key.Key_PageDown: 10,
}
TIME_KEYS: dict[int, int] = {Key.Key_Left: -1, Key.Key_Right: 1}


def explained() -> tuple[tuple[str, str], ...]:
    """Return (key, meaning) of every key and mouse action, for the help page."""
    return (
        (tr("Wheel, Up, Down"), tr("Next or previous slice")),
        (tr("Page Up, Page Down"), tr("Ten slices on or back")),
        (tr("Home, End"), tr("First or last slice")),
        (tr("Left, Right"), tr("Previous or next time point")),
        (tr("Left drag"), tr("Window: right is wider, up is brighter")),
        (tr("Left click, Shift and left drag"), tr("Move the crosshair")),
        (tr("Middle drag"), tr("Move the picture")),
        (tr("Right drag, Ctrl and wheel"), tr("Zoom")),
        (tr("Double click"), tr("Enlarge one plane, or show all again")),
        ("0", tr("Window from the file")),
        ("1", tr("Automatic window")),
        ("2 – 9", tr("CT windows: soft tissue, brain, abdomen, mediastinum, bone, lung, liver, stroke")),
        ("I", tr("Swap black and white")),
        ("F", tr("Fit the picture into the window")),
        ("+  −", tr("Zoom in or out")),
        ("H", tr("Show or hide the crosshair")),
        ("B", tr("Outline what lies in a box; again or Esc: stop")),
        ("Ctrl+Z", tr("Take the last change of the outline back")),
        (tr("Space, held"), tr("Hide AI results")),
        ("Esc", tr("Stop comparing two maps")),
        ("A  R  D", tr("Accept, reject or defer the selected finding")),
        ("Ctrl+O", tr("Open a folder")),
    )
