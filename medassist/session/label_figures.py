"""What lies under the labels of the masks on screen, measured when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from medassist.entities.label_figures import LabelFigures, MaskFigures
from medassist.entities.prediction import Mask
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.state import Session


@dataclass(frozen=True, eq=False)
class KnowLabelFigures:
    """Keep the figures of a mask; those of masks and volumes that are gone, or others by now, leave."""

    found: MaskFigures

    def __call__(self, session: Session) -> Session:
        """Return the session with them."""
        here = {id(one.mask) for one in session.predictions}
        here |= {id(mask) for one in session.overlays for mask in one.masks}
        volumes = {id(one) for one in session.volumes.values()}
        others = (one for one in session.label_figures if (one.mask, one.time) != (self.found.mask, self.found.time))
        kept = (one for one in (*others, self.found) if id(one.mask) in here and id(one.volume) in volumes)
        return replace(session, label_figures=tuple(kept))


def measure_labels(mask: Mask, volume: Volume, time: int, *, progress: Progress) -> KnowLabelFigures:
    """Measure every label of a mask over one time point of its series."""
    from medassist.imaging.label_figures import label_figures

    return KnowLabelFigures(label_figures(mask, volume, time, progress=progress))


def figures_of(session: Session, mask: Mask, value: int) -> LabelFigures | None:
    """Return what is known of a label at the time point on screen, None where nobody measured it."""
    volume, time = session.volume, session.view.time
    found = (one for one in session.label_figures if one.mask is mask and one.volume is volume and one.time == time)
    return next((one.of(value) for one in found), None)
