"""Changing a mask by hand: which one, with what, and what a stroke makes of the result and its findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.edit import Edit
from medassist.entities.editing import Editing
from medassist.entities.errors import Refused, UsageError
from medassist.entities.finding import Finding
from medassist.entities.prediction import NO_MODEL, Mask, Prediction, Segment
from medassist.entities.prompt import Prompt
from medassist.entities.region import COLORS
from medassist.entities.study import warned
from medassist.entities.volume import Volume
from medassist.imaging.mask_editing import Labels, demand_editable, difference, free_value
from medassist.progress import Progress
from medassist.session.edited_findings import Piece, heirs, measured, merged
from medassist.storage import terminology

if TYPE_CHECKING:
    from medassist.session.state import Session

LONGEST_LABEL = 64


@dataclass(frozen=True, eq=False)
class SetEditing:
    """Begin to change a mask, or go on with another label or tool; None ends it."""

    editing: Editing | None

    def __call__(self, session: Session) -> Session:
        """Return the session with it; what was painted stays."""
        return session if session.editing is self.editing else replace(session, editing=self.editing)


@dataclass(frozen=True, eq=False)
class ApplyEdit:
    """Put a changed mask in the place of the one it was made from, with what was measured of it.

    One stroke, one step to undo. Dropped when the mask is another one by now: a stroke belongs to what the reader saw.

    Attributes:
        volume: the series it lies on.
        before: labels of the mask that was changed.
        after: the result with the changed mask.
        touched: labels that gained or lost voxels.
        findings: measured of these labels in the changed mask.
        heirs: which of them a piece of a label has become, by label and piece; pieces that are gone are not there.
    """

    volume: Volume
    before: Labels
    after: Prediction
    touched: tuple[int, ...]
    findings: tuple[Finding, ...]
    heirs: Mapping[Piece, int] = field(default_factory=dict)

    def __call__(self, session: Session) -> Session:
        """Return the session with the mask and its findings."""
        new = self.after
        at = next((n for n, one in enumerate(session.predictions) if self._is_before(one)), None)
        if at is None and not self._begins(session):
            return session
        here = list(session.predictions)
        if at is None:
            here.append(new)
        elif new.by_hand and new.edit is None:  # nothing is left of a mask of the reader's own
            del here[at]
        else:  # what was added to the result meanwhile stays
            here[at] = replace(here[at], mask=new.mask, edit=new.edit, prompt=new.prompt)
        findings = merged(session.findings, new, self.touched, self.findings, self.heirs)
        return replace(session, predictions=tuple(here), findings=findings)

    def _begins(self, session: Session) -> bool:
        """Tell whether it is the first stroke of a mask of the reader's own, on pictures that are still the same."""
        original = self.after.model_mask
        empty = self.after.by_hand and original is not None and not original.segments
        known = any(one.model_mask is original for one in session.predictions)
        there = session.volumes.get(self.after.series_key) is self.volume
        return empty and not known and there and original is not None and self.before is original.labels_zyx

    def _is_before(self, one: Prediction) -> bool:
        if one.series_key != self.after.series_key or one.mask is None:
            return False
        if one.mask.labels_zyx is self.before:
            return True
        # a stroke that took the last change back left the very mask of the model in place of its own labels
        back = one.mask is self.after.model_mask
        return back and np.array_equal(one.mask.labels_zyx, self.before)


