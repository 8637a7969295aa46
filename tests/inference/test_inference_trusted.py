"""Code of a bundle runs only after the user trusted that very content, and only while a part is built."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zoo
import zoo_layouts as layouts

from medassist.entities.errors import Refused
from medassist.inference.bundle import build_network, preprocessing
from medassist.inference.packages import read
from medassist.inference.predict import predict

SCRIPT = """
from pathlib import Path

import torch

Path(__file__).with_name("imported").touch()


class Bright(torch.nn.Module):
    def __init__(self, limit):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1.0))
        self.limit = limit

    def forward(self, image):
        above = (image - self.limit) * self.scale
        return torch.cat([-above, above], dim=1)


class Twiced:
    def __init__(self, keys):
        self.keys = (keys,)

    def __call__(self, item):
        return {**item, self.keys[0]: item[self.keys[0]] * 2}
"""


@pytest.fixture
def scripted(tmp_path: Path) -> Path:
    root = zoo.write(layouts.spleen_ct(), tmp_path / "bundle")
    (root / "scripts").mkdir()
    (root / "scripts" / "__init__.py").write_text("", encoding="utf-8")
    (root / "scripts" / "net.py").write_text(SCRIPT, encoding="utf-8")
    file = root / "configs" / "inference.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["network_def"] = {"_target_": "scripts.net.Bright", "limit": 100.0}
    config["preprocessing"] = zoo.compose(*zoo.LOAD, zoo.RAS, zoo.transform("scripts.net.Twiced"))
    for key in ("imports", "initialize", "run", "datalist"):
        config.pop(key)
    file.write_text(json.dumps(config), encoding="utf-8")
    torch.save({"scale": torch.tensor(1.0)}, root / "models" / "model.pt")
    return root


def test_scripts_are_refused_and_not_imported_without_trust(scripted: Path) -> None:
    package = read(scripted)
    with pytest.raises(Refused, match=r"scripts\.net\.Bright"):
        build_network(package)
    with pytest.raises(Refused, match=r"scripts\.net\.Twiced"):
        preprocessing(package)
    assert not (scripted / "scripts" / "imported").exists()


def test_a_trusted_bundle_runs_by_its_own_code(scripted: Path, make_volume) -> None:
    package = replace(read(scripted), trusted=True)
    array = np.zeros((6, 8, 10), np.int16)
    array[1:3, 2:5, 3:7] = 60
    array[4, 4, 4] = 40
    before = list(sys.path)
    mask = predict(package, make_volume(array, np.diag([-1.0, -1.0, 1.0, 1.0]), modality="CT"), device="cpu").mask
    assert mask is not None
    assert np.array_equal(mask.labels_zyx == 1, array == 60)
    assert sys.path == before
    assert not any(name.partition(".")[0] == "scripts" for name in sys.modules)


def test_code_that_fails_is_one_sentence(scripted: Path) -> None:
    (scripted / "scripts" / "net.py").write_text("raise OSError('no licence server')", encoding="utf-8")
    with pytest.raises(Refused, match=r"network_def cannot be built by the package's own code: .*") as caught:
        build_network(replace(read(scripted), trusted=True))
    assert caught.value.exit_code == 4
