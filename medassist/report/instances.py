"""Objects one by one: in words, and as a table for other programs (instances.csv)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.instances import MM2_PER_UM2, Instances

FILE_NAME = "instances.csv"
COLUMNS = ("id", "area_px", "area_um2", "row", "column", "row_min", "column_min", "row_max", "column_max")


def objects_text(measures: Mapping[str, float], tr: Callable[..., str]) -> str:
    """Say how many objects there are and how large, in the language of `tr`: µm² where the size of a pixel is known."""
    count = int(measures["count"])
    if "median_area_um2" in measures:
        area = f"{measures['median_area_um2']:.3g}"
        return tr("{count} objects, median area {area} µm²", count=count, area=area)
    if "median_area_px" in measures:
        return tr("{count} objects, median area {area} pixels", count=count, area=f"{measures['median_area_px']:g}")
    return tr("no object")


def write_table(instances: Instances, path: Path) -> Path:
    """Write one line per object: number as in the mask, area, centre and box in pixels, counted from 0.

    `row_max` and `column_max` are still inside. `area_um2` is empty where the size of the pixels is not known.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        lines.writerows(_lines(instances))
    return path


def _lines(instances: Instances) -> Iterator[tuple[object, ...]]:
    from scipy import ndimage

    boxes = ndimage.find_objects(instances.labels_zyx)
    area = instances.pixel_area_mm2
    for number, (size, center, (_, rows, columns)) in enumerate(
        zip(instances.sizes.tolist(), centers(instances).tolist(), boxes, strict=True), start=1
    ):
        microns = "" if area is None else f"{size * area / MM2_PER_UM2:.6g}"
        row, column = (f"{one:.2f}" for one in center)
        box = (rows.start, columns.start, rows.stop - 1, columns.stop - 1)
        yield (number, size, microns, row, column, *box)


def centers(instances: Instances) -> NDArray[np.float64]:
    """Return the mean (row, column) of the pixels of each object, (count, 2), in one pass."""
    at = np.nonzero(instances.labels_zyx)
    numbers = instances.labels_zyx[at]
    sums = [np.bincount(numbers, weights=index, minlength=instances.count + 1)[1:] for index in at[1:]]
    means: NDArray[np.float64] = np.stack(sums, axis=1) / instances.sizes[:, None]
    return means
