"""What is read in a file rather than seen over a picture: reports, key objects, presentation states, PDF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from medassist.entities.claim import Claim
from medassist.entities.measurement import Measurement
from medassist.entities.prediction import Code
from medassist.entities.study import Warned
from medassist.entities.volume import Window

Point = tuple[float, float]
"""Column and row."""


@dataclass(frozen=True)
class Item:
    """One line of a document tree: what it is about, what is said, and what belongs to it.

    `concept` and `value` are as the file gives them; `code` is the code of the concept, `value_code` that of a coded
    value.
    """

    concept: str
    value: str = ""
    children: tuple[Item, ...] = ()
    code: Code | None = None
    value_code: Code | None = None

    def walk(self) -> Iterator[Item]:
        """Yield this line and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Graphic:
    """A drawing or a text over pictures.

    Attributes:
        lines: (column, row) indices of the pictures as stored, pixel centres at integers; a line of one point is a
            mark, or the upper left corner of `text`. The first point is repeated at the end of a closed line.
        images: SOPInstanceUIDs of the pictures it lies on, `frames` the frames of them (from 0); empty: all.
    """

    lines: tuple[tuple[Point, ...], ...]
    filled: bool = False
    text: str = ""
    images: frozenset[str] = frozenset()
    frames: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Shutter:
    """What covers pictures on screen: all that lies outside of any of its outlines.

    Attributes:
        outlines: closed lines of (column, row) indices as in `Graphic`.
        gray: from 0 (black) to 1 (white).
        images: SOPInstanceUIDs of the pictures it covers; empty: all.
    """

    outlines: tuple[tuple[Point, ...], ...]
    gray: float = 0.0
    images: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Presentation:
    """How a presentation state wants pictures shown.

    Attributes:
        windows: its grey-scale windows that hold for the series, in order.
        graphics: what it draws over the pictures of the series.
        shutter: what it covers of them, for display only; None: nothing.
        white_is_low: True when low values are shown white. This replaces what MONOCHROME1 says, it does not turn it
            once more: the presentation LUT is all there is (PS3.3 C.11.6, PS3.4 N.2.1).
    """

    windows: tuple[Window, ...] = ()
    white_is_low: bool = False
    graphics: tuple[Graphic, ...] = field(default=(), repr=False)
    shutter: Shutter | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Document:
    """The content of one object.

    Attributes:
        key: `Series.key` of the object; `series_key` the series it speaks about, "" when none is open.
        kind: as `Series.object_kind`.
        items: the tree of a report, or what else there is to read.
        instances: SOPInstanceUIDs of the images it points at, in order.
        pdf: the bytes of an encapsulated PDF, b"" otherwise.
        presentation: how a presentation state wants the series shown.
        claims, drawings: the findings and measurements of a report, on the series it speaks about.
    """

    key: str
    kind: str
    title: str
    series_key: str = ""
    items: tuple[Item, ...] = ()
    instances: tuple[str, ...] = ()
    pdf: bytes = field(default=b"", repr=False)
    presentation: Presentation | None = None
    claims: tuple[Claim, ...] = ()
    drawings: tuple[Measurement, ...] = ()
    notes: tuple[Warned, ...] = ()

    def walk(self) -> Iterator[Item]:
        """Yield every line of the tree in order."""
        for item in self.items:
            yield from item.walk()
