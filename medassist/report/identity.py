"""Who made the objects: product, models and the codes they speak in (IHE AI Results 6.5.3.1, DICOM TID 4019)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import medassist
from medassist.entities.prediction import Code, ModelRef
from medassist.imaging.objects.spoken_codes import PRIVATE_LABEL, SCHEME
from medassist.report.case import Case
from medassist.storage import terminology

if TYPE_CHECKING:
    from highdicom import ContributingEquipment
    from highdicom.sr import CodedConcept

MANUFACTURER = "MedAssist"
RESEARCH_USE = f"{medassist.RESEARCH_USE_NOTICE}. Model output, for review by a qualified reader."

ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
DISEASE = Code("64572001", "SCT", "Disease")
LONGEST_MEANING = 64


def version() -> str:
    """Return the version of the product."""
    return medassist.__version__


def device_uid(model: ModelRef) -> str:
    """Return the DICOM UID of a model as a device: another weight file is another device."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["medassist device", ascii(model.sha256)[1:-1]]))


def code_for(label: str, code: Code | None) -> Code:
    """Return the code of a label: its own, that of the tables of terms, or a private one, the same on every run.

    A label with a side keeps it in the words of a private code: the code of the term alone would lose it.
    """
    if code is not None:
        return code
    named = terminology.read().named(label)
    if named is not None and named.laterality is None:
        return named.term.code
    number = zlib.crc32(label.encode(errors="backslashreplace"))
    return Code(f"{PRIVATE_LABEL}{number:08X}", SCHEME, label[:LONGEST_MEANING])


def category_for(label: str, category: Code | None, otherwise: Code) -> Code:
    """Return of which kind a label is: as told with it, as the tables of terms say, or `otherwise`."""
    named = terminology.read().named(label)
    return category or (named.term.category if named is not None else otherwise)


def site_for(label: str, code: Code | None) -> Code | None:
    """Return the structure in which a finding lies by its name, None where the tables of terms name none for it."""
    named = terminology.read().named(label)
    return named.site if named is not None and code in (None, named.term.code) else None


def concept(code: Code) -> CodedConcept:
    """Return a code as highdicom speaks it; of a meaning DICOM takes the first 64 characters."""
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning[:LONGEST_MEANING])


def contributing_equipment(case: Case) -> list[ContributingEquipment]:
    """Return one processing equipment per model, with the device UID that IHE AI Results asks for."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    items = []
    for model in case.models:
        item = hd.ContributingEquipment(
            manufacturer=MANUFACTURER,
            purpose_of_reference=codes.DCM.ProcessingEquipment,
            manufacturer_model_name=model.name,
            software_versions=model.version,
            contribution_description=f"Weights SHA-256 {model.sha256}",
        )
        item.DeviceUID = device_uid(model)
        items.append(item)
    return items
