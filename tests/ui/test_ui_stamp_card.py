"""The stamp beside the map: measured unasked where it is cheap, out of the way of the reader, and readable."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel
from ui_cases import add_scores, make_heatmap, make_mask, make_scan, make_series, make_volume, pump

from medassist.entities.heatmap import MapKind
from medassist.entities.overlay import Overlay
from medassist.entities.prompt import Box, Prompt
from medassist.entities.region import Region
from medassist.entities.stamp import Limits, Stamp, Standing
from medassist.entities.study import warned
from medassist.inference.catalogue import find
from medassist.language import set_language
from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, ShowVolume
from medassist.session.measuring import measure
from medassist.session.objects import AddOverlay
from medassist.session.regions import DropRegion, SetRegion
from medassist.session.stamps import AddStamp
from medassist.ui.map_measurer import LANE
from medassist.ui.stamp_card import StampCard
from medassist.ui.stamp_words import lines_of, meaning_of

NUMBERS = {
    "deletion_auc": 0.4, "insertion_auc": 0.7, "gain_over_random": -0.05, "randomised_top_ssim": 0.91,
    "randomised_all_ssim": 0.2, "repeatability": 0.8, "agreement": 0.33,
}  # fmt: skip
REASON = warned(
    "Taking away what the map marks changes the score hardly more than random places do (gain {value}, at "
    "least {limit}).",
    value="-0.05",
    limit="0.10",
)
FAILS = Stamp(Standing.FAILS, NUMBERS, (REASON,), "Occlusion")
HOLDS = Stamp(Standing.HOLDS, {"gain_over_random": 0.4, "repeatability": 0.8}, (), "Occlusion")


class Fake:
    """A runner that only writes down what it is asked to start."""

    def __init__(self, real):
        self.calls, self._real = [], real

    def start(self, lane, job, *args, **options):
        self.calls.append((lane, job, args))

    def running(self, lane=""):
        return False

    def __getattr__(self, name):
        return getattr(self._real, name)


class Gate:
    """A job that waits until it is let go, and answers with a stamp."""

    def __init__(self, stamp=HOLDS):
        self.asked, self.open, self.stamp = [], threading.Event(), stamp

    def __call__(self, _volume, _prediction, heatmap, *, progress):
        self.asked.append(heatmap.target)
        while not self.open.wait(0.005):
            progress.step("Measuring the heatmap", 0.5)
        return AddStamp(heatmap, self.stamp)


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    added = add_scores(one)
    prediction = replace(added.prediction, model=find("chest_xray_findings").ref)
    store.dispatch(AddPrediction(prediction, added.findings))
    return one


def chest_map(volume, target="Nodule", *, passes=1.3, **fields):
    return replace(make_heatmap(volume), model=find("chest_xray_findings").ref, target=target, passes=passes, **fields)


def test_a_cheap_map_is_measured_by_itself_and_a_dear_one_when_asked(store, runner, keep, volume):
    fake = Fake(runner)
    card = keep(StampCard(store, fake))
    cheap = chest_map(volume)
    store.dispatch(AddHeatmap(cheap))
    assert fake.calls[-1][:2] == (LANE, measure)
    assert fake.calls[-1][2] == (volume, store.session.prediction, cheap)
    store.dispatch(AddStamp(cheap, HOLDS))
    fake.calls.clear()
    dear = chest_map(volume, "Effusion", passes=300.0)
    store.dispatch(AddHeatmap(dear))
    assert fake.calls == []
    assert "? Not measured" in card.verdict.text()
    assert card.button.isVisible()
    assert card.button.isEnabled()
    passes = "passes of the network"
    assert passes in card.cost.text()
    card.button.click()
    assert fake.calls[-1][2][2] is dear


def test_a_map_of_a_model_that_is_not_here_cannot_be_measured(store, runner, keep, volume):
    card = keep(StampCard(store, Fake(runner)))
    store.dispatch(AddHeatmap(make_heatmap(volume)))
    assert not card.button.isEnabled()
    assert "is not here" in card.cost.text()
    store.dispatch(AddHeatmap(replace(chest_map(volume), kind=MapKind.UNCERTAINTY)))
    assert card.isHidden(), "no explanation, so nothing to believe"


def test_the_card_shows_the_verdict_while_the_window_goes_on(store, runner, keep, volume):
    gate = Gate(FAILS)
    card = keep(StampCard(store, runner, job=gate))
    store.dispatch(AddHeatmap(chest_map(volume)))
    assert "… Being measured" in card.verdict.text()
    assert card.progress.isVisible()
    assert not card.button.isVisible()
    gate.open.set()
    pump(lambda: store.session.heatmap.stamp is not None and not runner.running())
    assert "✕ Fails" in card.verdict.text()
    assert "hardly more than random places" in card.reasons.text()
    assert gate.asked == ["Nodule"]


def test_what_the_reader_stops_is_not_started_again(store, runner, keep, volume):
    gate = Gate()
    card = keep(StampCard(store, runner, job=gate))
    store.dispatch(AddHeatmap(chest_map(volume)))
    pump(lambda: gate.asked == ["Nodule"])
    card.progress.cancel.click()
    pump(lambda: not runner.running())
    for _round in range(3):
        runner.idle.emit()
    assert not runner.running()
    assert card.button.isVisible(), "it can still be asked for"
    card.button.click()
    gate.open.set()
    pump(lambda: store.session.heatmap.stamp is HOLDS and not runner.running())


def test_measuring_gives_way_to_an_explanation_and_goes_on_after_it(store, runner, keep, volume):
    gate = Gate()
    keep(StampCard(store, runner, job=gate))
    store.dispatch(AddHeatmap(chest_map(volume, "Nodule")))
    pump(lambda: gate.asked == ["Nodule"])
    runner.start("explain", lambda *, progress: AddHeatmap(chest_map(volume, "Effusion")))
    pump(lambda: gate.asked[-1] == "Effusion")
    gate.open.set()
    pump(lambda: not runner.running())
    assert gate.asked == ["Nodule", "Effusion", "Nodule"], "the map on screen first, then the one before"
    assert all(one.stamp is not None for one in store.session.heatmaps)


def test_measuring_ends_with_its_map(store, runner, keep, volume):
    gate = Gate()
    keep(StampCard(store, runner, job=gate))
    store.dispatch(AddHeatmap(chest_map(volume)))
    pump(lambda: gate.asked == ["Nodule"])
    store.dispatch(lambda session: replace(session, heatmaps=()))
    pump(lambda: not runner.running())
    assert store.session.heatmaps == ()


def test_a_job_that_ends_reads_no_catalogue_again(store, runner, keep, volume, monkeypatch):
    """Every save of the work is one; reading the catalogue each time stopped the window for half a second."""
    looked = []
    monkeypatch.setattr("medassist.ui.map_measurer.next_to_measure", lambda *_: looked.append(1))
    keep(StampCard(store, runner, job=Gate()))
    store.dispatch(AddHeatmap(chest_map(volume, stamp=HOLDS)))
    before = len(looked)
    for _ in range(3):
        runner.queue("case", lambda *, progress: lambda session: session)
        pump(lambda: not runner.running())
    assert before
    assert len(looked) == before
    store.dispatch(AddHeatmap(chest_map(volume, "Effusion")))
    assert len(looked) > before, "what is new is looked at"


def test_every_measure_has_its_limit_and_what_it_means(volume):
    lines = {line.number: line for line in lines_of(chest_map(volume, stamp=FAILS), Limits(gain=0.2))}
    assert (lines["gain_over_random"].value, lines["gain_over_random"].limit) == ("−0.05", "at least 0.20")
    kept = {name: line.kept for name, line in lines.items()}
    assert kept == {
        "gain_over_random": False, "randomised_top_ssim": False, "randomised_all_ssim": True, "repeatability": True,
        "agreement": None,
    }  # fmt: skip
    assert all(line.meaning for line in lines.values())
    assert "Occlusion" in lines["agreement"].meaning
    assert lines["agreement"].limit == "with Occlusion"
    assert meaning_of("unheard_of", "") == ""


def test_the_share_outside_the_region_is_shown_before_anything_is_measured(volume):
    (line,) = lines_of(chest_map(volume, quality={"share_outside_region": 0.42}), Limits())
    assert (line.value, line.limit) == ("42%", "")


def test_a_mask_of_a_file_is_a_reference_beside_chance(store, runner, keep, volume):
    card = keep(StampCard(store, runner, job=Gate()))
    card.measurer._job.open.set()
    store.dispatch(AddHeatmap(chest_map(volume, stamp=HOLDS)))
    assert not card.reference.isVisible(), "nothing to hold it against"
    store.dispatch(AddOverlay(Overlay("s", volume.series.key, "segmentation", "Reader 1", masks=(make_mask(volume),))))
    assert [card.reference.itemText(row) for row in range(card.reference.count())] == ["none", "Reader 1: Target"]

    def choose(row):
        card.reference.setCurrentIndex(row)
        card.reference.activated.emit(row)

    choose(1)
    pump(lambda: store.session.heatmap.stamp.reference != "" and not runner.running())
    numbers = store.session.heatmap.stamp.numbers
    assert (numbers["energy_in_mask"], numbers["pointing_hit"]) == (1.0, 1.0)
    told = {line.number: line for line in lines_of(store.session.heatmap, Limits())}
    assert told["energy_in_mask"].limit.startswith("chance 0.0")
    store.dispatch(AddHeatmap(chest_map(volume, "Effusion")))
    pump(lambda: not runner.running() and "energy_in_mask" in store.session.heatmap.stamp.numbers)
    choose(0)
    assert store.session.heatmap.stamp == HOLDS


def test_a_reference_that_changes_is_measured_anew_and_one_that_goes_leaves_no_figure(store, runner, keep, volume):
    card = keep(StampCard(store, runner, job=Gate()))
    store.dispatch(AddHeatmap(chest_map(volume, stamp=HOLDS)))

    def region(corner):
        plane = np.zeros(volume.geometry.shape_zyx[1:], dtype=bool)
        plane[corner : corner + 4, 6:10] = True
        prompt = Prompt(Box(4, 9, 9, 15, 6), None, slices=(6, 6))
        return Region(volume.series.key, volume.geometry, find("chest_xray_findings").ref, prompt, {6: plane})

    def hit():
        return store.session.heatmap.stamp.numbers.get("pointing_hit")

    store.dispatch(SetRegion(region(2)))
    card.reference.setCurrentIndex(1)
    card.reference.activated.emit(1)
    pump(lambda: hit() == 0.0 and not runner.running())
    store.dispatch(SetRegion(region(24)))
    pump(lambda: hit() == 1.0 and not runner.running())
    assert card.reference.currentIndex() == 1
    other = make_volume(make_series("two"))
    store.dispatch(AddScan(make_scan(other.series, source="/data/other")))
    store.dispatch(ShowVolume(other))
    store.dispatch(ShowVolume(volume))
    pump(lambda: not runner.running())
    assert (card.reference.currentIndex(), hit()) == (1, 1.0)
    store.dispatch(DropRegion())
    pump(lambda: not runner.running())
    assert store.session.heatmap.stamp == HOLDS
    assert card.reference.currentIndex() == 0


def test_the_card_speaks_chinese(store, runner, keep, volume):
    set_language("zh_CN")
    card = keep(StampCard(store, Fake(runner)))
    store.dispatch(AddHeatmap(chest_map(volume, stamp=FAILS)))
    assert "✕ 未通过检验" in card.verdict.text()
    assert "随机部位" in card.reasons.text() or "随机" in card.reasons.text()
    assert all(np.any([ord(sign) > 0x4E00 for sign in line.name + line.meaning]) for line in lines_of(
        store.session.heatmap, Limits()
    ))  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_no_text_of_the_card_is_cut_in_a_narrow_window(window, store, volume, language):
    set_language(language)
    window.resize(1280, 800)
    window.tabs.setCurrentIndex(1)
    window.retranslate()
    many = replace(FAILS, reasons=(REASON,) * 3)
    store.dispatch(AddHeatmap(chest_map(volume, stamp=many)))
    card = window.explain.card
    pump(lambda: card.isVisible() and card.reasons.height() > 0)
    for _round in range(3):
        QApplication.processEvents()
    for label in card.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    needed = card.layout().totalHeightForWidth(card.width())
    assert card.minimumHeight() >= needed, "the page that scrolls may not squeeze it"
    lowest = max(label.geometry().bottom() for label in card.findChildren(QLabel) if label.isVisible())
    assert lowest <= card.height()
