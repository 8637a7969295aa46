"""Whether answers of models are kept on disk, and whether one is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.entities.volume import Volume

if TYPE_CHECKING:
    from medassist.inference.packages import Package


def remembers_results() -> bool:
    """Tell whether the user lets answers of models be kept on disk."""
    from medassist.storage import settings

    return bool(settings.read()["remember_results"])


def is_known(
    package: Package,
    volume: Volume,
    *,
    device: str = "auto",
    backend: str = "auto",
    uncertainty: bool = False,
    tta: bool = False,
) -> bool:
    """Tell whether `run_model` would find an answer kept on disk, so that nothing has to be computed."""
    from medassist.inference import kept
    from medassist.inference.results import key_of

    if not remembers_results():
        return False
    return kept.holds(key_of(package, volume, device, backend, uncertainty=uncertainty, tta=tta), package)
