"""Which grey-scale window a picture starts with, on screen and in a report."""

from __future__ import annotations

import numpy as np

from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.imaging.render import auto_window

LEAST_FILLED = 0.2
MOST_CLIPPED = 0.15


def starting_window(volume: Volume) -> Window:
    """Return the window a reader first sees: the file's, or the automatic one where the file's hides the picture.

    It does where values have no unit (MR) and 98 % of them fill less than a fifth of the window (nearly black), or
    more than 15 % lie above it (washed out). Of 16 MR series measured, 13 had good windows, filled to 28 % at least
    and losing 5 % at most; the others, with the window of another series, were filled to 10 % or lost 26 %. A narrow
    CT window is meant; a film's window is what models are shown, so a reader sees the same.
    """
    stored = volume.windows[0]
    meant = volume.series.modality == "CT" or volume.unit or volume.series.kind is SeriesKind.FILM
    if meant or volume.is_color or stored.lut is not None or stored.function == "SIGMOID":
        return stored
    values = volume.array_tzyx.reshape(-1)[:: max(1, volume.array_tzyx.size // 200_000)].astype(np.float32)
    values = values[np.isfinite(values)]
    if volume.padding is not None:
        values = values[(values < volume.padding[0]) | (values > volume.padding[1])]
    if not values.size:
        return stored
    bottom, top = stored.center - stored.width / 2, stored.center + stored.width / 2
    filled = float(np.ptp(np.clip(np.percentile(values, [1, 99]), bottom, top))) / stored.width
    hidden = filled < LEAST_FILLED or float((values > top).mean()) > MOST_CLIPPED
    return automatic_window(volume) if hidden else stored


def automatic_window(volume: Volume) -> Window:
    """Return the percentile window of a series, padding left out."""
    found = auto_window(volume.array_tzyx, volume.padding)
    return Window(found.center, found.width, "Automatic")
