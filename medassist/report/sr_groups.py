"""One measurement group of the structured report per finding: TID 1411 for segments, TID 1501 for classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from medassist.entities.finding import Finding
from medassist.entities.prediction import Mask, Prediction
from medassist.report import operating, seg
from medassist.report.case import Case
from medassist.report.identity import (
    ABSENT,
    ANATOMICAL_STRUCTURE,
    DISEASE,
    MANUFACTURER,
    OUTPUT_SCORE,
    PRESENCE,
    PRESENT,
    READER_VERDICT,
    VERDICTS,
    category_for,
    code_for,
    concept,
    site_for,
)
from medassist.report.instances import objects_text
from medassist.report.probes import evidence
from medassist.report.prompts import as_parameters, prompt_of

if TYPE_CHECKING:
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        QualitativeEvaluation,
        ReferencedSegment,
        SourceImageForMeasurementGroup,
        TextContentItem,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )
    from pydicom import Dataset

    Group: TypeAlias = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations


def group(case: Case, finding: Finding, headers: list[Dataset]) -> Group:
    """Return the group of one finding; the tracking UID is that of its segment, the reader's comment its last item."""
    import highdicom as hd

    is_segment = finding.segment_value is not None
    category = category_for(finding.label, finding.category, ANATOMICAL_STRUCTURE if is_segment else DISEASE)
    content = {
        "tracking_identifier": hd.sr.TrackingIdentifier(
            uid=finding.tracking_uid, identifier=finding.label[:64] or "finding"
        ),
        "finding_category": concept(category),
        "finding_type": concept(code_for(finding.label, finding.code)),
        "algorithm_id": _algorithm(case, finding),
        "finding_sites": _sites(finding),
        "measurements": _measurements(case, finding) or None,
        "qualitative_evaluations": _evaluations(finding),
    }
    place = _referenced_segment(case, finding)
    made: Group
    if place is not None:
        made = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=place, **content)
    else:
        images = None if is_segment else _source_images(headers)
        made = hd.sr.MeasurementsAndQualitativeEvaluations(source_images=images, **content)
    for text in _remarks(finding):
        made[0].ContentSequence.append(comment(text))
    return made


def comment(text: str) -> TextContentItem:
    """Return a free text as (121106, DCM, "Comment")."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.sr.TextContentItem(
        name=codes.DCM.Comment, value=text, relationship_type=hd.sr.RelationshipTypeValues.CONTAINS
    )


def _remarks(finding: Finding) -> list[str]:
    judged = " ".join(text for text in (finding.judged_by, finding.judged_at) if text)
    verdict = f"{VERDICTS[finding.judgement].meaning} by {judged}" if judged else ""
    modifier = f"Modifier: {finding.modifier.meaning}" if finding.modifier else ""
    # in words: the dictionary of DICOM has no code for how many structures were counted
    counted = objects_text(finding.measurements, _english) if "count" in finding.measurements else ""
    return [text for text in (modifier, counted, verdict, finding.comment, *evidence(finding)) if text]


def _english(text: str, **values: object) -> str:
    return text.format(**values)


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

    told = [hd.sr.QualitativeEvaluation(concept(READER_VERDICT), concept(VERDICTS[finding.judgement]))]
    if finding.segment_value is None:
        answer = PRESENT if finding.present else ABSENT
        told.insert(0, hd.sr.QualitativeEvaluation(concept(PRESENCE), concept(answer)))
    return told


def _measurements(case: Case, finding: Finding) -> list[Measurement]:
    """Return volume in cm3 (CID 7462 has no ml; 1 cm3 = 1 ml), score, axes, mean and deviation."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    told = []
    if finding.volume_ml is not None:
        told.append(hd.sr.Measurement(codes.SCT.Volume, _number(finding.volume_ml), codes.UCUM.CubicCentimeter))
    if finding.probability is not None and finding.calibrated:
        percent = _number(100.0 * finding.probability)
        told.append(hd.sr.Measurement(codes.DCM.CertaintyOfFinding, percent, codes.UCUM.Percent))
    elif finding.probability is not None:
        told.append(hd.sr.Measurement(concept(OUTPUT_SCORE), _number(finding.probability), codes.UCUM.NoUnits))
    if finding.diameters is not None:
        told.append(hd.sr.Measurement(codes.SCT.LongAxis, _number(finding.diameters.long_axis), codes.UCUM.Millimeter))
        told.append(
            hd.sr.Measurement(codes.SCT.ShortAxis, _number(finding.diameters.short_axis), codes.UCUM.Millimeter)
        )
    return told + _intensities(case, finding)


def _intensities(case: Case, finding: Finding) -> list[Measurement]:
    """Return mean and deviation of the values where they have a coded meaning: attenuation in HU, MR signal."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    if case.volume.unit == "HU":
        name, unit = codes.DCM.AttenuationCoefficient, codes.UCUM.HounsfieldUnit
    elif case.series.modality == "MR" and not case.volume.unit:
        name, unit = codes.DCM.MRSignalIntensity, codes.UCUM.ArbitraryUnit
    else:
        return []
    derivations = {"mean_value": codes.SCT.Mean, "sd_value": codes.SCT.StandardDeviation}
    return [
        hd.sr.Measurement(name, _number(finding.measurements[key]), unit, derivation=derivation)
        for key, derivation in derivations.items()
        if key in finding.measurements
    ]


def _number(value: float) -> float:
    """Round to what fits a decimal string of 16 characters."""
    return float(f"{value:.9g}")


def _referenced_segment(case: Case, finding: Finding) -> ReferencedSegment | None:
    """Return the reference to the segment of a finding, None when nothing was marked or it is no segment."""
    import highdicom as hd

    for index, (prediction, mask) in enumerate(case.masks):
        number = _segment_number(prediction, mask, finding)
        if number is not None:
            return hd.sr.ReferencedSegment(
                sop_class_uid=seg.sop_class(mask),
                sop_instance_uid=case.uid_of("seg", "instance", index + 1),
                segment_number=number,
                source_series=hd.sr.SourceSeriesForSegmentation(case.series.series_uid),
            )
    return None


def _segment_number(prediction: Prediction, mask: Mask, finding: Finding) -> int | None:
    if finding.model != prediction.model or finding.segment_value is None:
        return None
    numbers = {segment.value: number for number, segment in seg.written_segments(mask).items()}
    return numbers.get(finding.segment_value)


def _source_images(headers: list[Dataset]) -> list[SourceImageForMeasurementGroup] | None:
    """Return the one picture a class was read from; None stands for the whole series."""
    import highdicom as hd

    if len(headers) > 1:
        return None
    return [hd.sr.SourceImageForMeasurementGroup(headers[0].SOPClassUID, headers[0].SOPInstanceUID)]
