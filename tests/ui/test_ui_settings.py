"""The settings window shows every declared setting, says who set it, and what is chosen there holds at once."""

from __future__ import annotations

import json

import pytest
from PySide6.QtWidgets import QWidget

from medassist.language import catalogue, current_language, set_language
from medassist.storage import settings
from medassist.ui import theme
from medassist.ui.device_menu import DeviceMenu
from medassist.ui.settings_effects import show_settings


@pytest.fixture
def page(window, store, application):
    shown = show_settings(window, store)
    application.processEvents()
    yield shown
    shown.close()
    theme.choose("dark")
    theme.apply(application)
    set_language("en")


def site_with(monkeypatch, tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("MEDASSIST_SITE", str(path))


def test_every_offered_setting_has_a_named_field(page):
    assert set(page.rows) == {one.key for one in settings.DECLARED if one.offered}
    assert all(row.field.widget.accessibleName() for row in page.rows.values())


def test_every_declared_text_is_translated():
    assert [one.text for one in settings.DECLARED if one.offered and one.text not in catalogue("zh_CN")] == []


def test_what_is_chosen_holds_in_the_window_and_is_kept(page, window, store):
    page.rows["fill_opacity"].field.widget.setValue(0.75)
    page.rows["reader_first"].field.widget.click()
    page.rows["measure_tool_stays"].field.widget.click()
    assert store.session.layers.fill_opacity == 0.75
    assert store.session.reader_first
    assert window.tools.tool.stays
    assert window.tools.pin.isChecked()
    assert json.loads(settings.settings_file().read_text()) == {
        "fill_opacity": 0.75, "reader_first": True, "measure_tool_stays": True,
    }  # fmt: skip


def test_theme_and_language_change_at_once(page, window):
    for key, value in (("theme", "light"), ("language", "zh_CN")):
        box = page.rows[key].field.widget
        box.setCurrentIndex(box.findData(value))
        box.activated.emit(box.currentIndex())
    assert theme.chosen() == "light"
    assert current_language() == "zh_CN"
    assert page.windowTitle() == "设置"
    assert window.menus.file.title() == "文件"


def test_the_site_is_named_and_a_users_value_can_be_taken_back(monkeypatch, tmp_path, window, store):
    site_with(monkeypatch, tmp_path, "[settings]\nheatmap_opacity = 0.4\n")
    page = show_settings(window, store)
    row = page.rows["heatmap_opacity"]
    assert row.field.widget.value() == 0.4
    assert row.origin.text() == "Set by your site."
    assert not row.back.isEnabled()
    row.field.widget.setValue(0.9)
    assert "Your site set: 0.4" in row.origin.text()
    row.back.click()
    assert settings.read()["heatmap_opacity"] == 0.4
    assert store.session.layers.heatmap_opacity == 0.4
    assert json.loads(settings.settings_file().read_text()) == {}
    page.close()


def test_a_value_it_cannot_have_is_told_and_put_back(page):
    row = page.rows["device"]
    row.field.widget.setText("gpu")
    row.field.widget.editingFinished.emit()
    assert "device" in page.problem.text()
    assert not page.problem.isHidden()
    assert row.field.widget.text() == "auto"
    assert settings.read()["device"] == "auto"


def test_search_leaves_what_matches(page):
    page.search.setText("opacity heat")
    assert [key for key, row in page.rows.items() if not row.isHidden()] == ["heatmap_opacity"]
    page.search.setText("nothing like it")
    assert not page.nothing.isHidden()


def test_the_device_of_the_settings_is_chosen_even_where_it_is_not_here(store, runner, application):
    settings.write("device", "cuda")
    owner = QWidget()
    menu = DeviceMenu(store, runner, owner)
    assert menu.name() == "cuda:0"
    menu.retranslate()
    assert menu.name() == "cuda:0"
    menu.prefer("auto")
    assert menu.name() == "auto"
    owner.deleteLater()
