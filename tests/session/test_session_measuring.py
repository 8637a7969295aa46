"""Which maps are measured unasked, and what a map can be held against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.entities.volume import Volume, Window
from medassist.inference.catalogue import find
from medassist.progress import Progress
from medassist.session import actions
from medassist.session.measuring import measure, next_to_measure
from medassist.session.references import place_heatmap, references, without_reference
from medassist.session.stamps import AddStamp
from medassist.session.state import Session

PACKAGE = find("chest_xray_findings")
GRID = Geometry(np.diag([1.0, 1.0, 2.0, 1.0]), (2, 4, 4))
HOLDS = Stamp(Standing.HOLDS, {"repeatability": 0.9})


def heatmap(target: str = "A", *, passes: float = 2.0, model: ModelRef = PACKAGE.ref, **fields: object) -> Heatmap:
    values = np.zeros(GRID.shape_zyx, np.float32)
    values[0, 0, 0], values[1, 3, 3] = 3.0, 1.0
    made = Heatmap("Grad-CAM", target, model, "one", values, GRID, values.copy(), GRID, passes=passes)
    return replace(made, **fields)


def mask(*where: tuple[int, int, int], label: str = "Nodule") -> Mask:
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    for one in where:
        labels[one] = 1
    return Mask(labels, GRID, (Segment(1, label),))


def prediction(model: ModelRef = PACKAGE.ref) -> Prediction:
    return Prediction(model, "one", "", "cpu")


@pytest.fixture
def session() -> Session:
    series = Series("one", SeriesKind.VOLUME, (), modality="DX", shape_zyx=GRID.shape_zyx)
    volume = Volume(series, np.zeros((1, *GRID.shape_zyx), np.int16), GRID, windows=(Window(0.0, 1.0),))
    opened = actions.AddScan(Scan(Path("a"), (Study("1", series=(series,)),)))(Session())
    return actions.AddPrediction(prediction(), ())(actions.ShowVolume(volume)(opened))


def with_maps(session: Session, *maps: Heatmap) -> Session:
    for one in maps:
        session = actions.AddHeatmap(one)(session)
    return session


def test_the_newest_cheap_map_comes_first(session: Session) -> None:
    old, new, dear = heatmap("A"), heatmap("B"), heatmap("C", passes=500.0)
    session = with_maps(session, old, new, dear)
    assert next_to_measure(session, ()) is new
    assert next_to_measure(session, (new,)) is old
    assert next_to_measure(session, (new, old)) is None, "a dear map is measured only when somebody asks"
    measured = AddStamp(new, HOLDS)(session)
    assert next_to_measure(measured, ()) is old


@pytest.mark.parametrize(
    "fields",
    [{"kind": MapKind.UNCERTAINTY}, {"model": replace(PACKAGE.ref, sha256="0" * 64)}, {"series_key": "two"}],
)
def test_what_cannot_be_measured_is_left_alone(session: Session, fields: dict[str, object]) -> None:
    assert next_to_measure(with_maps(session, heatmap(**fields)), ()) is None


def test_a_model_that_was_replaced_measures_nothing(session: Session) -> None:
    assert session.volume is not None
    other = prediction(replace(PACKAGE.ref, sha256="0" * 64))
    with pytest.raises(Refused, match="was replaced"):
        measure(session.volume, other, heatmap(), progress=Progress())


def test_masks_of_files_and_regions_of_readers_are_references_but_not_those_of_models(session: Session) -> None:
    of_model = replace(prediction(), mask=mask((0, 0, 0), label="by the model"))
    elsewhere = replace(mask((0, 0, 0), label="elsewhere"), geometry=replace(GRID, affine_lps=np.eye(4)))
    overlays = (
        Overlay("s", "one", "segmentation", "Reader 1", masks=(mask((0, 0, 0)), elsewhere)),
        Overlay("s", "two", "segmentation", "of another series", masks=(mask((0, 0, 0)),)),
    )
    session = replace(actions.AddPrediction(of_model, ())(session), overlays=overlays)
    assert [one.title for one in references(session)] == ["Reader 1: Nodule"]


def test_a_map_is_held_against_a_reference_beside_chance(session: Session) -> None:
    one = heatmap(stamp=HOLDS)
    session = with_maps(session, one)
    overlay = Overlay("s", "one", "segmentation", "Reader 1", masks=(mask((0, 0, 0), (0, 0, 1)),))
    (reference,) = references(replace(session, overlays=(overlay,)))
    placed = place_heatmap(one, HOLDS, reference, progress=Progress())(session).heatmap
    assert placed is not None
    assert placed.stamp is not None
    assert placed.stamp.numbers == {
        "repeatability": 0.9, "energy_in_mask": pytest.approx(0.75), "pointing_hit": 1.0,
        "mask_share": pytest.approx(2 / 32),
    }  # fmt: skip
    assert placed.stamp.reference == "Reader 1: Nodule"
    assert placed.stamp.standing is Standing.HOLDS
    assert without_reference(placed.stamp) == HOLDS
