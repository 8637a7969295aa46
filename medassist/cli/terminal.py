"""Progress bars, tables and JSON for a terminal; silent when piped."""

from __future__ import annotations

import json
import sys
import unicodedata
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from medassist.language import tr
from medassist.progress import Progress, Step


def accept_any_text() -> None:
    """Let both streams take names they cannot encode, as escapes: a verb must not fail on printing its answer."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def given_path(text: str) -> Path:
    """Return an argument as a path; an empty one, of a variable that is not set, does not mean the current folder."""
    if not text:
        raise ArgumentTypeError(tr("the path is empty"))
    return Path(text)


def one_line(text: str) -> str:
    """Return text without line breaks and without what steers a terminal: names in files may hold both."""
    return " ".join("".join(_visible(letter) for letter in text).split())


def _visible(letter: str) -> str:
    """Return a control or format character as its escape, any other as it is."""
    steers = unicodedata.category(letter) in ("Cc", "Cf") and not letter.isspace()
    return letter.encode("unicode_escape").decode("ascii") if steers else letter


def say(text: str = "") -> None:
    """Print a line of the answer to standard output."""
    print(text)  # noqa: T201 - this is the command line


def note(text: str) -> None:
    """Print a remark to standard error, so that a piped answer stays clean."""
    print(text, file=sys.stderr)  # noqa: T201 - this is the command line


def say_json(value: object) -> None:
    """Print one JSON object; where the terminal cannot write a character, as JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    say(text)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield a `Progress` that draws a bar on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def draw(step: Step) -> None:
            bar.update(task, description=tr(step.stage), completed=step.fraction or 0.0)

        yield Progress(draw)


def say_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header, columns aligned, whatever the width of the terminal."""
    from rich.cells import cell_len

    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
        say("  ".join(cells).rstrip())
