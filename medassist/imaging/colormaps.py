"""Colour tables for heatmaps: 256 RGB steps of even lightness, computed from a few anchors in CIE L*a*b*.

Dark means little and light means much in every table, so that a map survives a grey print. Tables of signed values
are dark in their middle and rise to blue for negative and to orange for positive values, which everybody can tell
apart; which side it is does not survive a grey print.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Anchors as sRGB; lightness is then made to rise evenly between the first and the last one.
_ANCHORS: dict[str, tuple[str, ...]] = {
    "ember": ("000004", "320a5e", "781c6d", "bc3754", "ed6925", "fbb41a", "fcffa4"),
    "sea": ("440154", "3b528b", "21918c", "5ec962", "fde725"),
    "gray": ("000000", "ffffff"),
}

# From zero outwards, negative and positive; both arms rise through the same lightness.
_ARMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tide": (
        ("101010", "0c2f5c", "1660b0", "4fa3e8", "c4e6fa"),
        ("101010", "4d2200", "a34a00", "ee8a1d", "fddcae"),
    ),
}
SIGNED = "tide"
"""The table of signed values."""
ZERO = 128
"""The step of a signed table that stands for zero; 1 is the most negative value, 255 the most positive."""

NAMES = tuple(_ANCHORS)
"""The tables of values from 0 on."""

_XYZ_FROM_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _XYZ_FROM_RGB.sum(axis=1)


def _lab_from_srgb(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ_FROM_RGB.T / _WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def _srgb_from_lab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    y = (lab[:, 0] + 16) / 116
    f = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = np.where(f**3 > 216 / 24389, f**3, (116 * f - 16) * 27 / 24389) * _WHITE
    linear = np.clip(xyz @ np.linalg.inv(_XYZ_FROM_RGB).T, 0, 1)
    srgb: NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return srgb


@cache
def colormap(name: str = "ember") -> NDArray[np.uint8]:
    """Return the (256, 3) uint8 RGB table `name` (KeyError when there is none), dark for 0 and light for 255.

    A signed table has its dark middle at `ZERO`.
    """
    if name in _ARMS:
        below, above = (_even(_lab(anchors), 255 - ZERO + 1) for anchors in _ARMS[name])
        table = np.concatenate([below[-1:], below[:0:-1], above])
    else:
        table = _even(_lab(_ANCHORS[name]), 256)
    table.setflags(write=False)
    return table


def steps(share: NDArray[np.float32], *, signed: bool) -> NDArray[np.uint8]:
    """Return the step of a table for shares of the full scale: 0..1, or -1..1 where values are signed."""
    if signed:
        return (ZERO + np.rint(np.clip(share, -1.0, 1.0) * (255 - ZERO))).astype(np.uint8)
    scaled = np.clip(share, 0.0, 1.0)
    scaled *= 255
    return np.rint(scaled, out=scaled).astype(np.uint8)


def shares(*, signed: bool) -> NDArray[np.float64]:
    """Return the share of the full scale each of the 256 steps stands for."""
    every = np.arange(256)
    return np.maximum((every - ZERO) / (255 - ZERO), -1.0) if signed else every / 255.0


def _lab(anchors: tuple[str, ...]) -> NDArray[np.float64]:
    rgb = np.array([[int(text[at : at + 2], 16) for at in (0, 2, 4)] for text in anchors])
    return _lab_from_srgb(rgb / 255.0)


def _even(lab: NDArray[np.float64], count: int) -> NDArray[np.uint8]:
    """Return `count` colours through the anchors, in even steps of lightness."""
    lightness = np.linspace(lab[0, 0], lab[-1, 0], count)
    even = np.stack([lightness, *(np.interp(lightness, lab[:, 0], lab[:, axis]) for axis in (1, 2))], axis=1)
    return np.rint(_srgb_from_lab(even) * 255).astype(np.uint8)
