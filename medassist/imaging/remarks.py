"""What a reader must know about a series, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medassist.entities.study import Warned, warned
from medassist.imaging.frames import Frame
from medassist.imaging.grid import irregularities
from medassist.imaging.header_file import HeaderFile
from medassist.imaging.scales import DETECTOR_PLANE, SCANNED_FILM
from medassist.imaging.splitting import Part

_NAMED = 4


def geometry_problems(part: Part) -> tuple[Warned, ...]:
    """Say why a part is no regular volume."""
    if not part.complete:
        usual = max(len(place) for place in part.places)
        odd = [place for place in part.places if len(place) != min(len(each) for each in part.places)]
        names = ", ".join(frame.name for frame in odd[0][:4])
        few = [place for place in part.places if len(place) < usual]
        return (
            warned(
                "Several files lie at the same position, but not at every position ({most} at most, {least} at least): "
                "{names}, … in one place; {fewer} positions have fewer.",
                most=usual,
                least=min(len(place) for place in part.places),
                names=names,
                fewer=len(few),
            ),
        )
    for time in range(part.times):
        problems = irregularities([place[time] for place in part.places])
        if problems:
            return problems
    first = part.frames[0]
    if len(part.places) == 1 and not (first.gap_mm or first.thickness_mm):
        return (warned("There is a single slice, {file}, and its thickness is not known.", file=first.name),)
    return ()


def lost_slices(files: Sequence[Path]) -> tuple[Warned, ...]:
    """Say that files of the series are cut off: even slices that stand evenly may then be too few."""
    if not files:
        return ()
    return (
        warned(
            "{count} files of this series are cut off and were left out, the first is {file}.",
            count=len(files),
            file=files[0].name,
        ),
    )


def damaged_slices(slices: Sequence[str]) -> Warned:
    """Say that pixels are damaged and their slices empty."""
    return warned(
        "{count} slices of this series cannot be decoded and are left empty: {names}.",
        count=len(slices),
        names=", ".join(slices[:_NAMED]) + (", …" if len(slices) > _NAMED else ""),
    )


def unplaced_problems(frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Say why slices have no place: no position, or no scale."""
    lost = next((frame for frame in frames if frame.position is None or frame.orientation is None), None)
    if lost is None:
        return (warned("{file} and others do not state the size of a pixel in the patient.", file=frames[0].name),)
    return (warned("{file} and others do not say where they lie in the patient.", file=lost.name),)


def remarks(file: HeaderFile, frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Say what a reader must know besides the geometry."""
    found = list(file.doubts)
    bad = [frame for frame in frames if frame.bad_slope]
    if bad:
        found.append(
            warned("{file} states no usable rescale slope; 1 was taken, so values may have no unit.", file=bad[0].name)
        )
    found += [one for one in (_intercept(frames), _orientation(frames)) if one is not None]
    if len({(frame.path, frame.index) for frame in frames}) == 1 and frames[0].is_placed:
        thickness = frames[0].gap_mm or frames[0].thickness_mm or 0.0
        if thickness:
            found.append(
                warned(
                    "There is a single slice; the header gives its thickness: {thickness} mm.",
                    thickness=thickness,
                )
            )
    if file.text("BurnedInAnnotation") == "YES":
        found.append(warned("The picture has text burned into it."))
    return tuple(found)


def _intercept(frames: Sequence[Frame]) -> Warned | None:
    bad = next((frame for frame in frames if frame.bad_intercept), None)
    text = "{file} states no usable rescale intercept; 0 was taken, so values may have no unit."
    return None if bad is None else warned(text, file=bad.name)


def _orientation(frames: Sequence[Frame]) -> Warned | None:
    bad = next((frame for frame in frames if frame.bad_orientation), None)
    text = "{file} states an orientation that is none (no two perpendicular directions); it was left out."
    return None if bad is None else warned(text, file=bad.name)


def scale_remarks(frame: Frame) -> tuple[Warned, ...]:
    """Say what the millimetres of a film are worth."""
    if frame.spacing_mm is None:
        return (warned("The size of a pixel is not known; lengths are in pixels."),)
    if frame.spacing_tag == "ImagerPixelSpacing":
        return (DETECTOR_PLANE,)
    if frame.spacing_tag == "NominalScannedPixelSpacing":
        return (SCANNED_FILM,)
    return ()
