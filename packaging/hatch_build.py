"""Put `resources/` and `models/` into a wheel; an editable install reads them where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("resources", "models")


class ShippedFolders(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Add the shipped top-level folders as `medassist/_resources` and `medassist/_models`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Extend the forced inclusions of a standard wheel (see `medassist.locations`)."""
        if version == "standard":
            for name in SHIPPED:
                build_data["force_include"][str(Path(self.root) / name)] = f"medassist/_{name}"
