"""From values to 8-bit pictures: grey-scale windows, outlines, and overlays for key pictures. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import AnyArray, VoiLut, Window
from medassist.imaging.colormaps import SIGNED, colormap, steps

Gray = NDArray[np.uint8]
Rgb = NDArray[np.uint8]

PIECE = 1 << 15
"""Values looked up at a time: as many indices as the processor keeps near."""


def to_gray8(values: AnyArray, window: Window, inverted: bool = False) -> Gray:
    """Map values to uint8 by a window of DICOM PS3.3 C.11.2.1; `inverted` swaps black and white.

    LINEAR on integers: black for x <= c - 0.5 - (w - 1)/2, white for x > c - 0.5 + (w - 1)/2, linear between; on
    floats as LINEAR_EXACT (C.11.2.1.3.2), black at c - w/2 and white at c + w/2, since the formula for integers has
    no meaning for a width below 1. SIGMOID is 1 / (1 + exp(-4 (x - c)/w)) (C.11.2.1.3.1). A VOI LUT is looked up.
    8 and 16 bits go through a table. NaN becomes black.
    """
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size > 4096:
        information = np.iinfo(values.dtype)
        every = np.arange(information.min, information.max + 1, dtype=np.int32)
        table = np.roll(_window(every, window, inverted), int(information.min))
        return _through(table, values.view(f"u{values.dtype.itemsize}"))
    return _window(values, window, inverted)


def _through(table: Gray, unsigned: NDArray[np.unsignedinteger[Any]]) -> Gray:
    """Look values up piece by piece: numpy would make 64-bit indices of all of them, four times as slow."""
    flat = np.ascontiguousarray(unsigned).reshape(-1)
    found, index = np.empty(flat.size, np.uint8), np.empty(min(PIECE, flat.size), np.intp)
    for begin in range(0, flat.size, PIECE):
        end = min(begin + PIECE, flat.size)
        index[: end - begin] = flat[begin:end]
        np.take(table, index[: end - begin], out=found[begin:end], mode="clip")  # no value lies outside
    return found.reshape(unsigned.shape)


def _window(values: AnyArray, window: Window, inverted: bool) -> Gray:
    share = _linear(values, window) if window.function != "SIGMOID" else _sigmoid(values, window)
    if window.lut is not None:
        share = _looked_up(values, window.lut)
    gray: Gray = np.nan_to_num(share * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return np.bitwise_not(gray) if inverted else gray


def _linear(values: AnyArray, window: Window) -> NDArray[np.float32]:
    whole = values.dtype.kind in "iu" and window.function != "LINEAR_EXACT"
    width = max(float(window.width), 1.0 if whole else 1e-6)
    low = window.center - 0.5 - (width - 1) / 2 if whole else window.center - width / 2
    span = max(width - 1, 1e-6) if whole else width
    share: NDArray[np.float32] = np.clip((values.astype(np.float32) - np.float32(low)) / np.float32(span), 0, 1)
    return share


def _sigmoid(values: AnyArray, window: Window) -> NDArray[np.float32]:
    steepness = np.float32(4.0 / max(float(window.width), 1e-6))
    exponent = np.clip((values.astype(np.float32) - np.float32(window.center)) * steepness, -80, 80)
    share: NDArray[np.float32] = 1 / (1 + np.exp(-exponent))
    return share


def _looked_up(values: AnyArray, lut: VoiLut) -> NDArray[np.float32]:
    table = np.array(lut.entries, np.float32) / np.float32(2**lut.bits - 1)
    whole = values if values.dtype.kind in "iu" else np.rint(np.nan_to_num(values, nan=lut.first))
    at = np.clip(whole.astype(np.float64) - lut.first, 0, len(table) - 1).astype(np.intp)
    share: NDArray[np.float32] = table[at]
    return share


def auto_window(
    values: AnyArray, padding: tuple[float, float] | None = None, *, low: float = 1.0, high: float = 99.0
) -> Window:
    """Return the window between two percentiles, leaving out padding, NaN and infinity.

    At most about 200 000 evenly spread values are looked at.
    """
    sample = values.reshape(-1)[:: max(1, values.size // 200_000)]
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
    if padding is not None:
        sample = sample[(sample < padding[0]) | (sample > padding[1])]
    if not sample.size:
        return Window(0.0, 1.0)
    bottom, top = (float(value) for value in np.percentile(sample, [low, high]))
    if top <= bottom:
        bottom, top = float(sample.min()), float(sample.max())
    step = 1.0 if values.dtype.kind in "iu" else max(abs(top), 1e-6) * 1e-3
    return Window((bottom + top) / 2.0, max(top - bottom, step))


def outline(labels: AnyArray) -> NDArray[np.bool_]:
    """Mark the pixels of a label slice that touch another label (4-neighbours) or the edge of the picture."""
    padded = np.pad(labels, 1)
    center = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    touching = np.zeros(labels.shape, bool)
    for other in neighbours:
        touching |= other != center
    edge: NDArray[np.bool_] = touching & (center != 0)
    return edge


def to_rgb(gray: Gray) -> Rgb:
    """Return a grey (rows, columns) picture as RGB; RGB passes through."""
    return gray if gray.ndim == 3 else np.repeat(gray[..., None], 3, axis=2)


def blend_labels(
    picture: Gray,
    labels: AnyArray,
    colors: Mapping[int, tuple[int, int, int]],
    *,
    objects: AnyArray | None = None,
    fill_opacity: float = 0.3,
    outline_opacity: float = 1.0,
) -> Rgb:
    """Lay a label slice over a grey or RGB picture of the same rows and columns; labels without colour stay hidden.

    `objects` numbers the objects of one label, so that a line lies between those that touch.
    """
    _same_size(picture, labels)
    result = to_rgb(picture).astype(np.float32)
    edge = outline(labels if objects is None else objects)
    for value, color in colors.items():
        inside = labels == value
        for where, opacity in ((inside & ~edge, fill_opacity), (inside & edge, outline_opacity)):
            result[where] = result[where] * (1 - opacity) + np.array(color, np.float32) * opacity
    return np.rint(result).astype(np.uint8)


def blend_heat(
    picture: Gray,
    heat: AnyArray,
    maximum: float,
    *,
    signed: bool = False,
    opacity: float = 0.5,
    threshold: float = 0.2,
    name: str = "ember",
) -> Rgb:
    """Lay a heat slice over a grey or RGB picture of the same rows and columns.

    `maximum` is the value drawn in the last colour, the same for all slices of a map; values below
    `threshold * maximum` are not drawn, and nothing is drawn when the maximum is not positive. Signed values have a
    table of their own; of them `maximum` is the largest absolute value, and the threshold counts on both sides.
    """
    _same_size(picture, heat)
    result = to_rgb(picture).copy()
    if maximum <= 0:
        return result
    share = np.clip(np.nan_to_num(heat.astype(np.float32)) / np.float32(maximum), -1 if signed else 0, 1)
    shown = (np.abs(share) >= threshold) & (share != 0)
    colors = colormap(SIGNED if signed else name)[steps(share[shown], signed=signed)].astype(np.float32)
    mixed = result[shown].astype(np.float32) * (1 - opacity) + colors * opacity
    result[shown] = np.rint(mixed).astype(np.uint8)
    return result


def _same_size(picture: AnyArray, overlay: AnyArray) -> None:
    """Refuse an overlay that does not fit its picture (ValueError) instead of guessing."""
    if picture.shape[:2] != overlay.shape:
        raise ValueError(f"an overlay of {overlay.shape} does not fit a picture of {picture.shape[:2]}")
