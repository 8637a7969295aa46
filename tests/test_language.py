"""Texts: the template is translated before it is filled."""

from __future__ import annotations

import pytest

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import warned
from medassist.language import catalogue, localized, set_language, tr


@pytest.fixture
def chinese(monkeypatch):
    table = {"{file} holds nothing.": "{file} 里什么也没有。", "Open another.": "请打开别的。"}
    monkeypatch.setattr("medassist.language.catalogue", lambda language: table)
    set_language("zh_CN")


def test_translated_template_is_filled(chinese) -> None:
    assert tr("{file} holds nothing.", file="a{b}") == "a{b} 里什么也没有。"


def test_unknown_text_stays_english(chinese) -> None:
    assert tr("Never seen") == "Never seen"


def test_error_and_remedy_speak_the_language(chinese) -> None:
    error = UnreadableInput("{file} holds nothing.", remedy="Open another.", file="x")
    assert localized(error) == "x 里什么也没有。请打开别的。"
    assert str(error) == "x holds nothing. Open another."


def test_warning_speaks_the_language(chinese) -> None:
    assert localized(warned("{file} holds nothing.", file="x")) == "x 里什么也没有。"


def test_warning_inside_a_warning_speaks_the_language(chinese) -> None:
    inside = warned("{file} holds nothing.", file="x")
    assert localized(warned("y: {reason}", reason=inside)) == "y: x 里什么也没有。"
    assert warned("y: {reason}", reason=inside).text() == "y: x holds nothing."


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="xx"):
        set_language("xx")


def test_shipped_catalogue_is_read() -> None:
    assert isinstance(catalogue("zh_CN"), dict)


def test_values_with_braces_do_not_break_an_error() -> None:
    assert "{0}" in str(UnreadableInput("{file} is bad.", file="{0}"))
