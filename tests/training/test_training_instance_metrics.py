from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medassist.training.instance_metrics import instance_metrics


def test_by_hand() -> None:
    """Two true objects of four pixels; one found as it is with a pixel more, one missed; one found of nothing."""
    truth = np.array([[1, 1, 0, 2, 2, 0], [1, 1, 0, 2, 2, 0], [0, 0, 0, 0, 0, 0]], np.int32)
    found = np.array([[7, 7, 7, 0, 0, 0], [7, 7, 0, 0, 0, 0], [0, 0, 0, 0, 9, 9]], np.int32)
    figures = instance_metrics(found, truth)
    assert figures["f1_iou50"] == 0.5
    assert figures["pq"] == pytest.approx(0.8 * 0.5)
    assert figures["aji"] == pytest.approx(4 / (5 + 4 + 2))
    assert figures["count_error"] == figures["count_bias"] == 0.0


def test_one_object_over_two_counts_for_neither() -> None:
    """Half of the found object is each true one: a ratio of exactly 0.5 is no match."""
    truth = np.array([[1, 1, 2, 2]], np.int32)
    figures = instance_metrics(np.ones((1, 4), np.int32), truth)
    assert figures["pq"] == figures["f1_iou50"] == 0.0
    assert figures["aji"] == pytest.approx((2 + 2) / (4 + 4))
    assert (figures["count_error"], figures["count_bias"]) == (1.0, -1.0)


def test_nothing_found_where_nothing_is_is_right() -> None:
    empty, full = np.zeros((3, 3), np.int32), np.ones((3, 3), np.int32)
    assert [instance_metrics(empty, empty)[name] for name in ("pq", "aji", "f1_iou50", "count_error")] == [1, 1, 1, 0]
    assert [instance_metrics(empty, full)[name] for name in ("pq", "aji", "f1_iou50", "count_error")] == [0, 0, 0, 1]
    assert [instance_metrics(full, empty)[name] for name in ("pq", "aji", "f1_iou50", "count_error")] == [0, 0, 0, 1]


def test_pieces_and_gaps_in_the_numbers_do_not_matter() -> None:
    truth = np.array([[5, 0, 5, 0, 900]], np.int32)
    assert instance_metrics(truth * 3, truth)["pq"] == 1.0


def test_maps_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        instance_metrics(np.zeros((2, 3), np.int32), np.zeros((3, 2), np.int32))


def slowly(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Count pixel by pixel, object by object, as the papers write it."""
    wanted, have = [truth == i for i in set(truth.flat) - {0}], [found == i for i in set(found.flat) - {0}]
    if not wanted and not have:
        return {"pq": 1.0, "aji": 1.0, "f1_iou50": 1.0, "count_error": 0.0, "count_bias": 0.0}
    ratio = [[(g & p).sum() / (g | p).sum() for p in have] for g in wanted]
    hits = [r for row in ratio for r in row if r > 0.5]
    misses, alarms = len(wanted) - len(hits), len(have) - len(hits)
    shared, either, used = 0, 0, set()
    for g, row in zip(wanted, ratio, strict=True):
        best = max(range(len(have)), key=lambda j: row[j], default=None)
        if best is None or row[best] == 0:
            either += g.sum()
            continue
        shared, either = shared + (g & have[best]).sum(), either + (g | have[best]).sum()
        used.add(best)
    either += sum(p.sum() for j, p in enumerate(have) if j not in used)
    return {
        "pq": sum(hits) / (len(hits) + misses / 2 + alarms / 2),
        "aji": shared / either,
        "f1_iou50": len(hits) / (len(hits) + misses / 2 + alarms / 2),
        "count_error": abs(len(have) - len(wanted)),
        "count_bias": len(have) - len(wanted),
    }


maps = arrays(np.int32, (5, 6), elements=st.integers(0, 4))


def _tied(found, truth) -> bool:
    """Tell whether a true object has two equally good found ones: the paper does not say which to take."""
    for i in set(truth.flat) - {0}:
        ratios = sorted(
            (((truth == i) & (found == j)).sum() / ((truth == i) | (found == j)).sum() for j in set(found.flat) - {0}),
            reverse=True,
        )
        if len(ratios) > 1 and ratios[0] > 0 and ratios[0] == pytest.approx(ratios[1]):
            return True
    return False


@settings(deadline=None, max_examples=150)
@given(maps, maps)
def test_equals_the_slow_way(found, truth) -> None:
    mine, theirs = instance_metrics(found, truth), slowly(found, truth)
    if _tied(found, truth):
        mine.pop("aji")
    assert mine == {name: pytest.approx(theirs[name]) for name in mine}


@settings(deadline=None, max_examples=60)
@given(maps, maps)
def test_figures_keep_their_range_and_order(found, truth) -> None:
    figures = instance_metrics(found, truth)
    assert 0.0 <= figures["pq"] <= figures["f1_iou50"] <= 1.0
    assert 0.0 <= figures["aji"] <= 1.0
    again = instance_metrics(np.where(found > 0, 10 - found, 0).astype(np.int32), truth)
    if not _tied(found, truth):
        assert again == pytest.approx(figures)


def test_panoptic_quality_is_that_of_monai() -> None:
    import torch
    from monai.metrics.panoptic_quality import compute_panoptic_quality

    random = np.random.default_rng(3)
    truth = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((6, 6))).astype(np.int32)
    found = np.where(random.random(truth.shape) < 0.3, 0, truth).astype(np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = float(compute_panoptic_quality(torch.from_numpy(found), torch.from_numpy(truth), metric_name="pq"))
    assert instance_metrics(found, truth)["pq"] == pytest.approx(theirs, abs=1e-4)
