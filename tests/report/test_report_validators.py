"""Programs of others check every DICOM object of a report from CT, MR and projection sources.

Whatever exporter for PACS is registered is checked too. What the source image itself has is not held against the
object, nor are private codes (announced in the object) and the DeviceUID of contributing equipment, which IHE AI
Results asks for and dciodvfy does not know.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pydicom
import pytest
from validator_cases import (
    PHANTOMS,
    SHARED,
    beyond,
    judged_case,
    of_the_source,
    pixelmed,
    remarks,
    system_tool,
    written,
)

from medassist.report.export import EXPORTERS, Readers

SIDE_UNKNOWN = "</Laterality(0020,0060)> - is only permitted to be empty when actually unknown"

FALSE_IN_OTHER_GROUPS = "Template 1411 VolumetricROIMeasurements"
"""PixelMed 2022 holds groups of TID 1410 and 1501 against TID 1411 first and misses its segment there."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Return a function that writes the report of a source once: the folder of the images, and the objects by name."""
    made: dict[str, tuple[Path, dict[str, Path]]] = {}

    def report(name: str, folder: Path | None = None) -> tuple[Path, dict[str, Path]]:
        if name not in made:
            home = tmp_path_factory.mktemp("report")
            if folder is None:
                PHANTOMS[name](home / "in")
            case = judged_case(folder or home / "in")
            made[name] = case.series.frames[0].path, written(case, home / "out")
        return made[name]

    return report


def accepted(source: Path, objects: dict[str, Path]) -> None:
    of_source = of_the_source(remarks(source))
    told = {name: beyond(remarks(path), of_source) for name, path in objects.items()}
    if not pydicom.dcmread(source, stop_before_pixels=True).get("BodyPartExamined"):
        # nobody knows whether an unnamed part has a side: empty is what type 2C wants then
        told = {name: [line for line in lines if SIDE_UNKNOWN not in line] for name, lines in told.items()}
    assert {name: lines for name, lines in told.items() if lines} == {}


@pytest.mark.parametrize("name", PHANTOMS)
def test_dciodvfy_has_nothing_to_say(reports, name):
    source, objects = reports(name)
    kinds = [one for one in EXPORTERS.values() if one.readers is Readers.PACS and one.availability.ok]
    films = 1 if name.startswith(("dx", "cr")) else 0  # films have no mask here, everything else writes a file
    assert len(objects) >= len(kinds) - films
    accepted(source, objects)


@pytest.mark.parametrize("name", SHARED)
def test_dciodvfy_has_nothing_to_say_that_the_source_has_not(reports, shared_data, name):
    accepted(*reports(name, shared_data(SHARED[name])))


@pytest.mark.parametrize("name", PHANTOMS)
def test_dcmtk_reads_every_object(reports, name):
    _, objects = reports(name)
    for path in objects.values():
        dump = subprocess.run([system_tool("dcmdump"), "-q", path], capture_output=True, text=True, timeout=60)
        assert (dump.returncode, dump.stderr) == (0, ""), path.name
    report = subprocess.run(
        [system_tool("dsrdump"), "-q", objects["sr.dcm"]], capture_output=True, text=True, timeout=60
    )
    assert (report.returncode, report.stderr) == (0, "")
    assert "结节，请随访" in report.stdout
    assert "Doe^Jane" in report.stdout


def test_pixelmed_accepts_the_report(reports):
    _, objects = reports("ct")
    assert [line for line in pixelmed(objects["sr.dcm"]) if FALSE_IN_OTHER_GROUPS not in line] == []


@pytest.mark.parametrize("name", ["ct", "mr", "dx"])
def test_every_object_says_who_made_it_as_ihe_air_demands(reports, name):
    """6.5.3.1: equipment with DeviceUID in each object, and the same words wherever the report names the algorithm."""
    _, objects = reports(name)
    report = pydicom.dcmread(objects["sr.dcm"])
    for path in objects.values():
        items = pydicom.dcmread(path).ContributingEquipmentSequence
        (own,) = [one for one in items if one.get("DeviceUID")]
        assert own.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
        told = [own.Manufacturer, own.ManufacturerModelName, own.SoftwareVersions, own.DeviceUID]
        assert told == ["MedAssist", "demo_model", "1.2.0", values(report, "121012")[0]]
    assert set(values(report, "121014")) == set(values(report, "122405")) == {"MedAssist"} == {report.Manufacturer}
    assert set(values(report, "121015")) == set(values(report, "111001")) == {report.ManufacturerModelName}
    assert set(values(report, "111003")) == {report.SoftwareVersions}
    if "seg.dcm" in objects:
        algorithm = (
            pydicom.dcmread(objects["seg.dcm"]).SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
        )
        named = [algorithm.AlgorithmSource, algorithm.AlgorithmName, algorithm.AlgorithmVersion]
        assert named == [report.Manufacturer, report.ManufacturerModelName, report.SoftwareVersions]


def values(ds: pydicom.Dataset, code: str) -> list[str]:
    """Return the texts and UIDs of a concept, wherever it stands in the tree."""
    found = []
    for item in ds.get("ContentSequence", []):
        if item.ConceptNameCodeSequence[0].CodeValue == code:
            found.append(str(item.get("TextValue") or item.get("UID") or ""))
        found += values(item, code)
    return found
