from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bundles import write_classifier, write_segmenter

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Check, Verdict
from medassist.inference.catalogue import find
from medassist.inference.likeness import likeness
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training import refusals
from medassist.training.evaluate import evaluate
from medassist.training.layouts.layout import picture_volume
from medassist.training.layouts.pictures import PICTURES_NPZ
from medassist.training.refusals import _rates, picture_file, read_pictures, refusal_rates


@pytest.fixture
def tiny_classifier(tmp_path):
    return write_classifier(tmp_path / "tiny_classifier")


@pytest.fixture
def tiny_segmenter(tmp_path):
    return write_segmenter(tmp_path / "tiny_segmenter")


def write(folder, **changes) -> None:
    random = np.random.default_rng(0)
    parts = {
        "images": random.integers(0, 256, (8, 32, 32)).astype(np.uint8),
        "labels": np.arange(8) % 2,
        "class_names": np.array(["Film", "Slice"]),
        **changes,
    }
    np.savez(folder / "pictures.npz", **{name: value for name, value in parts.items() if value is not None})


def test_shares_by_kind_sum_to_one_and_are_never_certain(tiny_classifier, tmp_path) -> None:
    write(tmp_path)
    rates = refusal_rates(
        read(tiny_classifier), read_pictures(tmp_path / "pictures.npz"), device="cpu", progress=Progress()
    )
    assert set(rates) == {"Film", "Slice"}
    for shares in rates.values():
        assert sum(one.value for one in shares.values()) == pytest.approx(1.0)
        assert shares["accepted"].value == 1.0
        assert shares["accepted"].low == pytest.approx(0.025 ** (1 / 4))
        assert shares["accepted"].n == 4


def test_a_share_near_nothing_is_no_surer_than_nothing() -> None:
    """One picture of 900 in 31 stretches: drawing stretches again would say 0 to 0.003."""
    groups = [f"CXR {at // 29}" for at in range(899)]
    none, one = [Verdict.PASS] * 899, [Verdict.FAIL] + [Verdict.PASS] * 898
    never, once = (_rates(verdicts, groups)["refused"] for verdicts in (none, one))
    assert never.high == pytest.approx(1 - 0.025 ** (1 / 31))
    assert once.high >= never.high
    assert once.low == pytest.approx(0, abs=1e-9)
    half = _rates([Verdict.PASS, Verdict.FAIL] * 449 + [Verdict.PASS], groups)["refused"]
    assert half.low < 0.35 < 0.65 < half.high


def test_groups_that_disagree_keep_the_wider_interval_of_drawing_them_again() -> None:
    verdicts = [Verdict.FAIL] * 500 + [Verdict.PASS] * 10
    groups = ["a"] * 500 + [f"b{at}" for at in range(10)]
    refused = _rates(verdicts, groups)["refused"]
    assert refused.low == 0.0


def test_pictures_of_nothing_are_refused(tiny_classifier, tmp_path) -> None:
    write(tmp_path, images=np.full((8, 32, 32), 9, np.uint8))
    evaluation = evaluate(read(tiny_classifier), tmp_path, device="cpu")
    assert {kind: shares["refused"].value for kind, shares in evaluation.labels.items()} == {"Film": 1.0, "Slice": 1.0}
    assert evaluation.n == 8


def test_a_model_of_volumes_takes_no_picture(tiny_segmenter, tmp_path) -> None:
    write(tmp_path)
    evaluation = evaluate(read(tiny_segmenter), tmp_path, device="cpu")
    assert all(shares["refused"].value == 1.0 for shares in evaluation.labels.values())


def test_neighbours_of_one_source_are_drawn_together(tmp_path) -> None:
    write(tmp_path, source_index=np.array([0, 0, 5, 5, 300, 300, 301, 301]))
    assert len(set(read_pictures(tmp_path / "pictures.npz").groups)) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"images": None},
        {"images": np.zeros((8, 32, 32))},
        {"images": np.zeros((7, 32, 32), np.uint8)},
        {"labels": np.full(8, 2)},
        {"class_names": np.array(["a", None], dtype=object)},
    ],
)
def test_what_holds_no_pictures_is_named(tmp_path, changes) -> None:
    write(tmp_path, **changes)
    with pytest.raises(UnreadableInput, match=r"pictures\.npz"):
        read_pictures(tmp_path / "pictures.npz")


