"""What stands on the picture however little text is wanted: whose it is, which side, what may mislead. No Qt."""

from __future__ import annotations

from medassist.entities.study import Series, SeriesKind
from medassist.language import tr
from medassist.session.looks import hidden_labels
from medassist.session.state import Session
from medassist.ui.viewer.slices import Shown


def side_text_of(series: Series, index: int) -> str:
    """Name the side a picture is of, "" where the header does not tell; pictures of an album have each their own."""
    side = series.sides[index] if 0 <= index < len(series.sides) else series.laterality
    words = {"L": tr("left side"), "R": tr("right side"), "B": tr("both sides"), "U": ""}
    return words.get(side, side)


def must_know(session: Session, shown: Shown, zoom: float) -> tuple[str, ...]:
    """Return what may mislead who does not know: never left out of the corners.

    `zoom` is screen pixels per picture pixel.
    """
    volume, lines = shown.volume, []
    if shown.index in volume.lost_slices:
        lines.append(tr("This slice could not be read"))
    if session.view.inverted:
        lines.append(tr("inverted"))
    lines += _compression(volume.series)
    if volume.series.kind is SeriesKind.FILM and zoom < 1:
        lines.append(tr("reduced: 1 screen pixel for {count} of the picture", count=f"{1 / zoom**2:.2g}"))
    hidden = hidden_labels(session)
    if hidden:
        lines.append(tr("labels hidden: {count}", count=hidden))
    return tuple(lines)


def _compression(series: Series) -> list[str]:
    if series.lossy is None:
        return []
    if series.lossy:
        return [tr("lossy compression {ratio}:1", ratio=f"{series.lossy:.3g}")]
    return [tr("lossy compression")]
