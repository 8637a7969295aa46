"""Files of a package that are larger than any model are never read: a sparse one costs its maker nothing."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from medassist.entities.errors import Refused
from medassist.inference import weights
from medassist.inference.network import load_network
from medassist.inference.packages import MOST_OF_A_CARD, read
from medassist.inference.trust import content_of
from medassist.plugins import Availability


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file be hashed or read as a whole."""

    def never(*_arguments: object, **_options: object) -> bytes:
        raise AssertionError("the file was read")

    monkeypatch.setattr(hashlib, "file_digest", never)
    monkeypatch.setattr(Path, "read_bytes", never)


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("free", [None, 8_000_000_000, 10**12])
def test_huge_weights_are_told_and_not_read(
    tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch, unread: None, *, foreign: bool, free: int | None
) -> None:
    if foreign:
        _make_foreign(tiny_segmenter)
    monkeypatch.setattr(weights, "free_bytes", lambda _device: free)
    os.truncate(tiny_segmenter / "models" / "model.pt", 200_000_000_000)
    package = read(tiny_segmenter)
    assert "larger than 20 GB" in package.availability.reason
    with pytest.raises(Refused, match="larger than 20 GB"):
        load_network(package, "cpu")
    with pytest.raises(Refused, match="larger than 20 GB"):  # grown after it was listed
        load_network(replace(package, availability=Availability()), "cpu")


def test_weights_larger_than_what_is_free_are_not_read(tiny_segmenter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(tiny_segmenter).availability.ok
    monkeypatch.setattr(weights, "free_bytes", lambda _device: 100)
    assert "the memory that is free" in read(tiny_segmenter).availability.reason


def test_a_huge_folder_is_not_hashed_to_be_trusted(tiny_segmenter: Path, unread: None) -> None:
    os.truncate(tiny_segmenter / "models" / "model.pt", 200_000_000_000)
    with pytest.raises(Refused, match="holds more than 50 GB"):
        content_of(tiny_segmenter)


def test_a_huge_card_is_cut_with_a_sentence(tiny_segmenter: Path) -> None:
    card = tiny_segmenter / "docs" / "README.md"
    card.parent.mkdir(exist_ok=True)
    card.write_text("x" * MOST_OF_A_CARD)
    assert read(tiny_segmenter).card() == "x" * MOST_OF_A_CARD
    os.truncate(card, 200_000_000_000)
    found = read(tiny_segmenter).card()
    assert found.rstrip().endswith("The card is longer than 2 MB and was cut off here.")
    assert len(found) < MOST_OF_A_CARD + 100


def _make_foreign(root: Path) -> None:
    file = root / "configs" / "metadata.json"
    told = json.loads(file.read_text())
    told.pop("medassist")
    shape = {"type": "image", "spatial_shape": [8, 8, 8]}
    layout = {
        "inputs": {"image": {**shape, "format": "magnitude", "num_channels": 1}},
        "outputs": {"pred": {**shape, "format": "segmentation", "num_channels": 3}},
    }
    file.write_text(json.dumps({**told, "network_data_format": layout}))
