"""The step of a plan that probes the result on screen, as the panel would."""

from __future__ import annotations

from medassist.entities.errors import Refused, UsageError
from medassist.entities.probe import Means, Place, Spot
from medassist.progress import Progress
from medassist.session.actions import Action
from medassist.session.probes import probe_region
from medassist.session.state import Session
from medassist.ui.plan import PlanStep
from medassist.ui.probe_form import shown_map, usual_radius

UNDRAWN = (Place.HOTTEST, Place.CURSOR, Place.OUTSIDE)
"""The regions nobody has to draw."""


def read_wish(text: str) -> tuple[Place, Means]:
    """Read "PLACE" or "PLACE:MEANS", e.g. "hottest:blur" (UsageError names what there is)."""
    place, _, means = text.partition(":")
    if place not in [one.value for one in UNDRAWN] or (means or "mean") not in [one.value for one in Means]:
        raise UsageError(
            "{text} is no probe.",
            remedy="Write PLACE or PLACE:MEANS: {places}; {means}.",
            text=text,
            places=", ".join(one.value for one in UNDRAWN),
            means=", ".join(one.value for one in Means),
        )
    return Place(place), Means(means or "mean")


def probe_label(label: str, wish: tuple[Place, Means], *, model: str = "") -> PlanStep:
    """Return the step that probes one label of the newest prediction."""

    def step(session: Session, *, progress: Progress) -> Action:
        prediction, volume = session.prediction, session.volume
        if volume is None or prediction is None:
            raise Refused("There is no model result on screen to probe.", remedy="Run a model first.")
        spot = Spot(wish[0], None, shown_map(session), session.view.cursor_lps, usual_radius(volume.geometry))
        window = session.view.window
        return probe_region(volume, prediction, label, spot, wish[1], model=model, window=window, progress=progress)

    return step
