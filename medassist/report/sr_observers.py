"""Who says what in the structured report: the document's observers, and those of single groups and verdicts.

A group stands under the observers of the document (PS3.3 C.17.5: observation context is inherited) unless it says
otherwise. What a reader claims, judges or comments therefore names the person itself, so that nobody takes it for the
answer of the device.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from medassist.entities.prediction import ModelRef
from medassist.report.case import Case
from medassist.report.identity import MANUFACTURER, device_uid

if TYPE_CHECKING:
    from highdicom.sr import ContentItem, ObservationContext, ObserverContext
    from pydicom import Dataset


def observers(case: Case) -> ObservationContext:
    """Return the observers of the document: the reader who signs, and the newest model as a device."""
    import highdicom as hd

    person = observer(case.reader) if case.reader.strip() else None
    device = _device(case.models[0]) if case.models else None
    return hd.sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def observer(name: str) -> ObserverContext:
    """Return a person by the name typed in the settings (TID 1003)."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    attributes = hd.sr.PersonObserverIdentifyingAttributes(name=person_name(name))
    return hd.sr.ObserverContext(codes.DCM.Person, attributes)


def _device(model: ModelRef) -> ObserverContext:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    attributes = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=device_uid(model), manufacturer_name=MANUFACTURER, model_name=model.name
    )
    return hd.sr.ObserverContext(codes.DCM.Device, attributes)


def said_by(name: str) -> list[ContentItem]:
    """Return the items that make a person the observer of one item: the type, and the name when there is one."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    if name.strip():
        return list(observer(name))
    kind = hd.sr.CodedConcept(codes.DCM.Person.value, codes.DCM.Person.scheme_designator, codes.DCM.Person.meaning)
    nameless = hd.sr.CodeContentItem(codes.DCM.ObserverType, kind, hd.sr.RelationshipTypeValues.HAS_OBS_CONTEXT)
    return [nameless]


def attribute(item: Dataset, name: str, at: str) -> None:
    """Make a person the observer of a content item, and say when (ISO time, "" where nobody knows)."""
    import highdicom as hd

    content = hd.sr.ContentSequence(said_by(name))
    content.extend(item.get("ContentSequence") or [])
    item.ContentSequence = content
    if moment(at):
        item.ObservationDateTime = moment(at)


def moment(at: str) -> str:
    """Return an ISO time as DICOM writes it (DT), with its offset from UTC where it has one; "" for what is no time."""
    try:
        told = datetime.fromisoformat(at)
    except ValueError:
        return ""
    return told.strftime("%Y%m%d%H%M%S") + (told.strftime("%z")[:5] if told.tzinfo else "")


def person_name(name: str) -> str:
    """Return a typed name as a DICOM person name: "Jane Doe" has its family name last, "Doe^Jane" is one already."""
    given, _, family = name.strip().rpartition(" ")
    return name.strip() if "^" in name or not given else f"{family}^{given}"
