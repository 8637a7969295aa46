"""Where a map should point, as far as somebody knows: masks of files and regions of the reader, beside chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Mask, Segment
from medassist.entities.stamp import Stamp, Standing
from medassist.progress import Progress
from medassist.session.stamps import AddStamp
from medassist.session.state import Session

PLACED = ("energy_in_mask", "pointing_hit", "mask_share")
"""What is measured against a reference."""


@dataclass(frozen=True, eq=False)
class Reference:
    """One label of a mask nobody's model made here; `source` names the file it is from, "" for the reader's own."""

    mask: Mask
    segment: Segment
    source: str = ""

    @property
    def title(self) -> str:
        """How it is called, in English where the file or the reader does not say otherwise."""
        return ": ".join(part for part in (self.source, self.segment.label) if part)

    @property
    def region(self) -> NDArray[np.bool_]:
        """Where it is, bool (slice, row, column)."""
        return self.mask.region(self.segment)

    def same_as(self, other: Reference | None) -> bool:
        """Tell whether it is the very same label of the very same mask."""
        return other is not None and self.mask is other.mask and self.segment.value == other.segment.value


def references(session: Session) -> tuple[Reference, ...]:
    """Return what a map on the series on screen can be held against; the region being drawn comes last.

    Masks of the models that ran here are none: a map and a mask of the same model share its errors.
    """
    volume = session.volume
    if volume is None:
        return ()
    of_files = [(mask, overlay.title) for overlay in session.overlays_here for mask in overlay.masks]
    of_reader = [(mask, "") for mask in session.regions]
    if session.drawing is not None and not session.drawing.is_empty:
        of_reader.append((session.drawing.shown, ""))
    return tuple(
        Reference(mask, segment, source)
        for mask, source in (*of_files, *of_reader)
        if mask.geometry.same_grid(volume.geometry)
        for segment in mask.segments
    )


def place_heatmap(heatmap: Heatmap, stamp: Stamp, reference: Reference, *, progress: Progress) -> AddStamp:
    """Add to a stamp how much of the map lies in a reference; needs no network."""
    from medassist.explain.quality.placing import placed

    progress.step("Measuring the heatmap")
    numbers = placed(heatmap.values_zyx, reference.region)
    bare = without_reference(stamp)
    return AddStamp(heatmap, replace(bare, numbers={**bare.numbers, **numbers}, reference=reference.title))


def without_reference(stamp: Stamp) -> Stamp:
    """Return the stamp as if nobody had named a reference."""
    numbers = {name: value for name, value in stamp.numbers.items() if name not in PLACED}
    return replace(stamp, numbers=numbers, reference="")


def can_be_placed(heatmap: Heatmap) -> bool:
    """Tell whether a map can be held against a reference: it was measured, and there is something to see."""
    return heatmap.stamp is not None and heatmap.stamp.standing is not Standing.MEANINGLESS
