"""Every layout gives the same rows, images and masks that were written, and names what is wrong with a folder."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from medassist.entities.errors import UnreadableInput
from medassist.training.layouts.reading import LAYOUTS, file_of, image_of, mask_of, read_table
from medassist.training.recipe import LAYOUTS as BY_TASK
from medassist.training.recipe import read_recipe
from medassist.training.table import drawn, split_rows, with_folds
from tests.training.conftest import write_table


def cell_picture(root, number: int) -> np.ndarray:
    """Write a colour picture and its 16-bit labels (1..300) as nuclei_he has them; return the labels."""
    random = np.random.default_rng(number)
    for folder in ("images", "labels"):
        (root / folder).mkdir(exist_ok=True)
    Image.fromarray(random.integers(0, 255, (20, 30, 3)).astype(np.uint8)).save(root / "images" / f"p{number}.png")
    labels = (np.arange(600).reshape(20, 30) // 2 + number).astype(np.uint16)
    Image.fromarray(labels).save(root / "labels" / f"p{number}.png")
    return labels


def test_every_task_names_layouts_there_are() -> None:
    assert {name for names in BY_TASK.values() for name in names} <= set(LAYOUTS)


def test_volume_pairs_and_films_are_recognised(blobs, films) -> None:
    table = read_table(blobs)
    assert (table.layout, len(table.rows), table.rows[3].subject) == ("volume_pairs", 8, "person1")
    volume = image_of(table, table.rows[0])
    mask = mask_of(table, table.rows[0], volume)
    assert mask.shape == volume.geometry.shape_zyx
    assert set(np.unique(mask)) == {0, 1}
    assert file_of(table, table.rows[0]).is_file()
    table = read_table(films)
    assert (table.layout, table.rows[1].columns["view"]) == ("films_npz", "PA")
    assert image_of(table, table.rows[7]).array_tzyx.shape == (1, 1, 32, 32)
    assert file_of(table, table.rows[0]) is None
    with pytest.raises(UnreadableInput, match="no mask"):
        mask_of(table, table.rows[0], image_of(table, table.rows[0]))


def test_picture_pairs_keep_more_than_255_objects(tmp_path) -> None:
    written = [cell_picture(tmp_path, number) for number in range(2)]
    write_table(tmp_path / "index.csv", [{"id": f"p{n}", "field": f"f{n}"} for n in range(2)])
    table = read_table(tmp_path)
    assert (table.layout, table.rows[1].subject, table.has_folds) == ("picture_pairs", "f1", False)
    volume = image_of(table, table.rows[1])
    assert volume.is_color
    assert np.array_equal(mask_of(table, table.rows[1], volume)[0], written[1])


def test_pictures_with_kinds_are_rows_of_stretches(tmp_path) -> None:
    np.savez(
        tmp_path / "set.npz",
        images=np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3),
        labels=np.array([0, 0, 1, 1]),
        class_names=np.array(["Hand", "Head"]),
        source_index=np.array([0, 150, 210, 900]),
        fold=np.array([0, 0, 1, 2]),
    )
    table = read_table(tmp_path)
    assert table.layout == "pictures_npz"
    assert [row.columns["labels"] for row in table.rows] == ["Hand", "Hand", "Head", "Head"]
    assert table.rows[0].subject == table.rows[1].subject != table.rows[3].subject
    assert [row.fold for row in table.rows] == [0, 0, 1, 2]
    assert image_of(table, table.rows[2]).array_tzyx[0, 0, 0, 0] == 18


def test_files_of_any_kind_with_masks_on_another_grid(tmp_path) -> None:
    import SimpleITK

    values = np.zeros((6, 8, 10), np.float32)
    values[2:4, 2:6, 4:8] = 1.0
    image = SimpleITK.GetImageFromArray(values)
    image.SetOrigin((5, -3, 20))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii.gz"))
    part = SimpleITK.GetImageFromArray(values[1:5].astype(np.uint8))
    part.SetOrigin((5, -3, 21))
    SimpleITK.WriteImage(part, str(tmp_path / "a_mask.nrrd"))
    write_table(tmp_path / "index.csv", [{"file": "a.nii.gz", "mask": "a_mask.nrrd", "label": "Blob", "subject": "s"}])
    table = read_table(tmp_path)
    volume = image_of(table, table.rows[0])
    assert np.array_equal(mask_of(table, table.rows[0], volume), volume.array_tzyx[0].astype(np.int32))
    assert (table.layout, table.rows[0].columns["labels"]) == ("files", "Blob")


def test_a_mask_elsewhere_in_space_is_refused(tmp_path) -> None:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ones((4, 4, 4), np.float32))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii.gz"))
    image.SetOrigin((500, 0, 0))
    SimpleITK.WriteImage(SimpleITK.Cast(image, SimpleITK.sitkUInt8), str(tmp_path / "m.nii.gz"))
    write_table(tmp_path / "index.csv", [{"file": "a.nii.gz", "mask": "m.nii.gz"}])
    table = read_table(tmp_path)
    with pytest.raises(UnreadableInput, match="does not lie on its image"):
        mask_of(table, table.rows[0], image_of(table, table.rows[0]))


def test_files_without_a_subject_stand_for_themselves_or_their_twin(tmp_path) -> None:
    for name in "abc":
        Image.fromarray(np.full((4, 4), 9, np.uint8)).save(tmp_path / f"{name}.png")
    lines = [{"file": f"{name}.png", "label": "x", "exact_duplicate_of": ""} for name in "abc"]
    lines[2]["exact_duplicate_of"] = "a.png"
    write_table(tmp_path / "index.csv", lines)
    assert [row.subject for row in read_table(tmp_path).rows] == ["a.png", "b.png", "a.png"]


def test_dicom_files_without_a_subject_are_asked_for_the_patient(tmp_path) -> None:
    from pydicom.data import get_testdata_file

    shutil.copyfile(str(get_testdata_file("CT_small.dcm")), tmp_path / "one.dcm")
    write_table(tmp_path / "index.csv", [{"file": "one.dcm", "label": "x"}])
    assert read_table(tmp_path).rows[0].subject == "1CT1"


def test_a_segmentation_object_is_a_mask_and_a_folder_of_slices_an_image(tmp_path) -> None:
    from derived_objects import highdicom_seg
    from phantoms import write_ct_series

    (tmp_path / "ct").mkdir()
    images = write_ct_series(tmp_path / "ct")
    labels = np.zeros((8, 64, 64), np.uint8)
    labels[1:3, 4:9, 50:60], labels[6, 40:44, 3:9] = 1, 2
    highdicom_seg(images, labels, "LABELMAP", labels=("A", "B")).save_as(tmp_path / "seg.dcm")
    write_table(tmp_path / "index.csv", [{"file": "ct", "mask": "seg.dcm"}])
    table = read_table(tmp_path)
    assert table.rows[0].subject not in ("ct", ""), "the patient of the slices"
    volume = image_of(table, table.rows[0])
    assert np.array_equal(mask_of(table, table.rows[0], volume), labels)
    both = np.zeros((8, 64, 64, 2), np.uint8)
    both[2:5, 10:20, 30:44, 0] = both[2:5, 15:26, 40:50, 1] = 1
    highdicom_seg(images, both, "BINARY", labels=("A", "B")).save_as(tmp_path / "seg.dcm")
    with pytest.raises(UnreadableInput, match="overlap"):
        mask_of(table, table.rows[0], volume)


@pytest.mark.parametrize("name", ["../out.png", "/etc/passwd", ""])
def test_no_file_outside_of_the_folder(tmp_path, name) -> None:
    (tmp_path / "set").mkdir()
    write_table(tmp_path / "set/index.csv", [{"file": name, "label": "x"}])
    with pytest.raises(UnreadableInput, match="outside"):
        read_table(tmp_path / "set")
    (tmp_path / "set/labels").mkdir()
    (tmp_path / "set/labels/x.png").touch()
    write_table(tmp_path / "set/index.csv", [{"id": name or "..", "field": "x"}])
    with pytest.raises(UnreadableInput, match="outside"):
        read_table(tmp_path / "set")


def test_a_folder_that_is_nothing_says_what_is_wanted(tmp_path) -> None:
    with pytest.raises(UnreadableInput, match=r"index\.csv"):
        read_table(tmp_path)
    write_table(tmp_path / "index.csv", [{"row": 1, "labels": "x"}])
    np.savez(tmp_path / "images64.npz", images=np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(UnreadableInput, match="patient_id"):
        read_table(tmp_path)


def test_folds_are_drawn_by_subject_and_stay(films, classifier_recipe) -> None:
    table = read_table(films)
    first, again = drawn(table, 4, 7), drawn(table, 4, 7)
    assert first == again
    folds = {}
    for row in first.rows:
        assert folds.setdefault(row.subject, row.fold) == row.fold
    assert {row.fold for row in first.rows} == {0, 1, 2, 3}
    lines = [{key: value for key, value in row.columns.items() if key != "fold"} for row in table.rows]
    write_table(films / "index.csv", lines)
    with pytest.raises(UnreadableInput, match="fold"):
        split_rows(read_recipe(classifier_recipe()), read_table(films))
    recipe = read_recipe(classifier_recipe(("[data]", "[data]\nfolds = 4")))
    train, validation = split_rows(recipe, with_folds(recipe, read_table(films)))
    assert len(train) + len(validation) == 30


def test_a_package_of_drawn_folds_is_tested_on_those_it_left_out(films, classifier_recipe, tmp_path) -> None:
    from medassist.inference.packages import read
    from medassist.training.evaluate import evaluate
    from medassist.training.train import train

    table = read_table(films)
    lines = [{key: value for key, value in row.columns.items() if key != "fold"} for row in table.rows]
    write_table(films / "index.csv", lines)
    out = train(classifier_recipe(("[data]", "[data]\nfolds = 4"), ("epochs = 4", "epochs = 1")), films, tmp_path / "o")
    assert evaluate(read(out), films).n == 10
