"""Where the millimetres of a projection hold, when not in the patient."""

from __future__ import annotations

from medassist.entities.study import warned

DETECTOR_PLANE = warned("Millimetres are those of the detector plane; the patient is smaller by the magnification.")
SCANNED_FILM = warned("Millimetres are those of the scanned film; the patient is smaller by the magnification.")
