"""What can be told of a picture without looking at what it shows: brightness, contrast, border, grain, grey levels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import Volume

Grey = NDArray[np.float32]

SMALL = 32
"""Side of the reduced picture the simple models see, pixels."""
FINE = 0.35
"""Cycles per pixel above which spectral energy counts as fine: noise, sharpening, traces of compression."""
_NEAR = 0.02
"""Share of the grey range that still counts as black, or as white."""


def grey_of(volume: Volume) -> Grey:
    """Return the one picture of a volume (row, column) float32: its middle slice, colours averaged."""
    values: NDArray[Any] = volume.array_zyx[volume.geometry.shape_zyx[0] // 2]
    return (values.mean(axis=-1) if volume.is_color else values).astype(np.float32)


def grey_range(volume: Volume) -> tuple[float, float] | None:
    """Return the grey values that mean black and white of an 8-bit picture, None where only the picture can tell."""
    return (0.0, 255.0) if volume.array_tzyx.dtype == np.uint8 else None


def picture_cues(grey: Grey, limits: tuple[float, float] | None = None) -> dict[str, float]:
    """Return name -> number of one picture (row, column) in its own size; `limits` are its black and white.

    `gradient` is the mean absolute difference of neighbours, half along rows and half along columns, grey values per
    pixel; `fine_energy` the share of spectral energy above `FINE` cycles per pixel, the mean left out. Both, and the
    share of black and white, say how a picture was processed rather than what it shows.
    """
    low, high = limits or (float(grey.min()), float(grey.max()))
    near = _NEAR * (high - low)
    slopes = _slopes(grey)
    rows, columns = grey.shape
    centre = np.s_[rows // 4 : rows - rows // 4, columns // 4 : columns - columns // 4]
    return {
        "mean": float(grey.mean()),
        "contrast": float(grey.std()),
        "black": float((grey <= low + near).mean()),
        "white": float((grey >= high - near).mean()),
        "border": float(grey[_edge(rows, columns)].mean()),
        "gradient": float(slopes.mean()),
        "gradient_centre": float(slopes[centre].mean()),
        "fine_energy": _fine_energy(grey),
        "levels": float(_levels(grey, limits)),
    }


def _slopes(grey: Grey) -> Grey:
    if min(grey.shape) < 2:
        return np.zeros_like(grey)
    down, right = np.gradient(grey)
    slopes: Grey = (np.abs(down) + np.abs(right)) / 2
    return slopes


def _edge(rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the outermost sixteenth of a picture as a mask."""
    width = max(1, round(min(rows, columns) / 16))
    edge = np.ones((rows, columns), np.bool_)
    edge[width : rows - width, width : columns - width] = False
    return edge


def _levels(grey: Grey, limits: tuple[float, float] | None) -> int:
    if limits == (0.0, 255.0):
        return int(np.count_nonzero(np.bincount(np.rint(grey).astype(np.uint8).ravel(), minlength=256)))
    return len(np.unique(grey))


def _fine_energy(grey: Grey) -> float:
    from scipy.fft import rfft2

    energy = np.abs(rfft2(grey - grey.mean())) ** 2
    # rfft2 leaves out the mirrored half of the columns: they count twice, but for the first and an even last one.
    energy[:, 1 : energy.shape[1] - (grey.shape[1] % 2 == 0)] *= 2
    whole = float(energy.sum())
    return float(energy[_is_fine(*grey.shape)].sum()) / whole if whole > 0 else 0.0


@lru_cache(maxsize=8)
def _is_fine(rows: int, columns: int) -> NDArray[np.bool_]:
    fine: NDArray[np.bool_] = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]) > FINE
    return fine


def small_picture(grey: Grey) -> Grey:
    """Return a picture brought to `SMALL` x `SMALL` by the mean of what each pixel covers."""
    from PIL import Image

    small = Image.fromarray(np.ascontiguousarray(grey)).resize((SMALL, SMALL), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def frame_mask() -> NDArray[np.bool_]:
    """Return the outer eighth of a small picture, (SMALL, SMALL); the rest is its inside."""
    width = SMALL // 8
    frame = np.ones((SMALL, SMALL), np.bool_)
    frame[width:-width, width:-width] = False
    return frame