@dataclass(frozen=True, eq=False)
class AddMask:
    """Keep a mask of the reader's own, with its findings, and begin to change it."""

    prediction: Prediction
    findings: tuple[Finding, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the mask as the newest."""
        return replace(
            session,
            predictions=(*session.predictions, self.prediction),
            findings=(*session.findings, *self.findings),
            editing=begun(self.prediction),
        )


def begun(prediction: Prediction, *, before: Editing | None = None) -> Editing:
    """Return the editing of the mask of a result, with the tool of an earlier one (Refused where it cannot be)."""
    mask, original = prediction.mask, prediction.model_mask
    if mask is None or original is None:
        raise UsageError("This result has no mask.")
    demand_editable(mask)
    first = mask.segments[0].value if mask.segments else 0
    fresh = Editing(prediction.series_key, original, active=first)
    if before is None:
        return fresh
    kept = replace(fresh, tool=before.tool, ball=before.ball, radius_mm=before.radius_mm)
    return replace(kept, span=before.span) if before.series_key == prediction.series_key else kept


def own_mask(volume: Volume, *, at: str, before: Editing | None = None) -> Editing:
    """Return the editing of a new, empty mask of the reader's own; it becomes a result with the first stroke."""
    mask = Mask(np.zeros(volume.geometry.shape_zyx, np.uint8), volume.geometry, ())
    fresh = Prediction(NO_MODEL, volume.series.key, at, "", mask=mask)
    return replace(begun(fresh, before=before), fresh=fresh)


def palette(session: Session) -> tuple[Segment, ...]:
    """Return the labels that can be painted now: those of the mask, then those the reader named."""
    prediction, editing = session.edited, session.editing
    if prediction is None or prediction.mask is None or editing is None:
        return ()
    there = {one.value for one in prediction.mask.segments}
    return (*prediction.mask.segments, *(one for one in editing.added if one.value not in there))


def with_label(session: Session, label: str) -> SetEditing:
    """Name one more label of the mask and paint with it; a known term gets its code, category and side.

    Its value is free in every mask of the series, so that a finding knows whose it is. Refused when there is none.
    """
    prediction, editing = session.edited, session.editing
    words = " ".join(label.split())[:LONGEST_LABEL]
    if prediction is None or prediction.mask is None or editing is None or not words:
        raise UsageError("A label needs a name.", remedy="Type what you see, for example nodule.")
    known = next((one for one in palette(session) if one.label.casefold() == words.casefold()), None)
    if known is not None:
        return SetEditing(replace(editing, active=known.value))
    taken = frozenset(one.value for one in (*_segments_of(session, prediction.series_key), *editing.added))
    segment = named_segment(free_value(prediction.mask, taken), words)
    return SetEditing(replace(editing, active=segment.value, added=(*editing.added, segment)))


def named_segment(value: int, label: str) -> Segment:
    """Return a label under the name a reader typed, with the codes that name has."""
    named, color = terminology.read().named(label), COLORS[(value - 1) % len(COLORS)]
    if named is None:
        return Segment(value, label, color=color)
    return Segment(
        value, label, named.term.code, color, named.title_zh if label.isascii() else "",
        named.term.category, laterality=named.laterality,
    )  # fmt: skip


def _segments_of(session: Session, key: str) -> tuple[Segment, ...]:
    masks = (one.mask for one in session.predictions if one.series_key == key and one.mask is not None)
    return tuple(segment for mask in masks for segment in mask.segments)


def apply_edit(
    volume: Volume,
    prediction: Prediction,
    before: Labels,
    after: Labels,
    segments: tuple[Segment, ...],
    *,
    by: str,
    at: str,
    progress: Progress,
) -> ApplyEdit:
    """Measure what changed between two label maps of a result, and return it as one step.

    Args:
        volume: the series.
        prediction: the result, as it is or was a stroke earlier: only what it was before any change counts.
        before: label map on its grid that was changed.
        after: what it was changed to; neither is written to any more.
        segments: the labels there can be, of which a new one needs a voxel to be kept.
        by: the reader, "" when nobody signed.
        at: now (local ISO time).
        progress: cancellable before the measuring.
    """
    progress.step("Measuring the mask")
    original = prediction.model_mask
    if original is None:
        raise UsageError("This result has no mask.")
    touched = difference(before, after, overlapping=original.overlapping)
    changed = with_labels(prediction, original, after, segments, by=by, at=at)
    found = measured(changed, touched, volume, by=by, at=at)
    old = replace(original, labels_zyx=before, segments=segments)
    return ApplyEdit(volume, before, changed, touched, found, heirs(old, changed, touched, found))


def revert(volume: Volume, prediction: Prediction, *, by: str, at: str, progress: Progress) -> ApplyEdit:
    """Go back to the mask as the model or the file gave it; what it claims has to be judged again."""
    mask, original = prediction.mask, prediction.model_mask
    if mask is None or original is None or prediction.edit is None:
        raise Refused("This mask is as the model gave it.")
    return apply_edit(volume, prediction, mask.labels_zyx, original.labels_zyx, mask.segments, by=by, at=at,
                      progress=progress)  # fmt: skip


def with_labels(
    prediction: Prediction, original: Mask, labels: Labels, segments: tuple[Segment, ...], *, by: str, at: str
) -> Prediction:
    """Return a result with other labels; without an edit where they are those it had before any change."""
    differing = difference(original.labels_zyx, labels, overlapping=original.overlapping)
    if not differing:
        # what a file holds is no model's, so the mask of a reader always tells whose it is
        copied = prediction.by_hand and bool(original.segments)
        edit = Edit(by, at, original) if copied else None
        return replace(prediction, mask=original, edit=edit, prompt=_prompt(prediction, original, brushed=False))
    known = {one.value for one in original.segments}
    held = [one for one in segments if one.value in differing and one.value not in known]
    new = tuple(one for one in held if replace(original, labels_zyx=labels, segments=(one,)).voxels(one))
    mask = replace(original, labels_zyx=labels, segments=(*original.segments, *new))
    edit = Edit(by, at, original, differing)
    return replace(prediction, mask=mask, edit=edit, prompt=_prompt(prediction, mask, brushed=True))


def _prompt(prediction: Prediction, mask: Mask, *, brushed: bool) -> Prompt | None:
    """Return how a region in a box came about, kept true to the slices it reaches now."""
    prompt = prediction.prompt
    if prompt is None:
        return None
    there = np.flatnonzero(mask.labels_zyx.any(axis=(1, 2)))
    ends = (int(there[0]), int(there[-1])) if there.size else prompt.slices
    return replace(prompt, slices=ends, brushed=prompt.brushed or brushed)


def copy_overlay(
    volume: Volume, mask: Mask, title: str, taken: frozenset[int], *, by: str, at: str, progress: Progress
) -> AddMask:
    """Copy a mask of a file into one of the reader's own, which tells where it is from.

    `taken` holds the label values of other masks of the series, which the copy does not use.
    """
    progress.step("Measuring the mask")
    if not mask.geometry.same_grid(volume.geometry):
        raise Refused("This mask lies on another grid than the series, so it cannot be changed there.")
    plain = _renumbered(mask, taken)
    told = warned("This mask was copied from a file: {title}.", title=title)
    prediction = Prediction(NO_MODEL, volume.series.key, at, "", mask=plain, edit=Edit(by, at, plain), notes=(told,))
    values = tuple(one.value for one in plain.segments)
    return AddMask(prediction, measured(prediction, values, volume, by=by, at=at))


def _renumbered(mask: Mask, taken: frozenset[int]) -> Mask:
    """Return a mask under free label values, without numbers of objects."""
    if mask.overlapping:
        if taken & {one.value for one in mask.segments}:
            raise Refused("The labels of this mask overlap and cannot be given other numbers.")
        return replace(mask, instances=None)
    table, segments, used = np.zeros(256, np.uint8), [], set(taken)
    for one in mask.segments:
        value = free_value(replace(mask, segments=()), frozenset(used))
        used.add(value)
        table[one.value] = value
        segments.append(replace(one, value=value))
    return replace(mask, labels_zyx=table[mask.labels_zyx], segments=tuple(segments), instances=None)
