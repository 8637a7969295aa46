"""What a run has to work with, in the window: devices, backend, memory, and afterwards how it ran."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bundles import write_threshold_segmenter
from PySide6.QtCore import Qt
from test_ui_panels import FakeRunner
from ui_cases import add_mask, make_scan, make_series, make_volume, pump

from medassist.entities.manifest import RunManifest
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import warned
from medassist.inference.devices import Device
from medassist.inference.expected import MemoryForecast
from medassist.inference.packages import Package
from medassist.language import set_language
from medassist.locations import user_models_dir
from medassist.plugins import Availability
from medassist.session import jobs
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.means import KnowDevices, KnowOutlook, Outlook, find_devices, foresee
from medassist.ui import device_menu, theme
from medassist.ui.device_menu import BackendMenu, DeviceMenu
from medassist.ui.outlook_line import OutlookLine
from medassist.ui.panels.model_panel import ModelPanel
from medassist.ui.run_notes import RunNotes

DEVICES = (
    Device("cuda:0", "NVIDIA RTX 9000", free_bytes=12_340_000_000),
    Device("mps", "Apple GPU", Availability("no Apple GPU was found")),
    Device("cpu", "CPU, 2 cores", free_bytes=5_000_000_000),
)


@pytest.fixture
def fake():
    one = FakeRunner()
    yield one
    one.deleteLater()


@pytest.fixture
def package():
    return Package(Path("/models/demo"), "demo", "1.0", "Title demo", "标题 demo", "segmentation")


@pytest.fixture
def rows(monkeypatch):
    found = []
    monkeypatch.setattr(jobs, "check_input", lambda *_args: tuple(found))
    return found


@pytest.fixture
def volume(store):
    one = make_volume()
    store.dispatch(AddScan(make_scan(one.series)))
    store.dispatch(ShowVolume(one))
    return one


def enabled(menu) -> list[bool]:
    return [bool(menu.model().flags(menu.model().index(row, 0)) & Qt.ItemFlag.ItemIsEnabled)
            for row in range(menu.count())]  # fmt: skip


def test_devices_are_looked_for_when_the_menu_opens_and_unusable_ones_are_greyed(store, fake, keep):
    menu = keep(DeviceMenu(store, fake))
    assert [menu.itemText(row) for row in range(menu.count())] == ["Device: automatic", "CPU"]
    assert not fake.calls
    menu.showPopup()
    assert fake.calls[0][:3] == ("start", "devices", find_devices)
    store.dispatch(KnowDevices(DEVICES))
    menu.hidePopup()
    texts = [menu.itemText(row) for row in range(menu.count())]
    assert texts[2] == "NVIDIA RTX 9000, 12.3 GB free"
    assert texts[3] == "Apple GPU: no Apple GPU was found"
    assert texts[1].endswith("5.0 GB free")
    assert enabled(menu) == [True, True, True, False]


def test_the_chosen_device_stays_until_it_cannot_be_used(store, fake, keep):
    menu = keep(DeviceMenu(store, fake))
    store.dispatch(KnowDevices(DEVICES))
    menu.setCurrentIndex(2)
    less = replace(DEVICES[0], free_bytes=1_000_000_000)
    store.dispatch(KnowDevices((less, *DEVICES[1:])))
    assert (menu.name(), menu.currentText()) == ("cuda:0", "NVIDIA RTX 9000, 1.0 GB free")
    heard = []
    menu.currentIndexChanged.connect(heard.append)
    gone = Device("cuda:0", "NVIDIA CUDA", Availability("no NVIDIA GPU with a working driver was found"))
    store.dispatch(KnowDevices((gone, *DEVICES[1:])))
    assert menu.name() == "auto"
    assert heard == [0]


def test_openvino_is_greyed_with_the_reason(keep, monkeypatch):
    monkeypatch.setattr(device_menu, "availability", Availability)
    menu = keep(BackendMenu())
    assert enabled(menu) == [True, True, True]
    menu.setCurrentIndex(2)
    menu.fit("cuda:0")
    assert menu.name() == "auto"
    assert menu.itemText(2) == "OpenVINO: it runs on the CPU only"
    monkeypatch.setattr(device_menu, "availability", lambda: Availability("OpenVINO is not installed"))
    menu.fit("cpu")
    assert enabled(menu) == [True, True, False]
    assert "not installed" in menu.itemText(2)


def test_run_takes_the_backend_chosen(store, fake, keep, volume, rows, package):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    panel.backend.setCurrentIndex(1)
    panel.run.click()
    assert fake.calls[0][4] == {"device": "auto", "override_reason": "", "backend": "torch"}


def test_memory_is_forecast_once_nothing_is_at_work_and_a_lack_of_it_stands_out(store, fake, keep, volume, package):
    line = keep(OutlookLine(store, fake))
    fake.busy = ("load",)
    line.concern(package, volume, "auto")
    line._timer.timeout.emit()
    assert not fake.calls
    fake.busy = ()
    fake.idle.emit()
    pump(lambda: fake.calls)
    assert fake.calls[0][:4] == ("start", "outlook", foresee, (package, volume, "auto"))
    store.dispatch(KnowOutlook(Outlook(package.ref, "one", "auto", MemoryForecast(900, 5000, "cpu"))))
    assert "900 MB" in line.text()
    assert theme.BAD not in line.styleSheet()
    store.dispatch(KnowOutlook(Outlook(package.ref, "one", "auto", MemoryForecast(9000, 5000, "cpu"))))
    assert "only 5000 MB are free" in line.text()
    assert theme.BAD in line.styleSheet()


def test_memory_is_asked_again_after_a_run(store, fake, keep, volume, package):
    line = keep(OutlookLine(store, fake))
    line.concern(package, volume, "auto")
    known = Outlook(package.ref, "one", "auto", MemoryForecast(900, 5000, "cpu"))
    store.dispatch(KnowOutlook(known))
    assert not line._missing()
    store.dispatch(add_mask(volume))
    assert line.isVisible()
    fake.idle.emit()
    pump(lambda: fake.calls)
    store.dispatch(KnowOutlook(replace(known, memory=MemoryForecast(900, 800, "cpu"))))
    assert not line._missing()
    assert theme.BAD in line.styleSheet()


def test_a_forecast_for_another_series_model_or_device_is_not_shown(store, fake, keep, volume, package):
    line = keep(OutlookLine(store, fake))
    line.concern(package, volume, "auto")
    memory = MemoryForecast(900, 5000, "cpu")
    for other in (
        Outlook(package.ref, "two", "auto", memory),
        Outlook(replace(package.ref, name="other"), "one", "auto", memory),
        Outlook(package.ref, "one", "cpu", memory),
    ):
        store.dispatch(KnowOutlook(other))
        assert not line.isVisible()
    store.dispatch(KnowOutlook(Outlook(package.ref, "one", "auto", memory)))
    assert line.isVisible()
    line.concern(None, volume, "auto")
    assert not line.isVisible()


def test_no_forecast_for_a_series_that_does_not_suit(store, fake, keep, volume, rows, package):
    rows.append(Check("modality", "MR", "CT", Verdict.FAIL))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    assert not panel.outlook._missing()
    panel.reason.setText("phantom study")
    assert panel.outlook._missing()


def test_the_result_says_how_it_ran_and_what_must_be_known(store, fake, keep, volume, rows, package):
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    assert not panel.notes.isVisible()
    step = warned("Memory ran out on {device}: the model ran on the CPU.", device="cuda:0")
    fell_back = warned("The model ran with torch: OpenVINO cannot run it ({reason}).", reason="no such layer")
    added = add_mask(volume)
    manifest = RunManifest("torch", "f32", windows=12, steps=(step,))
    ran = replace(added.prediction, manifest=manifest, notes=(step, fell_back), timings_s={"infer": 75.0})
    store.dispatch(replace(added, prediction=ran))
    assert panel.notes.how.text() == "Demo on CPU · torch f32 · 12 windows · 1 min 15 s"
    assert panel.notes.notes.text().splitlines() == [f"⚠ {step.text()}", f"⚠ {fell_back.text()}"]
    store.dispatch(AddScan(make_scan(make_series("two"), source="/b")))
    store.dispatch(ShowVolume(make_volume(make_series("two"))))
    assert not panel.notes.isVisible()


def test_notes_speak_chinese(keep, volume):
    notes = keep(RunNotes())
    told = warned("Memory ran out on {device}: the model ran on the CPU.", device="cuda:0")
    notes.show_result(replace(add_mask(volume).prediction, notes=(told,)))
    set_language("zh_CN")
    notes.retranslate()
    assert "内存" in notes.notes.text() or "显存" in notes.notes.text()
    assert "运行于 CPU" in notes.how.text()


def test_the_window_forecasts_and_lists_the_real_devices(window, store, runner, tmp_path):
    pytest.importorskip("torch")
    from phantoms import write_ct_series

    write_threshold_segmenter(user_models_dir() / "bright", 1500.0)
    write_ct_series(tmp_path / "ct")
    window.models.reload()
    window.models.select("bright")
    window.open([tmp_path / "ct"])
    pump(lambda: store.session.volume is not None)
    if window.models.reason.isVisibleTo(window.models):
        window.models.reason.setText("a phantom for a test")
    pump(lambda: store.session.outlook is not None and not runner.running(), 60)
    assert store.session.outlook.model.name == "bright"
    assert store.session.outlook.memory is not None
    assert "MB" in window.models.outlook.text()
    window.models.device.showPopup()
    pump(lambda: store.session.devices and not runner.running(), 60)
    window.models.device.hidePopup()
    assert "cpu" in {one.name for one in store.session.devices}
    assert window.messages.sentences() == ()


def test_what_a_look_at_the_picture_told_joins_the_table(store, fake, keep, package, rows, volume):
    rows.append(Check("Modality", "CR", "CR", Verdict.PASS))
    panel = keep(ModelPanel(store, fake, catalogue=lambda: [package]))
    panel.select("demo")
    assert panel.table.rowCount() == 1
    other_kind = Check("Kind of picture", "Chest film", "Hand film (0.99)", Verdict.FAIL)
    store.dispatch(KnowOutlook(Outlook(package.ref, "elsewhere", "auto", checks=(other_kind,))))
    assert panel.table.rowCount() == 1
    store.dispatch(KnowOutlook(Outlook(package.ref, volume.series.key, "auto", checks=(other_kind,))))
    assert [panel.table.item(1, column).text() for column in range(3)] == [
        "Kind of picture", "Chest film", "Hand film (0.99)",
    ]  # fmt: skip
    assert "Kind of picture: demanded Chest film, found Hand film (0.99)" in panel.problem.text()
    assert panel.reason.isVisibleTo(panel)
    assert not panel.run.isEnabled()
