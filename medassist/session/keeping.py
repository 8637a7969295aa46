"""The slice on screen as a key picture of the report, as it is looked at: its grey scale, and its map where shown."""

from __future__ import annotations

from medassist.entities.draft import Shown
from medassist.session.actions import Action
from medassist.session.drafts import PutPicture, picture_of_view
from medassist.session.state import Session


def keep_slice(session: Session) -> Action:
    """Return the action that makes the slice on screen a key picture; one that changes nothing where there is none.

    With overlays where the reader sees them; with the map that is on screen.
    """
    from medassist.report.key_choice import map_name

    layers, heatmap = session.layers, session.heatmap
    with_map = layers.visible and layers.heatmap_visible and heatmap is not None
    name = map_name(heatmap) if with_map and heatmap is not None else ""
    shown = Shown.OVERLAYS if layers.visible and (layers.mask_visible or name) else Shown.PICTURE
    picture = picture_of_view(session, shown=shown, heatmap=name)
    return _unchanged if picture is None else PutPicture(session.current, picture)


def _unchanged(session: Session) -> Session:
    return session
