"""How the series of a study are hung: which layout, and what belongs into each of its panes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What a pane asks of a series; what is empty asks nothing. Words are in capitals.

    Attributes:
        modalities: one of these.
        views: view positions, of films ("PA", "LL", "MLO"); a word of the description counts where the tag is empty.
        sides: lateralities ("L", "R").
        words, not_words: words of its description, of which one or none must be there.
        prior: whether it is the newest earlier study of the same patient that it is looked for in.
        optional: whether the rule applies without it.
        plane: "axial", "coronal", "sagittal" or "" for the one it was taken in.
    """

    modalities: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    not_words: tuple[str, ...] = ()
    prior: bool = False
    optional: bool = False
    plane: str = ""


@dataclass(frozen=True)
class HangingRule:
    """When a study is hung how: the first rule that fits counts.

    Attributes:
        name: for messages.
        modalities, body_parts, words: what the series that came on screen must be, have or be described by.
        layout: see `session.arrangement.LAYOUTS`.
        places: one for each pane, in the order in which they are filled; no series is taken twice.
    """

    name: str
    layout: str
    places: tuple[Place, ...]
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
