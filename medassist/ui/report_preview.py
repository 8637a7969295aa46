"""The pages of a report before it is written: drawn in a worker from the very case and layout of the export."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

from PySide6.QtGui import QImage

from medassist.entities.report_template import ReportTemplate
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.key_choice import KeyView, hidden_pieces, hidden_values
from medassist.report.sections import Section, sections, template_of
from medassist.report.templates import Templates, read
from medassist.session.reporting import case_of
from medassist.session.state import Session

MOST_KEPT = 64
THUMBNAIL_PX = 120


@dataclass(frozen=True, eq=False)
class Preview:
    """What the editor shows: pages, sections and key pictures, with the templates there are."""

    session: Session
    pages: tuple[QImage, ...]
    sections: tuple[Section, ...]
    views: tuple[KeyView, ...]
    thumbnails: Mapping[str, QImage]
    templates: Templates
    template: ReportTemplate


@dataclass(eq=False)
class Pictures:
    """Key pictures drawn before: words change more often than slices. One worker at a time uses it."""

    _kept: dict[Hashable, tuple[QImage, object]] = field(default_factory=dict)

    def drawn(self, case: Case, view: KeyView) -> QImage:
        """Return a key picture, drawn anew only where something in it changed."""
        key = _identity(case, view)
        if key not in self._kept:
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            # what the key names by its identity is kept alive with it, so that no other object gets that identity
            self._kept[key] = _draw(case, view), (case.volume, view.masks, view.heatmap)
        return self._kept[key][0]


def make(
    session: Session,
    language: str,
    reader: str,
    width_px: int,
    pictures: Pictures,
    deliver: Callable[[Preview], None],
    *,
    progress: Progress,
) -> None:
    """Draw the report of the series on screen and hand it over (Refused where there is nothing to show, Cancelled)."""
    from medassist.report.key_choice import key_views
    from medassist.report.page import page
    from medassist.report.pdf import preview

    progress.step("Drawing the preview", 0.0)
    case = case_of(session, language=language, reader=reader)
    told, found = page(case), {}
    views = key_views(case)
    for number, view in enumerate(views):
        progress.step("Drawing the preview", 0.5 * number / len(views))
        found[view.file_name] = pictures.drawn(case, view)
    pages = preview(told, found, width_px, progress)
    templates = read()
    template = template_of(case, templates)
    thumbnails = {one.name: found[one.file_name].scaledToHeight(THUMBNAIL_PX) for one in views}
    deliver(Preview(session, pages, sections(case, template), views, thumbnails, templates, template))


def _draw(case: Case, view: KeyView) -> QImage:
    from medassist.report.keyimages import draw

    picture = draw(case, view).convert("RGB")
    data = picture.tobytes()
    return QImage(data, picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888).copy()


def _identity(case: Case, view: KeyView) -> Hashable:
    """Return all that a key picture depends on."""
    from medassist.report.keyviews import title
    from medassist.report.wording import Wording

    hidden = tuple(
        (id(mask), tuple(sorted(hidden_values(case, mask))), repr(sorted(hidden_pieces(case, mask).items())))
        for mask in view.masks
    )
    grey = (view.window, view.inverted, view.index, view.time, view.shown, view.unreviewed)
    words = (case.language, title(case, view, Wording(case.language)))
    stamp = None if view.heatmap is None else id(view.heatmap.stamp)
    return id(case.volume), grey, hidden, id(view.heatmap), stamp, case.measurements, words
