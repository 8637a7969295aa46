"""The demonstration of a shortcut: shown where there is one, and not claimed where there is none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("matplotlib")

from benchmarks import shortcut  # noqa: E402
from benchmarks.shortcut_words import Heat, sentences  # noqa: E402
from medassist.inference.network import forget_networks  # noqa: E402
from medassist.training.audit.blanking import ellipse  # noqa: E402
from medassist.training.metrics import Measured  # noqa: E402

SIDE, FILMS = 64, 60


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    forget_networks()
    yield
    forget_networks()
    torch.set_num_threads(before)


def two_sources(root):
    """Write films of noise; those of one folder carry a letter in the corner, as another hospital's would."""
    (root / "images").mkdir(parents=True)
    random, lines = np.random.default_rng(0), ["file,label,patient_id,fold"]
    for at in range(FILMS):
        film = random.normal(120.0, 12.0, (SIDE, SIDE))
        if at % 2:
            film[2:8, 54:62] = 250.0
        Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(root / "images" / f"{at}.png")
        lines.append(f"images/{at}.png,{'pneumonia' if at % 2 else 'no_finding'},{at},{at % 10 // 2}")
    (root / "index.csv").write_text("\n".join(lines) + "\n")
    return root


def small_recipe(path):
    text = shortcut.RECIPE.read_text().replace("[192, 192]", "[64, 64]").replace("[16, 32, 64, 128]", "[8, 8, 16, 16]")
    # the letter lies on one side, and the films are few
    flip = text[text.index("[[augmentation]]") : text.index("[optimiser]")]
    path.write_text(text.replace(flip, ""))
    return path


def test_a_letter_in_the_corner_is_found_out_by_both_probes(tmp_path, capsys):
    folder, out = two_sources(tmp_path / "films"), tmp_path / "out"
    words = [str(folder), "-o", str(out), "--recipe", str(small_recipe(tmp_path / "small.toml"))]
    assert shortcut.main([*words, "--films", "4", "--methods", "occlusion"]) == 0
    told = capsys.readouterr().out
    assert "still tells the classes, and better than from the middle alone: a shortcut." in told
    found = json.loads((out / "shortcut.json").read_text())
    assert found["auc"]["whole"]["n"] == 24
    assert found["auc"]["middle blanked"]["value"] > 0.9 > found["auc"]["only the middle"]["value"]
    assert found["heat"]["this network"]["occlusion"]["less_area"]["value"] > 0.05
    with Image.open(out / "shortcut.png") as picture:
        assert picture.width > 800
    weights = (out / "network/models/model.pt").stat().st_mtime_ns
    assert shortcut.main([*words, "--films", "2", "--methods", "gradcam"]) == 0
    assert (out / "network/models/model.pt").stat().st_mtime_ns == weights


def test_folds_are_drawn_by_patient_where_the_folder_names_none(tmp_path, capsys):
    folder, out = two_sources(tmp_path / "films"), tmp_path / "out"
    lines = (folder / "index.csv").read_text().splitlines()
    (folder / "index.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    words = [str(folder), "-o", str(out), "--recipe", str(small_recipe(tmp_path / "small.toml")), "--films", "1"]
    assert shortcut.main([*words, "--methods", "nonsense"]) == 2
    assert not out.exists(), "a mistyped method is told before the training, not after it"
    assert shortcut.main([*words, "--methods", "gradcam"]) == 0
    assert "a shortcut." in capsys.readouterr().out


def figures(low, high):
    return Measured((low + high) / 2, low, high, 20)


def test_a_network_that_looks_into_the_middle_is_not_accused():
    areas = {
        "whole": figures(0.8, 0.9),
        "middle blanked": figures(0.4, 0.6),
        "only the middle": figures(0.7, 0.9),
        "lost without the middle": figures(0.2, 0.4),
        "more without the middle than with it alone": figures(-0.4, -0.1),
    }
    inside = {"gradcam": Heat(figures(0.2, 0.3), figures(-0.3, -0.2), {})}
    lines, shown = sentences(areas, inside, inside, (20, 20, 4), "shipped")
    assert not shown
    assert "the probe shows no shortcut" in lines[-2]
    assert "the maps alone show no shortcut" in lines[-1]
    around = {"gradcam": Heat(figures(0.6, 0.8), figures(0.1, 0.3), {})}
    lines, shown = sentences(areas, around, inside, (20, 20, 4), "shipped")
    assert shown
    assert lines[-1].endswith("than chance does; surely less than chance by gradcam.")


def test_the_middle_is_half_of_a_film_whatever_its_shape():
    for shape in ((200, 200), (100, 300)):
        assert ellipse(*shape).mean() == pytest.approx(0.5, abs=0.01)
        assert ellipse(*shape)[shape[0] // 2, shape[1] // 2]
        assert not ellipse(*shape)[0].any()
