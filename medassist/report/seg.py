"""Masks as DICOM Segmentation objects (PS3.3 A.51), by highdicom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.imaging.quiet import quietly
from medassist.report.case import Case, numbered
from medassist.report.dicom_objects import save, series_arguments, set_body_part, set_time
from medassist.report.identity import ANATOMICAL_STRUCTURE, MANUFACTURER, category_for, code_for, concept
from medassist.report.placement import placement, point_at_source_frames
from medassist.report.prompts import as_parameters
from medassist.report.sources import has_dicom_sources, source_headers

if TYPE_CHECKING:
    from highdicom.seg import Segmentation, SegmentDescription

MOST_BINARY_SEGMENTS = 10
"""Above this a label map is written: binary objects grow with the number of segments, label maps do not."""

BINARY_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
LABELMAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"


_written: WeakKeyDictionary[Mask, dict[int, Segment]] = WeakKeyDictionary()


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write seg.dcm, seg-2.dcm, … one per mask that marks anything; nothing for sources that are not DICOM."""
    if not has_dicom_sources(case):
        return ()
    filled = [(index, *pair) for index, pair in enumerate(case.masks) if written_segments(pair[1])]
    return tuple(
        save(build(case, prediction, mask, index + 1), folder / numbered("seg.dcm", index))
        for index, prediction, mask in filled
    )


def written_segments(mask: Mask) -> dict[int, Segment]:
    """Return segment number (from 1) -> segment of the object: segments without a voxel are left out.

    Remembered as long as the mask lives: the report asks once per finding, and counting reads every voxel.
    """
    if mask not in _written:
        voxels = np.bincount(mask.labels_zyx.reshape(-1), minlength=256)
        held = {segment.value for value in np.flatnonzero(voxels) for segment in mask.at(int(value))}
        filled = [segment for segment in mask.segments if segment.value in held]
        _written[mask] = dict(enumerate(filled, start=1))
    return _written[mask]


def sop_class(mask: Mask) -> str:
    """Return the storage class the mask is written as."""
    return BINARY_STORAGE if len(written_segments(mask)) <= MOST_BINARY_SEGMENTS else LABELMAP_STORAGE


def build(case: Case, prediction: Prediction, mask: Mask, instance: int) -> Segmentation:
    """Build the object of one mask, frames placed by the grid of the series and tied to their source slices."""
    import highdicom as hd
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless

    headers = source_headers(case)
    plane = placement(case)
    binary = sop_class(mask) == BINARY_STORAGE
    seg = hd.seg.Segmentation(
        source_images=headers,
        pixel_array=numbered_labels(mask),
        segmentation_type="BINARY" if binary else "LABELMAP",
        segment_descriptions=[
            describe(case, prediction, number, segment) for number, segment in written_segments(mask).items()
        ],
        transfer_syntax_uid=ExplicitVRLittleEndian if binary else RLELossless,
        plane_positions=plane.positions,
        plane_orientation=plane.orientation,
        pixel_measures=plane.measures,
        content_label="MEDASSIST",
        content_description=f"{prediction.model.name} {prediction.model.version}"[:64],
        **series_arguments(case, "seg", instance),
    )
    point_at_source_frames(seg, case)
    set_time(seg, prediction.started)
    set_body_part(seg, headers[0])
    return seg


def numbered_labels(mask: Mask) -> NDArray[np.uint8]:
    """Return the labels with segment numbers in place of voxel values; values without a segment become 0.

    Labels that overlap become 0 and 1 along a last axis, one plane per segment number.
    """
    if mask.overlapping:
        return np.stack([mask.region(one) for one in written_segments(mask).values()], axis=-1).astype(np.uint8)
    table = np.zeros(256, np.uint8)
    for number, segment in written_segments(mask).items():
        table[segment.value] = number
    return table[mask.labels_zyx]


def describe(case: Case, prediction: Prediction, number: int, segment: Segment) -> SegmentDescription:
    """Describe one segment: codes, colour, algorithm, and the tracking UID its finding has in the report."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    model, kinds = prediction.model, hd.seg.SegmentAlgorithmTypeValues
    told = {} if prediction.prompt is None else as_parameters(prediction.prompt)
    finding = case.segment_finding(prediction, segment.value)
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.label[:64],
        segmented_property_category=concept(category_for(segment.label, segment.category, ANATOMICAL_STRUCTURE)),
        segmented_property_type=concept(code_for(segment.label, segment.code)),
        algorithm_type=kinds.AUTOMATIC if prediction.prompt is None else kinds.SEMIAUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=model.name,
            family=codes.DCM.ArtificialIntelligence,
            version=model.version,
            source=MANUFACTURER,
            parameters={"weights_sha256": model.sha256} | told,
        ),
        tracking_uid=finding.tracking_uid if finding else case.uid_of("segment", model.sha256, segment.value),
        tracking_id=segment.label[:64],
        display_color=hd.color.CIELabColor.from_rgb(*segment.color),
    )
    modifiers = [one for one in (segment.modifier, segment.laterality) if one is not None]
    if modifiers:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(one) for one in modifiers]
    return description
