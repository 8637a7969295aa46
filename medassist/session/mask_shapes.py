"""Changes of a whole label at once: grown, shrunk, closed, drawn through the slices between, rid of small pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from medassist.entities.errors import Refused
from medassist.entities.prediction import Prediction, Segment
from medassist.entities.volume import Volume
from medassist.imaging import mask_editing_shape as shapes
from medassist.imaging.mask_editing import Labels, Patch, Pen, with_region
from medassist.progress import Progress
from medassist.session.mask_editing import ApplyEdit, apply_edit


class Reshape(Enum):
    """What is done to a label; an amount is in mm, or in ml for pieces."""

    GROW = "grow"
    SHRINK = "shrink"
    HOLES = "fill holes"
    BETWEEN = "fill between slices"
    LARGEST = "keep the largest piece"
    SMALL = "remove small pieces"

    @property
    def unit(self) -> str:
        """The unit of its amount, "" where it takes none."""
        return {Reshape.GROW: "mm", Reshape.SHRINK: "mm", Reshape.SMALL: "ml"}.get(self, "")


def obstacle(volume: Volume, reshape: Reshape) -> str:
    """Say why a change means nothing on a series (English), "" where it does."""
    from medassist.report.measured import can_measure_volumes

    if reshape in (Reshape.GROW, Reshape.SHRINK, Reshape.BETWEEN) and not volume.is_regular:
        return "The slices form no regular grid, so distances across them mean nothing."
    if reshape in (Reshape.GROW, Reshape.SHRINK) and not volume.geometry.calibrated:
        return "The size of a pixel is not known, so there are no millimetres."
    if reshape is Reshape.BETWEEN and volume.geometry.shape_zyx[0] == 1:
        return "There is only one slice."
    if reshape is Reshape.SMALL and not can_measure_volumes(volume):
        return "Volumes mean nothing on this series."
    return ""


def reshape_label(
    volume: Volume,
    prediction: Prediction,
    before: Labels,
    pen: Pen,
    reshape: Reshape,
    amount: float,
    segments: tuple[Segment, ...],
    *,
    axis: int = 2,
    by: str,
    at: str,
    progress: Progress,
) -> ApplyEdit | None:
    """Change one label of a mask as a whole, into background only; None when nothing changes.

    Args:
        volume: the series (Refused where the change means nothing on it).
        prediction: the result; `before` are its labels as they are on screen.
        before: label map that is changed.
        pen: the label, and what is locked.
        reshape: what is done.
        amount: mm or ml, in the unit of `reshape`.
        segments: the labels there can be.
        axis: along which slices are counted for holes and slices between (0 column, 1 row, 2 slice).
        by: the reader.
        at: now (local ISO time).
        progress: cancellable before each step.
    """
    reason = obstacle(volume, reshape)
    if reason:
        raise Refused(reason)
    progress.step("Changing the mask")
    pen = replace(pen, background_only=True)
    patch = _changes(volume, amount, axis)[reshape](before, pen)
    after = before if patch is None else with_region(before, patch, pen)
    if after is before:
        return None
    return apply_edit(volume, prediction, before, after, segments, by=by, at=at, progress=progress)


def _changes(volume: Volume, amount: float, axis: int) -> dict[Reshape, Callable[[Labels, Pen], Patch | None]]:
    grid = volume.geometry
    least = amount / grid.voxel_volume_ml
    return {
        Reshape.GROW: lambda labels, pen: shapes.grown(labels, pen, grid, amount),
        Reshape.SHRINK: lambda labels, pen: shapes.shrunk(labels, pen, grid, amount),
        Reshape.HOLES: lambda labels, pen: shapes.without_holes(labels, pen, axis),
        Reshape.BETWEEN: lambda labels, pen: shapes.through_slices(labels, pen, grid, axis),
        Reshape.LARGEST: shapes.largest_piece,
        Reshape.SMALL: lambda labels, pen: shapes.without_small(labels, pen, least),
    }
