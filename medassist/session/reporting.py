"""From the session to what one report needs: the same for the preview, the window and the command line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.session.cases import work_of
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.report.case import Case


def case_of(
    session: Session, *, language: str = "en", reader: str = "", timings_s: dict[str, float] | None = None
) -> Case:
    """Return the case of the series on screen (Refused when there is none)."""
    from medassist.report.case import Case
    from medassist.storage import settings

    told = settings.read()
    key, volume = session.current, session.volume
    if volume is None:
        raise Refused("There is no series on screen to report on.", remedy="Open a study first.")
    if any(one.series_key == key for one in session.withheld):
        raise Refused(
            "Results of models on this series are hidden until your first impression is recorded.",
            remedy="Record it beside the findings, then write the report.",
        )
    return Case(
        study=session.study_of(key),
        series=volume.series,
        volume=volume,
        predictions=tuple(one for one in session.predictions if one.series_key == key),
        heatmaps=tuple(one for one in session.heatmaps if one.series_key == key),
        findings=session.findings_of(key),
        language=language,
        reader=reader,
        timings_s=timings_s or {},
        measurements=tuple(one for one in session.measurements if one.series_key == key),
        draft=session.drafts.get(key),
        window=session.view.window,
        inverted=session.view.inverted,
        work=partial(work_of, session, key),
        with_rejected=bool(told["rejected_in_dicom"]),
        segmentation=told.text("segmentations"),
    )
