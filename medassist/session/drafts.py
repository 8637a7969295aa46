"""Actions on drafts: what the reader prepares for the report of the series on screen, or of any other one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from medassist.entities.draft import Draft, KeyPicture, Passage, Shown
from medassist.session.state import Session

PICKED = "key:"
"""How the names of pictures begin that a reader picked."""


def draft_of(session: Session, series_key: str) -> Draft:
    """Return what was prepared for a series; an empty draft where nothing was."""
    return session.drafts.get(series_key, Draft(series_key))


@dataclass(frozen=True)
class SetDraft:
    """Prepare a report otherwise: any field of `Draft` by its name, except the words and the pictures."""

    series_key: str
    changes: Mapping[str, Any]

    def __call__(self, session: Session) -> Session:
        """Return the session with the draft changed."""
        return _drafted(session, self.series_key, lambda draft: replace(draft, **self.changes))


@dataclass(frozen=True)
class WritePassage:
    """Put the reader's words in place of what stands in a section."""

    series_key: str
    passage: Passage

    def __call__(self, session: Session) -> Session:
        """Return the session with the words kept; the same words once more change nothing."""
        new = self.passage

        def written(draft: Draft) -> Draft:
            old = draft.passage(new.section)
            if old is not None and (old.text, old.generated, old.language) == (new.text, new.generated, new.language):
                return draft
            kept = tuple(one for one in draft.passages if one.section != new.section)
            return replace(draft, passages=(*kept, new))

        return _drafted(session, self.series_key, written)


@dataclass(frozen=True)
class DropPassage:
    """Let the program write a section again."""

    series_key: str
    section: str

    def __call__(self, session: Session) -> Session:
        """Return the session without the reader's words for the section."""

        def without(draft: Draft) -> Draft:
            return replace(draft, passages=tuple(one for one in draft.passages if one.section != self.section))

        return _drafted(session, self.series_key, without)


@dataclass(frozen=True)
class PutPicture:
    """Add a key picture, or change the one of its name where it stands."""

    series_key: str
    picture: KeyPicture

    def __call__(self, session: Session) -> Session:
        """Return the session with the picture in the draft."""
        new = self.picture

        def put(draft: Draft) -> Draft:
            known = any(one.name == new.name for one in draft.pictures)
            changed = tuple(new if one.name == new.name else one for one in draft.pictures)
            left_out = tuple(name for name in draft.left_out if name != new.name)
            return replace(draft, pictures=changed if known else (*draft.pictures, new), left_out=left_out)

        return _drafted(session, self.series_key, put)


@dataclass(frozen=True)
class DropPicture:
    """Leave a key picture out of the report; one the program proposes does not come back by itself."""

    series_key: str
    name: str

    def __call__(self, session: Session) -> Session:
        """Return the session without the picture."""

        def without(draft: Draft) -> Draft:
            kept = tuple(one for one in draft.pictures if one.name != self.name)
            proposed = not self.name.startswith(PICKED) and self.name not in draft.left_out
            return replace(draft, pictures=kept, left_out=(*draft.left_out, self.name) if proposed else draft.left_out)

        return _drafted(session, self.series_key, without)


@dataclass(frozen=True)
class OrderPictures:
    """Put the key pictures of the report into an order; ones that are not named follow."""

    series_key: str
    pictures: tuple[KeyPicture, ...]

    def __call__(self, session: Session) -> Session:
        """Return the session with the pictures in this order."""
        return _drafted(session, self.series_key, lambda draft: replace(draft, pictures=self.pictures))


def picture_of_view(session: Session, *, shown: Shown = Shown.OVERLAYS, heatmap: str = "") -> KeyPicture | None:
    """Return the slice on screen as a key picture, with the grey scale it is looked at; None without a picture."""
    volume, view = session.volume, session.view
    if volume is None:
        return None
    depth = volume.geometry.shape_zyx[0]
    index = round(float(volume.geometry.to_index(view.cursor_lps)[2]))
    return KeyPicture(
        name=f"{PICKED}{uuid4().hex}",
        index=min(max(index, 0), depth - 1),
        time=view.time,
        shown=shown,
        window=view.window,
        inverted=view.inverted,
        heatmap=heatmap,
    )


def _drafted(session: Session, series_key: str, change: Callable[[Draft], Draft]) -> Session:
    """Return the session with one draft changed; the session itself when nothing changed."""
    before = draft_of(session, series_key)
    after = change(before)
    if after == before:
        return session
    return replace(session, drafts=MappingProxyType({**session.drafts, series_key: after}))
