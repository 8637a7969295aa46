"""Slabs and turned planes are set for grey volumes alone, and kept for each series."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from ui_cases import irregular_series, make_series, make_volume, opened

from medassist.entities.slab import Projection, Slab
from medassist.entities.study import SeriesKind
from medassist.entities.turn import STRAIGHT, matrix
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.reslicing import SetSlab, StraightenPlanes, TurnPlanes, can_be_resliced, is_resliced

SLAB = Slab(Projection.MAXIMUM, 10.0)


def test_what_is_chosen_stays_with_its_series():
    session = SetSlab(SLAB)(TurnPlanes((0, 0, 1), 20.0)(opened(make_volume())))
    assert is_resliced(session)
    other = make_volume(make_series("two"))
    elsewhere = ShowVolume(other)(AddScan(replace(session.scans[0], source="/data/other"))(session))
    assert not is_resliced(elsewhere)
    back = ShowVolume(make_volume())(elsewhere)
    assert back.view.slab == SLAB
    straight = StraightenPlanes()(back)
    assert (straight.view.turn, straight.view.slab) == (STRAIGHT, SLAB)
    assert not is_resliced(SetSlab(None)(straight))


def test_turns_add_up_about_the_axis_and_tell_while_the_hand_moves():
    session = opened(make_volume())
    for _ in range(3):
        session = TurnPlanes((0, 0, 2), 30.0, following=True)(session)
    np.testing.assert_allclose(matrix(session.view.turn) @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    assert session.view.turning
    assert not TurnPlanes((0, 0, 1), 0.0)(session).view.turning


@pytest.mark.parametrize(
    "volume",
    [
        make_volume(irregular_series()),
        make_volume(make_series(kind=SeriesKind.FILM), shape=(1, 40, 30)),
        make_volume(make_series(shape_zyx=(1, 40, 30)), shape=(1, 40, 30)),
    ],
    ids=["irregular", "film", "one slice"],
)
def test_nothing_is_taken_from_several_slices_that_form_no_volume(volume):
    session = opened(volume)
    assert not can_be_resliced(session.volume)
    for action in (SetSlab(SLAB), TurnPlanes((1, 0, 0), 10.0), StraightenPlanes()):
        assert action(session) is session


@pytest.mark.parametrize("thickness", [0.0, -3.0, math.nan, math.inf, 1e6])
def test_a_slab_has_a_thickness(thickness):
    session = opened(make_volume())
    assert SetSlab(Slab(Projection.MEAN, thickness))(session) is session


def test_nothing_turns_without_a_picture():
    from medassist.session.state import Session

    session = Session()
    assert TurnPlanes((1, 0, 0), 10.0)(session) is session
