"""What a reader made comes back from its file exactly as it was, and a file can make nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same_values import same

from medassist.entities.draft import Draft
from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.finding import Finding
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.instances import Instances
from medassist.entities.measurement import Measurement
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import Mask, Prediction, Segment
from medassist.entities.probabilities import Probabilities
from medassist.entities.probe import Area, Probe, Reading
from medassist.entities.region import Region
from medassist.entities.study import Warned, warned
from medassist.session.state import Layers, View
from medassist.storage.arrays import content_sha256
from medassist.storage.codec import Undecodable, decode, encode, hints_of

SHAPE = (2, 3, 4)
TEXTS = ("", "Effusion", "胸腔积液", "a\nb\x00", "\ud800", "1.2.840")
NUMBERS = (0.0, -0.0, 1 / 3, 1e300, math.inf, math.nan, 5e-324)


def grid(random: Random) -> Geometry:
    steps = [[0.7, 0.1, 0, random.uniform(-9, 9)], [0, 0.9, 0, 1 / 3], [0, 0.2, -2.5, 7], [0, 0, 0, 1]]
    return Geometry(np.array(steps), SHAPE, random.choice(TEXTS), random.choice((True, False)))


def values(random: Random, dtype: type = np.float32) -> np.ndarray:
    drawn = np.random.default_rng(random.getrandbits(32)).normal(size=SHAPE) * 100
    return drawn > 0 if dtype is np.bool_ else np.abs(drawn).astype(dtype)


def scores(random: Random) -> np.ndarray:
    return np.array([random.random() for _ in range(random.randint(1, 90))])


MADE: dict[type, Callable[[Random], Any]] = {
    Geometry: grid,
    Mask: lambda random: Mask(values(random, np.uint8), grid(random), make(tuple[Segment, ...], random),
                              instances=make(Instances | None, random)),
    Instances: lambda random: Instances((np.arange(24).reshape(SHAPE) % 5).astype(np.int32), grid(random)),
    Probabilities: lambda random: Probabilities(values(random, np.uint8)[None], grid(random), (random.randint(1, 9),)),
    OperatingCurve: lambda random: OperatingCurve(scores(random), scores(random), random.choice(TEXTS)),
    Area: lambda random: Area.of(np.arange(24).reshape(SHAPE) > random.randint(0, 20), grid(random)),
    ExplainedRegion: lambda random: ExplainedRegion("part", values(random, np.bool_), grid(random)),
    float: lambda random: random.choice(NUMBERS),
    int: lambda random: random.randint(-(2**40), 2**40),
    bool: lambda random: random.choice((True, False)),
    str: lambda random: random.choice(TEXTS),
    object: lambda random: random.choice(("a", 1, 0.5, None, True, (1, "b"), [2.5], {"c": (1,)}, warned("{x}", x=1))),
}  # fmt: skip


def make(hint: Any, random: Random) -> Any:
    """Return some value of an annotation."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in MADE:
        return MADE[hint](random)
    if origin in (Union, types.UnionType):
        one = random.choice(inner)
        return None if one is type(None) else make(one, random)
    if origin is np.ndarray:
        return values(random, get_args(inner[1])[0])
    if origin is tuple:
        kinds = [inner[0]] * random.randint(0, 2) if inner[-1] is Ellipsis else inner
        return tuple(make(one, random) for one in kinds)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {make(inner[0], random): make(inner[1], random) for _ in range(random.randint(0, 2))}
    if issubclass(hint, Enum):
        return random.choice(list(hint))
    hints = hints_of(hint)
    drawn = {one.name: make(hints[one.name], random) for one in dataclasses.fields(hint)}
    same_shape = {"native_zyx": values(random), "values_zyx": values(random)} if hint is Heatmap else {}
    return hint(**drawn | same_shape)


WORK = (
    Finding, Prediction, Heatmap, Probe, Measurement, Region, Mapping[str, Draft], Mapping[tuple[str, str], float],
    View, Layers,
)  # fmt: skip


