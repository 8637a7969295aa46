"""Programs of others that read and check DICOM objects, and whole reports for them to read."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import phantoms
import pytest
from drawing_cases import drawings
from report_cases import make_case, tool

from medassist.entities.finding import Judgement
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import EXPORTERS, Readers, export

PHANTOMS: dict[str, Callable[[Path], object]] = {
    "ct": phantoms.write_ct_series,
    "ct oblique": lambda folder: phantoms.write_ct_series(
        folder, columns=61, orientation=(0.8, 0.6, 0.0, -0.36, 0.48, -0.8), spacing=(0.7, 0.9, 2.5)
    ),
    "mr": phantoms.write_mr_series,
    "mr with times": lambda folder: phantoms.write_mr_series(folder, orientation=phantoms.SAGITTAL, times=2),
    "dx": phantoms.write_film,
    "cr without a scale": lambda folder: phantoms.write_film(folder, modality="CR", spacing=None, imager_spacing=None),
}
SHARED = {
    "head ct": "dicom/ct_ge_head/In",
    "enhanced mr": "dicom/enh_philips_fieldmap/In",
    "hippocampus": "hippocampus/dicom_crops/11_HCropVolume",
}

_PRIVATE = re.compile(r"CodingSchemeDesignator\(0008,0102\)\[1\]> - Unrecognized defined term = <99MEDASSIST>")
_DEVICE = re.compile(
    r"ContributingEquipmentSequence\(0018,a001\)\[\d+\]/DeviceUID\(0018,1002\)> - Attribute is not pres"
)
_PLACE = re.compile(r"\[\d+\]")


def judged_case(folder: Path) -> Case:
    """Return a case with every kind of thing in it: masks, maps, scores, drawings, a finding of a reader, verdicts."""
    case = make_case(folder)
    index = min(2, case.volume.geometry.shape_zyx[0] - 1)
    drawn = drawings(case.volume, index)
    said = {"judgement": Judgement.ACCEPTED, "judged_by": "Jane Doe", "judged_at": "2026-11-20T09:00:00+08:00"}
    findings = [replace(one, comment="结节，请随访", **said) for one in case.findings]  # type: ignore[arg-type]
    own = replace(findings[0], tracking_uid="1.2.3.4", label="Nodule", model=None, segment_value=None,
                  by="Jane Doe", made_at="2026-11-20T09:10:00", code=None, volume_ml=None, measurements={},
                  measurement_uid=drawn[4].uid, diameters=None, probability=None)  # fmt: skip
    return replace(case, findings=(*findings, own), measurements=drawn, reader="Jane Doe")


def written(case: Case, folder: Path) -> dict[str, Path]:
    """Write every format of DICOM objects that can be written here; whatever is registered later comes too."""
    names = [name for name, one in EXPORTERS.items() if one.readers is Readers.PACS and one.availability.ok]
    return {path.name: path for path in export(case, folder, names, progress=Progress()) if path.suffix == ".dcm"}


def remarks(path: Path) -> list[str]:
    """Return errors and warnings of `dciodvfy -new`, without private codes and the DeviceUID that IHE AIR asks for."""
    done = subprocess.run([tool("dciodvfy"), "-new", path], capture_output=True, text=True, timeout=120)
    said = (done.stdout + done.stderr).splitlines()
    assert said, "dciodvfy said nothing at all"
    told = [line for line in said if line.startswith(("Error", "Warning", "Abort"))]
    return [line for line in told if not _PRIVATE.search(line) and not _DEVICE.search(line)]


def of_the_source(lines: list[str]) -> set[str]:
    """Return what is wrong with the image itself, whichever item it is in."""
    return {_PLACE.sub("", line) for line in lines}


def beyond(lines: list[str], source: set[str]) -> list[str]:
    """Return the remarks on an object that its source does not have."""
    return [line for line in lines if _PLACE.sub("", line) not in source]


def system_tool(name: str) -> str:
    """Return a program of dcmtk, not one of the same name in the virtual environment; skip where it is absent."""
    found = Path("/usr/bin") / name
    if not found.exists():
        pytest.skip(f"{name} is not installed (package dcmtk)")
    return str(found)


def pixelmed(path: Path) -> list[str]:
    """Return the errors of PixelMed's validator of structured reports; skip where it is not installed."""
    jars = [Path("/usr/share/java") / f"{name}.jar" for name in ("pixelmed", "slf4j-api", "slf4j-nop", "commons-codec")]
    if shutil.which("java") is None or not jars[0].exists():
        pytest.skip("PixelMed is not installed (packages libpixelmed-java and a Java runtime)")
    limits = [f"-Djdk.xml.xpath{name}Limit=0" for name in ("TotalOp", "ExprOp", "ExprGrp")]
    classes = ":".join(map(str, jars))
    command = ["java", *limits, "-Xss64m", "-Xmx2g", "-cp", classes, "com.pixelmed.validate.DicomSRValidator", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    said = (done.stdout + done.stderr).splitlines()
    assert any("Root Template TID_1500" in line for line in said), said
    return [line for line in said if line.startswith("Error")]
