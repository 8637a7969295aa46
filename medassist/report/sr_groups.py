"""One measurement group of the structured report per finding and per drawing.

TID 1411 for segments, TID 1410 for outlines and single places, TID 1501 for classes and for lines: the figures of a
line are inferred from its coordinates, which a region would close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Shape
from medassist.imaging.objects.spoken_codes import ABSENT, DRAWN_AS, PRESENCE, PRESENT, READER_VERDICT, VERDICTS
from medassist.report import operating, seg
from medassist.report.case import Case
from medassist.report.identity import (
    ANATOMICAL_STRUCTURE,
    DISEASE,
    MANUFACTURER,
    category_for,
    code_for,
    concept,
    site_for,
)
from medassist.report.prompts import as_parameters, prompt_of
from medassist.report.seg_parts import part_of
from medassist.report.sr_numbers import figures_of, finite, number
from medassist.report.sr_observers import attribute, moment
from medassist.report.sr_places import LINES, is_first_longer, lines_of, point_of, region_of
from medassist.report.sr_remarks import add_remarks

if TYPE_CHECKING:
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        MeasurementsAndQualitativeEvaluations,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        ReferencedSegment,
        SourceImageForMeasurementGroup,
        TimePointContext,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )
    from highdicom.sr import Measurement as Number
    from pydicom import Dataset

    Group: TypeAlias = (
        MeasurementsAndQualitativeEvaluations
        | PlanarROIMeasurementsAndQualitativeEvaluations
        | VolumetricROIMeasurementsAndQualitativeEvaluations
    )


AXES = ("long_axis", "short_axis")


def group(case: Case, finding: Finding, headers: list[Dataset]) -> Group:
    """Return the group of one finding; the tracking UID is that of its segment, the reader's comment its last item."""
    is_segment = finding.segment_value is not None
    drawing = drawing_of(case, finding)
    content = {
        "tracking_identifier": _tracking(finding.tracking_uid, finding.label or "finding"),
        "finding_category": concept(
            category_for(finding.label, finding.category, ANATOMICAL_STRUCTURE if is_segment else DISEASE)
        ),
        "finding_type": concept(code_for(finding.label, finding.code)),
        "algorithm_id": _algorithm(case, finding),
        "finding_sites": _sites(finding),
        "qualitative_evaluations": _evaluations(finding),
    }
    made = _with_place(case, finding, headers, content) if drawing is None else _drawn(case, drawing, headers, content)
    add_remarks(made[0], finding)
    if finding.model is None:
        attribute(made[0], finding.by or finding.judged_by, finding.made_at)
    return made


def drawing_group(case: Case, measurement: Measurement, headers: list[Dataset]) -> Group:
    """Return the group of a drawing that nobody made a finding of: figures and where they were taken, no claim."""
    name = measurement.label or measurement.shape.value
    made = _drawn(case, measurement, headers, {"tracking_identifier": _tracking(measurement.uid, name)})
    attribute(made[0], measurement.by, measurement.made_at)
    return made


def drawing_of(case: Case, finding: Finding) -> Measurement | None:
    """Return the drawing a finding was made of, None where there is none (any more)."""
    return next((one for one in case.measurements if one.uid == finding.measurement_uid), None)


def _with_place(case: Case, finding: Finding, headers: list[Dataset], content: dict[str, Any]) -> Group:
    """Return the group of a segment, of a place in the image, or of the whole image."""
    import highdicom as hd

    modality = case.series.modality
    content["measurements"] = [number(one, modality=modality) for one in figures_of(case, finding)] or None
    segment = _referenced_segment(case, finding)
    if segment is not None:
        return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **content)
    if finding.center_lps is not None and finding.segment_value is None:
        region = point_of(case, finding.center_lps, finding.key_slice or 0, headers)
        return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **content)
    images = None if finding.segment_value is not None else _source_images(headers)
    return hd.sr.MeasurementsAndQualitativeEvaluations(source_images=images, **content)


def _drawn(case: Case, drawing: Measurement, headers: list[Dataset], content: dict[str, Any]) -> Group:
    """Return the group of a drawing: an outline is a region, each line stands at the figure taken from it."""
    import highdicom as hd

    told = content | {"method": concept(DRAWN_AS[drawing.shape]), "time_point_context": _time_point(drawing)}
    if drawing.shape not in LINES or not drawing.quantities:
        told["measurements"] = _numbers(case, drawing) or None
        region = region_of(case, drawing, headers)
        return _modified(hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **told))
    told["measurements"] = _numbers(case, drawing, lines_of(case, drawing, headers))
    return _modified(hd.sr.MeasurementsAndQualitativeEvaluations(**told))


