"""Grey-scale windows on the digit keys: 0 from the file, 1 automatic, the others bound to a preset by name.

CT values are those of Weasis 4.7 (brain, abdomen, mediastinum, bone, lung) and OHIF 3 (soft tissue, liver), in HU.
"""

from __future__ import annotations

import numpy as np

from medassist.entities.study import SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.imaging.render import auto_window

LEAST_FILLED = 0.2
MOST_CLIPPED = 0.15

CT_PRESETS: dict[int, Window] = {
    2: Window(40.0, 400.0, "Soft tissue"),
    3: Window(35.0, 110.0, "Brain"),
    4: Window(50.0, 320.0, "Abdomen"),
    5: Window(80.0, 400.0, "Mediastinum"),
    6: Window(350.0, 2000.0, "Bone"),
    7: Window(-500.0, 1500.0, "Lung"),
    8: Window(90.0, 150.0, "Liver"),
    9: Window(40.0, 40.0, "Stroke"),
}


def presets(volume: Volume) -> dict[int, Window]:
    """Return digit -> window for a series; digits above 1 name CT presets, or further windows of the file."""
    found = {0: volume.windows[0], 1: _automatic(volume)}
    if volume.series.modality == "CT" and volume.unit in ("HU", ""):
        return found | CT_PRESETS
    return found | dict(enumerate(volume.windows[1:9], start=2))


def preset(volume: Volume, digit: int) -> Window | None:
    """Return the window of one digit, None when the digit has none for this series."""
    if digit == 1:
        return _automatic(volume)
    return presets(volume).get(digit)


def starting_window(volume: Volume) -> Window:
    """Return the window a reader first sees: the file's, or the automatic one where the file's hides the picture.

    It does where values have no unit (MR) and 98 % of them fill less than a fifth of the window (nearly black), or
    more than 15 % lie above it (washed out). Of 16 MR series measured, 13 had good windows, filled to 28 % at least
    and losing 5 % at most; the others, with the window of another series, were filled to 10 % or lost 26 %. A narrow
    CT window is meant; a film's window is what models are shown, so a reader sees the same.
    """
    stored = volume.windows[0]
    meant = volume.series.modality == "CT" or volume.unit or volume.series.kind is SeriesKind.FILM
    if meant or volume.is_color:
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
    return _automatic(volume) if hidden else stored


def _automatic(volume: Volume) -> Window:
    found = auto_window(volume.array_tzyx, volume.padding)
    return Window(found.center, found.width, "Automatic")
