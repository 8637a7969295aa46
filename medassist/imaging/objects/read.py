"""Read an object that is no picture: an overlay for a series, or a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset

from medassist.entities.claim import Claim
from medassist.entities.document import Document, Item
from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.overlay import Overlay
from medassist.entities.study import Series, Warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.dicom_files import BAD_FILE, read_header, read_with_pixels
from medassist.imaging.objects.contours import read_contours
from medassist.imaging.objects.dose import read_dose
from medassist.imaging.objects.kinds import OVERLAID, READ, ObjectKind, kind_of
from medassist.imaging.objects.parametric_map import read_map
from medassist.imaging.objects.pdf import read_pdf
from medassist.imaging.objects.presentation import read_presentation
from medassist.imaging.objects.references import instances_in
from medassist.imaging.objects.report_claims import Reported, read_claims
from medassist.imaging.objects.report_tree import report_tree
from medassist.imaging.objects.segment_claims import segment_claims
from medassist.imaging.objects.segmentation import read_segmentation
from medassist.imaging.quiet import quietly
from medassist.progress import Progress


def read_overlay(series: Series, volume: Volume, *, progress: Progress | None = None) -> Overlay:
    """Read a SEG, RTSTRUCT, Parametric Map or RT dose onto the grid of `volume`.

    Raises UnreadableInput when the object is damaged, lies in another frame of reference, or cannot be placed, and
    Cancelled.
    """
    progress = progress or Progress()
    path, kind = _path(series), kind_of(series.sop_class_uid)
    progress.step("Reading the object")
    with quietly():
        try:
            ds = read_header(path, complete=True) if kind is ObjectKind.CONTOURS else read_with_pixels(path)
            return _overlay(series, volume, (ds, path), progress)
        except BAD_FILE as problem:
            raise _as_told(problem, path) from problem


def _overlay(series: Series, volume: Volume, opened: tuple[Dataset, Path], progress: Progress) -> Overlay:
    ds, path = opened
    kind = kind_of(series.sop_class_uid)
    title, origin = _title(ds, series), _origin(ds)
    claims: tuple[Claim, ...] = ()
    if kind in (ObjectKind.PARAMETRIC_MAP, ObjectKind.DOSE):
        maps, notes = _maps(kind, opened, volume, progress)
        strongest = [one.values_zyx >= one.values_zyx.max() for one in maps if one.values_zyx.max(initial=0) > 0]
        focus = focus_of(strongest, volume.geometry)
        return Overlay(
            series.key, volume.series.key, kind.value, title, origin, maps=maps, focus_lps=focus, notes=notes
        )
    if kind is ObjectKind.SEGMENTATION:
        masks, notes = read_segmentation(ds, path, volume, progress)
        claims = segment_claims(ds, volume, origin or title)
    elif kind is ObjectKind.CONTOURS:
        masks, notes = read_contours(ds, volume, progress)
    else:
        raise _not_read(series)
    focus = focus_of([one.labels_zyx for one in masks], volume.geometry)
    return Overlay(
        series.key, volume.series.key, kind.value, title, origin, masks, focus_lps=focus, notes=notes, claims=claims
    )


def _maps(
    kind: ObjectKind, opened: tuple[Dataset, Path], volume: Volume, progress: Progress
) -> tuple[tuple[Heatmap, ...], tuple[Warned, ...]]:
    if kind is ObjectKind.PARAMETRIC_MAP:
        return read_map(*opened, volume, progress)
    dose, notes = read_dose(*opened, volume, progress)
    return (dose,), notes


def focus_of(marked: Sequence[AnyArray], geometry: Geometry) -> tuple[float, float, float] | None:
    """Return where to look: the marked voxel nearest to the middle of the slice that holds most of them (LPS mm)."""
    if not marked:
        return None
    counts = [np.count_nonzero(one.reshape(len(one), -1), axis=1) for one in marked]
    which = int(np.argmax([count.max() for count in counts]))
    index = int(counts[which].argmax())
    found = np.argwhere(marked[which][index])
    if not len(found):
        return None
    row, column = found[np.abs(found - found.mean(axis=0)).sum(axis=1).argmin()]
    x, y, z = geometry.to_world([column, row, index])
    return float(x), float(y), float(z)


def read_document(series: Series, volume: Volume | None = None, *, progress: Progress | None = None) -> Document:
    """Read a report, key objects, a presentation state or a PDF; `volume` is the series it speaks about, if open.

    Raises UnreadableInput when the object is damaged or holds something else than it says.
    """
    (progress or Progress()).step("Reading the object")
    path = _path(series)
    with quietly():
        try:
            return _document(series, volume, read_header(path, complete=True), path)
        except BAD_FILE as problem:
            raise _as_told(problem, path) from problem


def _document(series: Series, volume: Volume | None, ds: Dataset, path: Path) -> Document:
    kind = kind_of(series.sop_class_uid)
    title = _title(ds, series)
    where = volume.series.key if volume is not None else ""
    if kind is ObjectKind.PDF:
        return Document(series.key, kind.value, title, where, pdf=read_pdf(ds, path))
    instances = tuple(dict.fromkeys(instances_in(ds)))
    if kind is ObjectKind.PRESENTATION:
        presentation, lines, notes = read_presentation(ds, volume)
        return Document(series.key, kind.value, title, where, lines, instances, presentation=presentation, notes=notes)
    if kind is ObjectKind.REPORT:
        told = read_claims(ds, volume, _origin(ds) or title) if volume is not None else Reported()
        return Document(
            series.key,
            kind.value,
            title,
            where,
            (report_tree(ds),),
            instances,
            claims=told.claims,
            drawings=told.drawings,
            notes=told.notes,
        )
    if kind is ObjectKind.KEY_OBJECTS:
        tree = report_tree(ds)
        listed = tuple(dict.fromkeys(instances_in(Dataset({0x0040A730: ds["ContentSequence"]}))))
        return Document(series.key, kind.value, tree.concept or title, where, (_with_slices(tree, volume),), listed)
    raise _not_read(series)


def _with_slices(item: Item, volume: Volume | None) -> Item:
    """Add to image references which slice of the open series they are."""
    from dataclasses import replace

    uid = item.value.split(" ")[0]
    frames = volume.series.frames if volume is not None else ()
    index = next((place for place, frame in enumerate(frames) if uid and frame.sop_instance_uid == uid), None)
    slices = f"{item.value} · slice {index + 1}" if index is not None else item.value
    return replace(item, value=slices, children=tuple(_with_slices(child, volume) for child in item.children))


def _path(series: Series) -> Path:
    if kind_of(series.sop_class_uid) not in READ or not series.frames:
        raise _not_read(series)
    return series.frames[0].path


def _not_read(series: Series) -> UnreadableInput:
    if kind_of(series.sop_class_uid) in OVERLAID and series.frames:
        return UnreadableInput("{series} is seen over its images; open those first.", series=series.title)
    return UnreadableInput(
        "{series} is listed only: this version does not open objects of its kind.", series=series.title
    )


def _as_told(problem: BaseException, path: Path) -> UnreadableInput:
    if isinstance(problem, UnreadableInput):
        return problem
    return UnreadableInput("{path} is damaged and cannot be read.", path=path)


def _title(ds: Dataset, series: Series) -> str:
    names = ("StructureSetLabel", "DocumentTitle", "ContentDescription", "ContentLabel", "SeriesDescription")
    return next((text for name in names if (text := tags.text((ds,), name))), "") or series.title


def _origin(ds: Dataset) -> str:
    makers = dict.fromkeys(tags.text((ds,), name) for name in ("Manufacturer", "ManufacturerModelName"))
    return " ".join(text for text in makers if text)
