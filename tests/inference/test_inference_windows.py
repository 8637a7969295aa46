from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.inference import labels as labels_module
from medassist.inference import windows as windows_module
from medassist.inference.bundle import Inferer
from medassist.inference.labels import LabelMap
from medassist.inference.plan import plan_windows
from medassist.inference.prepare import Prepared, restore_labels, voxels_coincide
from medassist.inference.shortage import is_shortage
from medassist.inference.windows import Block, blended, run_network
from medassist.progress import Progress

QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def network(axes: int, classes: int = 4) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = (torch.nn.Conv2d if axes == 2 else torch.nn.Conv3d)(1, classes, 3, padding=1)
    return made.eval().requires_grad_(False)


@st.composite
def windows(draw) -> tuple[tuple[int, ...], dict]:
    axes = draw(st.sampled_from([2, 3]))
    size = tuple(draw(st.lists(st.integers(1, 26), min_size=axes, max_size=axes)))
    overlaps = st.floats(0, 0.85)
    options = {
        "roi_size": draw(st.lists(st.one_of(st.just(-1), st.integers(3, 14)), min_size=axes, max_size=axes)),
        "overlap": draw(st.one_of(overlaps, st.lists(overlaps, min_size=axes, max_size=axes))),
        "mode": draw(st.sampled_from(["gaussian", "constant"])),
        "padding_mode": draw(st.sampled_from(["constant", "replicate"])),
        "sw_batch_size": draw(st.integers(1, 3)),
    }
    if options["padding_mode"] == "constant":
        options["cval"] = draw(st.sampled_from([0.0, -2.5]))
    return size, options


@QUICK
@given(case=windows(), block_bytes=st.sampled_from([1, 3_000, 10**9]))
def test_blocks_add_up_to_what_monai_computes_at_once(case, block_bytes) -> None:
    from monai.inferers import sliding_window_inference

    size, options = case
    assume(len(plan_windows(size, options).windows()) < 400)
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, *size)).astype(np.float32))
    before = windows_module.BLOCK_BYTES
    windows_module.BLOCK_BYTES = block_bytes
    try:
        ours = run_network(network(len(size)), image, Inferer(options), "cpu", progress=Progress())
    finally:
        windows_module.BLOCK_BYTES = before
    theirs = sliding_window_inference(image, predictor=network(len(size)), **options)
    assert torch.equal(ours, theirs)


def test_no_block_is_held_longer_than_windows_reach() -> None:
    plan = plan_windows((62, 40, 30), {"roi_size": [8, 8, 8], "overlap": 0.25})
    sums = windows_module._Sums(plan)
    held, given_back = 0, 0
    for window in plan.windows():
        for block in sums.add(window, torch.zeros(5, 8, 8, 8)):
            given_back += block.logits[0].numel()
        held = max(held, sum(total.numel() for total, _count in sums._cells.values()))
    assert given_back == 62 * 40 * 30
    assert not sums._cells
    # Two voxels of overlap over the whole cross-section, and the two columns of cells that a window touches.
    assert held <= 5 * (2 * 40 * 30 + 8 * 12 * 30)


def test_a_network_that_answers_in_another_size_is_refused() -> None:
    pool = torch.nn.MaxPool3d(2)
    with pytest.raises(Refused, match="answers a window of 8 x 8 x 8 voxels with 1 x 1 x 4 x 4 x 4"):
        run_network(pool, torch.zeros(1, 1, 9, 9, 9), Inferer({"roi_size": 8}), "cpu", progress=Progress())


