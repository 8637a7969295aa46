"""What every picture of a report is drawn with: scaled slices, sides, colour bars, hatching, texts that fit."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import medassist
from medassist.entities.heatmap import Heatmap
from medassist.entities.study import Warned
from medassist.imaging.colormaps import SIGNED, colormap, steps
from medassist.imaging.render import outline
from medassist.imaging.scales import DETECTOR_PLANE, SCANNED_FILM
from medassist.imaging.slicing import Layout, edge_letters, layout, native_plane
from medassist.report.case import Case
from medassist.report.fonts import font
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MARGIN_PX = 12
TEXT_PX = 24
SMALL_PX = 20
BAR_PX = 20
BAR_HEIGHT_PX = 256
STRIP_PX = 40
HATCH_PX = 10
"""Distance of the lines over a map that fails."""

MOST_IN_LINE = 400
"""Characters; more never fit into a line of a picture."""
BAR_LENGTHS_MM = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
"""Lengths of the scale; microscopy has hundredths of millimetres."""

HEAT_OPACITY = 0.5
HEAT_THRESHOLD = 0.2

INK = (235, 235, 235)
PAPER = (16, 18, 22)
AMBER = (245, 190, 80)
GREEN = (90, 220, 120)

Corner = tuple[int, int]

_NEVER_FIRST = "，。、；：！？）》」』”’…%)"
"""Signs no line of Chinese begins with."""


def layout_of(case: Case) -> Layout:
    """Return how the slices of a case are shown: in the plane they were taken in."""
    return layout(case.volume.geometry, native_plane(case.volume.geometry))


def scaled(rgb: NDArray[np.uint8], shown: Layout, longest_px: int) -> Image:
    """Return the picture with square millimetres; enlarged voxels stay visible as such."""
    from PIL import Image

    down_mm, right_mm = shown.spacing_mm
    height, width = rgb.shape[0] * down_mm, rgb.shape[1] * right_mm
    scale = longest_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrinks = size[0] < rgb.shape[1]
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    return picture.resize(size, Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST)


def hatched(picture: Image, where: NDArray[np.bool_]) -> Image:
    """Return the picture with slanted lines over `where` (rows, columns of the slice): nobody may read colours there.

    The lines are light beside dark ones, so that they are seen over any picture.
    """
    from PIL import Image

    inside = np.asarray(Image.fromarray(where).resize(picture.size, Image.Resampling.NEAREST))
    down, right = np.indices(inside.shape)
    turn = (down + right) % HATCH_PX
    pixels = np.asarray(picture).copy()
    pixels[inside & (turn < 2)] = PAPER
    pixels[inside & ((turn == 2) | (turn == 3))] = INK
    return Image.fromarray(pixels)


def outlined(picture: Image, region: NDArray[np.bool_], color: tuple[int, int, int]) -> Image:
    """Return the picture with a line along the border of `region` (rows, columns of the slice)."""
    from PIL import Image

    inside = np.asarray(Image.fromarray(region).resize(picture.size, Image.Resampling.NEAREST))
    pixels = np.asarray(picture).copy()
    pixels[outline(inside)] = color
    return Image.fromarray(pixels)


def fitted(pen: ImageDraw, text: str, size_px: int, room_px: int) -> str:
    """Shorten a text to one line in the room it has: names come from files too, with line breaks and of any length."""
    line = one_line(text)
    if len(line) < MOST_IN_LINE and pen.textlength(line, font=font(size_px)) <= room_px:
        return line
    while line and pen.textlength(f"{line}…", font=font(size_px)) > room_px:
        line = line[:-1]
    return f"{line}…"


def one_line(text: str) -> str:
    """Return a text without line breaks, and no more of it than a line could hold."""
    return " ".join(text[: 4 * MOST_IN_LINE].split())[:MOST_IN_LINE]


def wrapped(pen: ImageDraw, text: str, size_px: int, room_px: int) -> list[str]:
    """Break a text into lines that fit: between words, and within a word (or a Chinese sentence) that is too long."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and pen.textlength(line + piece.rstrip(), font=font(size_px)) > room_px:
            lines.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """Return words with the space behind them; every character of a script without spaces, and of long words."""
    pieces: list[str] = []
    for word in text.split():
        spaced = f"{word} "
        letters = [spaced] if len(word) <= 24 and word.isascii() else [*spaced[:-2], spaced[-2:]]
        for letter in letters:
            if pieces and letter[0] in _NEVER_FIRST:
                pieces[-1] += letter
            else:
                pieces.append(letter)
    return pieces


