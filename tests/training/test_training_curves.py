from __future__ import annotations

import json
import sys
import time
from io import StringIO

import numpy as np
import pytest
from PIL import Image

from medassist.cli.curves import curve_table, sparkline, training_display
from medassist.entities.errors import UnwritableOutput
from medassist.training.curves import draw_curve, recorded

CURVE = [
    {"epoch": float(i + 1), "loss": 1.0 / (i + 1), "learning_rate": 0.01, "seconds": 2.0}
    | ({"dice [red]": 0.1 * i, "score": 0.1 * i} if i % 2 else {})
    for i in range(6)
]


def events(folder) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = accumulator.EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(one.step, round(one.value, 5)) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_every_epoch_is_a_line_and_an_event(tmp_path) -> None:
    with recorded(tmp_path, 0) as record:
        for count in range(1, 7):
            record(CURVE[:count])
    lines = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert lines == CURVE
    assert events(tmp_path / "tensorboard")["score"] == [(2, 0.1), (4, 0.3), (6, 0.5)]


def test_epochs_after_the_checkpoint_are_void(tmp_path, monkeypatch) -> None:
    """A run killed after epoch 4 whose checkpoint is of epoch 2 writes 3 and 4 again: they count once."""
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now - 100.0)  # TensorBoard reads its files in the order of their seconds
    with recorded(tmp_path, 0) as record:
        for count in range(1, 5):
            record([{**point, "loss": 9.0} for point in CURVE[:count]])
    monkeypatch.setattr("time.time", lambda: now)
    with recorded(tmp_path, 2) as record:
        for count in range(3, 7):
            record(CURVE[:count])
    found = events(tmp_path / "tensorboard")["loss"]
    assert [step for step, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [value for _, value in found] == [9.0, 9.0, *(round(point["loss"], 5) for point in CURVE[2:])]


def test_without_tensorboard_the_lines_are_still_there(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with caplog.at_level("INFO", "medassist.training"), recorded(tmp_path, 0) as record:
        record(CURVE)
    assert "tensorboard is not installed" in caplog.text
    assert not (tmp_path / "tensorboard").exists()
    assert len((tmp_path / "curve.jsonl").read_text().splitlines()) == 6


@pytest.mark.parametrize("curve", [CURVE, CURVE[:1], [{**CURVE[0], "score": float("nan")}]])
def test_picture_of_any_curve(tmp_path, curve) -> None:
    draw_curve(curve, tmp_path / "docs/curve.png")
    pixels = np.asarray(Image.open(tmp_path / "docs/curve.png").convert("RGB"))
    assert min(pixels.shape[:2]) > 300
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableOutput):
        draw_curve(curve, tmp_path / "file/curve.png")


def test_table_in_the_terminal() -> None:
    from rich.console import Console

    console = Console(width=120, record=True, file=StringIO())
    console.print(curve_table(CURVE))
    text = console.export_text()
    assert "Epoch 6" in text
    assert "dice [red]" in text, "a label's name is no markup"
    assert "0.1667" in text
    assert "██" in text, "the first quarter does not set the scale"
    assert "▃▂▁" in text


def test_sparkline_has_the_shape_of_its_values() -> None:
    assert sparkline([0.0, 1.0, 0.5]) == "▁█▅"
    assert sparkline([2.0, 2.0]) == "▁▁"
    long = sparkline(list(np.linspace(0, 1, 1000)), 40)
    assert len(long) == 40
    assert long == "".join(sorted(long))


def test_piped_training_is_silent(capsys) -> None:
    with training_display() as (progress, watch):
        progress.step("Training", 0.5)
        watch(CURVE)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_the_curve_under_way(monkeypatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with training_display() as (progress, watch):
        progress.step("Training", 0.5)
        watch(CURVE)
    assert "Score on rows left out" in terminal.getvalue()
    assert "50%" in terminal.getvalue()
    quiet = Terminal()
    monkeypatch.setattr("sys.stderr", quiet)
    with training_display(quiet=True) as (_, watch):
        watch(CURVE)
    assert not quiet.getvalue()
