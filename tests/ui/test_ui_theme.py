"""Themes change without a restart: every text can be read in each, and pictures look the same in all."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QLabel

from medassist.entities.prediction import Verdict
from medassist.storage import settings
from medassist.ui import theme
from medassist.ui.theme_colors import DARK, THEMES
from medassist.ui.wording import verdict_color

PAIRS = (
    *((text, ground) for text in ("text", "dim", "good", "caution", "bad", "ai") for ground in ("ground", "surface")),
    ("on_chosen", "chosen"), ("on_primary", "primary"), ("on_strip", "strip"), ("on_banner", "banner"),
    ("text", "raised"), ("text", "stripe"), ("text", "problem"), ("text", "note"), ("accent", "ground"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def dark_again(application):
    yield
    theme.choose("dark")
    theme.apply(application)


def luminance(name: str) -> float:
    parts = (part / 255 for part in QColor(name).getRgb()[:3])
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_text_can_be_read(name, pair):
    text, ground = (getattr(THEMES[name], one) for one in pair)
    assert contrast(text, ground) >= (7.0 if name == "high contrast" else 4.5)


def test_a_theme_changes_everything_but_pictures_at_once_and_is_kept(window, store):
    window.dress("light")
    assert THEMES["light"].text == theme.TEXT
    assert verdict_color(Verdict.FAIL) == THEMES["light"].bad
    assert window.palette().window().color() == QColor(THEMES["light"].ground)
    assert window.grab().toImage().pixelColor(3, window.height() - 40) != QColor(DARK.ground)
    assert theme.ON_PICTURE is DARK
    assert settings.read().text("theme") == "light"
    window.dress("dark")
    assert window.palette().window().color() == QColor(DARK.ground)


def test_icons_follow_the_theme(window):
    def brightest(button):
        image = button.icon().pixmap(18, 18).toImage()
        return max(
            image.pixelColor(x, y).lightness()
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 200
        )

    button = window.tools.pin
    window.dress("dark")
    dark = brightest(button)
    window.dress("light")
    assert brightest(button) < dark / 2


def test_texts_with_a_role_follow_the_theme(window, application):
    label = QLabel("x", window)
    label.setProperty("role", "bad")
    label.ensurePolished()
    window.dress("light")
    label.ensurePolished()
    assert label.palette().windowText().color() == QColor(THEMES["light"].bad)


def test_an_unknown_theme_or_colour_is_an_error():
    with pytest.raises(KeyError):
        theme.choose("pink")
    with pytest.raises(AttributeError):
        theme.NO_SUCH  # noqa: B018


def test_the_face_of_texts_follows_the_language(window):
    window.say_in("zh_CN")
    chinese = window.strip.font().families()[0]
    window.say_in("en")
    assert window.strip.font().families()[0] != chinese


def test_frames_of_check_boxes_can_be_seen_on_black(window, keep):
    box = keep(QCheckBox(), 60, 30)
    window.wear("high contrast")
    image = box.grab().toImage()
    row = [image.pixelColor(x, image.height() // 2).name() for x in range(30)]
    assert sum(contrast(one, "#000000") >= 3.0 for one in row) >= 2, "the frame, left and right of an empty box"
