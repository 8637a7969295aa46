"""Every map of a case as files other programs read: NIfTI with its passport, and a picture with its legend."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from medassist.entities.heatmap import Heatmap
from medassist.entities.volume import Volume, Window
from medassist.report.case import Case
from medassist.report.identity import RESEARCH_USE
from medassist.report.map_picture import draw
from medassist.report.map_record import as_json, brief, record_of, stem
from medassist.report.pm import is_told
from medassist.report.result_json import finite, versions


def write_pictures(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write map-1.png, map-2.png, … in the order of the case, each at the strongest slice of the map.

    As in DICOM, what explains nothing but rejected findings is left out, and keeps its number.
    """
    paths = []
    for index, heatmap in enumerate(case.heatmaps):
        if not is_told(case, heatmap):
            continue
        path = folder / f"{stem(index)}.png"
        draw(case, heatmap).save(path, "PNG")
        paths.append(path)
    return tuple(paths)


def write_volumes(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write map-1.nii.gz with map-1.json and so on; nothing where the slices form no regular grid.

    What explains nothing but rejected findings is left out, as of the pictures.
    """
    if not case.volume.is_regular:
        return ()
    return tuple(
        path
        for index, heatmap in enumerate(case.heatmaps)
        if is_told(case, heatmap)
        for path in write_volume_of(heatmap, case.volume, folder, stem(index))
    )


def write_volume_of(heatmap: Heatmap, volume: Volume, folder: Path, name: str, case: str = "") -> tuple[Path, Path]:
    """Write one map as float32 NIfTI on the grid of its series, values as computed, and its passport as JSON.

    The same values in another program are signed values of no unit; positive ones speak for the target.
    """
    from medassist.imaging.convert import write_volume

    path, beside = folder / f"{name}.nii.gz", folder / f"{name}.json"
    values = np.asarray(heatmap.values_zyx, dtype=np.float32)[None]
    written = replace(volume, array_tzyx=values, unit="", windows=(Window(0.0, 1.0),), padding=None)
    write_volume(written, path, note=brief(heatmap))
    beside.write_text(passport(heatmap, volume, name, case), encoding="utf-8")
    return path, beside


def passport(heatmap: Heatmap, volume: Volume, name: str, case: str = "") -> str:
    """Return what a map is as JSON: record, grid (LPS, mm), kind of its values, versions and what it is for."""
    grid = heatmap.geometry
    told = as_json(record_of(heatmap, volume, name=name, case=case)) | {
        "kind": heatmap.kind.value,
        "affine_lps": grid.affine_lps.tolist(),
        "shape_zyx": list(grid.shape_zyx),
        "calibrated": grid.calibrated,
        "native_shape_zyx": list(heatmap.native_geometry.shape_zyx),
        "versions": versions(),
        "notice": RESEARCH_USE,
    }
    return json.dumps(finite(told), indent=1, ensure_ascii=False, default=str) + "\n"
