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


def keeps_probabilities() -> bool:
    """Tell whether the user wants the probabilities of every mask written, so that each run has to keep them."""
    from medassist.storage import settings

    return settings.read()["segmentations"] == "fractional"


def is_known(
    package: Package,
    volume: Volume,
    *,
    device: str = "auto",
    backend: str = "auto",
    uncertainty: bool = False,
    tta: bool = False,
    probabilities: bool = False,
) -> bool:
    """Tell whether `run_model` would find an answer kept on disk, so that nothing has to be computed."""
    from medassist.inference import kept
    from medassist.inference.results import key_of

    if not remembers_results():
        return False
    asked = {"uncertainty": uncertainty, "tta": tta, "probabilities": probabilities or keeps_probabilities()}
    return kept.holds(key_of(package, volume, device, backend, **asked), package)
