"""Nuclei without a network: found where they are, parted where they touch, and measured as a model is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_training_instances import write_tissue

from medassist.training.baselines.__main__ import main, split
from medassist.training.baselines.nuclei import Settings, haematoxylin, nuclei, tuned
from medassist.training.instance_metrics import instance_metrics
from medassist.training.layouts.reading import image_of, mask_of, read_table


def test_discs_of_violet_are_found_and_parted(tmp_path: Path) -> None:
    table = read_table(write_tissue(tmp_path / "tissue"))
    for row in table.rows:
        volume = image_of(table, row)
        found = nuclei(volume.array_zyx[0], Settings())
        assert instance_metrics(found, mask_of(table, row, volume)[0])["f1_iou50"] == 1.0


def test_a_stain_is_more_where_the_picture_is_more_violet() -> None:
    picture = np.full((4, 8, 3), (235, 225, 240), np.uint8)
    picture[:, 4:] = (90, 40, 140)
    stain = haematoxylin(picture)
    assert stain[:, 4:].min() > stain[:, :4].max()
    assert stain.min() >= 0.0


def test_tuning_finds_what_the_pictures_need(tmp_path: Path) -> None:
    """A nucleus of 37 pixels is dropped by a least of 60 or more, so that the least of all must win."""
    picture, truth = np.full((40, 40, 3), (235, 225, 240), np.uint8), np.zeros((40, 40), np.int32)
    rows, columns = np.ogrid[:40, :40]
    for number, (row, column, radius) in enumerate(((10, 10, 3.2), (28, 28, 8)), start=1):
        truth[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    picture[truth > 0] = (90, 40, 140)
    settings = tuned([picture], [truth])
    assert settings.least == 30
    assert instance_metrics(nuclei(picture, settings), truth)["f1_iou50"] == 1.0


def test_only_the_test_fold_is_looked_at(tmp_path: Path) -> None:
    folder = write_tissue(tmp_path / "tissue")
    learning, testing = split(read_table(folder))
    assert ({row.fold for row in learning}, {row.fold for row in testing}) == ({0}, {1})
    lines = (folder / "index.csv").read_text(encoding="utf-8").splitlines()
    bare = "\n".join(line.rpartition(",")[0] for line in lines) + "\n"
    (folder / "index.csv").write_text(bare, encoding="utf-8")
    learning, testing = split(read_table(folder))
    assert not learning
    assert len(testing) == len(lines) - 1


def test_the_command_prints_figures_with_intervals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write_tissue(tmp_path / "tissue"))]) == 0
    told = capsys.readouterr().out
    assert "classical" in told
    assert "f1_iou50 1.000 (1.000 to 1.000)" in told


def test_a_model_stands_beside_it_with_the_difference_on_the_same_pictures(tmp_path, capsys) -> None:
    assert main([str(write_tissue(tmp_path / "tissue")), "--model", "nuclei_he"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    simple, model, apart = (
        float(rows[name].split("pq ")[1].split()[0]) for name in ("classical", "model", "difference")
    )
    assert apart == pytest.approx(model - simple, abs=0.0011)


def test_a_folder_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing")]) == 3
    assert "nothing" in capsys.readouterr().err
