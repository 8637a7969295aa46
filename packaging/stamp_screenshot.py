"""Draw the window with a map that holds and one that fails: `stamp_screenshot.py IMAGE MODEL LABEL GOOD BAD FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from medassist import app
from medassist.entities.stamp import Standing
from medassist.language import set_language
from medassist.ui import theme
from medassist.ui.main_window import MainWindow
from medassist.ui.plan import explain_label, run_model

SUFFIXES = {"zh_CN": "zh", "en": "en"}
EXPLANATION_TAB = 1


def main() -> int:
    """Open the image, run the model, explain the label by both methods; write explain_stamp and explain_hatched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("model")
    parser.add_argument("label")
    parser.add_argument("methods", nargs=2, metavar="METHOD")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()

    def prepare(window: MainWindow) -> None:
        window.tabs.setCurrentIndex(EXPLANATION_TAB)
        _draw(window, given.folder / "explain_stamp", Standing.HOLDS)
        method, target = window.explain.method, window.explain.target
        method.setCurrentIndex(method.findData(given.methods[1]))
        target.setCurrentIndex(target.findData(given.label))
        window.explain.start()
        _draw(window, given.folder / "explain_hatched", Standing.FAILS)

    plan = [run_model(given.model), explain_label(given.label, method=given.methods[0])]
    last = given.folder / f"explain_hatched_{[*SUFFIXES.values()][-1]}.png"
    return app.show(plan, open_paths=[given.image], screenshot=last, language="en", prepare=prepare)


def _draw(window: MainWindow, stem: Path, standing: Standing) -> None:
    """Wait for the stamp and draw the window in every language (SystemExit when the map stands otherwise)."""
    _settle(window)
    heatmap = window.explain._store.session.heatmap
    if heatmap is None or heatmap.stamp is None or heatmap.stamp.standing is not standing:
        raise SystemExit(f"{stem.name}: the map does not stand as {standing.value}")
    for language, suffix in SUFFIXES.items():
        set_language(language)
        QApplication.setFont(theme.font())
        window.retranslate()
        _settle(window)
        window.grab().save(f"{stem}_{suffix}.png", "PNG")


def _settle(window: MainWindow) -> None:
    """Wait for what the panel asks for when it is first seen, and for the stamp."""
    QApplication.processEvents()
    while window.explain._runner.running():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    QApplication.processEvents()


if __name__ == "__main__":
    raise SystemExit(main())