def test_the_mode_of_torch_is_left_alone_between_two_blocks() -> None:
    plan = plan_windows((8, 8), {"roi_size": [4, 4]})
    for _ in blended(network(2), torch.zeros(1, 1, 8, 8), plan, "cpu", progress=Progress()):
        assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (np._core._exceptions._ArrayMemoryError((1,), np.dtype(float)), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("Exception from src/inference: std::bad_alloc"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_want_of_memory_is_told_from_other_errors(error, short) -> None:
    assert is_shortage(error) == short


def turned(affine: np.ndarray, angle: float) -> np.ndarray:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


@st.composite
def grids(draw) -> tuple[Geometry, Geometry]:
    """Two grids over about the same place: other spacing, other axis order, perhaps turned and beside each other."""
    home = Geometry(np.diag([*draw(st.tuples(*[st.floats(0.6, 2.5)] * 3)), 1.0]), (9, 12, 11), "1.2.3")
    flips = np.diag([*draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3)), 1.0])
    order = np.eye(4)[:, [*draw(st.permutations([0, 1, 2])), 3]]
    shape = draw(st.tuples(*[st.integers(1, 14)] * 3))
    affine = home.affine_lps @ order @ flips
    centre = home.to_world((np.array(home.shape_zyx[::-1]) - 1) / 2)
    scale = np.diag([*draw(st.tuples(*[st.floats(0.5, 2.0)] * 3)), 1.0])
    affine = turned(affine @ scale, draw(st.sampled_from([0.0, 0.0, 0.4])))
    middle = affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    affine[:3, 3] = centre - middle + draw(st.tuples(*[st.floats(-4, 4)] * 3))
    return Geometry(affine, shape, "1.2.3"), home


def cut(logits: torch.Tensor, steps: tuple[int, int], rows: int) -> Iterator[Block]:
    """Cut logits as windows do: row by row, within it column by column, within a column by the first axis again."""
    for x in range(0, logits.shape[1], steps[0]):
        for y in range(0, logits.shape[2], steps[1]):
            column = logits[:, x : x + steps[0], y : y + steps[1]]
            for part in range(0, column.shape[1], rows):
                yield Block((x + part, y, 0), column[:, part : part + rows])


@QUICK
@given(
    pair=grids(),
    steps=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    rows=st.integers(1, 6),
    bytes_=st.sampled_from([1, 10**9]),
    seed=st.integers(0, 99),
)
def test_labels_from_blocks_are_those_of_all_scores_at_once(pair, steps, rows, bytes_, seed) -> None:
    grid, home = pair
    z, y, x = grid.shape_zyx
    logits = torch.from_numpy(np.random.default_rng(seed).normal(scale=4, size=(5, x, y, z)).astype(np.float32))
    prepared = Prepared(torch.zeros(1, 1, x, y, z), grid, home)
    shares = logits.softmax(dim=0).numpy()
    expected = restore_labels(np.stack([prepared.to_zyx(one) for one in shares]), grid, home)
    before = labels_module.BLOCK_BYTES
    labels_module.BLOCK_BYTES = bytes_
    try:
        whole = LabelMap(prepared)
        for block in cut(logits, steps, rows):
            whole.add(block)
    finally:
        labels_module.BLOCK_BYTES = before
    index = grid.to_index(home.to_world(np.argwhere(np.ones(home.shape_zyx))[:, ::-1]))
    edges = np.minimum(abs(index + 0.5), abs(index - np.array(grid.shape_zyx[::-1]) + 0.5)).min(axis=1)
    clear = (edges > 1e-5).reshape(home.shape_zyx)  # a centre just on the border of the grid is on neither side
    assert np.array_equal(whole.finish()[clear], expected[clear])


def test_labels_are_moved_exactly_where_voxels_lie_on_voxels() -> None:
    home = Geometry(np.diag([1.0, 1.0, 2.0, 1.0]), (4, 5, 6), "1.2.3")
    flipped = home.affine_lps @ np.array([[-1, 0, 0, 5], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    grid = Geometry(flipped, (5, 4, 6), "1.2.3")
    assert voxels_coincide(grid, home)
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 6, 4, 5)).astype(np.float32))
    prepared = Prepared(torch.zeros(1, 1, 6, 4, 5), grid, home)
    whole = LabelMap(prepared)
    for block in cut(logits, (4, 3), 2):
        whole.add(block)
    expected = logits.argmax(dim=0).numpy().transpose(1, 2, 0)[:, :, ::-1]
    assert np.array_equal(whole.finish(), expected)


def test_a_film_is_labelled_too() -> None:
    grid = Geometry(np.diag([2.0, 2.0, 1.0, 1.0]), (1, 4, 3))
    home = grid.coarser((1, 8, 6))
    logits = torch.zeros(2, 3, 4)
    logits[1, 2] = 3.0
    whole = LabelMap(Prepared(torch.zeros(1, 1, 3, 4), grid, home))
    for x in range(3):
        whole.add(Block((x, 0), logits[:, x : x + 1]))
    assert np.unique(np.argwhere(whole.finish())[:, 2]).tolist() == [3, 4, 5]
