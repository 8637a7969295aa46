"""What a reader can choose of an explanation: the layers of the model's network, and what a label is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.entities.volume import Volume
from medassist.progress import Progress

if TYPE_CHECKING:
    from medassist.inference.packages import Package
    from medassist.session.state import Session


@dataclass(frozen=True)
class KnowLayers:
    """Keep which layers of a network write a map of the image."""

    model_sha256: str
    names: tuple[str, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the layers of this model."""
        return replace(session, layer_names=MappingProxyType({**session.layer_names, self.model_sha256: self.names}))


def find_layers(package: Package, volume: Volume, device: str, *, progress: Progress) -> KnowLayers:
    """Find the layers that can be read; none where the network cannot be loaded: the explanation says why."""
    from medassist.explain.layers import layers_of

    progress.step("Looking for layers")
    try:
        return KnowLayers(package.sha256, layers_of(package, volume, device=device, progress=progress))
    except Refused:
        return KnowLayers(package.sha256, ())


def rivals(package: Package | None, labels: Iterable[str], target: str) -> list[str]:
    """Return the labels a target can be compared with: all others, of a whole image those of the same region."""
    from medassist.inference.whole import region_segments

    others = [one for one in labels if one != target]
    regions = region_segments(package) if package is not None and package.localizer is not None else ()
    for _, segments in regions:
        names = {one.label for one in segments}
        if target in names:
            return [one for one in others if one in names]
    return others
