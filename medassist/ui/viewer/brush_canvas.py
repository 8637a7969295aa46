"""The mask as it is painted: a copy that takes the strokes at once, while what was measured of them follows. No Qt."""

from __future__ import annotations

import numpy as np

from medassist.entities.editing import Editing
from medassist.entities.prediction import Prediction, Segment
from medassist.imaging.mask_editing import Labels, Patch, Pen, marked
from medassist.session.mask_editing import palette
from medassist.session.state import Session


class Canvas:
    """Labels on screen while a mask is edited.

    Between two strokes they are an array that is never written to again; a stroke begins with a copy of it. Strokes
    that are still being measured are remembered, so that what the session says of an older one does not undo a newer.
    """

    def __init__(self) -> None:
        self._prediction: Prediction | None = None
        self._editing: Editing | None = None
        self._labels: Labels | None = None
        self._before: Labels | None = None
        self._changed = False
        self._waiting: list[Labels] = []
        self._segments: tuple[Segment, ...] = ()

    @property
    def prediction(self) -> Prediction | None:
        """The result that is changed, as the session has it; None when none is."""
        return self._prediction

    @property
    def editing(self) -> Editing | None:
        """With what it is changed."""
        return self._editing if self._prediction is not None else None

    @property
    def labels(self) -> Labels | None:
        """What is on screen, uint8 (slice, row, column)."""
        return self._labels

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The labels that can be painted."""
        return self._segments

    @property
    def painting(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._before is not None

    @property
    def pen(self) -> Pen | None:
        """What the left button writes; None where there is no label to paint with."""
        mask = None if self._prediction is None else self._prediction.mask
        if self._editing is None or mask is None or not self._editing.active:
            return None
        return Pen(self._editing.active, self._editing.locked, mask.overlapping)

    def follow(self, session: Session) -> bool:
        """Take over what the session says; tell whether other labels are on screen now."""
        self._prediction = session.edited
        self._editing, self._segments = session.editing, palette(session)
        mask = None if self._prediction is None else self._prediction.mask
        now = None if mask is None else mask.labels_zyx
        known = next((n for n, one in enumerate(self._waiting) if one is now), None)
        if known is not None:
            del self._waiting[: known + 1]
            return False
        if now is self._labels or (now is not None and now is self._before):
            return False
        self._labels, self._before, self._waiting = now, None, []
        return True

    def begin(self) -> None:
        """Begin a stroke."""
        if self._labels is not None and self._before is None:
            self._before, self._labels, self._changed = self._labels, self._labels.copy(), False

    def paint(self, patch: Patch, *, erase: bool) -> bool:
        """Write, or erase, the label of the pen where a patch lies; tell whether anything changed."""
        pen, labels = self.pen, self._labels
        if pen is None or labels is None or self._before is None:
            return False
        part = labels[patch.at]
        after = marked(part, patch.inside, pen, erase=erase)
        if np.array_equal(part, after):
            return False
        labels[patch.at] = after
        self._changed = True
        return True

    def end(self) -> tuple[Labels, Labels] | None:
        """End a stroke: return the labels before and after it, None when it changed nothing."""
        before, after = self._before, self._labels
        self._before = None
        if before is None or after is None:
            return None
        if not self._changed:
            self._labels = before
            return None
        after.setflags(write=False)
        self._waiting.append(after)
        return before, after
