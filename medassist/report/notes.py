"""What a reader of the report must know about its limits, as translatable sentences."""

from __future__ import annotations

from medassist.entities.study import SeriesKind, Warned, warned
from medassist.report.case import Case
from medassist.report.edits import compared_sentences, edited_sentences
from medassist.report.measured import can_measure_volumes
from medassist.report.prompts import sentences
from medassist.report.seg import written_segments
from medassist.report.seg_probability import probability_notes
from medassist.report.sources import dicom_obstacle
from medassist.report.verdicts import drawings


def notes(case: Case) -> tuple[Warned, ...]:
    """Return every limit of this report, once each: of the input, of the measurements and of the objects written."""
    told = (
        *case.series.warnings, *_about_input(case), *_about_masks(case), *_about_drawings(case), *_from_models(case)
    )  # fmt: skip
    return tuple(dict.fromkeys(told))


def _about_input(case: Case) -> list[Warned]:
    obstacle = dicom_obstacle(case)
    if obstacle is not None:
        return [obstacle]
    if case.heatmaps and case.series.kind is SeriesKind.FILM:
        return [
            warned(
                "A film has no place in the patient: its parametric maps lie in a frame of reference of their own, "
                "in the plane of the picture."
            )
        ]
    return []


def _about_masks(case: Case) -> list[Warned]:
    told = []
    for prediction, mask in case.masks:
        filled = written_segments(mask).values()
        empty = [segment.label for segment in mask.segments if segment not in filled]
        nothing = (
            "The model marked nothing as {label}; the segmentation object leaves this label out."
            if prediction.edit is None
            else "Nothing is marked as {label} after editing; the segmentation object leaves this label out."
        )
        told += [warned(nothing, label=label) for label in empty]
    objects = [mask.instances for _, mask in case.masks if mask.instances is not None]
    if objects and not case.volume.geometry.calibrated:
        told.append(warned("Areas are in pixels: the size of a pixel is not known."))
    if any(one.touching_edge for one in objects):
        count = sum(one.touching_edge for one in objects)
        told.append(
            warned("{count} objects reach the edge of the picture; their areas are of the part inside.", count=count)
        )
    if len(case.masks) > len(objects) and not can_measure_volumes(case.volume):
        told.append(warned("No volumes were measured: the slices form no regular grid of known size."))
    if case.masks and not case.volume.is_regular:
        told.append(warned("There is no NIfTI mask: one affine would be wrong for some slices."))
    return told if dicom_obstacle(case) is not None else [*told, *probability_notes(case)]


def _about_drawings(case: Case) -> list[Warned]:
    """Say what presentation states cannot hold: they draw on single pictures."""
    if dicom_obstacle(case) is not None:
        return []
    count = sum(one.slice_index is None for one in drawings(case))
    told = warned("{count} drawings run across slices; the presentation state leaves them out.", count=count)
    return [told] if count else []


def _from_models(case: Case) -> list[Warned]:
    overridden = [
        warned(
            "The model was run although a suitability check failed; the reason given was: {reason}",
            reason=one.override_reason,
        )
        for one in case.predictions
        if one.override_reason
    ]
    said = [text for one in case.predictions for text in one.notes]
    said += [text for one in case.heatmaps for text in one.notes]
    drawn = [text for one in case.predictions for text in sentences(one)]
    drawn += [text for one in case.predictions for text in edited_sentences(one)]
    drawn += compared_sentences(case)
    edited = {one.model for one in case.predictions if one.edit is not None}
    drawn += [
        warned("The maps of {model} are about its mask before it was edited by hand.", model=one.name)
        for one in dict.fromkeys(one.model for one in case.heatmaps)
        if one in edited
    ]
    return [*drawn, *overridden, *(_plain(text) for text in said)]


def _plain(text: str | Warned) -> Warned:
    """Return a finished sentence as a warning; braces in it are no template."""
    if isinstance(text, Warned):
        return text
    return Warned("{text}", (("text", text),)) if "{" in text else Warned(text)
