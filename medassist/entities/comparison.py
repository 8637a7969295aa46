"""Two maps of one series side by side: how alike they are, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.heatmap import Heatmap
from medassist.entities.study import Warned


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found of two maps on the same grid; `explain.comparing` makes it and says how.

    Attributes:
        first, second: the maps, "A" and "B" on screen.
        difference: A minus B, a map of its own of the kind DIFFERENCE.
        rank_correlation: Spearman's, -1 to 1; None where one of the maps has a single value.
        ssim: structural similarity of what speaks for the targets, 1 for the same picture; None where it has no
            meaning.
        voxels: how many voxels both figures were computed over.
        notes: what must be known to read the figures.
    """

    first: Heatmap
    second: Heatmap
    difference: Heatmap
    rank_correlation: float | None
    ssim: float | None
    voxels: int
    notes: tuple[Warned, ...] = ()
