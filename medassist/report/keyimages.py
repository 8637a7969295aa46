"""Key pictures: one slice with its overlay, sides, legend, colour bar and the notice, as PNG files.

The patient is not named in them: they are made to be passed on.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import medassist
from medassist.entities.heatmap import Heatmap
from medassist.imaging.colormaps import SIGNED, colormap, steps
from medassist.imaging.render import blend_heat, blend_labels, to_gray8, to_rgb
from medassist.imaging.slicing import Layout, edge_letters, layout, native_plane
from medassist.imaging.windows import starting_window
from medassist.report.case import Case
from medassist.report.fonts import font, speaks_chinese
from medassist.report.keyviews import KeyView, key_views, place, title
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LONGEST_SIDE_PX = 900
MARGIN_PX = 12
TEXT_PX = 20
SMALL_PX = 16
BAR_PX = 18
STRIP_PX = 34
WIDEST_LEGEND_PX = 260
NARROWEST_PAGE_PX = 560

HEAT_OPACITY = 0.5
OBJECT_OPACITY = 0.1
"""Of the filling of objects one by one: their colours are stains, which a reader wants to see."""
HEAT_THRESHOLD = 0.2

_INK = (235, 235, 235)
_PAPER = (16, 18, 22)
_AMBER = (245, 190, 80)


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write key-1.png, key-2.png, … one per `key_views`."""
    paths = []
    for view in key_views(case):
        path = folder / view.file_name
        draw(case, view).save(path, "PNG")
        paths.append(path)
    return tuple(paths)


def draw(case: Case, view: KeyView) -> Image:
    """Compose one key picture in the language of the case (English where no installed font has Chinese)."""
    from PIL import Image, ImageDraw

    words = Wording(case.language if speaks_chinese() else "en")
    picture = _scaled(overlaid(case, view), _layout(case))
    width = max(picture.width + _legend_width(view, words), NARROWEST_PAGE_PX) + 2 * MARGIN_PX
    top = 2 * STRIP_PX
    page = Image.new("RGB", (width, top + picture.height + STRIP_PX + MARGIN_PX), _PAPER)
    page.paste(picture, (MARGIN_PX, top))
    pen = ImageDraw.Draw(page)
    room = width - 2 * MARGIN_PX
    pen.text((MARGIN_PX, 8), _fitted(pen, title(case, view, words), TEXT_PX, room), _INK, font=font(TEXT_PX))
    pen.text((MARGIN_PX, STRIP_PX + 4), _fitted(pen, place(case, view, words), SMALL_PX, room), _INK, font(SMALL_PX))
    _draw_letters(pen, case, (MARGIN_PX, top, MARGIN_PX + picture.width, top + picture.height))
    _draw_legend(pen, page, view, words, (MARGIN_PX * 2 + picture.width, top))
    _draw_notice(pen, page, words)
    return page


def overlaid(case: Case, view: KeyView) -> NDArray[np.uint8]:
    """Return the slice as RGB in display orientation with its overlay, one pixel per voxel."""
    shown = _layout(case)
    values = shown.extract(case.volume.array_zyx, view.index)
    picture = values if case.volume.is_color else to_gray8(values, starting_window(case.volume), case.volume.inverted)
    if view.heatmap is not None:
        heat = shown.extract(view.heatmap.values_zyx, view.index)
        scale, signed = view.heatmap.full_scale, view.heatmap.signed
        return blend_heat(picture, heat, scale, signed=signed, opacity=HEAT_OPACITY, threshold=HEAT_THRESHOLD)
    if view.mask is not None:
        labels, objects = shown.extract(view.mask.labels_zyx, view.index), view.mask.instances
        if objects is None:
            return blend_labels(picture, labels, view.mask.colors())
        numbers = shown.extract(objects.labels_zyx, view.index)
        return blend_labels(picture, labels, view.mask.colors(), objects=numbers, fill_opacity=OBJECT_OPACITY)
    return to_rgb(picture)


def _layout(case: Case) -> Layout:
    return layout(case.volume.geometry, native_plane(case.volume.geometry))


def _scaled(rgb: NDArray[np.uint8], shown: Layout) -> Image:
    """Return the picture with square millimetres; enlarged voxels stay visible as such."""
    from PIL import Image

    down_mm, right_mm = shown.spacing_mm
    height, width = rgb.shape[0] * down_mm, rgb.shape[1] * right_mm
    scale = LONGEST_SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrinks = size[0] < rgb.shape[1]
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    return picture.resize(size, Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST)


