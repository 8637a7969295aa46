"""Statistics and histogram of the slice at the crosshair or of an outline, and the values along a length."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medassist.entities.measurement import Measurement, Shape
from medassist.entities.value_statistics import Inspected
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.measurements import measurement_of
from medassist.session.state import Session


@dataclass(frozen=True, eq=False)
class ShowInspected:
    """Show what values are like; None lets go of it."""

    found: Inspected | None

    def __call__(self, session: Session) -> Session:
        """Return the session with it."""
        return session if session.inspected is self.found else replace(session, inspected=self.found)


@dataclass(frozen=True, eq=False)
class Question:
    """Which values: those of one stored slice at one time, or of a drawing."""

    volume: Volume
    slice_index: int
    time: int
    measurement: Measurement | None = None


def question_of(session: Session) -> Question | None:
    """Return what is asked: the selected length or outline, else the stored slice at the crosshair."""
    volume = session.volume
    if volume is None:
        return None
    drawn = measurement_of(session, session.selected_measurement)
    here = drawn is not None and drawn.series_key == session.current
    if drawn is not None and here and (drawn.shape.encloses or drawn.shape is Shape.LENGTH):
        return Question(volume, drawn.slice_index if drawn.slice_index is not None else -1, drawn.time, drawn)
    k = np.rint(volume.geometry.to_index(session.view.cursor_lps)[2])
    return Question(volume, int(np.clip(k, 0, volume.geometry.shape_zyx[0] - 1)), session.view.time)


def inspect_values(asked: Question, *, progress: Progress) -> ShowInspected:
    """Measure the values of a slice or of a drawing."""
    from medassist.imaging.value_statistics import line_profile, region_statistics, slice_statistics

    progress.step("Measuring")
    volume, drawn = asked.volume, asked.measurement
    profile = None if drawn is None else line_profile(drawn, volume)
    if drawn is None:
        found = slice_statistics(volume, asked.slice_index, asked.time)
    else:
        found = region_statistics(drawn, volume)
    uid = "" if drawn is None else drawn.uid
    return ShowInspected(Inspected(volume.series.key, asked.slice_index, asked.time, uid, found, profile))
