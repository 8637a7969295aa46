"""How likely each voxel is of each label, as fractional segmentations (PS3.3 C.8.20.2, PROBABILITY) beside the masks.

Only what a run was asked to keep, and only while the mask is the model's own: an edited one has no probabilities.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnwritableOutput
from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.probabilities import FULL
from medassist.entities.study import Warned, warned
from medassist.report.case import Case, numbered
from medassist.report.dicom_objects import save, series_arguments, set_body_part, set_time
from medassist.report.edits import belongs
from medassist.report.placement import placement, point_at_source_frames
from medassist.report.seg_description import content, describe
from medassist.report.seg_parts import Part, held_segments
from medassist.report.sources import source_headers

if TYPE_CHECKING:
    from highdicom.seg import Segmentation


def write_probabilities(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write seg-probability.dcm, seg-probability-2.dcm, … numbered as the masks they belong to.

    UnwritableOutput where a file does not hold every voxel in its place when it is read back.
    """
    told = [(index, prediction, _parts(case, prediction, mask)) for index, (prediction, mask) in enumerate(case.masks)]
    return tuple(
        _written(case, prediction, found, index, folder / numbered("seg-probability.dcm", index))
        for index, prediction, found in told
        if found
    )


def probability_notes(case: Case) -> list[Warned]:
    """Say of which masks there are no probabilities in the report, though they were asked for, and why."""
    told = []
    for prediction, mask in case.masks:
        name = prediction.model.name
        if prediction.probabilities is None:
            if case.segmentation == "fractional" and prediction.ran_alone:
                told.append(warned("No probabilities of {model} were written: its run kept none.", model=name))
        elif prediction.edit is not None:
            told.append(
                warned("The mask of {model} was edited by hand, so its probabilities were not written.", model=name)
            )
        else:
            told += [
                warned("The probabilities of {label} were not written: a finding of it was rejected.", label=one.label)
                for one in held_segments(mask)
                if _rejected(case, _about(case, prediction, one))
            ]
    return told


def _about(case: Case, prediction: Prediction, segment: Segment) -> list[Finding]:
    return [one for one in case.findings if one.segment_value == segment.value and belongs(one, prediction)]


def _rejected(case: Case, about: list[Finding]) -> bool:
    return not case.with_rejected and any(one.judgement is Judgement.REJECTED for one in about)


def _parts(case: Case, prediction: Prediction, mask: Mask) -> tuple[Part, ...]:
    """Return a segment for each label the mask holds; it bears the tracking UID of a finding about all of the label.

    Pieces of a label have one map, so a label with a rejected piece is left out.
    """
    if prediction.probabilities is None or prediction.edit is not None:
        return ()
    found: list[tuple[Segment, Finding | None]] = []
    for segment in held_segments(mask):
        about, shares = _about(case, prediction, segment), prediction.probabilities.of(segment.value)
        if shares is not None and shares.any() and not _rejected(case, about):
            found.append((segment, next((one for one in about if one.component is None), None)))
    return tuple(Part(number, *pair) for number, pair in enumerate(found, start=1))


def _written(case: Case, prediction: Prediction, told: tuple[Part, ...], index: int, path: Path) -> Path:
    held = {part.number: _shares(prediction, part) for part in told}
    save(build(case, prediction, told, index + 1), path)
    _compare(case, held, path)
    return path


def _shares(prediction: Prediction, part: Part) -> NDArray[np.uint8]:
    shares = None if prediction.probabilities is None else prediction.probabilities.of(part.segment.value)
    if shares is None:
        raise ValueError(f"no probabilities of {part.segment.label}")
    return shares


def build(case: Case, prediction: Prediction, told: tuple[Part, ...], instance: int) -> Segmentation:
    """Build the object of one mask: eight bits per voxel, RLE, only the slices where a label has any probability."""
    import highdicom as hd
    from pydicom.uid import RLELossless

    headers, plane = source_headers(case), placement(case)
    shares = [_shares(prediction, part) for part in told]
    held = np.flatnonzero(np.any([one.any(axis=(1, 2)) for one in shares], axis=0))
    values = np.stack([one[held] for one in shares], axis=-1).astype(np.float32)
    values /= FULL
    seg = hd.seg.Segmentation(
        source_images=headers,
        pixel_array=values,
        segmentation_type="FRACTIONAL",
        fractional_type="PROBABILITY",
        max_fractional_value=FULL,
        segment_descriptions=[describe(case, prediction, part) for part in told],
        transfer_syntax_uid=RLELossless,
        plane_positions=[plane.positions[index] for index in held],
        plane_orientation=plane.orientation,
        pixel_measures=plane.measures,
        content_label="PROBABILITY",
        content_description=content(prediction),
        **series_arguments(case, "probability", instance),
    )
    point_at_source_frames(seg, case)
    set_time(seg, prediction.started)
    set_body_part(seg, headers[0])
    return seg


def _compare(case: Case, sent: dict[int, NDArray[np.uint8]], path: Path) -> None:
    """Refuse a file in which what is likelier than not lies elsewhere."""
    from medassist.imaging.objects.segmentation import read_file

    regions = {one.value: mask.region(one) for mask in read_file(path, case.volume) for one in mask.segments}
    none = np.zeros(case.volume.geometry.shape_zyx, np.bool_)
    if all(np.array_equal(regions.get(number, none), shares > FULL / 2) for number, shares in sent.items()):
        return
    path.unlink()
    raise UnwritableOutput(
        "The segmentation {file} did not read back as it was written, so it was not kept.",
        remedy="Write the report without the format seg, and tell us about this series.",
        file=path.name,
    )
