"""Which kind of object a storage class is: the one place where SOP classes are told apart."""

from __future__ import annotations

from enum import Enum

_STORAGE = "1.2.840.10008.5.1.4.1.1."


class ObjectKind(Enum):
    """What an object without a picture of its own is, in English; `OBJECT` is everything unknown."""

    SEGMENTATION = "segmentation"
    CONTOURS = "contours"
    PARAMETRIC_MAP = "parametric map"
    REPORT = "structured report"
    KEY_OBJECTS = "key objects"
    PRESENTATION = "presentation state"
    PDF = "PDF document"
    SURFACE = "surface segmentation"
    DOSE = "radiotherapy dose"
    PLAN = "radiotherapy plan"
    TREATMENT = "radiotherapy treatment record"
    REGISTRATION = "spatial registration"
    FIDUCIALS = "spatial fiducials"
    VALUE_MAPPING = "real world value mapping"
    WAVEFORM = "waveform"
    DOCUMENT = "encapsulated document"
    RAW_DATA = "raw data"
    OBJECT = "DICOM object"


# Numbers below the storage root of PS3.6; the longest that fits is taken.
_NUMBERS = {
    "66.4": ObjectKind.SEGMENTATION,
    "66.7": ObjectKind.SEGMENTATION,
    "66.5": ObjectKind.SURFACE,
    "66.1": ObjectKind.REGISTRATION,
    "66.3": ObjectKind.REGISTRATION,
    "66.2": ObjectKind.FIDUCIALS,
    "66": ObjectKind.RAW_DATA,
    "67": ObjectKind.VALUE_MAPPING,
    "30": ObjectKind.PARAMETRIC_MAP,
    "481.2": ObjectKind.DOSE,
    "481.3": ObjectKind.CONTOURS,
    "481.4": ObjectKind.TREATMENT,
    "481.5": ObjectKind.PLAN,
    "481.6": ObjectKind.TREATMENT,
    "481.7": ObjectKind.TREATMENT,
    "481.8": ObjectKind.PLAN,
    "481.9": ObjectKind.TREATMENT,
    "88.59": ObjectKind.KEY_OBJECTS,
    "88": ObjectKind.REPORT,
    "11": ObjectKind.PRESENTATION,
    "104.1": ObjectKind.PDF,
    "104": ObjectKind.DOCUMENT,
    "9": ObjectKind.WAVEFORM,
}

OVERLAID = (ObjectKind.SEGMENTATION, ObjectKind.CONTOURS, ObjectKind.PARAMETRIC_MAP, ObjectKind.DOSE)
"""What can be laid over pictures."""

READ = (
    *OVERLAID,
    ObjectKind.REPORT,
    ObjectKind.KEY_OBJECTS,
    ObjectKind.PRESENTATION,
    ObjectKind.PDF,
)
"""What `imaging.objects.read` opens; the others are listed."""


def kind_of(sop_class_uid: str) -> ObjectKind:
    """Return the kind of object that a SOP class stores."""
    if not sop_class_uid.startswith(_STORAGE):
        return ObjectKind.OBJECT
    number = sop_class_uid.removeprefix(_STORAGE)
    while number:
        if number in _NUMBERS:
            return _NUMBERS[number]
        number = number.rpartition(".")[0]
    return ObjectKind.OBJECT
