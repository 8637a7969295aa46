"""Key images as a DICOM Key Object Selection (PS3.3 A.35.4): what a reader stands for or picked for the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import medassist
from medassist.imaging.quiet import quietly
from medassist.report.case import Case
from medassist.report.companions import Place, arguments, of_slice, pictures, started
from medassist.report.dicom_objects import save, set_time
from medassist.report.key_choice import key_views
from medassist.report.sources import has_dicom_sources
from medassist.report.verdicts import settled
from medassist.report.wording import Wording

if TYPE_CHECKING:
    from pydicom import Dataset


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write kos.dcm; nothing without key images and for sources that are not DICOM."""
    if not has_dicom_sources(case):
        return ()
    headers = pictures(case)
    chosen = [one for one in (of_slice(case, headers, *place) for place in key_places(case)) if one is not None]
    return (save(build(case, chosen), folder / "kos.dcm"),) if chosen else ()


def key_places(case: Case) -> tuple[Place, ...]:
    """Return the slices of accepted findings and of the pictures a reader picked for the report, in order."""
    alone = case.volume.geometry.shape_zyx[0] == 1
    found = [(0 if alone else one.key_slice, 0) for one in case.findings if settled(one) and one.present]
    names = {one.name for one in (case.draft.pictures if case.draft else ())}
    picked = [(one.index, one.time) for one in key_views(case) if one.name in names]
    depth, times = case.volume.geometry.shape_zyx[0], case.series.times
    places = {(index, time) for index, time in (*found, *picked) if index is not None}
    return tuple(sorted(one for one in places if 0 <= one[0] < depth and 0 <= one[1] < times))


def build(case: Case, chosen: list[tuple[Dataset, int | None]]) -> Dataset:
    """Build the selection "Of Interest" of pictures, or of frames of one picture."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    headers = list({str(one.SOPInstanceUID): one for one, _ in chosen}.values())
    content = hd.ko.KeyObjectSelection(
        document_title=codes.DCM.OfInterest, referenced_objects=headers, description=_description(case)
    )
    frames: dict[str, list[int]] = {}
    for header, frame in chosen:
        if frame is not None:
            frames.setdefault(str(header.SOPInstanceUID), []).append(frame)
    for item in content[0].ContentSequence:
        for named in item.get("ReferencedSOPSequence", []):
            if named.ReferencedSOPInstanceUID in frames:
                named.ReferencedFrameNumber = frames[named.ReferencedSOPInstanceUID]
    told = arguments(case, "kos")
    document: Dataset = hd.ko.KeyObjectSelectionDocument(evidence=headers, content=content, **told)
    set_time(document, started(case))
    return document


def _description(case: Case) -> str:
    """Return what is seen there and what it may be used for."""
    words = Wording(case.language)
    names = dict.fromkeys(words.title(one) for one in case.findings if settled(one) and one.present)
    return "; ".join([*names, words.tr(medassist.RESEARCH_USE_NOTICE)])
