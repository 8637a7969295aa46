"""Key pictures as DICOM secondary captures (PS3.3 A.8.1), for systems that show no overlays of their own.

What was drawn is burned in, the research-use line with it; the picture names no patient, its header does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medassist.imaging.quiet import quietly
from medassist.imaging.slicing import edge_letters
from medassist.report.case import Case
from medassist.report.companions import Place, arguments, of_slice, pictures, started
from medassist.report.dicom_objects import save, set_body_part, set_side, set_time
from medassist.report.drawing import layout_of
from medassist.report.keyviews import key_views
from medassist.report.sources import has_dicom_sources

if TYPE_CHECKING:
    from pydicom import Dataset

_KEY_PICTURE = re.compile(r"key-(\d+)\.png")


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write sc-1.dcm, sc-2.dcm, … of the key pictures that lie in `folder`; nothing for sources that are not DICOM."""
    if not has_dicom_sources(case):
        return ()
    headers, shown = pictures(case), {one.file_name: (one.index, one.time) for one in key_views(case)}
    found = {int(match[1]): path for path in folder.iterdir() if (match := _KEY_PICTURE.fullmatch(path.name))}
    return tuple(
        save(build(case, headers, path, shown, number), folder / f"sc-{number}.dcm")
        for number, path in sorted(found.items())
    )


def build(case: Case, headers: list[Dataset], picture: Path, shown: Mapping[str, Place], number: int) -> Dataset:
    """Build the capture of one picture; `shown` tells which slice and time a file shows."""
    import highdicom as hd
    from PIL import Image
    from pydicom.uid import ExplicitVRLittleEndian

    with Image.open(picture) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    capture: Dataset = hd.sc.SCImage.from_ref_dataset(
        headers[0],
        pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # asked for; set right below
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **arguments(case, "sc", number),
    )
    capture.PatientOrientation = _orientation(case)
    capture.BurnedInAnnotation = "YES"
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.DerivationDescription = "Slice with its overlay, legend and notice, for viewers without overlays"
    _name_the_source(capture, case, headers, shown.get(picture.name))
    set_time(capture, started(case))
    set_body_part(capture, headers[0])
    set_side(capture, headers[0])
    return capture


def _orientation(case: Case) -> list[str] | str:
    """Return where rows and columns of the picture lead, "" where its sides are not known (PS3.3 C.7.6.1.1.1)."""
    letters = edge_letters(case.volume, layout_of(case))
    return "" if letters is None else [letters[1], letters[3]]


def _name_the_source(capture: Dataset, case: Case, headers: list[Dataset], place: Place | None) -> None:
    """Point at the picture it was made of, where that is one."""
    from pydicom import Dataset

    held = of_slice(case, headers, *place) if place is not None else None
    if held is None:
        return
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = held[0].SOPClassUID, held[0].SOPInstanceUID
    if held[1] is not None:
        item.ReferencedFrameNumber = held[1]
    capture.SourceImageSequence = [item]
