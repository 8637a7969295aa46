"""Colour tables for heatmaps: 256 RGB steps of even lightness, computed from a few anchors in CIE L*a*b*.

Dark means little and light means much in every table, so that a map survives a grey print.
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

NAMES = tuple(_ANCHORS)

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
    """Return the (256, 3) uint8 RGB table `name` (KeyError when there is none), dark for 0 and light for 255."""
    rgb = np.array([[int(text[at : at + 2], 16) for at in (0, 2, 4)] for text in _ANCHORS[name]]) / 255.0
    lab = _lab_from_srgb(rgb)
    lightness = np.linspace(lab[0, 0], lab[-1, 0], 256)
    even = np.stack([lightness, *(np.interp(lightness, lab[:, 0], lab[:, axis]) for axis in (1, 2))], axis=1)
    table = np.rint(_srgb_from_lab(even) * 255).astype(np.uint8)
    table.setflags(write=False)
    return table
