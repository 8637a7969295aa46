"""What a segmentation object says of its segments: codes, colour, who made them, and what they are the evidence of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medassist.entities.prediction import Prediction, Segment
from medassist.report.case import Case
from medassist.report.edits import AUTOMATIC, MANUAL, algorithm_type
from medassist.report.identity import ANATOMICAL_STRUCTURE, MANUFACTURER, category_for, code_for, concept
from medassist.report.prompts import as_parameters
from medassist.report.seg_parts import Part

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription


def content(prediction: Prediction) -> str:
    """Return the Content Description: who made the mask."""
    made = "drawn by a reader" if prediction.by_hand else f"{prediction.model.name} {prediction.model.version}"
    return made[:64]


def describe(case: Case, prediction: Prediction, part: Part) -> SegmentDescription:
    """Describe one segment: codes, colour, who made it, and the tracking UID its finding has in the report."""
    import highdicom as hd

    segment = part.segment
    otherwise = case.uid_of("segment", prediction.model.sha256, segment.value, part.component)
    description = hd.seg.SegmentDescription(
        segment_number=part.number,
        segment_label=part.label,
        segmented_property_category=concept(category_for(segment.label, segment.category, ANATOMICAL_STRUCTURE)),
        segmented_property_type=concept(code_for(segment.label, segment.code)),
        tracking_uid=part.finding.tracking_uid if part.finding else otherwise,
        tracking_id=(part.finding.label if part.finding else segment.label)[:64],
        display_color=hd.color.CIELabColor.from_rgb(*segment.color),
        **_maker(prediction, segment),
    )
    modifiers = [one for one in (segment.modifier, segment.laterality) if one is not None]
    if modifiers:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(one) for one in modifiers]
    return description


def _of_a_file() -> dict[str, Any]:
    """Return what is known of a mask that a reader took over from a file: an algorithm has to be named (type 1C)."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    unknown = hd.AlgorithmIdentificationSequence(
        name="Taken over from a file", family=codes.DCM.ManualProcessing, version="not stated"
    )
    return {"algorithm_identification": unknown}


def _maker(prediction: Prediction, segment: Segment) -> dict[str, Any]:
    """Return how a segment came about; an algorithm is named only where one had a part in it."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    model, how = prediction.claimed_by(segment.value), algorithm_type(prediction, segment.value)
    if model is None:
        return {"algorithm_type": how} if how == MANUAL else {"algorithm_type": how} | _of_a_file()
    told = {} if prediction.prompt is None else as_parameters(prediction.prompt)
    edited = {"edited_by_hand": "yes"} if prediction.edit is not None and how != AUTOMATIC else {}
    return {
        "algorithm_type": how,
        "algorithm_identification": hd.AlgorithmIdentificationSequence(
            name=model.name,
            family=codes.DCM.ArtificialIntelligence,
            version=model.version,
            source=MANUFACTURER,
            parameters={"weights_sha256": model.sha256} | told | edited,
        ),
    }
