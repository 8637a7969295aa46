"""The keys of the viewer: one table that both handles and explains them."""

from __future__ import annotations

from PySide6.QtCore import Qt

from medassist.entities.measurement import Shape
from medassist.language import tr

Key = Qt.Key

SCROLL_KEYS: dict[int, int] = {
    Key.Key_Up: -1,
    Key.Key_Down: 1,
    Key.Key_PageUp: -10,
    Key.Key_PageDown: 10,
}
TIME_KEYS: dict[int, int] = {Key.Key_Left: -1, Key.Key_Right: 1}
MEASURE_KEYS: dict[Shape, str] = {
    Shape.LENGTH: "L", Shape.ANGLE: "G", Shape.COBB: "C", Shape.BIDIRECTIONAL: "M", Shape.ELLIPSE: "O",
    Shape.RECTANGLE: "Q", Shape.POLYGON: "P", Shape.FREEHAND: "Y", Shape.ARROW: "W", Shape.TEXT: "T",
}  # fmt: skip

PICTURE_KEYS: dict[str, str] = {
    "turn_right": "Shift+R", "turn_left": "Shift+L", "mirror": "Shift+H", "upside_down": "Shift+V",
    "as_stored": "Shift+F", "one_to_one": "Shift+Z", "invert": "I", "smooth": "Shift+S",
    "play": "J", "faster": ".", "slower": ",", "bounce": "Shift+J",
}  # fmt: skip
GO_KEYS: dict[str, str] = {
    "studies": "F2", "picture": "F3", "models": "F4", "explanation": "F5", "findings": "F7", "report": "F8",
    "overlays": "F9", "next_series": "Ctrl+PgDown", "previous_series": "Ctrl+PgUp",
    "next_study": "Ctrl+Shift+PgDown", "previous_study": "Ctrl+Shift+PgUp",
}  # fmt: skip
LAYOUT_KEYS: dict[str, str] = {
    "by_rules": "Alt+0", "mpr": "Alt+1", "1x1": "Alt+2", "1x2": "Alt+3", "2x1": "Alt+4", "2x2": "Alt+5",
    "1+3": "Alt+6", "linked": "Ctrl+L", "next_pane": "F6", "previous_pane": "Shift+F6",
}  # fmt: skip


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
        ("Shift+Z", tr("One pixel of the picture on one of the screen")),
        ("Shift+R  Shift+L", tr("Turn the picture to the right or left, on screen only")),
        ("Shift+H  Shift+V", tr("Mirror the picture from left to right or from top to bottom, on screen only")),
        ("Shift+F", tr("Neither turned nor mirrored")),
        ("Shift+S", tr("Smooth between pixels, or show them as they are")),
        ("J", tr("Play time points or slices; again: stop")),
        (",  .  Shift+J", tr("Play slower, faster, to and fro")),
        ("H", tr("Show or hide the crosshair")),
        ("Alt+1 – Alt+6", tr("Divide the middle of the window into panes, or show three planes")),
        ("Alt+0", tr("Leave the layout to the hanging rules")),
        ("F6  Shift+F6", tr("Go to the next pane or plane, or back")),
        ("Ctrl+L", tr("Let panes of one frame of reference go to the same point, or each on its own")),
        ("V", tr("Fewer or more texts on the picture")),
        ("Ctrl+I", tr("DICOM tags of the slice on screen")),
        ("Ctrl+H", tr("Statistics of the slice, an outline or a length")),
        ("B", tr("Outline what lies in a box; again or Esc: stop")),
        ("K", tr("Edit a mask by hand; again or Esc: stop")),
        ("[  ]  X", tr("Smaller or larger brush, paint or erase")),
        ("Ctrl+Z", tr("Take the last step back; while an outline is drawn, its last change")),
        ("Ctrl+Shift+Z, Ctrl+Y", tr("Do again what was taken back")),
        ("L  G  C  M", tr("Measure a length, an angle, a Cobb angle, two diameters; again or Esc: stop")),
        ("O  Q  P  Y", tr("Measure in an ellipse, a rectangle, a polygon, a freehand outline")),
        ("W  T", tr("Draw an arrow, write a text")),
        ("Del", tr("Delete the selected measurement")),
        (tr("Double click on a measurement"), tr("Name it")),
        (tr("Space, held"), tr("Hide AI results")),
        ("Esc", tr("Stop comparing two maps, or show all results again")),
        ("A  R  D", tr("Accept, reject or defer the selected finding")),
        ("E  N", tr("Correct the selected finding, go to the next one nobody judged")),
        ("Shift+N", tr("Add a finding of your own at the crosshair")),
        ("S", tr("Put the slice on screen into the report")),
        ("Ctrl+PgUp  Ctrl+PgDown", tr("Previous or next series; with Shift: study")),
        ("F2  F3  F9", tr("Go to the studies, the picture, the overlays")),
        ("F4  F5  F7  F8", tr("Go to the models, the explanation, the findings, the report")),
        ("Ctrl+E", tr("Write the report")),
        ("F11", tr("Full screen")),
        ("?  F1", tr("Show all keys")),
        ("Ctrl+O", tr("Open a folder")),
    )
