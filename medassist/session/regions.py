"""Regions: drawn with a box, corrected, followed, kept as findings. Jobs and actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import Refused, UsageError
from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import Code, Prediction, Segment
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Plane, Region
from medassist.entities.volume import Volume, Window
from medassist.progress import Progress
from medassist.session.state import Session
from medassist.storage import terminology

if TYPE_CHECKING:
    from medassist.inference.interactive.picture import Grey
    from medassist.inference.packages import Package

DEFAULT_LABEL = "Region"
MOST_REGIONS = 255
PLACE_OF_A_REGION = Code("309825002", "SCT", "Spatial and Relational Concept")
"""The category of a region nobody has called anatomy or disease (DICOM CID 7150)."""


@dataclass(frozen=True, eq=False)
class SetRegion:
    """Put a region on screen in place of the one before.

    An answer about a box that was changed meanwhile is dropped: `asked` is the region the model was asked about, None
    for a change of the reader's own.
    """

    region: Region
    asked: Region | None = None

    def __call__(self, session: Session) -> Session:
        """Return the session with the region."""
        outdated = self.asked is not None and session.region is not self.asked
        return session if outdated else replace(session, region=self.region)


@dataclass(frozen=True)
class UndoRegion:
    """Take the last change of the region back."""

    def __call__(self, session: Session) -> Session:
        """Return the session with the region as it was."""
        now = session.region
        return session if now is None or now.before is None else replace(session, region=now.before)


@dataclass(frozen=True)
class DropRegion:
    """Forget the region that was not kept."""

    def __call__(self, session: Session) -> Session:
        """Return the session without it."""
        return replace(session, region=None)


@dataclass(frozen=True, eq=False)
class AddRegion:
    """Keep a region as a result with its finding; regions kept before stay."""

    prediction: Prediction
    finding: Finding

    def __call__(self, session: Session) -> Session:
        """Return the session with the finding, and without the region it was made of."""
        return replace(
            session,
            predictions=(*session.predictions, self.prediction),
            findings=(*session.findings, self.finding),
            region=None,
            focus="",
        )


def draw_box(
    volume: Volume, package: Package, box: Box, *, window: Window | None, inverted: bool, time: int = 0, by: str = ""
) -> Region:
    """Return a new region around a box, with nothing marked yet; `window` is what the model shall see."""
    seen = None if volume.is_color else window
    prompt = Prompt(box, seen, inverted, time, by, (box.slice_index, box.slice_index))
    return Region(volume.series.key, volume.geometry, package.ref, prompt)


def brushed(region: Region, index: int, touched: Plane, *, erase: bool) -> Region:
    """Return the region with voxels of one slice (rows, columns) marked or erased by hand; itself when none changes."""
    before = region.plane(index)
    after = before & ~touched if erase else before | touched
    if np.array_equal(before, after):
        return region
    return region.changed({**region.slices, index: after}, brushed=True)


def outline_region(
    volume: Volume, package: Package, region: Region, *, device: str = "auto", progress: Progress
) -> SetRegion:
    """Ask the model what lies in the box of a region (UsageError for a box off the slice, Refused without weights)."""
    from medassist.inference.interactive.outline import embed, outline

    started, box = _now(), region.prompt.box
    embedding = embed(package, volume, box.slice_index, _grey(region), device=device, progress=progress)
    marked = outline(embedding, box, progress=progress)
    answered = replace(region, started=started, device=embedding.network.device)
    return SetRegion(answered.changed({box.slice_index: marked}, undoable=False), asked=region)


def follow_region(
    volume: Volume, package: Package, region: Region, *, device: str = "auto", progress: Progress
) -> SetRegion:
    """Follow what is marked on the slice of the box through the volume; every other slice is marked anew."""
    from medassist.inference.interactive.follow import follow

    index = region.prompt.box.slice_index
    found = follow(package, volume, region.plane(index), index, _grey(region), device=device, progress=progress)
    after = replace(region.changed(found.slices, followed=True), ended=found.ended)
    return SetRegion(after, asked=region)


def keep_region(
    volume: Volume,
    region: Region,
    *,
    label: str = "",
    taken: Iterable[int] = (),
    judgement: Judgement = Judgement.UNREVIEWED,
    by: str = "",
    timings_s: dict[str, float] | None = None,
    progress: Progress,
) -> AddRegion:
    """Make a result and a finding of a region.

    Args:
        volume: the series it lies on.
        region: what is marked.
        label: what the reader calls it, "" for a region without a name; a known term gets its code and its side.
        taken: segment values of the regions kept on this series before: two regions never share one.
        judgement: of the reader who kept it; UNREVIEWED when nobody looked.
        by: the name of that reader.
        timings_s: as in `Prediction`.
        progress: cancellable before the measuring.

    Refused when nothing is marked or there are 255 regions already.
    """
    from medassist.report.findings import findings_from

    progress.step("Measuring the region")
    if region.is_empty:
        raise Refused("Nothing is marked, so there is no region to keep.", remedy="Draw the box around something else.")
    segment = _segment(region, label.strip(), max(taken, default=0) + 1)
    prediction = Prediction(
        region.model, region.series_key, region.started, region.device, mask=region.mask(segment),
        timings_s=timings_s or {}, prompt=region.prompt, notes=terminology.read().problems if label.strip() else (),
    )  # fmt: skip
    (finding,) = findings_from(prediction, volume)
    outlined = sum(bool(plane.any()) for plane in region.slices.values())
    finding = replace(finding, measurements={**finding.measurements, "slices_outlined": float(outlined)})
    signed = judgement is not Judgement.UNREVIEWED
    return AddRegion(
        prediction,
        replace(finding, judgement=judgement, judged_by=by if signed else "", judged_at=_now() if signed else ""),
    )


def box_region(
    volume: Volume,
    package: Package,
    box: Box,
    *,
    label: str = "",
    follow: bool = False,
    device: str = "auto",
    progress: Progress,
) -> AddRegion:
    """Outline what lies in a box seen through the series' starting window, follow it when asked, and measure it."""
    from medassist.imaging.windows import starting_window

    if box.within(volume.geometry) != box:
        depth, height, width = volume.geometry.shape_zyx
        raise UsageError(
            "The box lies outside of the series: it has {columns} columns, {rows} rows and {slices} slices, from 0.",
            columns=width,
            rows=height,
            slices=depth,
        )
    began = perf_counter()
    region = draw_box(volume, package, box, window=starting_window(volume), inverted=False)
    region = outline_region(volume, package, region, device=device, progress=progress).region
    if follow:
        region = follow_region(volume, package, region, device=device, progress=progress).region
    return keep_region(volume, region, label=label, timings_s={"infer": perf_counter() - began}, progress=progress)


def _segment(region: Region, label: str, value: int) -> Segment:
    if value > MOST_REGIONS:
        raise Refused("There are {count} regions on this series already.", count=MOST_REGIONS)
    plain = region.segment(value, label[:64] or DEFAULT_LABEL)
    named = terminology.read().named(label)
    if named is None:
        return replace(plain, title_zh="" if label else "区域", category=PLACE_OF_A_REGION)
    return replace(
        plain,
        title_zh=named.title_zh if label.isascii() else "",
        code=named.term.code,
        category=named.term.category,
        laterality=named.laterality,
    )


def _grey(region: Region) -> Grey:
    from medassist.inference.interactive.picture import Grey

    return Grey(region.prompt.window, region.prompt.inverted, region.prompt.time)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
