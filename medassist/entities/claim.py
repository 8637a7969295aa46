"""What an object of a file claims about a series: a finding, and which segment of which object is its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.finding import Finding


@dataclass(frozen=True)
class Claim:
    """One claim read from a structured report or from a segmentation; never a result of a model run here.

    Attributes:
        finding: as far as the object tells; `read_from` says who made the object.
        segment: SOPInstanceUID of the segmentation and Segment Number of the evidence, None where there is none.
        is_place_known: whether the finding says where it lies; a segment elsewhere may tell it.
    """

    finding: Finding
    segment: tuple[str, int] | None = None

    @property
    def is_place_known(self) -> bool:
        """Whether the object itself says where in the image."""
        return self.finding.center_lps is not None
