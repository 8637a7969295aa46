"""How a picture is turned and mirrored on screen: of the view alone, never of what is measured or exported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QTransform

from medassist.language import tr

Letters = tuple[str, str, str, str]


@dataclass(frozen=True)
class Facing:
    """Mirrored from left to right or not, then turned clockwise by so many quarters (0 to 3)."""

    quarters: int = 0
    mirrored: bool = False

    def turned(self, quarters: int) -> Facing:
        """Return it turned further, clockwise on screen."""
        return replace(self, quarters=(self.quarters + quarters) % 4)

    def flipped(self, *, upside_down: bool) -> Facing:
        """Return it mirrored on screen, from left to right or from top to bottom."""
        return Facing(((2 if upside_down else 0) - self.quarters) % 4, not self.mirrored)

    @property
    def lies(self) -> bool:
        """Whether what ran across the screen runs down it."""
        return self.quarters % 2 == 1

    def transform(self) -> QTransform:
        """Return the way from the scene to the screen, without zoom and place."""
        return QTransform().rotate(90.0 * self.quarters).scale(-1.0 if self.mirrored else 1.0, 1.0)

    def letters(self, stored: Letters) -> Letters:
        """Return the letters of the left, right, top and bottom edge of the screen from those of the slice."""
        left, right, top, bottom = stored
        if self.mirrored:
            left, right = right, left
        for _quarter in range(self.quarters):
            left, right, top, bottom = bottom, top, left, right
        return left, right, top, bottom


STRAIGHT = Facing()


def facing_lines(facing: Facing) -> tuple[str, ...]:
    """Say what was done to the picture: without letters at its edges nothing else tells."""
    lines = (tr("Mirrored on screen"),) if facing.mirrored else ()
    return (*lines, tr("Turned by {degrees}° on screen", degrees=90 * facing.quarters)) if facing.quarters else lines
