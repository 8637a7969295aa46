"""The look all pictures share, and the words in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.inference.ports import Label
from medassist.report.fonts import chinese_font
from medassist.report.wording import Wording
from medassist.training.evaluation.result import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5A5A5A", "#8C6D1F")
"""Told apart by people who do not see red and green alike (Okabe and Ito, 2008)."""
INK, FAINT, HEADING = "#1c2430", "#c5ced9", "#12304f"
PANEL_IN = 3.0
DPI = 110


@dataclass(frozen=True)
class Words:
    """What is written in the pictures: Chinese only where a font for it is installed."""

    wording: Wording
    titles: dict[str, str]

    def title(self, label: str) -> str:
        """Return the name of a label."""
        return self.titles.get(label, label)


@dataclass(frozen=True)
class Drawing:
    """One picture: its file name, what it shows, and how to read it; `draw` fills an empty figure."""

    file_name: str
    title: str
    explanation: str
    draw: Callable[[Figure], None]


def words_for(language: str, labels: tuple[Label, ...]) -> Words:
    """Return the words of the pictures in a language, in English where no font could show it."""
    spoken = language if language == "en" or chinese_font() is not None else "en"
    chinese = spoken.startswith("zh")
    wording = Wording(spoken)
    return Words(wording, {one.label: (one.title_zh if chinese else "") or wording.tr(one.label) for one in labels})


def save(drawing: Drawing, folder: Path) -> Path:
    """Draw a picture into its file and return the path (OSError when it cannot be written)."""
    from matplotlib.figure import Figure

    path = folder / drawing.file_name
    with _look():
        figure = Figure(layout="constrained")
        drawing.draw(figure)
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    return path


@contextmanager
def _look() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context(
        {
            "font.family": _families(),
            "font.size": 9,
            "text.color": INK,
            "axes.edgecolor": FAINT,
            "axes.labelcolor": INK,
            "axes.titlecolor": HEADING,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.color": "#e4e9ef",
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "axes.unicode_minus": False,
            "text.parse_math": False,  # a label may hold dollars
        }
    ):
        yield


def _families() -> list[str]:
    """Return the fonts in order: letters that one lacks come from the next."""
    from matplotlib import font_manager

    path = chinese_font()
    if path is None:
        return ["DejaVu Sans"]
    known = {entry.fname: entry.name for entry in font_manager.fontManager.ttflist}
    if str(path) not in known:
        font_manager.fontManager.addfont(str(path))
        known = {entry.fname: entry.name for entry in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", known[str(path)]]


def panels(
    figure: Figure, count: int, *, columns: int = 3, width_in: float = PANEL_IN, height_in: float = PANEL_IN
) -> list[Axes]:
    """Lay out `count` panels of one size and return them in reading order."""
    across = min(columns, count)
    down = -(-count // across)
    figure.set_size_inches(width_in * across, height_in * down)
    grid: Any = figure.subplots(down, across, squeeze=False)
    every: list[Axes] = list(grid.ravel())
    for spare in every[count:]:
        spare.set_visible(False)
    return every[:count]


def color(at: int) -> str:
    """Return the colour of the label or the line at this place."""
    return COLORS[at % len(COLORS)]


def told(evaluation: Evaluation, label: str, metric: str) -> str:
    """Return "0.87 (0.85–0.89)", or "" for a figure that could not be told."""
    one = evaluation.labels.get(label, {}).get(metric)
    return "" if one is None else f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})"
