"""Whose studies are open: those of one patient together, those of different patients apart."""

from __future__ import annotations

from medassist.entities.study import Study
from medassist.session.state import Session

Studies = tuple[Study, ...]


def patients_of(session: Session) -> tuple[Studies, ...]:
    """Return the open studies by patient, in the order of opening; of each patient the newest study first.

    Two studies are of one patient only where ID, name and birth date are the same and there is an ID: what is not
    known to belong together stands apart.
    """
    found: dict[tuple[str, ...], list[Study]] = {}
    for number, scan in enumerate(session.scans):
        for study in scan.studies:
            patient = study.patient
            known = (patient.patient_id.strip(), patient.name.strip(), patient.birth_date)
            alone = (*known, str(number), study.study_uid)
            found.setdefault(known if known[0] else alone, []).append(study)
    return tuple(tuple(sorted(studies, key=_age)) for studies in found.values())


def _age(study: Study) -> tuple[int, ...]:
    """Return what sorts the newest study first, those without a date last."""
    digits = "".join(one for one in study.date if one.isdigit())[:8]
    return (-int(digits.ljust(8, "0")),) if digits else (1,)
