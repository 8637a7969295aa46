"""One map as a picture that can stand alone: the image, the map over it, its scale, its passport and its verdict.

The patient is not named in it: it is made to be passed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.report.case import Case
from medassist.report.drawing import (
    AMBER,
    BAR_HEIGHT_PX,
    GREEN,
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
    layout_of,
    outlined,
    wrapped,
)
from medassist.report.fonts import font, speaks_chinese
from medassist.report.keyimages import draw_verdict, legend_width, shows_nothing, slice_picture
from medassist.report.keyviews import KeyView, cell_size, place, strongest_slice, title
from medassist.report.stamp_words import main_numbers, verdict_sentence
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

LONGEST_SIDE_PX = 560
NARROWEST_PAGE_PX = 760
LINE_PX = 27
SMALL_SIDE_PX = 240


def draw(case: Case, heatmap: Heatmap, *, name: str = "") -> Image:
    """Compose the picture of one map at its strongest slice, in the language of the case.

    `name` is said instead of the series, for pictures in which not even the name of a file may stand.
    """
    from PIL import Image, ImageDraw

    words = Wording(case.language if speaks_chinese() else "en")
    view = KeyView("", strongest_slice(heatmap), heatmap=heatmap)
    plain = slice_picture(case, KeyView("", view.index), LONGEST_SIDE_PX)
    over = slice_picture(case, view, LONGEST_SIDE_PX)
    wide = 2 * over.width + MARGIN_PX + legend_width(view, words)
    width = max(wide, NARROWEST_PAGE_PX) + 2 * MARGIN_PX
    height = max(over.height, BAR_HEIGHT_PX + 2 * SMALL_PX)
    half = (width - 3 * MARGIN_PX) // 2
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = _lines(ruler, _passport(heatmap, words), half)
    right = _lines(ruler, _verdict(heatmap, words), half)
    top = 2 * STRIP_PX
    below = top + height + MARGIN_PX
    page = Image.new("RGB", (width, below + LINE_PX * max(len(left), len(right)) + STRIP_PX), PAPER)
    pen = ImageDraw.Draw(page)
    where = " · ".join(one for one in (name or place(case, view, words), _slice(case, view, words, name)) if one)
    for text, size, y in ((title(case, view, words), TEXT_PX, 8), (where, SMALL_PX, STRIP_PX + 4)):
        pen.text((MARGIN_PX, y), fitted(pen, text, size, width - 2 * MARGIN_PX), INK, font(size))
    for x, picture in ((MARGIN_PX, plain), (2 * MARGIN_PX + over.width, over)):
        page.paste(picture, (x, top))
        draw_letters(pen, case, (x, top, x + picture.width, top + picture.height))
    draw_verdict(pen, view, words, (2 * MARGIN_PX + over.width + 8, top + 32), over.width - 16)
    if not shows_nothing(heatmap):
        draw_color_bar(pen, page, heatmap, words, (3 * MARGIN_PX + 2 * over.width, top + SMALL_PX // 2))
    _write(pen, left, (MARGIN_PX, below))
    _write(pen, right, (2 * MARGIN_PX + half, below), AMBER if heatmap.stamp and heatmap.stamp.reasons else INK)
    draw_notice(pen, page, words)
    return page


def _slice(case: Case, view: KeyView, words: Wording, name: str) -> str:
    """Say which slice it is where `name` stands instead of the place."""
    depth = case.volume.geometry.shape_zyx[0]
    return words.tr("slice {number} of {count}", number=view.index + 1, count=depth) if name and depth > 1 else ""


def _passport(heatmap: Heatmap, words: Wording) -> list[str]:
    """Say how the map was made, and what its values are."""
    model, layer = heatmap.model, heatmap.layer
    told = [
        words.tr("Model: {name} {version}", name=words.model(model), version=model.version),
        words.tr("Weights: {sha256}…", sha256=model.sha256[:16]),
        words.tr("Layer: {layer}", layer=layer) if layer else words.tr("Layer: the input itself"),
        words.tr("Size of one computed cell: {size}.", size=cell_size(heatmap, words)),
        _values(heatmap, words),
    ]
    if heatmap.target_score is not None:
        told.append(words.tr("Score of the target: {score}.", score=f"{heatmap.target_score:.3f}"))
    if heatmap.kind is MapKind.ATTRIBUTION:
        told.append(words.tr("Regions that influenced the score, not lesion outline."))
    return told


def _values(heatmap: Heatmap, words: Wording) -> str:
    """Say what the numbers beside the colours are: they have no unit, and the scale is that of this map alone."""
    low, high = f"{heatmap.minimum:.3g}", f"{heatmap.maximum:.3g}"
    if heatmap.kind is not MapKind.ATTRIBUTION:
        return words.tr("Values from {low} to {high}", low=low, high=high)
    full = f"{'±' if heatmap.signed else ''}{heatmap.full_scale:.3g}"
    return words.tr("Values from {low} to {high}, without unit; colours end at {full}.", low=low, high=high, full=full)


def _verdict(heatmap: Heatmap, words: Wording) -> list[str]:
    """Say whether the map may be believed, why not, and what was measured."""
    notes = [words.tr(one) for one in heatmap.notes]
    if heatmap.kind is not MapKind.ATTRIBUTION:
        return notes
    stamp = heatmap.stamp
    reasons = [words.warning(one) for one in stamp.reasons] if stamp else []
    numbers = {**heatmap.quality, **(stamp.numbers if stamp else {})}
    told = [words.tr("{name}: {value}", name=name, value=value) for name, value in main_numbers(numbers, words)]
    return [verdict_sentence(stamp, words), *reasons, *told, *notes]


def _lines(pen: ImageDraw, texts: Sequence[str], room_px: int) -> list[str]:
    return [line for text in texts for line in wrapped(pen, text, SMALL_PX, room_px)]


def _write(pen: ImageDraw, lines: Sequence[str], corner: tuple[int, int], first: tuple[int, int, int] = INK) -> None:
    """Write lines below each other, the first one in a colour of its own."""
    x, y = corner
    for index, line in enumerate(lines):
        pen.text((x, y + index * LINE_PX), line, INK if index else first, font(SMALL_PX))


def small(case: Case, heatmap: Heatmap | None, index: int, reference: NDArray[np.bool_] | None = None) -> bytes:
    """Return one slice with its map, small, as a JPEG file: for pages with many of them; the sides are on its edges.

    `reference` (slice, row, column) is where the truth lies; it is outlined.
    """
    from io import BytesIO

    from PIL import ImageDraw

    view = KeyView("", index, heatmap=heatmap)
    picture = slice_picture(case, view, SMALL_SIDE_PX)
    if reference is not None:
        picture = outlined(picture, layout_of(case).extract(reference, index), GREEN)
    draw_letters(ImageDraw.Draw(picture), case, (0, 0, picture.width, picture.height), SMALL_PX)
    file = BytesIO()
    picture.save(file, "JPEG", quality=88)
    return file.getvalue()
