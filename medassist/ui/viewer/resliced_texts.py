"""What is said where a pixel is no voxel as stored: on slabs and on turned planes. No Qt."""

from __future__ import annotations

from medassist.entities.slab import Projection
from medassist.language import tr
from medassist.ui.viewer.slices import Shown


def projection_name(projection: Projection) -> str:
    """Name what is shown of the values in a slab, as short as radiologists do."""
    return {
        Projection.MAXIMUM: tr("MIP"),
        Projection.MINIMUM: tr("MinIP"),
        Projection.MEAN: tr("Mean"),
    }[projection]


def resliced_lines(shown: Shown) -> tuple[str, ...]:
    """Say that a plane is a slab or turned, what overlays on it are of, and that nobody draws on it."""
    if shown.arriving is not None or shown.is_plain:
        return ()
    lines = []
    if shown.oblique is not None:
        lines.append(tr("Turned by {degrees}°, between voxels", degrees=f"{shown.oblique.frame.degrees:.0f}"))
    count = len(shown.slices)
    if shown.slab is not None and count > 1:
        name, thick = projection_name(shown.slab.projection), f"{count * shown.layout.through_mm:.3g}"
        lines.append(tr("{projection} {mm} mm, {count} slices", projection=name, mm=thick, count=count))
        lines.append(tr("Overlays: slice in the middle"))
    return (*lines, tr("No drawing or editing here"))


def seen_text(shown: Shown, value: str) -> str:
    """Return a value with what it is of, where it is not that of a voxel."""
    if shown.slab is not None and len(shown.slices) > 1:
        return f"{value} ({projection_name(shown.slab.projection)})"
    return value if shown.oblique is None else tr("{value} (between voxels)", value=value)
