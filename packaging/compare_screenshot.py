"""Draw the window with two maps of one image side by side: `compare_screenshot.py IMAGE MODEL LABEL A B STEM`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from medassist import app
from medassist.language import set_language
from medassist.ui import theme
from medassist.ui.main_window import MainWindow
from medassist.ui.plan import compare_newest, explain_label, run_model

EXPLANATION_TAB = 1
SUFFIXES = {"zh_CN": "zh", "en": "en"}
"""The language `app.show` takes its picture in stands last."""


def main() -> int:
    """Open the image, run the model, explain the label by both methods, compare, and write STEM_en and STEM_zh.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("model")
    parser.add_argument("label")
    parser.add_argument("methods", nargs=2, metavar="METHOD")
    parser.add_argument("stem", type=Path)
    parser.add_argument("--difference", action="store_true", help="show A minus B")
    given = parser.parse_args()

    def prepare(window: MainWindow) -> None:
        window.tabs.setCurrentIndex(EXPLANATION_TAB)
        window.viewer.sides.difference.setChecked(given.difference)
        for language, suffix in SUFFIXES.items():
            _speak(window, language)
            _settle(window)
            window.grab().save(f"{given.stem}_{suffix}.png", "PNG")

    explained = (explain_label(given.label, method=method) for method in given.methods)
    plan = [run_model(given.model), *explained, compare_newest]
    last = given.stem.with_name(f"{given.stem.name}_{[*SUFFIXES.values()][-1]}.png")
    return app.show(plan, open_paths=[given.image], screenshot=last, language="en", prepare=prepare)


def _settle(window: MainWindow) -> None:
    """Wait for what the panel asks for when it is first seen: layers, and the stamps of maps."""
    while window.explain._runner.running():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    QApplication.processEvents()


def _speak(window: MainWindow, language: str) -> None:
    """Change the language without keeping it for the next window."""
    set_language(language)
    QApplication.setFont(theme.font())
    window.retranslate()


if __name__ == "__main__":
    raise SystemExit(main())
