"""The ways to divide the middle of the window."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLANES = "mpr"
"""The layout in which every pane shows the series on screen: three planes of a volume, one of anything else."""

LAYOUTS: Mapping[str, int] = MappingProxyType({PLANES: 0, "1x1": 1, "1x2": 2, "2x1": 2, "2x2": 4, "1+3": 4})
"""How many panes of their own a layout has: rows x columns, or a large one and three small ones."""
