"""Models that look at several series at once (T1, T1 with contrast, T2, FLAIR): their volumes in one file of four axes.

The file must hold them on one grid and in the order of the model; the header of such a file does not name them, so
that the order stays a question to the reader.
"""

from __future__ import annotations

import numpy as np

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, Verdict
from medassist.entities.volume import AnyArray, Volume
from medassist.inference.packages import Package
from medassist.language import tr


def several_check(package: Package, volume: Volume) -> Check:
    """Return the row that compares the number of volumes; their order cannot be told, so that a match is UNKNOWN."""
    found = 0 if volume.is_color else len(volume.array_tzyx)
    fits = found == len(package.input.series)
    told = tr("{count} volumes in one file, in an order it does not tell", count=found) if fits else str(found)
    return Check("Series", ", ".join(package.input.series), told, Verdict.UNKNOWN if fits else Verdict.FAIL)


def stacked(package: Package, volume: Volume) -> AnyArray:
    """Return all volumes of a file as (slice, row, column, series) (Refused when their number is another)."""
    if volume.is_color or len(volume.array_tzyx) != len(package.input.series):
        raise Refused(
            "The model {model} takes {count} series at once ({series}); this one has {found}.",
            remedy="Give them as one file of four axes, registered to each other and in this order.",
            model=package.name,
            count=len(package.input.series),
            series=", ".join(package.input.series),
            found=1 if volume.is_color else len(volume.array_tzyx),
        )
    moved: AnyArray = np.moveaxis(volume.array_tzyx, 0, -1)
    return moved
