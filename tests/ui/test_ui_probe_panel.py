"""The probe panel: what can be asked and what cannot, what is started, what is shown, kept and forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from ui_cases import (
    MODEL,
    add_heat,
    add_mask,
    add_scores,
    make_heatmap,
    make_scan,
    make_series,
    make_volume,
    opened,
    pump,
)

from medassist.entities.probe import MILLILITRES, Area, Means, Place, Probe, Reading
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Region
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import SeriesKind, warned
from medassist.language import set_language
from medassist.session.actions import AddHeatmap, AddScan, MoveCursor, ShowVolume
from medassist.session.probes import AddProbe
from medassist.session.regions import DropRegion, SetRegion
from medassist.ui.panels.probe_panel import LANE, ProbePanel


class Fake:
    """A runner that only writes down what it is asked to start."""

    def __init__(self, real):
        self.calls, self._real = [], real

    def start(self, lane, job, *args, **options):
        self.calls.append((lane, job, args, options))

    def running(self, lane=""):
        return False

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def fake(runner):
    return Fake(runner)


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def choose(box, value):
    box.setCurrentIndex(box.findData(value))


def region_on(volume, marked=True):
    plane = np.zeros(volume.geometry.shape_zyx[1:], dtype=bool)
    plane[10:14, 5:9] = True
    prompt = Prompt(Box(4, 9, 9, 15, 6), None, slices=(6, 6))
    return Region(volume.series.key, volume.geometry, MODEL, prompt, {6: plane} if marked else {})


def make_probe(volume, at=6, **fields):
    mask = np.zeros(volume.geometry.shape_zyx, dtype=bool)
    mask[at, 10:14, 5:9] = True
    picture = np.zeros((40, 30, 3), np.uint8)
    told = {
        "readings": (Reading("Effusion", 0.31, 0.3), Reading("Nodule", 0.62, 0.2, "结节")),
        "controls": (0.01, -0.03, 0.02, 0.0, 0.01),
        "created": f"2026-11-20T10:00:0{at}",
        "before_rgb": picture,
        "after_rgb": picture + np.uint8(90),
        **fields,
    }
    key = volume.series.key
    return Probe(MODEL, key, "Nodule", Area.of(mask, volume.geometry), Place.BOX, Means.MEAN, **told)


def allowed(box):
    return [
        box.itemData(row) for row in range(box.count()) if box.model().index(row, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    ]


def test_without_a_result_nothing_can_be_asked_and_the_panel_says_so(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    assert not panel.button.isEnabled()
    assert panel.hint.isVisible()
    assert not panel.result.isVisible()
    assert not panel.keep.isVisible()
    store.dispatch(add_scores(volume))
    assert panel.button.isEnabled()
    assert not panel.hint.isVisible()


def test_regions_that_are_not_there_are_greyed_with_their_reason(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_scores(volume))
    assert allowed(panel.form.place) == ["cursor", "outside"]
    assert "key B" in panel.form.place.itemText(0)
    store.dispatch(SetRegion(region_on(volume, marked=False)))
    assert allowed(panel.form.place) == ["box", "cursor", "outside"]
    store.dispatch(SetRegion(region_on(volume)))
    assert allowed(panel.form.place) == ["marked", "box", "cursor", "outside"]
    choose(panel.form.place, "marked")
    nothing = Stamp(Standing.MEANINGLESS, reasons=(warned("The score is too small."),))
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), stamp=nothing)))
    assert "hottest" not in allowed(panel.form.place), "a map that is not drawn has no strongest spot to see"
    store.dispatch(add_heat(volume))
    assert "hottest" in allowed(panel.form.place)
    assert panel.form.place.currentData() == "marked", "what was chosen stays chosen"
    store.dispatch(DropRegion())
    assert panel.form.place.currentData() == "hottest", "and gives way when it is gone"
    flat = np.zeros(volume.geometry.shape_zyx, np.float32)
    store.dispatch(AddHeatmap(replace(make_heatmap(volume), values_zyx=flat, native_zyx=flat.copy())))
    assert "hottest" not in allowed(panel.form.place), "a map that is all zero has no strongest spot"


def test_the_other_side_is_greyed_where_sides_are_not_known(store, fake, keep):
    series = make_series("film", SeriesKind.FILM, shape_zyx=(1, 40, 30))
    film = make_volume(series, shape=(1, 40, 30))
    film = replace(film, geometry=replace(film.geometry, frame_of_reference_uid=""))
    panel = keep(ProbePanel(store, fake))
    store.dispatch(AddScan(make_scan(film.series)))
    store.dispatch(ShowVolume(film))
    store.dispatch(add_scores(film))
    assert allowed(panel.form.how) == ["mean", "blur"]
    assert "left and right" in panel.form.how.itemText(2)


def test_the_question_reaches_the_job(store, fake, keep, volume):
    job = object()
    panel = keep(ProbePanel(store, fake, job=job))
    added = add_scores(volume)
    store.dispatch(added)
    store.dispatch(MoveCursor((1.0, -3.0, 2.0)))
    choose(panel.form.target, "Effusion")
    choose(panel.form.place, "cursor")
    choose(panel.form.how, "mirror")
    assert panel.form.radius.isVisible()
    assert panel.form.radius.value() == pytest.approx(1.2), "5 % of 30 columns of 0.8 mm"
    panel.form.radius.setValue(7.5)
    panel.button.click()
    ((lane, started, args, options),) = fake.calls
    assert (lane, started) == (LANE, job)
    assert args[:3] == (volume, added.prediction, "Effusion")
    spot = args[3]
    assert (spot.place, spot.center_lps, spot.radius_mm) == (Place.CURSOR, (1.0, -3.0, 2.0), 7.5)
    assert args[4] is Means.MIRROR
    assert options == {"window": store.session.view.window}
    store.dispatch(SetRegion(region_on(volume)))
    choose(panel.form.place, "box")
    assert not panel.form.radius.isVisible()
    panel.button.click()
    assert fake.calls[-1][2][3].region is store.session.drawing


def test_the_cost_is_told_before(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    added = add_scores(volume)
    store.dispatch(added)
    assert panel.cost.text() == "Runs the model up to 10 times."
    store.dispatch(AddProbe(make_probe(volume, seconds=6.0, runs=4)))
    assert panel.cost.text() == "Runs the model up to 10 times, about 15 s."


def test_a_change_is_shown_beside_the_same_change_elsewhere(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_scores(volume))
    store.dispatch(AddProbe(make_probe(volume, notes=(warned("Only the first time point was changed and analysed."),))))
    result = panel.result
    assert result.headline.text() == "Nodule: 0.62 → 0.20 (−0.42)"
    assert "The same change at 5 other places moves it by 0.010 (0.00 to 0.030)." in result.scale.text()
    assert "⚠ Only the first time point" in result.scale.text()
    assert "the drawn box was replaced by the mean around it" in result.asked.text(), "the form may say another by now"
    assert result.strip.isVisible()
    assert "−0.42" in result.strip.accessibleName()
    table = [[result.table.item(row, column).text() for column in range(4)] for row in range(2)]
    assert table[1] == ["Nodule", "0.62", "0.20", "−1.88"]
    assert result.table.item(1, 0).font().bold()
    assert not result.table.item(0, 0).font().bold()
    assert result.before.isVisible()
    assert not result.after.pixmap().isNull()


def test_of_a_segmenter_amounts_are_shown(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_mask(volume))
    probe = make_probe(volume, unit=MILLILITRES, readings=(Reading("Nodule", 2.5, 2.75),), controls=())
    store.dispatch(AddProbe(probe))
    assert panel.result.headline.text() == "Nodule: 2.5 ml → 2.75 ml (+0.25 ml)"
    assert "outside of the region" in panel.result.scale.text()
    assert not panel.result.strip.isVisible()
    assert panel.result.table.item(0, 3).text() == "+0.25 ml"
    assert not panel.keep.isEnabled(), "no finding claims a nodule here"
    assert "No finding" in panel.keep.toolTip()


def test_kept_it_is_with_its_finding_and_forgotten_it_is_not(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_scores(volume))
    for at in (3, 6):
        store.dispatch(AddProbe(make_probe(volume, at)))
    assert panel.history.count() == 2
    assert panel.chosen() is store.session.probes[-1]
    panel.history.setCurrentIndex(1)
    assert panel.chosen() is store.session.probes[0]
    panel.keep.click()
    nodule = store.session.findings[1]
    (kept,) = nodule.counter_evidence
    assert kept.kept_at
    assert panel.chosen() is kept, "the one that was kept stays chosen"
    assert "kept" in panel.history.currentText()
    assert not panel.keep.isEnabled()
    store.dispatch(AddProbe(make_probe(volume, 8)))
    assert panel.chosen() is store.session.probes[-1], "a new one is shown at once"
    panel.history.setCurrentIndex(2)
    panel.drop.click()
    assert store.session.findings[1].counter_evidence == ()
    assert panel.history.count() == 2


def test_probes_of_another_model_or_series_are_not_shown(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_scores(volume))
    store.dispatch(AddProbe(replace(make_probe(volume), model=replace(MODEL, sha256="1" * 64))))
    store.dispatch(AddProbe(replace(make_probe(volume), series_key="other")))
    assert panel.chosen() is None
    assert not panel.result.isVisible()


def test_a_job_in_its_lane_disables_the_button_and_its_answer_is_shown(store, runner, keep, volume):
    probe = make_probe(volume)

    def job(*_args, progress, **_options):
        progress.step("Replacing the region")
        return AddProbe(probe)

    panel = keep(ProbePanel(store, runner, job=job))
    store.dispatch(add_scores(volume))
    panel.button.click()
    assert not panel.button.isEnabled()
    assert panel.progress.isVisible()
    pump(lambda: panel.chosen() is probe and panel.button.isEnabled())


def test_the_findings_show_what_was_kept_against_them(window, store, volume):
    store.dispatch(add_scores(volume))
    store.dispatch(AddProbe(make_probe(volume)))
    window.probe.keep_it()
    table = window.findings.table
    assert "counter-evidence: 1" in table.item(1, 2).text()
    assert "counter-evidence" not in table.item(0, 2).text()
    table.selectRow(1)
    assert "Probe on a modified image" in window.findings.note.text()
    assert "went from 0.62 to 0.20" in window.findings.note.text()
    table.selectRow(0)
    assert "Probe" not in window.findings.note.text()


def test_the_panel_speaks_chinese(store, fake, keep, volume):
    panel = keep(ProbePanel(store, fake))
    store.dispatch(add_scores(volume))
    store.dispatch(AddProbe(make_probe(volume)))
    set_language("zh_CN")
    panel.retranslate()
    assert panel.result.headline.text().startswith("结节")
    assert "其他 5 个位置" in panel.result.scale.text()
    assert "副本" in panel.meaning.text()
    assert "反证" in panel.keep.text()


def test_the_report_action_still_leads_to_the_report(window):
    from medassist.ui.menus import REPORT_TAB

    assert window.tabs.widget(REPORT_TAB).widget() is window.report
    assert window.tabs.widget(2).widget() is window.probe


def test_it_all_fits_when_nothing_is_open(store, fake, keep):
    panel = keep(ProbePanel(store, fake), 330, 700)
    assert panel.minimumSizeHint().width() <= 330
    store.dispatch(lambda _session: opened(make_volume()))
    assert not panel.button.isEnabled()
