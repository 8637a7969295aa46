"""Whether a pane has to be drawn again: work elsewhere in the session does not touch its picture."""

from __future__ import annotations

from dataclasses import fields

from medassist.session.state import Session

BY_KEY = ("volumes", "views")
NEVER_DRAWN = frozenset(
    ("queue", "devices", "system", "outlook", "history", "offers", "restored", "chosen", "reports", "model_changes",
     "awaited", "layer_names", "element_lists", "arrangement", "prevalences")
)  # fmt: skip
"""Fields of `Session` no pane shows. A field nobody lists here counts as drawn: too much drawing is no harm."""

_DRAWN = tuple(
    one.name for one in fields(Session) if one.name not in NEVER_DRAWN and one.name not in (*BY_KEY, "current")
)


def same_picture(one: Session, other: Session) -> bool:
    """Tell whether two sessions of a pane look the same: of other series only what is shared counts."""
    if one is other:
        return True
    if one.current != other.current:
        return False
    mine = (getattr(one, name).get(one.current) is getattr(other, name).get(one.current) for name in BY_KEY)
    return all(mine) and all(getattr(one, name) is getattr(other, name) for name in _DRAWN)
