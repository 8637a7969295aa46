"""Studies by patient: together only where nothing speaks against it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.entities.study import Patient, Scan, Study
from medassist.session.patients import patients_of
from medassist.session.state import Session

JANE, JOHN = Patient("Doe^Jane", "1", "19700101"), Patient("Doe^John", "2", "19710101")


def opened(*studies: Study) -> Session:
    return Session(scans=tuple(Scan(Path(f"/{n}"), (one,)) for n, one in enumerate(studies)))


def uids(session: Session) -> list[list[str]]:
    return [[study.study_uid for study in studies] for studies in patients_of(session)]


def test_studies_of_one_patient_stand_together_the_newest_first():
    session = opened(Study("a", JANE, "20200101"), Study("b", JOHN), Study("c", JANE, "2024-05-06"), Study("d", JANE))
    assert uids(session) == [["c", "a", "d"], ["b"]]


def test_one_id_with_two_names_or_birth_dates_is_two_patients():
    other_name, other_birth = Patient("Roe^Jane", "1", "19700101"), Patient("Doe^Jane", "1", "19700102")
    assert uids(opened(Study("a", JANE), Study("b", other_name), Study("c", other_birth))) == [["a"], ["b"], ["c"]]


def test_studies_without_an_id_are_never_taken_together():
    nobody = Patient("Doe^Jane")
    assert uids(opened(Study("a", nobody), Study("b", nobody), Study("b", nobody))) == [["a"], ["b"], ["b"]]


@settings(max_examples=30)
@given(st.lists(st.sampled_from([JANE, JOHN, Patient(), Patient("X")]), max_size=6))
def test_no_study_is_lost_and_no_group_mixes_patients(patients):
    session = opened(*(Study(str(n), one) for n, one in enumerate(patients)))
    groups = patients_of(session)
    assert sorted(study.study_uid for group in groups for study in group) == sorted(map(str, range(len(patients))))
    assert all(len({study.patient for study in group}) == 1 for group in groups)
