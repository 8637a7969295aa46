"""Draw the window with two maps of one image side by side: `compare_screenshot.py IMAGE MODEL LABEL A B FILE`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from medassist import app
from medassist.language import LANGUAGES
from medassist.ui.main_window import MainWindow
from medassist.ui.plan import compare_newest, explain_label, run_model

EXPLANATION_TAB = 1


def main() -> int:
    """Open the image, run the model, explain the label by both methods, compare, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("model")
    parser.add_argument("label")
    parser.add_argument("methods", nargs=2, metavar="METHOD")
    parser.add_argument("file", type=Path)
    parser.add_argument("--language", default="en", choices=tuple(LANGUAGES))
    parser.add_argument("--difference", action="store_true", help="show A minus B")
    given = parser.parse_args()

    def prepare(window: MainWindow) -> None:
        window.tabs.setCurrentIndex(EXPLANATION_TAB)
        if given.difference:
            window.viewer.sides.difference.click()
        while window._runner.running():  # the panel looks for layers when it is first seen
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    explained = (explain_label(given.label, method=method) for method in given.methods)
    plan = [run_model(given.model), *explained, compare_newest]
    return app.show(plan, open_paths=[given.image], screenshot=given.file, language=given.language, prepare=prepare)


if __name__ == "__main__":
    raise SystemExit(main())