def _fitted(pen: ImageDraw, text: str, size_px: int, room_px: int) -> str:
    """Shorten a text to the room it has."""
    if pen.textlength(text, font=font(size_px)) <= room_px:
        return text
    while text and pen.textlength(f"{text}…", font=font(size_px)) > room_px:
        text = text[:-1]
    return f"{text}…"


def _legend_width(view: KeyView, words: Wording) -> int:
    """Return the room beside the picture for names of segments or for the numbers of a colour bar, in pixels."""
    names = ["0.000000"] if view.heatmap is not None else [words.title(segment) for segment in view.segments]
    if view.heatmap is not None and view.heatmap.signed:
        names += [words.tr("speaks for"), words.tr("speaks against")]
    widest = max((font(SMALL_PX).getbbox(name)[2] for name in names), default=0)
    return min(ceil(widest) + BAR_PX + 10, WIDEST_LEGEND_PX) + MARGIN_PX if names else 0


def _draw_letters(pen: ImageDraw, case: Case, box: tuple[int, int, int, int]) -> None:
    letters_of_edges = edge_letters(case.volume, _layout(case))
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
        pen.text(at, letters, _INK, font(TEXT_PX), anchor, stroke_width=2, stroke_fill=(0, 0, 0))


def _draw_legend(pen: ImageDraw, page: Image, view: KeyView, words: Wording, corner: tuple[int, int]) -> None:
    x, y = corner
    room = page.width - x - MARGIN_PX
    most = max((page.height - y - 2 * STRIP_PX) // (BAR_PX + 10), 1)
    for segment in view.segments[:most]:
        pen.rectangle((x, y, x + BAR_PX, y + BAR_PX), fill=segment.color, outline=_INK)
        label = _fitted(pen, words.title(segment), SMALL_PX, room - BAR_PX - 8)
        pen.text((x + BAR_PX + 8, y + BAR_PX // 2), label, _INK, font=font(SMALL_PX), anchor="lm")
        y += BAR_PX + 10
    if len(view.segments) > most:
        pen.text((x, y), f"+ {len(view.segments) - most}", _INK, font=font(SMALL_PX))
    if view.heatmap is not None:
        _draw_color_bar(pen, page, view.heatmap, words, (x, y + 10))


def _draw_color_bar(pen: ImageDraw, page: Image, heatmap: Heatmap, words: Wording, corner: tuple[int, int]) -> None:
    """Draw the colours from the least value shown to the largest, with their values; a signed scale has two ends."""
    from PIL import Image

    x, y = corner
    height, signed, scale = 256, heatmap.signed, heatmap.full_scale
    lowest = -1.0 if signed else HEAT_THRESHOLD
    shown = np.linspace(1.0, lowest, height, dtype=np.float32)
    colors = colormap(SIGNED if signed else "ember")[steps(shown, signed=signed)]
    colors[np.abs(shown) < HEAT_THRESHOLD] = _PAPER
    page.paste(Image.fromarray(np.repeat(colors[:, None], BAR_PX, axis=1)), (x, y))
    pen.rectangle((x, y, x + BAR_PX, y + height), outline=_INK)
    for share, at in ((1.0, y), ((1.0 + lowest) / 2, y + height // 2), (lowest, y + height)):
        pen.text((x + BAR_PX + 8, at), f"{share * scale:.3g}", _INK, font=font(SMALL_PX), anchor="lm")
    if signed:
        for text, at in ((words.tr("speaks for"), y + height // 4), (words.tr("speaks against"), y + 3 * height // 4)):
            pen.text((x + BAR_PX + 8, at), text, _INK, font=font(SMALL_PX), anchor="lm")


def _draw_notice(pen: ImageDraw, page: Image, words: Wording) -> None:
    y = page.height - STRIP_PX
    text = _fitted(pen, words.tr(medassist.RESEARCH_USE_NOTICE), SMALL_PX, page.width - 2 * MARGIN_PX)
    pen.text((MARGIN_PX, y + STRIP_PX // 2), text, _AMBER, font=font(SMALL_PX), anchor="lm")