def _modified(made: Group) -> Group:
    """Let the method modify the group, as TID 1419 and TID 1501 have it; highdicom 0.28 lets the group contain it."""
    from pydicom.sr.codedict import codes

    for item in made[0].ContentSequence:
        if item.name == codes.SCT.MeasurementMethod:
            item.RelationshipType = "HAS CONCEPT MOD"
    return made


def _numbers(case: Case, drawing: Measurement, lines: list[Any] | None = None) -> list[Number]:
    """Return the figures: each of two axes is inferred from its own line, any other figure from all of them.

    The axis drawn first comes first, so that its points do when the report is read again.
    """
    tracking, modality = _tracking(drawing.uid, drawing.label or drawing.shape.value), case.series.modality
    axes = AXES if drawing.shape is not Shape.BIDIRECTIONAL or is_first_longer(drawing) else AXES[::-1]
    own = {} if lines is None else dict(zip(axes, (lines[:1], lines[1:]), strict=True))
    told = [
        number(one, modality=modality, coordinates=own.get(one.name, lines), tracking=tracking)
        for one in sorted(finite(drawing.quantities), key=lambda one: axes.index(one.name) if one.name in axes else 0)
    ]
    for one in told if moment(drawing.made_at) else []:
        one[0].ObservationDateTime = moment(drawing.made_at)  # a finding may be made of it later
    return told


def _time_point(drawing: Measurement) -> TimePointContext | None:
    """Return which time point was drawn on, counted from 1; None for the first, which all others are about, too."""
    import highdicom as hd

    return hd.sr.TimePointContext(time_point=str(drawing.time + 1)) if drawing.time else None


def _tracking(uid: str, name: str) -> TrackingIdentifier:
    import highdicom as hd

    return hd.sr.TrackingIdentifier(uid=uid, identifier=name[:64])


def _algorithm(case: Case, finding: Finding) -> AlgorithmIdentification | None:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    if finding.model is None:
        return None
    parameters = [f"weights_sha256={finding.model.sha256}"]
    if finding.threshold is not None:
        parameters.append(f"threshold={finding.threshold:.6g}")
    if finding.exclusive:
        parameters.append("classes=exclusive")
    if finding.operating_point:
        parameters.append(f"operating_point={finding.operating_point}")
    parameters += operating.as_parameters(finding)
    prompt = prompt_of(case, finding)
    parameters += [f"{name}={value}" for name, value in as_parameters(prompt).items()] if prompt else []
    return hd.sr.AlgorithmIdentification(
        name=finding.model.name,
        version=finding.model.version,
        parameters=parameters,
        family=codes.DCM.ArtificialIntelligence,
        manufacturer=MANUFACTURER,
    )


def _sites(finding: Finding) -> list[FindingSite] | None:
    """Return the site with its side (TID 1419: Laterality modifies Finding Site), None for what has neither.

    The site of a structure is the structure itself; that of a finding is what it lies in, where its name tells.
    """
    import highdicom as hd

    inside = site_for(finding.label, finding.code)
    if finding.laterality is None and (inside is None or finding.segment_value is None):
        return None
    site = concept(inside or code_for(finding.label, finding.code))
    side = concept(finding.laterality) if finding.laterality else None
    return [hd.sr.FindingSite(site, side, concept(finding.modifier) if finding.modifier else None)]


def _evaluations(finding: Finding) -> list[QualitativeEvaluation]:
    """Return presence (of classes at their operating point, not of outlined anatomy) and the reader's verdict."""
    import highdicom as hd

    told = []
    if finding.segment_value is None:
        answer = PRESENT if finding.present else ABSENT
        told.append(hd.sr.QualitativeEvaluation(concept(PRESENCE), concept(answer)))
    verdict = hd.sr.QualitativeEvaluation(concept(READER_VERDICT), concept(VERDICTS[finding.judgement]))
    if finding.judgement is not Judgement.UNREVIEWED:
        attribute(verdict[0], finding.judged_by, finding.judged_at)
    return [*told, verdict]


def _referenced_segment(case: Case, finding: Finding) -> ReferencedSegment | None:
    """Return the reference to the segment of a finding, None when nothing was marked or it is no segment."""
    import highdicom as hd

    for index, (prediction, mask) in enumerate(case.masks):
        part = part_of(case, prediction, mask, finding)
        if part is not None:
            return hd.sr.ReferencedSegment(
                sop_class_uid=seg.sop_class(case, prediction, mask),
                sop_instance_uid=case.uid_of("seg", "instance", index + 1),
                segment_number=part.number,
                source_series=hd.sr.SourceSeriesForSegmentation(case.series.series_uid),
            )
    return None


def _source_images(headers: list[Dataset]) -> list[SourceImageForMeasurementGroup] | None:
    """Return the one picture a class was read from; None stands for the whole series."""
    import highdicom as hd

    if len(headers) > 1:
        return None
    return [hd.sr.SourceImageForMeasurementGroup(headers[0].SOPClassUID, headers[0].SOPInstanceUID)]
