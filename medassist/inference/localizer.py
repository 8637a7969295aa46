"""What a package says about finding its regions in a larger image: a template, where to look in it, and limits.

A network that was trained on small crops can so be run on a whole organ: the template is laid over the image, and each
region is cut out around the place the template tells. All of it is data of the package's `metadata.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Code, Segment
from medassist.inference.schema import Section, inside

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Region:
    """One place to look at.

    Attributes:
        name: put before the names of the labels ("Left" makes "Left anterior hippocampus"); `title_zh` likewise.
        laterality: the side as a code.
        center_lps_mm: the middle of the box in template space.
        size_mm: of the box along its own axes, in the patient: right-left, front-back, up-down.
        tilt_degrees: by how much the box is tipped forward in template space.
        mirrored: whether the network knows only the other side and has to be shown the mirror image.
        colors: RGB of each label, in their order; () keeps the colours of the package.
    """

    name: str
    title_zh: str
    laterality: Code
    center_lps_mm: Triple
    size_mm: Triple
    tilt_degrees: float = 0.0
    mirrored: bool = False
    colors: tuple[tuple[int, int, int], ...] = ()

    def segments(self, known: tuple[Segment, ...], first: int) -> tuple[Segment, ...]:
        """Return the segments of this region: those of the package with a side, values counted from `first`."""
        return tuple(
            replace(
                one,
                value=first + at,
                label=f"{self.name} {one.label[:1].lower()}{one.label[1:]}",
                title_zh=f"{self.title_zh}{one.title_zh}" if one.title_zh else "",
                laterality=self.laterality,
                color=self.colors[at] if self.colors else one.color,
            )
            for at, one in enumerate(known)
        )


@dataclass(frozen=True)
class Localizer:
    """How a package finds its regions.

    Attributes:
        template, sha256: the image to lay over; its organ is what lies above 0.
        extent_mm, spacing_mm: what a whole image must have on every axis.
        similarity, covered: the least an alignment must reach (see `imaging.registration.Alignment`).
        scale, degrees: how much the template may be stretched and turned.
        volume_ml: what one region usually holds; beyond it the result says so.
    """

    template: Path
    sha256: str
    extent_mm: tuple[float, float]
    spacing_mm: tuple[float, float]
    similarity: float
    covered: float
    scale: tuple[float, float]
    degrees: float
    regions: tuple[Region, ...]
    volume_ml: tuple[float, float] | None = None

    def takes(self, grid: Geometry) -> bool:
        """Tell whether an image is a whole one: large enough on every axis."""
        sizes = zip(grid.spacing_mm, grid.shape_zyx[::-1], strict=True)
        low, high = self.extent_mm
        return grid.calibrated and all(low <= spacing * count <= high for spacing, count in sizes)


def for_whole(localizer: Localizer | None, grid: Geometry) -> Localizer | None:
    """Return the localizer when an image on `grid` is a whole one, in which it has to look; None for a crop."""
    return localizer if localizer is not None and localizer.takes(grid) else None


def read_localizer(root: Path, own: Section) -> Localizer | None:
    """Read "localizer" of the section "medassist" of a segmenter; None when it has none (Refused when broken)."""
    if "localizer" not in own.data:
        return None
    section, labels = own.section("localizer"), len(own.items("labels"))
    if own.text("task") != "segmentation":
        raise _wrong(own, "localizer")
    template, limits = section.section("template"), section.section("limits")
    regions = tuple(_region(one, labels) for one in section.sections("regions"))
    if len(regions) * labels > 255:
        raise _wrong(section, "regions")
    return Localizer(
        template=inside(root, template.file, template.place("file"), template.text("file")),
        sha256=template.text("sha256").lower(),
        extent_mm=_span(section, "extent_mm"),
        spacing_mm=_span(section, "spacing_mm"),
        similarity=limits.number("similarity"),
        covered=limits.number("covered"),
        scale=_span(limits, "scale"),
        degrees=limits.number("degrees"),
        regions=regions,
        volume_ml=section.span("volume_ml"),
    )


def _region(section: Section, labels: int) -> Region:
    size = _triple(section, "size_mm")
    if not all(1.0 <= one <= 500.0 for one in size):
        raise _wrong(section, "size_mm")
    code = section.texts("laterality")
    if len(code) != 3:
        raise _wrong(section, "laterality")
    return Region(
        name=section.text("name"),
        title_zh=section.text("title_zh", ""),
        laterality=Code(*code),
        center_lps_mm=_triple(section, "center_lps_mm"),
        size_mm=size,
        tilt_degrees=section.number("tilt_degrees", 0.0),
        mirrored=section.flag("mirrored", False),
        colors=_colors(section, labels),
    )


def _colors(section: Section, labels: int) -> tuple[tuple[int, int, int], ...]:
    found = section.items("colors", ())
    good = all(
        isinstance(one, list) and len(one) == 3 and all(type(part) is int and 0 <= part <= 255 for part in one)
        for one in found
    )
    if not good or len(found) not in (0, labels):
        raise _wrong(section, "colors")
    return tuple((one[0], one[1], one[2]) for one in found)


def _span(section: Section, key: str) -> tuple[float, float]:
    found = section.span(key)
    if found is None:
        raise Refused("{file}: the key {key} is missing.", file=section.file, key=section.place(key))
    return found


def _triple(section: Section, key: str) -> Triple:
    found = section.items(key)
    if len(found) != 3 or not all(type(one) in (int, float) and abs(one) < 1e4 for one in found):
        raise _wrong(section, key)
    return float(found[0]), float(found[1]), float(found[2])


def _wrong(section: Section, key: str) -> Refused:
    return Refused("{file}: the key {key} has no usable value.", file=section.file, key=section.place(key))
