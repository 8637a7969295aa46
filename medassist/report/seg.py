"""Masks as DICOM Segmentation objects (PS3.3 A.51), by highdicom.

Up to ten segments are written as binary planes, which every system reads; more as a label map, which costs the same
whatever their number. A reader may ask for either. What is written is read back and compared before it is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnwritableOutput
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.imaging.quiet import quietly
from medassist.report.case import Case, numbered
from medassist.report.dicom_objects import save, series_arguments, set_body_part, set_time
from medassist.report.edits import content_creator
from medassist.report.placement import placement, point_at_source_frames
from medassist.report.run_lengths import compress
from medassist.report.seg_description import content, describe
from medassist.report.seg_parts import held_segments, numbered_labels, parts
from medassist.report.seg_probability import write_probabilities
from medassist.report.sources import has_dicom_sources, source_headers
from medassist.report.sr_observers import person_name

if TYPE_CHECKING:
    from highdicom.seg import Segmentation

MOST_BINARY_SEGMENTS = 10
"""Above this a label map is written: binary objects grow with the number of segments, label maps do not."""

BINARY_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
LABELMAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write seg.dcm, seg-2.dcm, … one per mask that marks anything; nothing for sources that are not DICOM.

    Probabilities that a run kept follow in seg-probability.dcm, seg-probability-2.dcm, …
    UnwritableOutput where a file does not hold every voxel in its place when it is read back.
    """
    if not has_dicom_sources(case):
        return ()
    told = [(index, *pair) for index, pair in enumerate(case.masks) if parts(case, *pair)]
    masks = tuple(_written(case, one, folder / numbered("seg.dcm", one[0])) for one in told)
    return (*masks, *write_probabilities(case, folder))


def _written(case: Case, told: tuple[int, Prediction, Mask], path: Path) -> Path:
    index, prediction, mask = told
    labels = numbered_labels(mask, parts(case, prediction, mask))
    save(build(case, prediction, mask, index + 1, labels), path)
    _compare(case, mask, labels, path)
    return path


def _compare(case: Case, mask: Mask, sent: NDArray[np.uint8], path: Path) -> None:
    """Refuse a file that does not read back voxel for voxel: a mask in the wrong place is worse than none."""
    from medassist.imaging.objects.segmentation import read_file

    found = read_file(path, case.volume)
    held = {segment.value: (one, segment) for one in found for segment in one.segments}
    if mask.overlapping:
        same = all(
            number in held and np.array_equal(held[number][0].region(held[number][1]), sent[..., number - 1])
            for number in range(1, sent.shape[-1] + 1)
        )
    else:
        same = len(found) == 1 and _equal(found[0].labels_zyx, sent)
    if not same:
        path.unlink()
        raise UnwritableOutput(
            "The segmentation {file} did not read back as it was written, so it was not kept.",
            remedy="Write the report without the format seg, and tell us about this series.",
            file=path.name,
        )


def _equal(read: NDArray[np.uint8], sent: NDArray[np.uint8]) -> bool:
    """Compare plane by plane: no answer for every voxel of the volume has to be kept."""
    return read.shape == sent.shape and all(np.array_equal(*planes) for planes in zip(read, sent, strict=True))


def written_segments(mask: Mask) -> dict[int, Segment]:
    """Return the segments of a mask that mark anything, counted from 1; the others are left out of the object."""
    return dict(enumerate(held_segments(mask), start=1))


def sop_class(case: Case, prediction: Prediction, mask: Mask) -> str:
    """Return the storage class a mask is written as: as asked for, else by the number of segments.

    Segments that overlap are binary whatever was asked for: a label map has one label per voxel.
    """
    count = len(parts(case, prediction, mask))
    by_number = case.segmentation in ("auto", "fractional") and count > MOST_BINARY_SEGMENTS
    labelmap = case.segmentation == "labelmap" or by_number
    return LABELMAP_STORAGE if labelmap and not mask.overlapping else BINARY_STORAGE


def build(case: Case, prediction: Prediction, mask: Mask, instance: int, labels: NDArray[np.uint8]) -> Segmentation:
    """Build the object of one mask, frames placed by the grid of the series and tied to their source slices.

    `labels` are those of `numbered_labels`.
    """
    import highdicom as hd
    from pydicom.uid import ExplicitVRLittleEndian

    headers = source_headers(case)
    plane = placement(case)
    told = parts(case, prediction, mask)
    binary = sop_class(case, prediction, mask) == BINARY_STORAGE
    creator = content_creator(prediction)
    seg = hd.seg.Segmentation(
        source_images=headers,
        pixel_array=labels,
        segmentation_type="BINARY" if binary else "LABELMAP",
        segment_descriptions=[describe(case, prediction, part) for part in told],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        plane_positions=plane.positions,
        plane_orientation=plane.orientation,
        pixel_measures=plane.measures,
        content_label="MEDASSIST",
        content_description=content(prediction),
        content_creator_name=person_name(creator) if creator else None,
        **series_arguments(case, "seg", instance),
    )
    if not binary:
        compress(seg)
    point_at_source_frames(seg, case)
    set_time(seg, prediction.started)
    set_body_part(seg, headers[0])
    return seg
