"""Grey-scale windows on the digit keys: 0 from the file, 1 automatic, the others bound to a preset by name.

CT values are those of Weasis 4.7 (brain, abdomen, mediastinum, bone, lung) and OHIF 3 (soft tissue, liver), in HU.
"""

from __future__ import annotations

from medassist.entities.volume import Volume, Window
from medassist.imaging.windows import automatic_window
from medassist.session.state import Session

AUTOMATIC = 1
"""The digit of the window made from the values of the whole series."""

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
    found = {0: volume.windows[0], AUTOMATIC: automatic_window(volume)}
    if volume.series.modality == "CT" and volume.unit in ("HU", ""):
        return found | CT_PRESETS
    return found | dict(enumerate(volume.windows[1:9], start=2))


def preset(volume: Volume, digit: int) -> Window | None:
    """Return the window of one digit, None when the digit has none for this series."""
    if digit == AUTOMATIC:
        return automatic_window(volume)
    return presets(volume).get(digit)


def preset_of(session: Session, digit: int) -> Window | None:
    """Return the window of one digit for the series on screen; the automatic one asks for all its values."""
    volume = session.pictured if digit != AUTOMATIC else session.volume
    return None if volume is None else preset(volume, digit)


def choices(session: Session) -> tuple[tuple[str, Window], ...]:
    """Return key and window of every entry of the menu: all windows of the file, the automatic one, the CT presets.

    The automatic one is left out while the series loads.
    """
    volume = session.pictured
    if volume is None:
        return ()
    by_digit = presets(volume)
    if session.volume is None:
        del by_digit[AUTOMATIC]
    keyed = {window: str(digit) for digit, window in reversed(by_digit.items())}
    several = (*volume.windows, *(window for window in by_digit.values() if window not in volume.windows))
    return () if volume.is_color else tuple((keyed.get(window, ""), window) for window in several)
