"""The stamp of a map comes a moment after the map: a job that measures it and the action that puts it there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask
from medassist.entities.stamp import Stamp
from medassist.entities.volume import Volume
from medassist.inference.packages import Package
from medassist.progress import Progress
from medassist.session.state import Session

CHEAP_PASSES = 400.0
"""What `analyze` spends on the stamp of one map, in forward passes of the network."""


@dataclass(frozen=True, eq=False)
class AddStamp:
    """Say of a map what was measured; it keeps its place. A map that is gone by then is not brought back."""

    heatmap: Heatmap
    stamp: Stamp

    def __call__(self, session: Session) -> Session:
        """Return the session with the map stamped."""
        marked = replace(self.heatmap, stamp=self.stamp)
        kept = tuple(marked if one is self.heatmap else one for one in session.heatmaps)
        return replace(session, heatmaps=kept)


def stamp_heatmap(
    volume: Volume,
    package: Package,
    heatmap: Heatmap,
    *,
    mask: Mask | None = None,
    reference: NDArray[np.bool_] | None = None,
    device: str = "auto",
    progress: Progress,
) -> AddStamp:
    """Measure one map of this series (see `explain.quality.stamping.stamp`)."""
    from medassist.explain.quality.stamping import stamp

    found = stamp(package, volume, heatmap, mask=mask, reference=reference, device=device, progress=progress)
    return AddStamp(heatmap, found)


def is_cheap(package: Package, heatmap: Heatmap) -> bool:
    """Tell whether a stamp costs so little that it may come with the map unasked; by passes, not by the clock."""
    from medassist.explain.quality.measuring import passes_for

    known = package.explanation.measured is not None
    return heatmap.passes > 0 and passes_for(heatmap.passes, known=known) <= CHEAP_PASSES
