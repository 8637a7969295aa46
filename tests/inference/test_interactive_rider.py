"""The published weights, where they were fetched: their tensors, and the expert's tumour in the RIDER sample."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from medassist.entities.volume import Window
from medassist.imaging.load import load
from medassist.imaging.objects.read import read_overlay
from medassist.imaging.scan import scan
from medassist.inference.catalogue import find
from medassist.inference.interactive.follow import box_around
from medassist.inference.interactive.lite_medsam import LiteMedSam
from medassist.inference.interactive.outline import embed, outline
from medassist.inference.interactive.picture import Grey
from medassist.inference.network import load_network
from medassist.plugins import Availability
from medassist.progress import Progress

LEAST_DICE = 0.85


@pytest.fixture
def package():
    """The shipped package with the weights of the user, who has them in his own folder."""
    found = find("litemedsam")
    weights = Path(platformdirs.user_data_dir("medassist", appauthor=False), "weights", found.sha256, "lite_medsam.pth")
    if not weights.is_file():
        pytest.skip("not fetched: medassist models add litemedsam")
    return replace(found, weights=weights, availability=Availability())


def test_the_definition_has_a_place_for_every_published_tensor(package):
    published = torch.load(package.weights, weights_only=True)
    assert len(published) == 435
    network = load_network(package, "cpu").module
    assert isinstance(network, LiteMedSam)
    state = network.state_dict()
    assert len(state) == 435
    assert all(torch.equal(state[name], value) for name, value in published.items() if name in state)
    assert {name.replace("linear", "lin") for name in state} == set(published)


@pytest.mark.slow
def test_the_tumour_of_the_expert_is_found_in_a_box_around_it(package):
    folders = sorted(Path(platformdirs.user_cache_dir("medassist"), "samples").glob("RIDER-*"))
    if not folders:
        pytest.skip("not fetched: medassist samples get RIDER")
    series = {one.modality: one for one in scan(folders[0]).all_series()}
    volume = load(series["CT"])
    manual, automatic = (mask.labels_zyx > 0 for mask in read_overlay(series["SEG"], volume).masks)
    index = int(manual.sum(axis=(1, 2)).argmax())
    box = box_around(manual[index], index, margin=3)
    for window in (volume.windows[0], Window(-600, 1500)):
        embedding = embed(package, volume, index, Grey(window), device="cpu", progress=Progress())
        found = outline(embedding, box, progress=Progress())
        dice = [
            2 * np.count_nonzero(found & expert[index]) / (np.count_nonzero(found) + np.count_nonzero(expert[index]))
            for expert in (manual, automatic)
        ]
        sys.stdout.write(
            f"\nRIDER slice {index} box {box.first_column},{box.first_row},{box.last_column},{box.last_row} "
            f"window {window.width:g}/{window.center:g}: Dice {dice[0]:.3f} (manual), {dice[1]:.3f} (automatic)\n"
        )
        assert dice[0] >= LEAST_DICE
