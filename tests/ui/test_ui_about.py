"""Help > About lists what an installed package holds, and under which licences."""

from __future__ import annotations

import json

import pytest
from PySide6.QtWidgets import QTextBrowser, QWidget

from medassist.storage import bill_of_materials
from medassist.storage.bill_of_materials import Part
from medassist.ui.help_pages import show_about

BILL = {
    "components": [
        {"name": "torch", "version": "2.13.0", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
        {"name": "Qt <b>", "licenses": [{"expression": "LGPL-3.0-only OR GPL-3.0-only"}]},
    ]
}


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    monkeypatch.setattr(bill_of_materials, "about_dir", lambda: tmp_path)
    return tmp_path / "sbom.cdx.json"


def text_of(parent: QWidget) -> str:
    page = show_about(parent)
    browser = page.findChild(QTextBrowser)
    said = browser.toPlainText()
    page.close()
    return said


def test_an_installed_package_lists_its_parts(application, keep, packaged) -> None:
    packaged.write_text(json.dumps(BILL))
    assert bill_of_materials.parts() == (
        Part("Qt <b>", "", "LGPL-3.0-only OR GPL-3.0-only"),
        Part("torch", "2.13.0", "BSD-3-Clause"),
    )
    said = text_of(keep(QWidget()))
    assert "torch 2.13.0" in said
    assert "Qt <b>" in said
    assert "LGPL-3.0-only OR GPL-3.0-only" in said
    assert str(packaged.parent / "licences") in said


@pytest.mark.parametrize("content", ["", "[]", '{"components": [{"name": "x"}]}', '{"components": [3]}'])
def test_without_a_bill_the_page_still_comes(application, keep, packaged, content: str) -> None:
    if content:
        packaged.write_text(content)
    assert bill_of_materials.parts() == ()
    assert "pip" in text_of(keep(QWidget()))
