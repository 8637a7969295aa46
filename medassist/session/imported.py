"""What reports and segmentations of files claim, as findings and drawings of the session.

They keep who made them and are never results of a model run here. A finding that is known already, by its tracking UID,
stays as it is: what a reader did to it counts more than the file it once was written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.claim import Claim
from medassist.entities.diameters import Diameters
from medassist.entities.document import Document
from medassist.entities.finding import Finding, Judgement
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Mask, Segment
from medassist.entities.volume import Volume
from medassist.progress import Progress

if TYPE_CHECKING:
    from medassist.session.state import Session

ANATOMY = ("91723000", "123037004")
"""Categories (SNOMED CT) of outlined anatomy: an organ is no finding as long as no report makes one of it."""


def measured_overlay(overlay: Overlay, volume: Volume, *, progress: Progress) -> Overlay:
    """Return an overlay whose claims are measured on its series; those without a voxel are left out."""
    from scipy import ndimage

    boxes = {id(mask): ndimage.find_objects(mask.labels_zyx, max_label=255) for mask in overlay.masks}
    claims = progress.over(overlay.claims, "Measuring the segments", len(overlay.claims))
    evidence = [(claim, _evidence(claim, overlay)) for claim in claims]
    found = [
        _measured(claim, held, boxes[id(held[0])][held[1].value - 1], volume)
        for claim, held in evidence
        if held is not None
    ]
    return replace(overlay, claims=tuple(one for one in found if one is not None))


def _evidence(claim: Claim, overlay: Overlay) -> tuple[Mask, Segment] | None:
    """Return the segment of a claim among the masks of its object."""
    pairs = [(mask, one) for mask in overlay.masks for one in mask.segments]
    return next((pair for pair in pairs if pair[1].label == claim.finding.label), None)


def _measured(claim: Claim, held: tuple[Mask, Segment], box: tuple[slice, ...] | None, volume: Volume) -> Claim | None:
    """Return a claim with the figures of its segment, which lies in `box`; None where it has no voxel."""
    from medassist.report.measured import measured

    if box is None:
        return None
    mask, segment = held
    corner = np.array([one.start for one in box])
    told = measured(mask, mask.region(segment, mask.labels_zyx[box]), corner, volume)
    finding = replace(
        claim.finding,
        volume_ml=told.volume_ml,
        center_lps=told.center_lps,
        key_slice=told.key_slice,
        slices=told.slices,
        diameters=told.diameters,
        measurements=told.measurements,
    )
    return replace(claim, finding=finding)


def with_document(session: Session, document: Document) -> Session:
    """Return the session with what a report claims about a series that is open."""
    if not document.series_key or not session.holds(document.series_key):
        return session
    segments = [claim for one in session.overlays if one.series_key == document.series_key for claim in one.claims]
    told = {one.tracking_uid: one for one in (_placed(claim, segments) for claim in document.claims)}
    kept = tuple(_told_better(one, told) for one in session.findings)
    known = {one.tracking_uid for one in session.findings}
    new = [one for uid, one in told.items() if uid not in known]
    drawn = {one.uid for one in session.measurements}
    drawings = tuple(one for one in document.drawings if one.uid not in drawn)
    return replace(session, findings=(*kept, *new), measurements=(*session.measurements, *drawings))


def _told_better(finding: Finding, told: dict[str, Finding]) -> Finding:
    """Return the claim of a report in place of that of the segment it is about; anything judged stays as it is."""
    is_bare = bool(finding.read_from) and not finding.judged_at
    return told.get(finding.tracking_uid, finding) if is_bare else finding


def with_overlay(session: Session, overlay: Overlay) -> Session:
    """Return the session with what a segmentation claims; it also tells findings of reports where they lie."""
    refers = {
        claim.finding.tracking_uid: claim
        for document in session.documents
        if document.series_key == overlay.series_key
        for claim in document.claims
    }
    known = {one.tracking_uid for one in session.findings}
    told = {claim.segment for claim in refers.values()}
    placed = tuple(
        _placed(Claim(one, refers[one.tracking_uid].segment), overlay.claims)
        if one.read_from and one.center_lps is None and one.tracking_uid in refers
        else one
        for one in session.findings
    )
    new = (
        claim.finding
        for claim in overlay.claims
        if claim.finding.tracking_uid not in known and claim.segment not in told and _is_finding(claim.finding)
    )
    return replace(session, findings=(*placed, *new))


def without_claims(session: Session, overlay: Overlay) -> Session:
    """Return the session without what a segmentation brought, as it goes; what is judged or reported stays."""
    brought = {one.finding.tracking_uid for one in overlay.claims}
    reported = {claim.finding.tracking_uid for document in session.documents for claim in document.claims}
    kept = tuple(
        one
        for one in session.findings
        if not one.read_from or one.judgement is not Judgement.UNREVIEWED or one.tracking_uid not in brought - reported
    )
    return session if len(kept) == len(session.findings) else replace(session, findings=kept)


def _is_finding(finding: Finding) -> bool:
    return finding.category is None or finding.category.value not in ANATOMY


def _placed(claim: Claim, segments: Sequence[Claim]) -> Finding:
    """Return the finding of a claim with place, side and part of its segment; its figures stay those of the report."""
    finding = claim.finding
    found = next((one.finding for one in segments if claim.segment is not None and one.segment == claim.segment), None)
    if found is None or claim.is_place_known:
        return finding
    told = dict(finding.measurements)
    axes = told.pop("long_axis_mm", None), told.pop("short_axis_mm", None)
    diameters = _axes(axes, found.diameters)
    return replace(
        finding,
        center_lps=found.center_lps,
        key_slice=found.key_slice,
        slices=found.slices,
        diameters=diameters,
        measurements=told if diameters is not None else finding.measurements,
        modifier=finding.modifier or found.modifier,
        laterality=finding.laterality or found.laterality,
    )


def _axes(told: tuple[float | None, float | None], here: Diameters | None) -> Diameters | None:
    """Return the axes a report tells, drawn where the segment has them; None where it tells none."""
    long_axis, short_axis = told
    if here is None or long_axis is None or short_axis is None:
        return None
    return replace(here, long_axis=long_axis, short_axis=short_axis)
