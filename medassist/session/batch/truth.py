"""Where the truth lies on one image: its boxes or its mask, never those of another image or another patient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput, UsageError
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.session.batch.references import BoxOf, References, names_of

if TYPE_CHECKING:
    from medassist.inference.ports import Label

ANY = "any"
OVERHANG = 0.02
"""A box may leave its image by this share of the side: rounding; more means pixels of another size."""


def region_of(
    references: References,
    series: Series,
    volume: Volume,
    label: Label,
    wanted: str,
    *,
    segmenter: bool,
    patient: str = "",
) -> NDArray[np.bool_] | None:
    """Return where the truth of `label` lies on the grid of the series, None where nobody knows.

    Args:
        references: what is known.
        series: as it was found; its files give the name.
        volume: its pixels.
        label: the target.
        wanted: finding of a table or number in a mask that counts, "any" for all; "" for that of the target.
        segmenter: whether the number of the target in a mask is known.
        patient: ID of the patient the series is of, "" where nobody knows.

    A mask on another grid of the same space is brought over, nearest voxel. UnreadableInput when it cannot be, and
    when it may belong to another image or to another patient.
    """
    boxes = next((references.boxes[one] for one in _keys(references.boxes, references, series)), ())
    if boxes:
        return _boxed([one for one in boxes if _counts(one.finding, wanted or label.label)], volume, references.source)
    own = {frame.path.resolve() for frame in series.frames}
    others = {name: path for name, path in references.masks.items() if path.resolve() not in own}
    mask = next((others[one] for one in _keys(others, references, series)), None)  # an image is no mask of itself
    found = mask or _drawn_on(series, patient, references)
    if found is None:
        return None
    values = _labels(found, volume)
    region = values > 0 if wanted == ANY or not (wanted or segmenter) else values == _number(wanted, label)
    return region if region.any() else None


def _keys(known: Mapping[str, object], references: References, series: Series) -> list[str]:
    """Return under which names something is known of a series (UnreadableInput when that may mean another one)."""
    names = names_of(series)
    exact = [one for one in names if one in known and one not in references.shared]
    alike = [] if exact else [one for one in known if PurePosixPath(one).name in names]
    if len(alike) > 1 or any(PurePosixPath(one).name in references.shared for one in alike):
        raise UnreadableInput(
            "Several images are called {name}, so nobody knows whose the reference of that name is.",
            remedy="Give every image a name of its own, or name its folder in the table of boxes.",
            name=PurePosixPath(alike[0]).name,
        )
    return exact or alike


def _drawn_on(series: Series, patient: str, references: References) -> Path | None:
    """Return the file of the segmentation of a series (UnreadableInput for several, or one of another patient)."""
    alike = {
        who: found for (uid, who), found in references.objects.items() if series.series_uid and uid == series.series_uid
    }
    found = [one for who, objects in alike.items() if who == patient or not (who and patient) for one in objects]
    paths = {frame.path for one in found for frame in one.frames}
    if alike and not found:
        raise UnreadableInput("The segmentation of this series names another patient ID.")
    if len(paths) > 1:
        raise UnreadableInput("There are several segmentations of this series, so nobody knows which of them counts.")
    return next(iter(paths), None)


def _counts(finding: str, wanted: str) -> bool:
    return wanted == ANY or not finding or finding.lower() == wanted.lower()


def _number(wanted: str, label: Label) -> int:
    if not wanted:
        return label.value
    if not wanted.isdecimal():
        raise UsageError("The segment {name} of a mask must be a number, or any.", name=wanted)
    return int(wanted)


def _boxed(boxes: list[BoxOf], volume: Volume, source: Path) -> NDArray[np.bool_] | None:
    """Return the pixels whose centres lie in a box, None without one (UnreadableInput for one that leaves it)."""
    depth, height, width = volume.geometry.shape_zyx
    if not boxes:
        return None
    if depth != 1:
        raise UnreadableInput("{path} holds boxes of films, and this is a volume.", path=source)
    region = np.zeros((depth, height, width), dtype=np.bool_)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    for one in boxes:
        down = (rows > one.y) & (rows < one.y + one.height)
        right = (columns > one.x) & (columns < one.x + one.width)
        beyond = max(
            -one.x / width, -one.y / height, (one.x + one.width) / width - 1, (one.y + one.height) / height - 1
        )
        if beyond > OVERHANG or not (down.any() and right.any()):
            raise UnreadableInput(
                "A box of {path} leaves its image, which has {columns} x {rows} pixels.",
                remedy="Give the boxes in pixels of the images that are explained.",
                path=source,
                columns=width,
                rows=height,
            )
        region[0] |= down[:, None] & right[None]
    return region


def _labels(path: Path, volume: Volume) -> NDArray[np.int32]:
    """Return a label map on the grid of the series, by the road masks for training take."""
    from medassist.training.layouts.files import FILES
    from medassist.training.table import Row, Table

    table = Table(path.parent, FILES.name, ())
    return FILES.mask(table, Row(path.name, "", None, {"mask": path.name}), volume)
