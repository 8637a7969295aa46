"""The table of stamps: one row for each map, with every number that was measured of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from medassist.entities.heatmap import MapKind
from medassist.report.case import Case
from medassist.report.map_record import COLUMNS, MapRecord, record_of, row_of, stem

FILE_NAME = "stamps.csv"


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write stamps.csv with the attribution maps of a case; nothing where there is none."""
    rows = [
        record_of(one, case.volume, name=stem(index))
        for index, one in enumerate(case.heatmaps)
        if one.kind is MapKind.ATTRIBUTION
    ]
    return (write_table(rows, folder / FILE_NAME),) if rows else ()


def write_table(records: Iterable[MapRecord], path: Path) -> Path:
    """Write the records as a table; UTF-8 with the mark by which spreadsheets know it."""
    with path.open("w", newline="", encoding="utf-8-sig", errors="replace") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row_of(one) for one in records)
    return path
