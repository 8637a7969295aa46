"""One trip with a real network: run, explain the part under the crosshair, and the verdict comes by itself."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import write_segmenter
from phantoms import write_mr_series
from ui_cases import pump

from medassist.entities.stamp import Standing
from medassist.locations import user_models_dir
from medassist.session.actions import MoveCursor

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def test_a_part_is_explained_measured_drawn_and_reported_alike(window, store, runner, tmp_path):
    write_mr_series(tmp_path / "mr", slices=8)
    write_segmenter(user_models_dir() / "tiny")
    window.models.reload()
    window.models.select("tiny")
    window.open([tmp_path / "mr"])
    pump(lambda: store.session.volume is not None)
    window.models.device.setCurrentIndex(1)
    window.models.run.click()
    pump(lambda: not runner.running(), 300)
    mask = store.session.mask
    voxel = np.argwhere(mask.labels_zyx)[0]
    (segment,) = mask.at(int(mask.labels_zyx[tuple(voxel)]))
    store.dispatch(MoveCursor(tuple(map(float, mask.geometry.to_world(voxel[::-1])))))
    panel = window.explain
    panel.where.setCurrentIndex(panel.where.findData("crosshair"))
    panel.method.setCurrentIndex(panel.method.findData("saliency"))
    panel.button.click()
    pump(lambda: store.session.heatmap is not None and store.session.heatmap.stamp is not None, 300)
    pump(lambda: not runner.running(), 300)
    assert window.messages.sentences() == ()
    found = store.session.heatmap
    assert found.target == segment.label
    assert found.region.inside_zyx[tuple(voxel)]
    assert not (found.region.inside_zyx & ~mask.region(segment)).any()
    word = {Standing.HOLDS: "✓", Standing.FAILS: "✕", Standing.MEANINGLESS: "○"}[found.stamp.standing]
    assert word in panel.card.verdict.text()
    strongest = np.unravel_index(int(found.values_zyx.argmax()), found.values_zyx.shape)
    store.dispatch(MoveCursor(tuple(map(float, found.geometry.to_world(strongest[::-1])))))
    heat = window.viewer.planes[0].layers.heat
    assert heat.isVisible() is (found.stamp.standing is not Standing.MEANINGLESS)
    assert heat.hatched is (found.stamp.standing is Standing.FAILS)
    window.report.unreviewed.setChecked(True)
    window.report.write(tmp_path / "report")
    pump(lambda: not runner.running(), 300)
    (told,) = json.loads((tmp_path / "report" / "result.json").read_text())["explanations"]
    assert told["stamp"]["standing"] == found.stamp.standing.value
    assert told["parameters"]["region"] == "part under the crosshair"
