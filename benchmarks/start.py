"""From process start to the first painted window, beside a bare PySide6 + pyqtgraph window."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from benchmarks.processes import clocked

BARE = """
import pyqtgraph
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
window = QMainWindow()
window.setCentralWidget(pyqtgraph.GraphicsView())
window.resize(1600, 1000)
window.show()
QTimer.singleShot(0, lambda: (shown(), application.quit()))
application.exec()
"""

MEDASSIST = """
from medassist import app
app.show([lambda _session, *, progress: shown()], language="en", screenshot=__import__("pathlib").Path("{picture}"))
"""


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return the median seconds of both, and the ratio; the runs are interleaved."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        ours = MEDASSIST.format(picture=(Path(folder) / "window.png").as_posix())
        pairs = [(clocked(BARE), clocked(ours)) for _ in range(rounds)]
    bare, medassist = (median(column) for column in zip(*pairs, strict=True))
    return {
        "bare PySide6 + pyqtgraph window": {"seconds": bare},
        "MedAssist, first window": {"seconds": medassist, "ratio": medassist / bare},
    }
