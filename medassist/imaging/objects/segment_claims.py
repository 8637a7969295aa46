"""Who marked the segments of a segmentation: each one is a claim of a person or of an algorithm."""

from __future__ import annotations

from pydicom import Dataset

from medassist.entities.claim import Claim
from medassist.entities.finding import Finding
from medassist.entities.prediction import ModelRef
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.objects.report_items import person_text
from medassist.imaging.objects.segments import segments_of


def segment_claims(ds: Dataset, volume: Volume, source: str) -> tuple[Claim, ...]:
    """Return one claim per segment, not measured yet; `source` says who made the object."""
    uid = tags.text((ds,), "SOPInstanceUID")
    segments = segments_of(ds)
    items = {tags.whole((item,), "SegmentNumber") or 0: item for item in tags.value_of((ds,), "SegmentSequence") or []}
    return tuple(
        Claim(
            Finding(
                tracking_uid=tags.text((items[number],), "TrackingUID") or _uid(uid, number),
                label=segment.label,
                series_key=volume.series.key,
                code=segment.code,
                category=segment.category,
                modifier=segment.modifier,
                laterality=segment.laterality,
                model=_algorithm(items[number]),
                by=_person(ds, items[number]),
                read_from=source,
            ),
            (uid, number),
        )
        for number, segment in segments.items()
    )


def _uid(instance: str, number: int) -> str:
    """Return a tracking UID for a segment without one: the same whenever the object is read."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[instance, "segment", str(number)]))


def _algorithm(item: Dataset) -> ModelRef | None:
    """Return the algorithm a segment names, None for one a person drew."""
    if tags.text((item,), "SegmentAlgorithmType") == "MANUAL":
        return None
    told = tags.value_of((item,), "SegmentationAlgorithmIdentificationSequence") or [Dataset()]
    name = tags.text((told[0],), "AlgorithmName") or tags.text((item,), "SegmentAlgorithmName")
    parameters = " ".join(tags.texts((told[0],), "AlgorithmParameters"))
    weights = parameters.partition("weights_sha256=")[2][:64]
    return ModelRef(name, tags.text((told[0],), "AlgorithmVersion"), weights) if name else None


def _person(ds: Dataset, item: Dataset) -> str:
    """Return who drew a segment, where the object says so."""
    if tags.text((item,), "SegmentAlgorithmType") == "AUTOMATIC":
        return ""
    return person_text(tags.text((ds,), "ContentCreatorName"))