def draw_letters(pen: ImageDraw, case: Case, box: tuple[int, int, int, int], size_px: int = TEXT_PX) -> None:
    """Write the sides of the patient on the edges of a picture; nothing where they are not known."""
    letters_of_edges = edge_letters(case.volume, layout_of(case))
    if letters_of_edges is None:
        return
    left, right, top, bottom = letters_of_edges
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1) // 2, (y0 + y1) // 2
    for letters, at, anchor in (
        (left, (x0 + 6, middle_y), "lm"),
        (right, (x1 - 6, middle_y), "rm"),
        (top, (middle_x, y0 + 4), "ma"),
        (bottom, (middle_x, y1 - 4), "md"),
    ):
        pen.text(at, letters, INK, font(size_px), anchor, stroke_width=2, stroke_fill=(0, 0, 0))


def draw_color_bar(pen: ImageDraw, page: Image, heatmap: Heatmap, words: Wording, corner: Corner) -> None:
    """Draw the colours from the least value shown to the largest, with their values; a signed scale has two ends."""
    from PIL import Image

    x, y = corner
    height, signed, scale = BAR_HEIGHT_PX, heatmap.signed, heatmap.full_scale
    lowest = -1.0 if signed else HEAT_THRESHOLD
    shown = np.linspace(1.0, lowest, height, dtype=np.float32)
    colors = colormap(SIGNED if signed else "ember")[steps(shown, signed=signed)]
    colors[np.abs(shown) < HEAT_THRESHOLD] = PAPER
    page.paste(Image.fromarray(np.repeat(colors[:, None], BAR_PX, axis=1)), (x, y))
    pen.rectangle((x, y, x + BAR_PX, y + height), outline=INK)
    for share, at in ((1.0, y), ((1.0 + lowest) / 2, y + height // 2), (lowest, y + height)):
        pen.text((x + BAR_PX + 8, at), f"{share * scale:.3g}", INK, font=font(SMALL_PX), anchor="lm")
    if signed:
        for text, at in ((words.tr("speaks for"), y + height // 4), (words.tr("speaks against"), y + 3 * height // 4)):
            pen.text((x + BAR_PX + 8, at), text, INK, font=font(SMALL_PX), anchor="lm")


def draw_scale(pen: ImageDraw, case: Case, box: tuple[int, int, int, int], words: Wording) -> None:
    """Draw a bar of a round number of millimetres at the lower left; nothing where pixels have no size."""
    if not case.volume.geometry.calibrated:
        return
    shown = layout_of(case)
    x0, _, x1, y1 = box
    px_per_mm = (x1 - x0) / (shown.shape[1] * shown.spacing_mm[1])
    length = max((one for one in BAR_LENGTHS_MM if one * px_per_mm <= (x1 - x0) / 4), default=0)
    if not length:
        return
    x, y, end = x0 + 14, y1 - 14, x0 + 14 + length * px_per_mm
    for color, width in (((0, 0, 0), 6), (INK, 2)):
        pen.line([(x, y - 6), (x, y), (end, y), (end, y - 6)], color, width)
    told = f"{length:g} {words.tr('mm')} {plane_of(case.series.warnings, words)}".strip()
    pen.text((x + 4, y - 8), told, INK, font(SMALL_PX), "lb", stroke_width=2, stroke_fill=(0, 0, 0))


def plane_of(remarks: Collection[Warned], words: Wording) -> str:
    """Say in which plane the millimetres of a projection hold, "" where they hold in the patient."""
    told = {DETECTOR_PLANE: words.tr("at the detector"), SCANNED_FILM: words.tr("on the scanned film")}
    return next((text for one, text in told.items() if one in remarks), "")


def draw_notice(pen: ImageDraw, page: Image, words: Wording, more: str = "") -> None:
    """Write along the lower edge what the picture may be used for, and what else must be known of it."""
    y, room = page.height - STRIP_PX // 2, page.width - 2 * MARGIN_PX
    text = fitted(pen, words.tr(medassist.RESEARCH_USE_NOTICE), SMALL_PX, room)
    pen.text((MARGIN_PX, y), text, AMBER, font=font(SMALL_PX), anchor="lm")
    if more:
        left = room - pen.textlength(text, font=font(SMALL_PX)) - MARGIN_PX
        more = fitted(pen, more, SMALL_PX, int(left))
        pen.text((page.width - MARGIN_PX, y), more, AMBER, font=font(SMALL_PX), anchor="rm")
