"""Nuclei without a network: haematoxylin by colour deconvolution, Otsu's threshold, watershed of the distances.

Colour deconvolution: Ruifrok and Johnston, Anal Quant Cytol Histol 23:291 (2001), in scikit-image. Otsu, IEEE Trans SMC
9:62 (1979). Every picture finds its own threshold; what else there is to choose is chosen on training folds (`tuned`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.training.instance_metrics import instance_metrics

Picture = NDArray[np.uint8]
Objects = NDArray[np.int32]


@dataclass(frozen=True)
class Settings:
    """What the method leaves open; the values are those that fit the training folds of nuclei_he best.

    Attributes:
        smoothing: standard deviation in pixels of the blur before the threshold.
        offset: factor on Otsu's threshold.
        depth: how much, in pixels, a nucleus must narrow before it is two (height of the h-maxima of the distance).
        least: pixels of the smallest nucleus.
    """

    smoothing: float = 1.0
    offset: float = 1.0
    depth: float = 1.0
    least: int = 100


CHOICES = {
    "smoothing": (1.0, 2.0),
    "offset": (0.7, 0.85, 1.0, 1.15),
    "depth": (0.5, 1.0, 2.0),
    "least": (30, 60, 100),
}
ROUNDS = 2


def nuclei(picture: Picture, settings: Settings) -> Objects:
    """Return one number per nucleus (row, column), 0 for background, of an RGB picture (row, column, 3)."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu
    from skimage.morphology import h_maxima
    from skimage.segmentation import relabel_sequential, watershed

    stain = ndimage.gaussian_filter(haematoxylin(picture), settings.smoothing)
    inside = ndimage.binary_fill_holes(stain > settings.offset * threshold_otsu(stain))
    distance = ndimage.distance_transform_edt(inside)
    seeds, _ = ndimage.label(h_maxima(distance, settings.depth), np.ones((3, 3)))
    grown = watershed(-distance, seeds, mask=inside)
    large = np.bincount(grown.reshape(-1)) >= settings.least
    large[0] = False
    objects: Objects = relabel_sequential(np.where(large[grown], grown, 0))[0].astype(np.int32)
    return objects


def haematoxylin(picture: Picture) -> NDArray[np.float64]:
    """Return how much of the first stain lies in each pixel (row, column), from 0 on in units of optical density."""
    from skimage.color import rgb2hed

    stain: NDArray[np.float64] = np.clip(rgb2hed(picture)[..., 0], 0.0, None)
    return stain


def tuned(pictures: Sequence[Picture], truths: Sequence[Objects]) -> Settings:
    """Return the settings of the highest mean panoptic quality, one after the other, on pictures that are no test."""
    known: dict[Settings, float] = {}

    def quality(settings: Settings) -> float:
        if settings not in known:
            known[settings] = _quality(settings, pictures, truths)
        return known[settings]

    best = Settings()
    for _ in range(ROUNDS):
        for name, choices in CHOICES.items():
            best = max((replace(best, **{name: value}) for value in (getattr(best, name), *choices)), key=quality)
    return best


def _quality(settings: Settings, pictures: Sequence[Picture], truths: Sequence[Objects]) -> float:
    found = (
        instance_metrics(nuclei(picture, settings), truth) for picture, truth in zip(pictures, truths, strict=True)
    )
    return float(np.mean([one["pq"] for one in found]))