def test_a_folder_with_an_index_is_read_as_before(tmp_path) -> None:
    write(tmp_path)
    (tmp_path / "index.csv").write_text("row\n")
    assert picture_file(tmp_path) is None


def test_the_chest_model_knows_its_films(shared_data) -> None:
    """Every kind but chest films is refused, films inverted too; measured on one fold, every third picture."""
    pictures = read_pictures(shared_data("modality_mednist") / "mednist.npz")
    package = find("chest_xray_findings")
    rates = refusal_rates(package, _some(pictures), device="cpu", progress=Progress())
    assert rates["CXR"]["refused"].value < 0.08
    assert all(rates[kind]["refused"].value > 0.95 for kind in set(rates) - {"CXR"})
    inverted = refusal_rates(package, _some(pictures, only="CXR", invert=True), device="cpu", progress=Progress())
    assert inverted["CXR"]["refused"].value > 0.95


def test_what_the_card_says_of_films_cut_to_their_middle_is_so(shared_data) -> None:
    """Whole films pass, of their middle (200 of 512 pixels) three in ten: no size tells it, so the card says so."""
    from PIL import Image

    package, accepted = find("chest_xray_findings"), {"whole": [], "middle": []}
    for path in sorted((shared_data("chest_xray_nih") / "images512").glob("*.jpg"))[::6]:
        with Image.open(path) as picture:
            film = np.asarray(picture.convert("L"))
        for name, seen in (("whole", film), ("middle", film[150:350, 150:350])):
            row = likeness(package, picture_volume(np.ascontiguousarray(seen), "1"), device="cpu")
            accepted[name].append(row is not None and row.verdict is Verdict.PASS)
    assert np.mean(accepted["whole"]) > 0.95
    assert 0.15 < np.mean(accepted["middle"]) < 0.4


def _some(pictures, only: str = "", invert: bool = False):
    rows = [at for at, kind in enumerate(pictures.kinds) if only in ("", kind)][::12]
    images = pictures.images[rows]
    return type(pictures)(
        255 - images if invert else images,
        tuple(pictures.kinds[at] for at in rows),
        tuple(pictures.groups[at] for at in rows),
    )


def test_a_picture_the_router_is_sure_is_of_another_kind_is_refused(tiny_classifier, tmp_path, monkeypatch) -> None:
    write(tmp_path)
    told = iter([Verdict.FAIL, Verdict.UNKNOWN] * 4)
    row = Check("Kind of picture", "Chest film", "Hand film (> 0.99)", Verdict.FAIL)
    monkeypatch.setattr(refusals, "kind_check", lambda *_: replace(row, verdict=next(told)))
    pictures = read_pictures(tmp_path / "pictures.npz")
    rates = refusal_rates(read(tiny_classifier), pictures, device="cpu", progress=Progress())
    assert (rates["Film"]["refused"].value, rates["Slice"]["refused"].value) == (1.0, 0.0)


def test_a_stretch_over_the_border_of_two_folds_is_divided_and_others_keep_their_name(tmp_path) -> None:
    write(
        tmp_path, source_index=np.array([0, 10, 190, 150, 210, 220, 390, 380]), fold=np.array([0, 0, 1, 0, 1, 1, 1, 1])
    )
    rows = PICTURES_NPZ.rows(tmp_path)
    assert [row.subject for row in rows[:4]] == ["Film 0 of fold 0", "Slice 0", "Film 0 of fold 1", "Slice 0"]
    assert [row.subject for row in rows[4:]] == ["Film 1", "Slice 1"] * 2


def test_pictures_without_an_order_are_no_neighbours_of_those_of_another_folder(tmp_path) -> None:
    write(tmp_path)
    found = {row.subject for row in PICTURES_NPZ.rows(tmp_path)}
    assert len(found) == 8
    write(tmp_path, source_index=np.arange(8) * 200)
    assert not found & {row.subject for row in PICTURES_NPZ.rows(tmp_path)}
