"""Whether two studies are of one patient, as far as their headers tell."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import combinations

from medassist.entities.study import Patient, Study


class Sameness(Enum):
    """What headers tell of two patients."""

    SAME = "same"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


def sameness(one: Study, other: Study) -> Sameness:
    """Compare the patients of two studies; whatever both name has to agree, and an ID or a name has to be there."""
    if one is other:
        return Sameness.SAME
    mine, theirs = _told(one.patient), _told(other.patient)
    pairs = [(here, there) for here, there in zip(mine, theirs, strict=True) if here and there]
    if any(here != there for here, there in pairs):
        return Sameness.DIFFERENT
    named = any(here and there for here, there in zip(mine[:2], theirs[:2], strict=True))
    return Sameness.SAME if named else Sameness.UNKNOWN


def least_same(studies: Iterable[Study]) -> Sameness:
    """Return the worst that can be said of any two of these studies."""
    order = list(Sameness)
    found = (sameness(one, other) for one, other in combinations(tuple(studies), 2))
    return max(found, key=order.index, default=Sameness.SAME)


def _told(patient: Patient) -> tuple[str, str, str]:
    """Return ID, name and date of birth without what only differs in writing."""
    name = " ".join(patient.name.replace("^", " ").replace("=", " ").split()).casefold()
    return patient.patient_id.strip(), name, patient.birth_date.strip()
