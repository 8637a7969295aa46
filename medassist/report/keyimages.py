"""Key pictures: one slice with its overlay, sides, legend, colour bar and the notice, as PNG files.

The patient is not named in them: they are made to be passed on.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.heatmap import Heatmap
from medassist.entities.stamp import Standing
from medassist.imaging.render import blend_heat, blend_labels, to_gray8, to_rgb
from medassist.imaging.windows import starting_window
from medassist.report.case import Case
from medassist.report.drawing import (
    AMBER,
    BAR_PX,
    HEAT_OPACITY,
    HEAT_THRESHOLD,
    INK,
    MARGIN_PX,
    PAPER,
    SMALL_PX,
    STRIP_PX,
    TEXT_PX,
    draw_color_bar,
    draw_letters,
    draw_notice,
    fitted,
    hatched,
    layout_of,
    scaled,
)
from medassist.report.fonts import font, speaks_chinese
from medassist.report.keyviews import KeyView, key_views, place, title
from medassist.report.stamp_words import verdict_sentence
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LONGEST_SIDE_PX = 900
WIDEST_LEGEND_PX = 260
NARROWEST_PAGE_PX = 560

OBJECT_OPACITY = 0.1
"""Of the filling of objects one by one: their colours are stains, which a reader wants to see."""


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
    picture = slice_picture(case, view, LONGEST_SIDE_PX)
    width = max(picture.width + legend_width(view, words), NARROWEST_PAGE_PX) + 2 * MARGIN_PX
    top = 2 * STRIP_PX
    page = Image.new("RGB", (width, top + picture.height + STRIP_PX + MARGIN_PX), PAPER)
    page.paste(picture, (MARGIN_PX, top))
    pen = ImageDraw.Draw(page)
    room = width - 2 * MARGIN_PX
    pen.text((MARGIN_PX, 8), fitted(pen, title(case, view, words), TEXT_PX, room), INK, font=font(TEXT_PX))
    pen.text((MARGIN_PX, STRIP_PX + 4), fitted(pen, place(case, view, words), SMALL_PX, room), INK, font(SMALL_PX))
    draw_letters(pen, case, (MARGIN_PX, top, MARGIN_PX + picture.width, top + picture.height))
    draw_verdict(pen, view, words, (MARGIN_PX + 8, top + 32), picture.width - 16)
    _draw_legend(pen, page, view, words, (MARGIN_PX * 2 + picture.width, top))
    draw_notice(pen, page, words)
    return page


def shows_nothing(heatmap: Heatmap) -> bool:
    """Tell whether it was measured that a map means nothing: its colours would say that there is something."""
    return heatmap.stamp is not None and heatmap.stamp.standing is Standing.MEANINGLESS


def slice_picture(case: Case, view: KeyView, longest_px: int) -> Image:
    """Return the slice with its overlay in its final size; a map that fails is hatched wherever it is drawn."""
    picture = scaled(overlaid(case, view), layout_of(case), longest_px)
    heatmap = view.heatmap
    if heatmap is None or heatmap.stamp is None or heatmap.stamp.standing is not Standing.FAILS:
        return picture
    heat = layout_of(case).extract(heatmap.values_zyx, view.index)
    strength = np.abs(heat) if heatmap.signed else heat
    drawn: NDArray[np.bool_] = (strength >= HEAT_THRESHOLD * heatmap.full_scale) & (strength > 0)
    return hatched(picture, drawn)


def overlaid(case: Case, view: KeyView) -> NDArray[np.uint8]:
    """Return the slice as RGB in display orientation with its overlay, one pixel per voxel."""
    shown = layout_of(case)
    values = shown.extract(case.volume.array_zyx, view.index)
    picture = values if case.volume.is_color else to_gray8(values, starting_window(case.volume), case.volume.inverted)
    if view.heatmap is not None and shows_nothing(view.heatmap):
        return to_rgb(picture)
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


def draw_verdict(pen: ImageDraw, view: KeyView, words: Wording, corner: tuple[int, int], room_px: int) -> None:
    """Write into the picture that its map must not be believed, where that was measured."""
    stamp = view.heatmap.stamp if view.heatmap is not None else None
    if stamp is not None and stamp.standing is not Standing.HOLDS:
        text = fitted(pen, verdict_sentence(stamp, words), TEXT_PX, room_px)
        pen.text(corner, text, AMBER, font(TEXT_PX), stroke_width=2, stroke_fill=(0, 0, 0))


def legend_width(view: KeyView, words: Wording) -> int:
    """Return the room beside the picture for names of segments or for the numbers of a colour bar, in pixels."""
    names = ["0.000000"] if view.heatmap is not None else [words.title(segment) for segment in view.segments]
    if view.heatmap is not None and view.heatmap.signed:
        names += [words.tr("speaks for"), words.tr("speaks against")]
    widest = max((font(SMALL_PX).getbbox(name)[2] for name in names), default=0)
    return min(ceil(widest) + BAR_PX + 10, WIDEST_LEGEND_PX) + MARGIN_PX if names else 0


def _draw_legend(pen: ImageDraw, page: Image, view: KeyView, words: Wording, corner: tuple[int, int]) -> None:
    x, y = corner
    room = page.width - x - MARGIN_PX
    most = max((page.height - y - 2 * STRIP_PX) // (BAR_PX + 10), 1)
    for segment in view.segments[:most]:
        pen.rectangle((x, y, x + BAR_PX, y + BAR_PX), fill=segment.color, outline=INK)
        label = fitted(pen, words.title(segment), SMALL_PX, room - BAR_PX - 8)
        pen.text((x + BAR_PX + 8, y + BAR_PX // 2), label, INK, font=font(SMALL_PX), anchor="lm")
        y += BAR_PX + 10
    if len(view.segments) > most:
        pen.text((x, y), f"+ {len(view.segments) - most}", INK, font=font(SMALL_PX))
    if view.heatmap is not None and not shows_nothing(view.heatmap):
        draw_color_bar(pen, page, view.heatmap, words, (x, y + 10))
