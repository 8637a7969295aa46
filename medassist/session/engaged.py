"""Whether the reader is in the middle of something on the series on screen, so that nothing may take its place."""

from __future__ import annotations

from medassist.session.cases import studies_with_work
from medassist.session.state import Session


def engaged(session: Session) -> bool:
    """Tell whether there is work on the series on screen: results, drawings, words, a mask being edited."""
    if not session.holds(session.current):
        return False
    editing = session.editing is not None and session.editing.series_key == session.current
    return editing or any(session.current in keys for keys in studies_with_work(session).values())
