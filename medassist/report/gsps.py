"""How the reader saw a series, as DICOM presentation states (PS3.3 A.33): window, polarity, drawings, outlines.

Grey pictures get a Grayscale Softcopy Presentation State; pictures of three colours a Color one, which has no window.
One state holds one rescaling (PS3.3 C.11.1), so a PET series, where each slice has its own, gets states for the slices
on which something is drawn or marked. Only outlines a reader stands for are drawn: some viewers show states
unasked, and no one must see there what nobody reviewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import medassist
from medassist.imaging.quiet import quietly
from medassist.imaging.windows import starting_window
from medassist.report.case import Case, numbered
from medassist.report.companions import arguments, of_slice, pictures
from medassist.report.dicom_objects import save, set_body_part, set_side
from medassist.report.gsps_graphics import accepted_regions, graphics, outlines, text
from medassist.report.gsps_values import Rescale, colors_of, modality_lut, rescale_of, set_area, window_of
from medassist.report.sources import has_dicom_sources
from medassist.report.sr_observers import person_name
from medassist.report.verdicts import drawings as drawn_by_reader

if TYPE_CHECKING:
    from highdicom.pr import GraphicAnnotation, GraphicLayer, GraphicObject, TextObject
    from pydicom import Dataset

DRAWINGS, OUTLINES = "MEASUREMENTS", "OUTLINES"


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write gsps.dcm, gsps-2.dcm, …; nothing for sources that are not DICOM and for palettes of colours."""
    if not has_dicom_sources(case):
        return ()
    return tuple(
        save(state, folder / numbered("gsps.dcm", index)) for index, state in enumerate(_states(case, pictures(case)))
    )


def _states(case: Case, headers: list[Dataset]) -> Iterator[Dataset]:
    drawn = drawings(case, headers)
    if case.volume.is_color:
        if all(one.SamplesPerPixel == 3 for one in headers):
            yield _state(case, headers, drawn, None, 1)
        return
    groups = _by_rescaling(headers)
    if len(groups) > 1:
        marked = {uid for one in drawn for uid in _uids(one)}
        groups = {key: held for key, held in groups.items() if marked & {one.SOPInstanceUID for one in held}}
    for instance, (rescale, held) in enumerate(groups.items(), start=1):
        inside = {one.SOPInstanceUID for one in held}
        yield _state(case, held, [one for one in drawn if _uids(one) <= inside], rescale, instance)


def _by_rescaling(headers: list[Dataset]) -> dict[Rescale, list[Dataset]]:
    groups: dict[Rescale, list[Dataset]] = {}
    for one in headers:
        rescale = rescale_of(one)
        if rescale is not None:
            groups.setdefault(rescale, []).append(one)
    return groups


def _uids(annotation: GraphicAnnotation) -> set[str]:
    return {one.ReferencedSOPInstanceUID for one in annotation.ReferencedImageSequence}


def _state(
    case: Case, headers: list[Dataset], drawn: Sequence[GraphicAnnotation], rescale: Rescale | None, instance: int
) -> Dataset:
    """Return one state: of grey pictures with `rescale`, of pictures in colour without."""
    import highdicom as hd

    told: dict[str, Any] = {
        "referenced_images": headers,
        "content_label": "MEDASSIST",
        "content_description": medassist.RESEARCH_USE_NOTICE,
        "content_creator_name": person_name(case.reader) if case.reader.strip() else None,
        "graphic_layers": _layers(drawn) or None,
        "graphic_annotations": list(drawn) or None,
        **arguments(case, "gsps", instance),
    }
    if rescale is None:
        state = hd.pr.ColorSoftcopyPresentationState(icc_profile=colors_of(headers[0]), **told)
    else:
        window = window_of(case.window or starting_window(case.volume))
        shape = "INVERSE" if case.volume.inverted != case.inverted else "IDENTITY"
        state = hd.pr.GrayscaleSoftcopyPresentationState(
            modality_lut_transformation=modality_lut(case, headers[0], rescale),
            voi_lut_transformations=[window],
            presentation_lut_transformation=hd.PresentationLUTTransformation(shape),
            **told,
        )
    set_area(state, case)
    set_body_part(state, headers[0])
    set_side(state, headers[0])
    return state


def drawings(case: Case, headers: list[Dataset]) -> list[GraphicAnnotation]:
    """Return what is drawn on the pictures: measurements that lie in a slice, outlines on the slices that show most."""
    return [*_measurements(case, headers), *_outlines(case, headers)]


def _layer(name: str) -> GraphicLayer:
    import highdicom as hd

    told = {DRAWINGS: "Measurements of the reader", OUTLINES: "Outlines a reader accepted"}
    return hd.pr.GraphicLayer(name, order=1 + list(told).index(name), description=told[name])


def _layers(drawn: Sequence[GraphicAnnotation]) -> list[GraphicLayer]:
    return [_layer(name) for name in (DRAWINGS, OUTLINES) if any(one.GraphicLayer == name for one in drawn)]


def _measurements(case: Case, headers: list[Dataset]) -> Iterator[GraphicAnnotation]:
    for one in drawn_by_reader(case):
        words = text(case, one) if one.slice_index is not None else None
        if one.slice_index is not None:
            texts = [] if words is None else [words]
            yield from _annotation(case, headers, (one.slice_index, one.time), DRAWINGS, graphics(case, one), texts)


def _outlines(case: Case, headers: list[Dataset]) -> Iterator[GraphicAnnotation]:
    """Yield the contours of each segment a reader stands for, on the slice that shows most of it."""
    import highdicom as hd

    for finding, region in accepted_regions(case):
        lines = [
            hd.pr.GraphicObject(
                "POLYLINE", line, "PIXEL", tracking_id=finding.label[:64], tracking_uid=finding.tracking_uid
            )
            for line in outlines(region)
        ]
        yield from _annotation(case, headers, (finding.key_slice or 0, 0), OUTLINES, lines, [])


def _annotation(
    case: Case,
    headers: list[Dataset],
    where: tuple[int, int],
    layer: str,
    lines: list[GraphicObject],
    texts: list[TextObject],
) -> Iterator[GraphicAnnotation]:
    """Yield the annotation of one picture, none where there is nothing to draw or no picture to draw it on."""
    import highdicom as hd

    held = of_slice(case, headers, *where)
    if held is not None and (lines or texts):
        header, frame = held
        yield hd.pr.GraphicAnnotation(
            [header],
            _layer(layer),
            referenced_frame_number=frame,
            graphic_objects=lines or None,
            text_objects=texts or None,
        )
