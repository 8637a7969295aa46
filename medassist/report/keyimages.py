"""Key pictures: one slice with its overlay, sides, legend, colour bar and the notice, as PNG files.

The patient is not named in them: they are made to be passed on.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.draft import Shown
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
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
    Corner,
    draw_color_bar,
    draw_letters,
    draw_notice,
    draw_scale,
    fitted,
    hatched,
    layout_of,
    one_line,
    scaled,
)
from medassist.report.drawn_measurements import draw_measurements
from medassist.report.fonts import font, speaks_chinese
from medassist.report.key_choice import hidden_values
from medassist.report.keyviews import KeyView, key_views, place, title
from medassist.report.rejected import without_rejected_pieces
from medassist.report.stamp_words import verdict_sentence
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LONGEST_SIDE_PX = 900
WIDEST_LEGEND_PX = 320
NARROWEST_PAGE_PX = 560

LABEL_OPACITY = 0.3
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


def draw(case: Case, view: KeyView, longest_px: int = LONGEST_SIDE_PX) -> Image:
    """Compose one key picture in the language of the case (English where no installed font has Chinese)."""
    from PIL import Image, ImageDraw

    words = Wording(case.language if speaks_chinese() else "en")
    pictures = [slice_picture(case, one, longest_px) for one in sides(view)]
    across = sum(one.width + MARGIN_PX for one in pictures) - MARGIN_PX
    width = max(across + legend_width(view, words), NARROWEST_PAGE_PX) + 2 * MARGIN_PX
    top = 2 * STRIP_PX
    page = Image.new("RGB", (width, top + pictures[0].height + STRIP_PX + MARGIN_PX), PAPER)
    pen = ImageDraw.Draw(page)
    room = width - 2 * MARGIN_PX
    pen.text((MARGIN_PX, 8), fitted(pen, title(case, view, words), TEXT_PX, room), INK, font=font(TEXT_PX))
    pen.text((MARGIN_PX, STRIP_PX + 4), fitted(pen, place(case, view, words), SMALL_PX, room), INK, font(SMALL_PX))
    x = MARGIN_PX
    for picture, one in zip(pictures, sides(view), strict=True):
        _paste(page, picture, (x, top), case, one, words)
        x += picture.width + MARGIN_PX
    _draw_legend(pen, page, view, words, (x, top))
    draw_notice(pen, page, words, words.tr("not reviewed by a reader") if view.unreviewed else "")
    return page


def sides(view: KeyView) -> tuple[KeyView, ...]:
    """Return the pictures that stand side by side in a key picture: the slice alone first, where both are asked for."""
    if view.shown is not Shown.BOTH or not (view.masks or view.heatmap):
        return (view,)
    return replace(view, mask=None, others=(), segments=(), heatmap=None), view


def _paste(page: Image, picture: Image, corner: Corner, case: Case, view: KeyView, words: Wording) -> None:
    """Put a slice on the page with its sides, its scale and what readers measured on it."""
    from PIL import ImageDraw

    x, y = corner
    box = (x, y, x + picture.width, y + picture.height)
    page.paste(picture, corner)
    pen = ImageDraw.Draw(page)
    draw_letters(pen, case, box)
    draw_scale(pen, case, box, words)
    draw_measurements(pen, case, view.index, view.time, box, words)
    draw_verdict(pen, view, words, (x + 8, y + 32), picture.width - 16)


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
    """Return the slice as RGB in display orientation with its overlays, one pixel per voxel.

    Under a map masks are lines only: two fillings would mix into colours that mean neither.
    """
    picture = _gray(case, view)
    heatmap = view.heatmap if view.heatmap is not None and not shows_nothing(view.heatmap) else None
    if heatmap is not None:
        heat = layout_of(case).extract(heatmap.values_zyx, view.index)
        scale, signed = heatmap.full_scale, heatmap.signed
        picture = blend_heat(picture, heat, scale, signed=signed, opacity=HEAT_OPACITY, threshold=HEAT_THRESHOLD)
    for mask in view.masks:
        picture = _labelled(picture, case, mask, view.index, filled=view.heatmap is None)
    return to_rgb(picture)


def _gray(case: Case, view: KeyView) -> NDArray[np.uint8]:
    volume = case.volume
    times = volume.array_tzyx
    values = layout_of(case).extract(times[min(view.time, len(times) - 1)], view.index)
    if volume.is_color:
        return np.asarray(values, dtype=np.uint8)
    return to_gray8(values, view.window or starting_window(volume), volume.inverted != view.inverted)


def _labelled(picture: NDArray[np.uint8], case: Case, mask: Mask, index: int, *, filled: bool) -> NDArray[np.uint8]:
    """Lay the labels of a slice over a picture, without those the reader rejected."""
    shown, hidden = layout_of(case), hidden_values(case, mask)
    colors = replace(mask, segments=tuple(one for one in mask.segments if one.value not in hidden)).colors()
    labels = shown.extract(without_rejected_pieces(case, mask, index)[None], 0)
    objects = mask.instances
    numbers = None if objects is None else shown.extract(objects.labels_zyx, index)
    opacity = 0.0 if not filled else LABEL_OPACITY if objects is None else OBJECT_OPACITY
    return blend_labels(picture, labels, colors, objects=numbers, fill_opacity=opacity)


def draw_verdict(pen: ImageDraw, view: KeyView, words: Wording, corner: tuple[int, int], room_px: int) -> None:
    """Write into the picture that its map must not be believed, where that was measured."""
    stamp = view.heatmap.stamp if view.heatmap is not None else None
    if stamp is not None and stamp.standing is not Standing.HOLDS:
        text = fitted(pen, verdict_sentence(stamp, words), TEXT_PX, room_px)
        pen.text(corner, text, AMBER, font(TEXT_PX), stroke_width=2, stroke_fill=(0, 0, 0))


def legend_width(view: KeyView, words: Wording) -> int:
    """Return the room beside the picture for names of segments or for the numbers of a colour bar, in pixels."""
    names = [words.title(segment) for segment in view.segments]
    names += ["0.000000"] if view.heatmap is not None else []
    if view.heatmap is not None and view.heatmap.signed:
        names += [words.tr("speaks for"), words.tr("speaks against")]
    widest = max((font(SMALL_PX).getbbox(one_line(name))[2] for name in names), default=0)
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
