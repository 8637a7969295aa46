"""`open`, `demo` and no verb at all: whatever shows a window, or its picture."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from medassist.cli.terminal import say
from medassist.entities.errors import UnreadableInput, UsageError
from medassist.language import LANGUAGES, current_language, set_language, tr


def register(verbs: Any) -> None:
    """Add the verbs to the parser."""
    opened = verbs.add_parser("open", help="start the window on folders, files or zips")
    opened.add_argument("paths", type=Path, nargs="*", metavar="PATH", help="none: as without a verb")
    opened.add_argument("--model", default="", metavar="MODEL", help="run this model on the first series")
    opened.add_argument("--explain", default="", metavar="LABEL", help="explain this label of the model")
    opened.add_argument("--method", default="", metavar="METHOD", help="with --explain: by this method")
    opened.add_argument(
        "--probe",
        default="",
        metavar="PLACE[:MEANS]",
        help="replace a region and ask again: hottest, cursor or outside",
    )
    opened.add_argument(
        "--overlays", action="store_true", help="lay segmentations, contours and maps over the pictures"
    )
    opened.add_argument("--screenshot", type=Path, metavar="FILE", help="do the work, write the window as PNG, exit")
    opened.add_argument("--size", default="1600x1000", metavar="WxH", help="size of the window in pixels")
    _add_language(opened)
    opened.set_defaults(run=run_open)
    demo = verbs.add_parser("demo", help="open the sample films, run the suggested model, write the report")
    demo.add_argument("-o", "--out", type=Path, default=Path("reports"), metavar="DIR")
    _add_language(demo)
    demo.set_defaults(run=run_demo)


def _add_language(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--language", choices=("auto", *LANGUAGES), default="", help="language of window and report")


def start(_arguments: argparse.Namespace) -> int:
    """Start the window with nothing opened."""
    from medassist.app import run

    return run((), language=_language(""))


def run_open(arguments: argparse.Namespace) -> int:
    """Start the window on paths."""
    from medassist.app import run

    for path in arguments.paths:
        if not os.path.exists(path):  # noqa: PTH110 - a name too long is no error to it
            raise UnreadableInput("{path} does not exist.", path=path)
    return run(
        arguments.paths,
        screenshot=arguments.screenshot,
        model=arguments.model,
        explain=arguments.explain,
        method=arguments.method,
        probe=arguments.probe,
        overlays=arguments.overlays,
        language=_language(arguments.language),
        size=_size(arguments.size),
    )


def run_demo(arguments: argparse.Namespace) -> int:
    """Run the demonstration in the window; without a display, offscreen, and print where the results are."""
    from medassist.app import show
    from medassist.session.demo import Demo

    set_language(_language(arguments.language))
    folder = arguments.out.resolve()
    demo = Demo(folder, current_language(), say)
    picture = None if _has_display() else folder / "window.png"
    code = show(demo.steps(), screenshot=picture, language=current_language())
    if picture is not None:
        say(tr("No display: the window was drawn into {picture}", picture=picture))
    return code


def _has_display() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    offscreen = os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    return not offscreen and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _language(asked: str) -> str:
    """Return the language asked for, else the one of the settings."""
    from medassist.storage.settings import read

    return asked or read().text("language")


def _size(text: str) -> tuple[int, int]:
    width, x, height = text.partition("x")
    if not (x and width.isdecimal() and height.isdecimal() and int(width) >= 640 and int(height) >= 480):
        raise UsageError("{size} is no window size.", remedy="Write it as 1600x1000; at least 640x480.", size=text)
    return int(width), int(height)
