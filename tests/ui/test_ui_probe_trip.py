"""One trip with a real network: open, run, probe, keep what speaks against the finding, report it."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import write_classifier
from phantoms import write_film
from ui_cases import pump

from medassist import app
from medassist.entities.errors import Refused, UsageError
from medassist.entities.probe import Means, Place
from medassist.inference import results
from medassist.locations import cache_dir, user_models_dir

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


@pytest.fixture
def film(tmp_path):
    write_film(tmp_path / "film", spacing=(0.2, 0.2))
    write_classifier(user_models_dir() / "tiny")
    return tmp_path / "film"


def test_a_region_is_probed_kept_and_reported(window, store, runner, film, tmp_path):
    results.forget_results()
    window.models.reload()
    window.models.select("tiny")
    window.open([film])
    pump(lambda: store.session.volume is not None)
    if window.models.reason.isVisibleTo(window.models):
        window.models.reason.setText("a phantom for a test")
    window.models.device.setCurrentIndex(1)
    window.models.run.click()
    pump(lambda: not runner.running(), 60)
    volume, known = store.session.volume, len(results._known)
    before, kept = volume.array_tzyx.copy(), sorted(cache_dir().rglob("*.npz"))
    panel = window.probe
    window.bring_up(panel)
    assert panel.isVisible()
    panel.form.target.setCurrentIndex(panel.form.target.findData("Effusion"))
    panel.form.place.setCurrentIndex(panel.form.place.findData("cursor"))
    panel.button.click()
    pump(lambda: not runner.running(), 60)
    assert window.messages.sentences() == ()
    (probe,) = store.session.probes
    assert probe.series_key == store.session.current
    assert probe.area.center_lps == pytest.approx(store.session.view.cursor_lps, abs=0.2)
    assert probe.reading.before == pytest.approx(store.session.prediction.scores[0].probability, abs=1e-5)
    assert np.array_equal(volume.array_tzyx, before)
    assert len(results._known) == known
    assert sorted(cache_dir().rglob("*.npz")) == kept
    panel.keep.click()
    assert "counter-evidence: 1" in window.findings.table.item(0, 2).text()
    window.report.unreviewed.setChecked(True)
    window.report.write(tmp_path / "report")
    pump(lambda: not runner.running(), 60)
    assert window.messages.sentences() == ()
    told = json.loads((tmp_path / "report" / "result.json").read_text(encoding="utf-8"))["classes"]
    effusion = next(one for one in told if one["label"] == "Effusion")
    (evidence,) = effusion["counter_evidence"]
    assert evidence["region"]["sha256"] == probe.area.sha256
    assert evidence["after"] == pytest.approx(probe.reading.after)


def test_the_window_can_be_asked_for_a_probe_from_outside(film, tmp_path):
    picture = tmp_path / "window.png"
    done = app.run([film], screenshot=picture, model=str(user_models_dir() / "tiny"), explain="Effusion",
                   probe="cursor:mean", language="en")  # fmt: skip
    assert done == 0
    assert picture.is_file()
    assert app.read_wish("cursor:blur") == (Place.CURSOR, Means.BLUR)
    with pytest.raises(Refused, match="changes nothing"):  # a blur leaves the even ramp of this film as it is
        app.run([film], screenshot=tmp_path / "ramp.png", model=str(user_models_dir() / "tiny"), explain="Effusion",
                probe="cursor:blur", language="en")  # fmt: skip
    for wrong in ("box", "hottest:nothing", ""):
        with pytest.raises(UsageError, match="no probe"):
            app.read_wish(wrong)
