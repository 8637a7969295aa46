"""What the settings window says of settings, in the language of the moment."""

from __future__ import annotations

from medassist.language import LANGUAGES, tr
from medassist.storage.settings import SITE, USER, Setting, Settings, Value


def title_of(setting: Setting) -> str:
    """Name a setting; its English text is a key of the catalogue (a test looks for each)."""
    return tr(setting.text)


def choice_word(value: Value) -> str:
    """Name a value out of a fixed list."""
    words = {
        "auto": tr("Automatic"),
        "dark": tr("Dark"),
        "light": tr("Light"),
        "high contrast": tr("High contrast"),
        "binary": tr("One plane per label"),
        "labelmap": tr("One plane for all labels"),
        "fractional": tr("Automatic, and a file of probabilities"),
    }
    return LANGUAGES.get(str(value)) or words.get(str(value), str(value))


def value_word(value: Value) -> str:
    """Write a value as a reader says it."""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    return f"{value:g}" if isinstance(value, float) else choice_word(value)


def origin_text(setting: Setting, told: Settings) -> str:
    """Say who set a value, "" for nobody."""
    site_value = value_word(told.of_site[setting.key])
    by_site = told.of_site[setting.key] != setting.default
    if told.origins[setting.key] == USER:
        return tr("Changed by you. Your site set: {value}.", value=site_value) if by_site else tr("Changed by you.")
    return tr("Set by your site.") if told.origins[setting.key] == SITE else ""


def matches(setting: Setting, words: str) -> bool:
    """Tell whether every word of a search is in the name, the key or the choices of a setting."""
    choices = " ".join(choice_word(one) for one in setting.choices)
    there = f"{title_of(setting)} {setting.text} {setting.key} {choices}".casefold()
    return all(word in there for word in words.casefold().split())