def through_a_file(value: Any, hint: Any) -> Any:
    arrays: dict[str, np.ndarray] = {}

    def put(array: np.ndarray) -> str:
        arrays[content_sha256(array)] = array.copy()
        return content_sha256(array)

    text = json.dumps(encode(value, hint, put), allow_nan=False)
    notes: list[Warned] = []
    back = decode(json.loads(text), hint, arrays.__getitem__, notes)
    assert not notes
    return back


@pytest.mark.parametrize("hint", WORK, ids=str)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_all_work_comes_back_as_it_was(hint: Any, seed: int) -> None:
    value = (make(hint, Random(seed)),)  # noqa: S311 - no secret
    assert same(value, through_a_file(value, tuple[hint, ...]))


def test_same_tells_what_differs() -> None:
    grid = Geometry(np.eye(4), SHAPE)
    mask = Mask(np.zeros(SHAPE, np.uint8), grid, (Segment(1, "a"),))
    assert not same(mask, Mask(np.ones(SHAPE, np.uint8), grid, (Segment(1, "a"),)))
    assert not same(mask, Mask(np.zeros(SHAPE, np.uint8), grid, (Segment(1, "b"),)))


def test_a_field_of_a_newer_version_is_left_out_and_named() -> None:
    told = encode(Reading("Effusion", 0.9, 0.1), Reading, str) | {"colour": "red"}
    notes: list[Warned] = []
    assert decode(told, Reading, None, notes) == Reading("Effusion", 0.9, 0.1)
    assert notes == [
        warned("The file holds {field} of {noun}, which this version does not know.", field="colour", noun="Reading")
    ]


def test_a_field_that_is_missing_has_its_default() -> None:
    told = encode(Draft("one", include_unreviewed=True), Draft, str)
    del told["template"]
    assert decode(told, Draft, None, []) == Draft("one", include_unreviewed=True)


class Color(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (3, str), ("3", int), (True, int), (True, float), ("x", float), ({"float": "many"}, float), (None, int),
        ([1, 2], tuple[int, int, int]), ("ab", tuple[str, ...]), ({"a": 1}, Mapping[int, int]),
        ([[1]], Mapping[int, int]), (10**400, float), ({"float": []}, float), ({"float": {}}, object),
        ({"map": [[[1], 2]]}, object), ([[[1], 2]], Mapping[Any, int]),
        ("blue", Color), ({"label": "x"}, Reading), ([], Reading), ({"labels_zyx": {}}, Mask),
        ({"shape": [2], "values": [1, 2, 3]}, np.ndarray), ({"shape": [-1], "values": "x"}, Geometry),
        ({"import": "os"}, object), ([1], object),
    ],
)  # fmt: skip
def test_what_is_not_what_it_should_be_is_refused(told: Any, hint: Any) -> None:
    with pytest.raises(Undecodable):
        decode(told, hint, {}.__getitem__, [])


def test_a_grid_that_lies_about_a_mask_is_refused() -> None:
    arrays = {}
    put = lambda one: arrays.setdefault(content_sha256(one), one) is None or content_sha256(one)  # noqa: E731
    mask = Mask(np.ones(SHAPE, np.uint8), Geometry(np.eye(4), SHAPE), (Segment(1, "a"),))
    told = encode(mask, Mask, put)
    told["geometry"]["shape_zyx"] = [2, 3, 5]
    with pytest.raises(Undecodable, match="do not fit the grid"):
        decode(told, Mask, arrays.__getitem__, [])


def test_an_array_of_another_type_is_refused() -> None:
    mask = Mask(np.ones(SHAPE, np.uint8), Geometry(np.eye(4), SHAPE), (Segment(1, "a"),))
    told = encode(mask, Mask, content_sha256)
    with pytest.raises(Undecodable, match="array of float32"):
        decode(told, Mask, lambda _name: np.ones(SHAPE, np.float32), [])


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}])
def test_what_has_no_form_is_an_error_not_a_guess(value: Any) -> None:
    with pytest.raises(TypeError, match="has no form"):
        encode(value, str, str)
