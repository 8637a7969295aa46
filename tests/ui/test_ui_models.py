"""Models in the window: added and removed by jobs, and a card that says what must be known, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bundles import change_json, write_classifier, write_segmenter
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox
from ui_cases import add_mask, make_scan, make_volume, pump

from medassist.entities.prediction import Prediction
from medassist.inference import catalogue
from medassist.inference.catalogue import find
from medassist.inference.optimised import Optimised, Promised
from medassist.inference.packages import read
from medassist.inference.weights import Format
from medassist.language import set_language
from medassist.locations import user_models_dir
from medassist.progress import Progress
from medassist.session.actions import AddScan, ShowVolume
from medassist.session.trust import trust_model
from medassist.ui.model_card import ModelCard
from medassist.ui.model_facts import facts, plain
from medassist.ui.panels import explain_panel
from medassist.ui.panels.explain_panel import ExplainPanel


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_segmenter(tmp_path / "tiny_segmenter")


def listed(window) -> list[str]:
    rows = window.models.list
    return [rows.item(row).text() for row in range(rows.count())]


def test_a_model_is_added_and_chosen_then_removed(window, runner, bundle, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(bundle))
    window.menus.add_folder.trigger()
    pump(lambda: not runner.running())
    assert window.models.list.package().name == "tiny_segmenter"
    assert window.models.remove.isEnabled()
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words[2]) or QMessageBox.StandardButton.No)
    window.models.remove.click()
    assert "tiny_segmenter" in asked[0]
    assert (user_models_dir() / "tiny_segmenter").is_dir()
    monkeypatch.setattr(QMessageBox, "question", lambda *_words: QMessageBox.StandardButton.Yes)
    window.models.remove.click()
    pump(lambda: not runner.running())
    assert not (user_models_dir() / "tiny_segmenter").exists()
    assert not [text for text in listed(window) if "tiny_segmenter" in text]


def test_a_shipped_model_cannot_be_removed(window, monkeypatch) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_words: pytest.fail("asked"))
    window.models.select("hippocampus_mr")
    assert not window.models.remove.isEnabled()
    assert "came with MedAssist" in window.models.remove.toolTip()
    window.menus.models.aboutToShow.emit()
    assert not window.menus.remove.isEnabled()
    window.models.ask_to_remove()


def test_a_refused_model_is_said_and_not_listed(window, runner, bundle) -> None:
    change_json(bundle, "metadata", medassist={"weights": {"file": "models/model.pt", "sha256": "0" * 64}})
    before = listed(window)
    window.models.installing.add(str(bundle))
    pump(lambda: not runner.running())
    assert "is not the file its metadata promises" in window.messages.sentences()[0]
    assert listed(window) == before


def test_no_file_chosen_starts_nothing(window, runner, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("", ""))
    window.models.add.click()
    assert not runner.running()


def test_a_trusted_model_is_marked_where_it_is_chosen_and_on_its_card(window, runner, bundle) -> None:
    window.models.installing.add(str(bundle))
    pump(lambda: not runner.running())
    trust_model("tiny_segmenter", progress=Progress())
    window.models.reload()
    (row,) = [text for text in listed(window) if "tiny_segmenter" in text]
    assert "Trusted to run code" in row
    assert "May run code" in window.models.card.toPlainText()


def test_facts_of_a_package_without_a_card(tmp_path) -> None:
    root = write_classifier(tmp_path / "bare")
    (root / "docs" / "README.md").unlink()
    about = {
        "intended_use": "Nothing\n# at all",
        "data_source": "nobody's <b>films</b>",
        "copyright": "CC0",
        "eval_metrics": {"auc": 0.81234},
    }
    change_json(root, "metadata", **about)
    text = facts(read(root))
    for part in ("Nothing \\# at all", "nobody's \\<b\\>films", "CC0", "auc 0.812", "CR"):
        assert part in text
    assert "no operating point" in text
    assert "no model card" in text


def test_facts_speak_chinese() -> None:
    set_language("zh_CN")
    text = facts(find("chest_xray_findings"))
    assert "预期用途" in text
    assert "Missing" not in text


def test_facts_name_the_precision_of_a_quicker_form(tmp_path) -> None:
    package = read(write_classifier(tmp_path / "plain"))
    file = Promised(tmp_path / "program", "0" * 64)
    made = Optimised("int8", file, file, package.sha256, (1, 1, 32, 32), 0.02, 0.0, "auc", -0.0012, 40)
    assert "**Quicker form**: int8 on a CPU: on 40 measured rows its auc changes by -0.0012 at most" in facts(
        replace(package, optimised=made)
    )
    assert "Quicker form" not in facts(package)


def test_a_text_of_a_package_is_shown_as_it_is() -> None:
    assert plain("a *b*\n# c [d](e) <img>") == "a \\*b\\* \\# c \\[d\\](e) \\<img\\>"
    assert len(plain("x" * 10_000)) < 700


def test_a_card_loads_no_file_and_shows_no_html(keep, bundle, tmp_path) -> None:
    picture = tmp_path / "red.png"
    red = QImage(40, 40, QImage.Format.Format_RGB32)
    red.fill(Qt.GlobalColor.red)
    red.save(str(picture))
    (bundle / "docs" / "README.md").write_text(f"![x]({picture})\n\n<h1>big</h1><script>x</script>\n")
    card = keep(ModelCard())
    card.show_package(read(bundle))
    shown = card.loadResource(2, QUrl.fromLocalFile(str(picture)))
    assert (shown.width(), shown.height()) == (1, 1)
    assert "<script>" in card.toPlainText()
    card.verticalScrollBar().setValue(card.verticalScrollBar().maximum())
    drawn = card.grab().toImage()
    colours = {drawn.pixelColor(x, y).name() for x in range(0, drawn.width(), 3) for y in range(0, drawn.height(), 3)}
    assert "#ff0000" not in colours


def test_a_model_that_cannot_be_explained_is_greyed_with_the_reason(store, runner, keep, monkeypatch) -> None:
    series = make_volume()
    store.dispatch(AddScan(make_scan(series.series)))
    store.dispatch(ShowVolume(series))
    panel = keep(ExplainPanel(store, runner))
    store.dispatch(add_mask(series))
    assert panel.button.isEnabled()
    monkeypatch.setattr(
        explain_panel, "obstacle", lambda _prediction: "no explanation is possible for TorchScript weights"
    )
    store.dispatch(add_mask(series))
    assert not panel.button.isEnabled()
    assert "TorchScript" in panel.hint.text()


def test_the_obstacle_is_read_from_the_package(bundle, monkeypatch) -> None:
    package = read(bundle)
    monkeypatch.setattr(catalogue, "find", lambda _name: replace(package, format=Format.TORCHSCRIPT))
    prediction = Prediction(package.ref, "one", "2026-01-02T10:11:12", "cpu")
    assert "TorchScript" in explain_panel.obstacle(prediction)
    assert explain_panel.obstacle(replace(prediction, model=replace(package.ref, sha256="0" * 64))) == ""
    assert explain_panel.obstacle(None) == ""
