"""Whose a picture is, and parts for cross-validation that never separate one person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medassist.training.audit.looking import Look
from medassist.training.table import Table

Parts = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

FOLDS, ROUNDS = 5, 3
MANY_ROWS = 2000
"""Above this folds are drawn once: how they fall hardly matters any more."""


def people_of(table: Table, looks: Sequence[Look]) -> NDArray[np.intp]:
    """Number the people of all rows; rows of one subject are one person, and so are rows of equal pixels."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    subjects = np.unique([row.subject for row in table.rows], return_inverse=True)[1]
    pictures = np.unique([look.digest.hex() for look in looks], return_inverse=True)[1] + subjects.max() + 1
    count = int(pictures.max()) + 1
    links = coo_matrix((np.ones(len(subjects)), (subjects, pictures)), shape=(count, count))
    numbers: NDArray[np.intp] = connected_components(links, directed=False)[1][subjects].astype(np.intp)
    return numbers


def groups_of(table: Table, people: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return what cross-validation must keep together: people, or folds where nobody knows whose a row is."""
    if len(set(people.tolist())) == len(people) and table.has_folds:
        folds = np.array([row.fold for row in table.rows], np.intp)
        return folds if len(set(folds.tolist())) > 2 else people
    return people


def count_people(truth: NDArray[np.bool_], people: NDArray[np.intp]) -> tuple[int, int]:
    """Return how many people have a positive row and how many a negative one."""
    return len(np.unique(people[truth])), len(np.unique(people[~truth]))


def parts_of(truth: NDArray[np.bool_], groups: NDArray[np.intp]) -> Parts:
    """Return (learning rows, tested rows) of each fold of all drawings; [] where two folds cannot be made.

    Labels are spread evenly over the folds, and no group is on both sides.
    """
    rounds = ROUNDS if len(truth) <= MANY_ROWS else 1
    return [part for seed in range(rounds) for part in _parts(truth, groups, seed)]


def _parts(truth: NDArray[np.bool_], groups: NDArray[np.intp], seed: int) -> Parts:
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(FOLDS, *count_people(truth, groups))
    if count < 2:
        return []
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    made = list(folds.split(np.zeros((len(truth), 1)), truth, groups))
    return [(learn, test) for learn, test in made if 0 < truth[learn].sum() < len(learn) and len(test)]
