"""Which slices become key pictures: those the reader picked, and those that show what was not rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from medassist.entities.draft import Draft, KeyPicture, Shown
from medassist.entities.finding import Finding, Judgement
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Window
from medassist.report.case import Case
from medassist.report.edits import belongs
from medassist.report.prompts import drawn
from medassist.report.verdicts import settled

MOST_PROPOSED = 12
"""Slices of one mask that are proposed; a mask of a hundred organs would bury a report under pictures."""


@dataclass(frozen=True, eq=False)
class KeyView:
    """One key picture: slice `index` of the series with what lies over it.

    Attributes:
        file_name: of the picture in a report.
        index, time: the slice as stored and the time point.
        mask, others: the masks drawn over it.
        segments: those of the masks that have voxels in the slice and were not rejected.
        heatmap: the map drawn over it.
        drawn: whether a reader drew the box the segments lie in.
        name: as in `entities.draft.KeyPicture`.
        shown: whether the slice alone, the overlays or both are drawn.
        caption: the reader's words.
        window, inverted: the grey scale, None for the starting one.
        unreviewed: whether it shows what nobody judged.
    """

    file_name: str
    index: int
    mask: Mask | None = None
    segments: tuple[Segment, ...] = ()
    heatmap: Heatmap | None = None
    drawn: bool = False
    name: str = ""
    time: int = 0
    shown: Shown = Shown.OVERLAYS
    caption: str = ""
    window: Window | None = None
    inverted: bool = False
    others: tuple[Mask, ...] = ()
    unreviewed: bool = False

    @property
    def masks(self) -> tuple[Mask, ...]:
        """All masks drawn over it."""
        return (self.mask, *self.others) if self.mask is not None else self.others


def key_views(case: Case) -> tuple[KeyView, ...]:
    """Return the key pictures in their order.

    Without a draft: the largest section of every segment, the strongest slice of every heatmap, else the middle
    slice. The reader's draft picks, changes, orders and leaves out; what the reader rejected is proposed no more.
    """
    draft = case.draft or Draft(case.series.key)
    proposed = {one.name: one for one in _proposals(case) if one.name not in draft.left_out}
    views = []
    for picture in draft.pictures:
        found = proposed.pop(picture.name, None) if not _is_picked(picture) else _picked(case, picture)
        if found is not None:
            views.append(_changed(found, picture))
    views += proposed.values()
    if not views and not draft.left_out:
        views = [KeyView("", case.volume.geometry.shape_zyx[0] // 2)]
    return tuple(replace(one, file_name=f"key-{number}.png") for number, one in enumerate(views, start=1))


def map_name(heatmap: Heatmap) -> str:
    """Return what tells a map from the others of its series, in one line."""
    region = "" if heatmap.region is None else heatmap.region.name
    return "|".join((heatmap.method, heatmap.target, heatmap.against, region, heatmap.model.sha256[:16]))


def hidden_values(case: Case, mask: Mask) -> set[int]:
    """Return the values of segments that are not drawn, as the reader rejected all that is claimed of them."""
    prediction = next((one for one in case.predictions if one.mask is mask), None)
    if prediction is None:
        return set()
    verdicts: dict[int, set[bool]] = {}
    for one in case.findings:
        if one.segment_value is not None and belongs(one, prediction):
            verdicts.setdefault(one.segment_value, set()).add(one.judgement is Judgement.REJECTED)
    return {value for value, said in verdicts.items() if said == {True}}


def hidden_pieces(case: Case, mask: Mask) -> dict[int, set[int]]:
    """Return by segment value the numbers of pieces the reader rejected while others of the segment stay."""
    prediction = next((one for one in case.predictions if one.mask is mask), None)
    hidden: dict[int, set[int]] = {}
    gone = hidden_values(case, mask)
    for one in case.findings if prediction is not None else ():
        rejected = one.judgement is Judgement.REJECTED and one.component is not None
        if rejected and one.segment_value not in gone and prediction is not None and belongs(one, prediction):
            hidden.setdefault(one.segment_value or 0, set()).add(one.component or 0)
    return hidden


def strongest_slice(heatmap: Heatmap) -> int:
    """Return the slice with the highest value of a map, or with most doubt: every border reaches the highest there."""
    values = heatmap.values_zyx
    if heatmap.kind is not MapKind.ATTRIBUTION:
        return int(values.sum(axis=(1, 2)).argmax())
    return int((np.abs(values) if heatmap.signed else values).max(axis=(1, 2)).argmax())


def unpictured(case: Case) -> list[Warned]:
    """Say how many slices with findings have no picture, because there are too many."""
    count = sum(max(len(_slices(case, one)) - MOST_PROPOSED, 0) for one, _ in case.masks)
    return [warned("{count} more slices with findings have no key picture.", count=count)] if count else []


def _is_picked(picture: KeyPicture) -> bool:
    return not picture.name.startswith(("mask:", "map:"))


def _proposals(case: Case) -> Iterator[KeyView]:
    for prediction, mask in case.masks:
        slices = _slices(case, prediction)
        for index in sorted(sorted(slices, key=lambda one: not settled(slices[one]))[:MOST_PROPOSED]):
            yield _viewed(case, KeyView("", index, mask, name=f"mask:{slices[index].tracking_uid}"))
    for heatmap in case.heatmaps:
        if not _is_rejected(case, heatmap):
            yield _viewed(case, KeyView("", strongest_slice(heatmap), heatmap=heatmap, name=f"map:{map_name(heatmap)}"))


def _slices(case: Case, prediction: Prediction) -> dict[int, Finding]:
    """Return the slices where findings of a mask are largest, with the first finding of each that was not rejected."""
    slices: dict[int, Finding] = {}
    for one in case.findings:
        if one.judgement is not Judgement.REJECTED and one.key_slice is not None and belongs(one, prediction):
            slices.setdefault(one.key_slice, one)
    return slices


def _is_rejected(case: Case, heatmap: Heatmap) -> bool:
    """Tell whether a map explains nothing but what the reader rejected."""
    about = [one for one in case.findings if one.target == heatmap.target and one.model == heatmap.model]
    return bool(about) and all(one.judgement is Judgement.REJECTED for one in about)


def _picked(case: Case, picture: KeyPicture) -> KeyView | None:
    """Return a slice the reader picked with all masks that reach it; None for a slice that is not there."""
    if not 0 <= picture.index < case.volume.geometry.shape_zyx[0]:
        return None
    masks = tuple(mask for _, mask in case.masks if _segments_in(case, mask, picture.index))
    heatmap = next((one for one in case.heatmaps if picture.heatmap == map_name(one)), None)
    first, others = (masks[0], masks[1:]) if masks else (None, ())
    return _viewed(case, KeyView("", picture.index, first, heatmap=heatmap, name=picture.name, others=others))


def _changed(view: KeyView, picture: KeyPicture) -> KeyView:
    """Lay what the reader chose over a picture."""
    time = picture.time if _is_picked(picture) else view.time
    changed = replace(
        view,
        time=time,
        shown=picture.shown,
        caption=picture.caption,
        window=picture.window,
        inverted=picture.inverted,
    )
    if picture.shown is not Shown.PICTURE:
        return changed
    return replace(changed, mask=None, others=(), segments=(), heatmap=None, drawn=False, unreviewed=False)


def _viewed(case: Case, view: KeyView) -> KeyView:
    """Fill in what follows from the masks and the map of a picture."""
    segments = tuple(one for mask in view.masks for one in _segments_in(case, mask, view.index))
    return replace(
        view,
        segments=segments,
        drawn=any(drawn(case, mask) is not None for mask in view.masks),
        unreviewed=any(one.judgement is Judgement.UNREVIEWED for one in _about(case, view, segments)),
    )


def _about(case: Case, view: KeyView, segments: tuple[Segment, ...]) -> Iterator[Finding]:
    """Return the findings a picture shows."""
    values = {one.value for one in segments}
    shown = [one for one in case.predictions if any(one.mask is mask for mask in view.masks)]
    for one in case.findings:
        outlined = one.segment_value in values and any(belongs(one, prediction) for prediction in shown)
        mapped = view.heatmap is not None and (one.label, one.model) == (view.heatmap.target, view.heatmap.model)
        if outlined or mapped:
            yield one


def _segments_in(case: Case, mask: Mask, index: int) -> tuple[Segment, ...]:
    inside = {segment.value for value in np.unique(mask.labels_zyx[index]).tolist() for segment in mask.at(value)}
    inside -= hidden_values(case, mask)
    return tuple(segment for segment in mask.segments if segment.value in inside)
