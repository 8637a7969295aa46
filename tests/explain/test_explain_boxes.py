"""Maps against boxes drawn by hand: whatever the films are, beside chance, and never more than the films can say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("captum")

from phantoms import write_film  # noqa: E402
from test_explain_methods import spot_package  # noqa: E402

from benchmarks import box_maps, boxes  # noqa: E402
from benchmarks.box_figures import figures, text_of  # noqa: E402
from benchmarks.box_maps import EDGES, Case, Maps, rows_of  # noqa: E402
from benchmarks.box_targets import target_for, with_learned  # noqa: E402
from benchmarks.boxed_films import Boxed, inside, read_boxed  # noqa: E402
from medassist.entities.errors import Refused, UnreadableInput, UsageError  # noqa: E402
from medassist.explain.methods import explain  # noqa: E402
from medassist.inference.catalogue import find  # noqa: E402
from medassist.inference.network import forget_networks  # noqa: E402
from medassist.progress import Progress  # noqa: E402

HEAD = "image,finding,x,y,width,height\n"
ROWS, COLUMNS, SIZE = 48, 64, 14
PLACES = ((6, 6), (46, 10), (20, 32), (48, 32), (28, 4), (4, 28))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    forget_networks()
    yield
    forget_networks()
    torch.set_num_threads(before)


def folder_of(root, boxes_csv, index="image,patient_id\n"):
    root.mkdir(exist_ok=True)
    (root / "boxes.csv").write_text(HEAD + boxes_csv)
    (root / "index.csv").write_text(index)
    return root


def films_with_spots(root):
    """Write films wider than high, one bright spot each, another place on every film; the first has two spots."""
    root.mkdir()
    lines, index = [], ["image,patient_id,picture"]
    for at, (x, y) in enumerate(PLACES):
        film, spots = np.zeros((ROWS, COLUMNS), np.uint8), [(x, y), *([(40, 28)] if at == 0 else [])]
        for left, top in spots:
            film[top : top + SIZE, left : left + SIZE] = 255
            lines.append(f"film{at}.png,Bright spot,{left},{top},{SIZE},{SIZE}")
        Image.fromarray(film).save(root / f"film{at}.png")
        index.append(f"film{at}.png,{at // 2},film{at}.png")
    return folder_of(root, "\n".join(lines) + "\n", "\n".join(index) + "\n")


def test_a_map_that_finds_the_spots_lies_above_chance_and_above_maps_of_other_films(tmp_path, capsys):
    package, films = spot_package(tmp_path / "spot", 2), films_with_spots(tmp_path / "films")
    words = [str(films), "--model", str(package.root), "--methods", "gradcam", "--stamps", "1"]
    assert boxes.main([*words, "--json", "-o", str(tmp_path / "out")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "out" / "boxes.json").read_text()) == said
    assert (tmp_path / "out" / "boxes.txt").read_text().endswith("\n".join(said["conclusion"]) + "\n")
    assert said["conclusion"][0] == "Above chance: gradcam."
    assert said["asked"] == ["Bright spot: 6 films of 3 patients, asked about Bright spot"]
    found = said["methods"]["gradcam"]
    assert found["pointing"]["value"] == 1.0
    assert found["pointing"]["low"] < 0.6  # three patients cannot say more
    assert found["chance"]["value"] == pytest.approx(7 * SIZE**2 / (6 * ROWS * COLUMNS), abs=1e-5)
    assert found["energy_over_chance"]["low"] > 0.1
    assert found["energy_over_others"]["low"] > 0.1
    assert found["stamp_fails"] is not None
    for control in ("edge filter", "middle of the film", "boxes of the others"):
        assert said["methods"][control]["energy"]["value"] < 1.0
        assert "energy_over_others" not in said["methods"][control]
    assert said["methods"]["boxes of the others"]["pointing"]["value"] < 0.5
    assert said["by_target"] == {}


def test_each_target_has_figures_of_its_own_beside_maps_about_the_same_target():
    cases = [Case(Boxed("", str(at // 2), None, "", ((0, 0, 8, 8),)), (32, 32), "AB"[at % 2]) for at in range(8)]
    found = Maps(seconds=1.0)
    for case in cases:
        heat = np.zeros((32, 32))
        heat[(slice(0, 4), slice(20, 24))[case.target == "B"], :4] = 1.0
        found.add(heat, case.truth)
    edges = Maps(heat=found.heat, found=found.found)
    tables = {target: rows_of({"m": found, EDGES: edges}, cases, target)["m"].values for target in ("", "A", "B")}
    assert [tables[one]["pointing"].value for one in ("", "A", "B")] == [0.5, 1.0, 0.0]
    assert tables["A"]["energy_over_others"].value == pytest.approx(0.0, abs=1e-6)  # all maps about A are one
    assert tables["A"]["chance"].value == 1 / 16


def test_a_method_that_refuses_a_film_has_no_map_there_and_one_that_refuses_the_first_few_is_left_alone(tmp_path):
    package, films = spot_package(tmp_path / "spot", 2), films_with_spots(tmp_path / "films")
    cases = boxes.cases_of(package, films, "")
    refused = []

    def choosy(package, volume, target, *, method, **others):
        refused.append(method)
        if method == "hirescam" or len(refused) == 2:
            raise Refused("no")
        return explain(package, volume, target, method=method, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(box_maps, "explain", choosy)
        found = box_maps.asked(package, cases, ("gradcam",), 0, Progress())
        assert "hirescam" not in box_maps.asked(package, cases, ("hirescam",), 0, Progress())
    assert refused.count("hirescam") == box_maps.GIVE_UP
    assert rows_of(found, cases)["gradcam"].empty == 1


def test_a_missing_file_and_a_missing_label_end_with_one_sentence(tmp_path, capsys):
    package = spot_package(tmp_path / "spot", 2)
    lost = folder_of(tmp_path / "lost", "gone.png,Bright spot,1,1,2,2\n")
    assert boxes.main([str(lost), "--model", str(package.root)]) == UnreadableInput("").exit_code
    other = films_with_spots(tmp_path / "films")
    (other / "boxes.csv").write_text((other / "boxes.csv").read_text().replace("Bright spot", "Fracture"))
    assert boxes.main([str(other), "--model", str(package.root)]) == UsageError("").exit_code
    assert "Fracture" not in capsys.readouterr().out


def test_films_of_any_kind_are_found_and_boxes_of_a_finding_are_one_truth(tmp_path):
    root = tmp_path / "films"
    (root / "deep").mkdir(parents=True)
    write_film(root / "deep", rows=60, columns=90)
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(root / "deep" / "b.png")
    lines = "DX0001.dcm,Mass,10,20,30,10\nDX0001.dcm,Mass,50,20,10,10\nDX0001.dcm,Nodule,0,0,5,5\n"
    lines += "b,Mass,0,0,3,4\nc,Mass,,,,\n"
    folder_of(root, lines, "image,patient_id\nDX0001.dcm,7\nb,8\n")
    first, second, third = read_boxed(root)
    assert [(one.patient, one.finding, len(one.boxes)) for one in (first, second, third)] == [
        ("7", "Mass", 2),
        ("7", "Nodule", 1),
        ("8", "Mass", 1),
    ]
    marked = inside(first, 60, 90)
    assert marked.sum() == 400
    assert marked[20:30, 10:40].all()
    assert marked[20:30, 50:60].all()
    assert third.path.name == "b.png"
    assert boxes.open_one(first.path).geometry.shape_zyx == (1, 60, 90)


def test_the_film_is_the_one_of_its_line_not_its_mask_nor_an_earlier_film(tmp_path):
    for name in ("films/a", "masks/a", "films/old"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    told = f"a.png,{'a long report ' * 60},masks/a.png,films/old.png,films/a.png"
    folder = folder_of(tmp_path, "a.png, Bright spot, 1,1,2,2\n", f"image,report,mask,prior,image512\n{told}\n")
    (folder / "boxes.csv").write_text((folder / "boxes.csv").read_text().replace("image,finding", "image, finding"))
    (case,) = read_boxed(folder)
    assert (case.path, case.finding) == ((tmp_path / "films" / "a.png").resolve(), "Bright spot")


def test_boxes_in_pixels_of_another_size_and_files_outside_are_refused(tmp_path):
    root = folder_of(tmp_path / "films", "a.png,Mass,500,20,300,10\n", "image,patient_id\na.png,1\n")
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(root / "a.png")
    with pytest.raises(UnreadableInput, match="30 x 40"):
        inside(read_boxed(root)[0], 40, 30)
    Image.fromarray(np.zeros((40, 30), np.uint8)).save(tmp_path / "out.png")
    folder_of(root, "../out.png,Mass,0,0,3,3\n", "image,patient_id\n../out.png,1\n")
    with pytest.raises(UnreadableInput, match="0 files"):
        read_boxed(root)


@pytest.mark.parametrize("line", ["a.png,Mass,1,2,-3,4", "a.png,Mass,1,2,three,4", "a.png,Mass,1,2,nan,4"])
def test_a_line_that_is_no_box_is_named(tmp_path, line):
    root = folder_of(tmp_path / "films", "b.png,Mass,,,,\n" + line + "\n")
    with pytest.raises(UnreadableInput, match="line 3"):
        read_boxed(root)


def test_the_label_asked_about_is_the_offered_one_else_a_learned_one_else_the_one_for_anything():
    package = find("chest_xray_findings")
    assert target_for(package, "Cardiomegaly") == "Cardiomegaly"
    assert target_for(package, "effusion") == "Pleural effusion"
    assert target_for(package, "Mass") == "Nodule or mass"
    assert target_for(package, "Pneumonia") == "Abnormal film"
    assert target_for(package, "Pneumonia", "infiltration") == "Infiltration"
    with pytest.raises(UsageError, match="Rash"):
        target_for(package, "Pneumonia", "Rash")
    more = with_learned(package)
    assert len(more.labels) == len(package.labels) + 4
    assert more.labels[: len(package.labels)] == package.labels


def test_a_table_that_shows_nothing_says_so():
    patients, share = [str(at) for at in range(18)], np.full(18, 0.1)
    even = [{"energy_in_mask": 0.1 + 0.05 * (-1) ** at, "pointing_hit": 0.0} for at in range(17)] + [{}]
    row = figures(even, share, patients, others=even, place=even, fails=1.0)
    assert row.empty == 1
    assert row.values["pointing"].high > 0.1
    assert row.values["energy"].low < 0.1 < row.values["energy"].high
    told = text_of({"gradcam": row, "edge filter": figures(even, share, patients)})
    assert "No method is above chance." in told
    assert "The stamp doubts, on some or all of the films it measured: gradcam." in told


def test_the_boxes_at_hand_are_all_read(shared_data):
    found = read_boxed(shared_data("chest_xray_boxes"))
    assert len(found) == 18
    assert len({one.patient for one in found}) == 17
    assert all(inside(one, 512, 512).any() for one in found)
