"""One trip with a real network whose answer is known: the brightest voxel of a phantom, found, shown and reported."""

from __future__ import annotations

import threading
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import write_segmenter, write_threshold_segmenter
from phantoms import MARKER_IJK, write_ct_series, write_mr_series
from ui_cases import pump

from medassist import app
from medassist.entities.errors import Refused
from medassist.entities.prediction import ModelRef, Prediction
from medassist.locations import user_models_dir
from medassist.progress import Progress
from medassist.ui.panels.explain_panel import explain
from medassist.ui.quiet_import import load_libraries, quiet_torch_import

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


@pytest.fixture
def model():
    return write_threshold_segmenter(user_models_dir() / "bright", 1500.0)


def test_run_shows_the_marker_where_it_is(window, store, runner, tmp_path, model):
    write_ct_series(tmp_path / "ct")
    window.models.reload()
    window.models.select("bright")
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    if window.models.reason.isVisibleTo(window.models):
        window.models.reason.setText("a phantom for a test")
    window.models.device.setCurrentIndex(1)
    window.models.run.click()
    pump(lambda: not runner.running(), 60)
    assert window.messages.sentences() == ()
    i, j, k = MARKER_IJK
    mask = store.session.mask
    assert np.argwhere(mask.labels_zyx).tolist() == [[k, j, i]]
    finding = store.session.findings[0]
    assert finding.volume_ml == pytest.approx(0.7 * 0.7 * 2.5 / 1000)
    window.findings.table.selectRow(0)
    shown = window.viewer.planes[0].shown
    assert shown.index == shown.layout.index_of(mask.geometry.to_world([i, j, k]))
    window.report.unreviewed.setChecked(True)
    window.report.write(tmp_path / "report")
    pump(lambda: not runner.running(), 60)
    assert window.messages.sentences() == ()
    assert {"seg.dcm", "sr.dcm", "result.json"} <= {path.name for path in store.session.reports}


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_cancel_and_close_stop_a_real_network_at_the_next_window(window, store, runner, tmp_path, end):
    write_mr_series(tmp_path / "mr", slices=48, rows=64, columns=64)
    write_segmenter(user_models_dir() / "tiny")
    window.models.reload()
    window.models.select("tiny")
    window.open([tmp_path / "mr"])
    pump(lambda: store.session.volume is not None and not runner.running())
    fractions = []
    runner.stepped.connect(lambda _lane, step: fractions.append(step.fraction if "Running" in step.stage else None))
    window.models.device.setCurrentIndex(1)
    window.models.run.click()
    pump(lambda: any(fractions), 60)
    before = store.session
    window.models.progress.cancel.click() if end == "cancel" else window.close()
    pump(lambda: not runner.running(), 5)
    assert store.session is before
    assert window.messages.sentences() == ()
    assert max(fraction or 0.0 for fraction in fractions) < 0.9
    assert not [one for one in threading.enumerate() if one.name.startswith("medassist-model")]


def test_run_and_explain_as_the_command_line_does(tmp_path, monkeypatch):
    write_ct_series(tmp_path / "ct", slices=16, rows=32, columns=32)
    write_segmenter(user_models_dir() / "tiny", modality="CT")
    seen = []
    real = app.show

    def show(plan, **options):
        def look(session, *, progress):
            seen.append((session.prediction.model.name, session.heatmap.target, session.mask is not None))

        return real([*plan, look], **options)

    monkeypatch.setattr(app, "show", show)
    assert app.run([tmp_path / "ct"], screenshot=tmp_path / "w.png", model="tiny", explain="Anterior part") == 0
    assert seen == [("tiny", "Anterior part", True)]


def test_a_package_outside_the_catalogue_is_explained_and_shown_as_the_one_that_ran(tmp_path):
    write_ct_series(tmp_path / "ct", slices=16, rows=32, columns=32)
    root = write_segmenter(tmp_path / "packages" / "tiny", modality="CT")
    assert app.run([tmp_path / "ct"], screenshot=tmp_path / "w.png", model=str(root), explain="Anterior part") == 0


def test_a_replaced_model_does_not_explain_the_result_of_the_old_one(tmp_path):
    root = write_segmenter(user_models_dir() / "tiny", modality="CT")
    old = ModelRef("tiny", "0.1.0", "0" * 64)
    prediction = Prediction(old, "1.2", "2026-01-02T10:11:12", "cpu")
    with pytest.raises(Refused, match="was replaced"):
        explain(None, prediction, "Anterior part", "", model=str(root), progress=Progress())


def test_asking_where_torch_is_loads_nothing_and_the_loader_is_its_own_again():
    import sys

    with quiet_torch_import():
        spec = find_spec("torch")
    assert spec is not None
    assert spec.submodule_search_locations
    assert not [finder for finder in sys.meta_path if type(finder).__module__ == "medassist.ui.quiet_import"]


def test_a_folder_without_libraries_is_left_to_torch(tmp_path):
    assert load_libraries(tmp_path) == ()
