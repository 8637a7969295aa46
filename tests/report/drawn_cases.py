"""Cases on which a reader drew and decided, for the exporters of what a reader made."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from report_cases import make_case, tool

from medassist.entities.finding import Judgement
from medassist.entities.measurement import Measurement, Point, Quantity, Shape
from medassist.report.case import Case

INDICES = {
    Shape.LENGTH: ((5, 5), (20, 9)),
    Shape.ANGLE: ((5, 5), (20, 9), (9, 30)),
    Shape.COBB: ((5, 5), (20, 9), (9, 30), (12, 22)),
    Shape.BIDIRECTIONAL: ((5, 10), (25, 10), (15, 5), (15, 15)),
    Shape.ELLIPSE: ((5, 10), (25, 10), (15, 5), (15, 15)),
    Shape.RECTANGLE: ((5, 5), (9, 5), (9, 9), (5, 9)),
    Shape.POLYGON: ((5, 5), (19, 5), (9, 9)),
    Shape.FREEHAND: ((5, 5), (9, 5), (11, 9), (6, 12)),
    Shape.ARROW: ((5, 5), (30, 20)),
    Shape.TEXT: ((12, 12),),
}
"""Points of one drawing of each shape as (column, row)."""

_ALLOWED = "DeviceUID(0018,1002)> - Attribute is not present in standard DICOM IOD"


def points(case: Case, at: tuple[tuple[float, float], ...], index: int = 2) -> tuple[Point, ...]:
    """Return places in the patient (LPS mm) of (column, row) indices of a slice."""
    placed = [case.volume.geometry.to_world([column, row, index]).tolist() for column, row in at]
    return tuple((x, y, z) for x, y, z in placed)


def measurement(case: Case, shape: Shape, index: int = 2, **changes: object) -> Measurement:
    """Return a drawing of one shape on a slice."""
    number = list(Shape).index(shape) + 1
    told = {"label": "海马 hilum"} if shape is Shape.TEXT else {}
    figures = (Quantity("length", 12.34, "mm"),) if shape is Shape.LENGTH else ()
    place = points(case, INDICES[shape], index)
    made = Measurement(f"1.2.826.0.1.{number}", case.series.key, shape, place, index, quantities=figures, **told)
    return replace(made, **changes)  # type: ignore[arg-type]


def drawn_case(folder: Path, judgement: Judgement = Judgement.ACCEPTED, index: int = 2) -> Case:
    """Return a case with one drawing of each shape on a slice and every finding judged."""
    case = make_case(folder)
    index = min(index, case.volume.geometry.shape_zyx[0] - 1)
    findings = tuple(replace(one, judgement=judgement, judged_by="Jane Doe") for one in case.findings)
    drawings = tuple(measurement(case, shape, index) for shape in Shape)
    return replace(case, measurements=drawings, findings=findings)


def remarks_of_dciodvfy(path: Path) -> list[str]:
    """Return errors and warnings of `dciodvfy -new` but for the one IHE AI Results asks for."""
    done = subprocess.run([tool("dciodvfy"), "-new", path], capture_output=True, text=True, timeout=60)
    said = (done.stdout + done.stderr).splitlines()
    assert said, "dciodvfy said nothing at all"
    return [line for line in said if line.startswith(("Error", "Warning", "Abort")) and _ALLOWED not in line]
