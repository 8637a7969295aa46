"""Colours of the themes; text stands on its ground with a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Colors:
    """One theme, as "#rrggbb".

    Attributes:
        ground, surface, raised, line: behind everything, of lists, of buttons, around them.
        stripe: every other row of a list.
        text, dim, faint: what is said, said beside, and cannot be used now.
        accent, chosen, on_chosen: where the focus is; what is chosen, and the text on it.
        primary, primary_hover, on_primary: the one button of a panel that starts something.
        good, caution, bad, ai: verdicts; what a model says.
        strip, on_strip, banner, on_banner, problem, note: ground and text of notices.
    """

    ground: str
    surface: str
    raised: str
    line: str
    stripe: str
    text: str
    dim: str
    faint: str
    accent: str
    chosen: str
    on_chosen: str
    primary: str
    primary_hover: str
    on_primary: str
    good: str
    caution: str
    bad: str
    ai: str
    strip: str
    on_strip: str
    banner: str
    on_banner: str
    problem: str
    note: str


DARK = Colors(
    ground="#15181c", surface="#1c2025", raised="#272d34", line="#38404a", stripe="#20252b",
    text="#dde3ea", dim="#98a3b0", faint="#66707b", accent="#4f9fe8", chosen="#2c4a68", on_chosen="#ffffff",
    primary="#2867a3", primary_hover="#3177b8", on_primary="#ffffff",
    good="#6cc08b", caution="#e3b341", bad="#f0776b", ai="#c49bff",
    strip="#4a3410", on_strip="#ffd98a", banner="#40330f", on_banner="#ffdf94", problem="#47211d", note="#1e3347",
)  # fmt: skip
LIGHT = Colors(
    ground="#e9ecf0", surface="#ffffff", raised="#dde2e8", line="#b3bcc7", stripe="#f3f5f8",
    text="#1b2026", dim="#505b68", faint="#8a94a0", accent="#0b62b5", chosen="#bcd9f5", on_chosen="#10151a",
    primary="#1b63a6", primary_hover="#15548f", on_primary="#ffffff",
    good="#1a6b3c", caution="#785000", bad="#b3261e", ai="#6a3fb5",
    strip="#ffe3a3", on_strip="#4a3200", banner="#fff0c2", on_banner="#4a3200", problem="#fbdcd8", note="#d7e8fa",
)  # fmt: skip
HIGH_CONTRAST = Colors(
    ground="#000000", surface="#000000", raised="#101010", line="#b8b8b8", stripe="#141414",
    text="#ffffff", dim="#e0e0e0", faint="#9a9a9a", accent="#ffe100", chosen="#0047b3", on_chosen="#ffffff",
    primary="#0047b3", primary_hover="#0059e0", on_primary="#ffffff",
    good="#5dff9b", caution="#ffd400", bad="#ff8a80", ai="#d9b8ff",
    strip="#ffd400", on_strip="#000000", banner="#ffd400", on_banner="#000000", problem="#5c0000", note="#00285c",
)  # fmt: skip

THEMES: Mapping[str, Colors] = MappingProxyType({"dark": DARK, "light": LIGHT, "high contrast": HIGH_CONTRAST})
"""Every theme by its name in the settings."""
