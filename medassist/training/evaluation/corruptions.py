"""What happens to images on their way: noise, blur, gamma, resampling and JPEG, each at five levels in stated units.

Everything works on the values of a series before the package prepares them, as a worse scanner or an archive would.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.volume import AnyArray, Volume
from medassist.inference.prepare import without_padding

Floats = NDArray[np.float64]
Change = Callable[[Floats, float, np.random.Generator], Floats]
"""(slice, row, column[, colour]), level, random numbers -> values of the same shape and scale."""


@dataclass(frozen=True)
class Corruption:
    """One way to spoil an image; `unit` is the English name of what `levels` count, mildest first."""

    name: str
    unit: str
    levels: tuple[float, ...]
    change: Change


def corrupted(volume: Volume, corruption: Corruption, level: float) -> Volume:
    """Return the first time point of a series spoiled at one level, in its own type; the same each time.

    Voxels that mean "no data" keep their value and count as the darkest real one meanwhile. Whole numbers are rounded
    and kept in the range of their type.
    """
    values = volume.array_tzyx[0]
    seen = without_padding(volume, 0)
    named = f"{volume.series.key}/{corruption.name}/{level}".encode()
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(named).digest()[:8], "little"))
    changed = _in_type(corruption.change(seen.astype(np.float64), level, random), values.dtype)
    if volume.padding is not None and not volume.is_color:
        low, high = volume.padding
        changed = np.where((values >= low) & (values <= high), values, changed)
    return replace(volume, array_tzyx=changed[None], series=replace(volume.series, time_labels=()))


def _in_type(values: Floats, dtype: np.dtype[Any]) -> AnyArray:
    if dtype.kind not in "iu":
        kept: AnyArray = values.astype(dtype)
        return kept
    limits = np.iinfo(dtype)
    whole: AnyArray = np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
    return whole


def _noise(values: Floats, level: float, random: np.random.Generator) -> Floats:
    return values + random.normal(0.0, level * float(values.std()), values.shape)


def _blur(values: Floats, level: float, _random: np.random.Generator) -> Floats:
    from scipy.ndimage import gaussian_filter

    blurred: Floats = gaussian_filter(values, [level if wide else 0.0 for wide in _wide(values)], mode="nearest")
    return blurred


def _gamma(values: Floats, level: float, _random: np.random.Generator) -> Floats:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return values
    bent: Floats = low + (high - low) * ((values - low) / (high - low)) ** level
    return bent


def _resampling(values: Floats, level: float, _random: np.random.Generator) -> Floats:
    from skimage.transform import resize

    sizes = [max(1, round(n / level)) if wide else n for n, wide in zip(values.shape, _wide(values), strict=True)]
    small = resize(values, sizes, order=1, mode="edge", anti_aliasing=True, preserve_range=True)
    back: Floats = resize(small, values.shape, order=1, mode="edge", anti_aliasing=False, preserve_range=True)
    return back


def _jpeg(values: Floats, level: float, _random: np.random.Generator) -> Floats:
    """Store each slice as an 8-bit JPEG of this quality; the whole range of the series becomes 0..255."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return values
    byte = low >= 0.0 and high <= 255.0 and bool((values == np.rint(values)).all())
    offset, scale = (0.0, 1.0) if byte else (low, (high - low) / 255.0)
    grey = np.rint((values - offset) / scale).astype(np.uint8)
    stored: Floats = np.stack([_as_jpeg(one, int(level)) for one in grey]) * scale + offset
    return stored


def _as_jpeg(picture: NDArray[np.uint8], quality: int) -> Floats:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    with Image.open(io.BytesIO(buffer.getvalue())) as back:
        return np.asarray(back, np.float64)


def _wide(values: Floats) -> list[bool]:
    """Tell which axes lie in space and have more than one voxel; a fourth axis is colour."""
    return [axis < 3 and size > 1 for axis, size in enumerate(values.shape)]


CORRUPTIONS = (
    Corruption("noise", "standard deviation, in those of the image", (0.05, 0.1, 0.2, 0.4, 0.8), _noise),
    Corruption("blur", "sigma in voxels", (0.5, 1.0, 1.5, 2.0, 3.0), _blur),
    Corruption("gamma", "exponent", (1.25, 1.5, 2.0, 2.5, 3.0), _gamma),
    Corruption("resampling", "factor down and up again", (1.25, 1.5, 2.0, 3.0, 4.0), _resampling),
    Corruption("jpeg", "quality", (90.0, 70.0, 50.0, 30.0, 10.0), _jpeg),
)
