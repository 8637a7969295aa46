"""The report as one HTML file that needs nothing else: pictures inside, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.locations import resources_dir
from medassist.report.case import Case
from medassist.report.page import Page, page
from medassist.report.page_parts import Picture

if TYPE_CHECKING:
    from jinja2 import Template


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.html with the key pictures that lie in `folder`."""
    told = page(case)
    sources = {one.file_name: _data_uri(folder / one.file_name) for one in told.pictures}
    path = folder / "report.html"
    path.write_text(render(told, sources), encoding="utf-8")
    return (path,)


def render(
    told: Page,
    sources: Mapping[str, str],
    *,
    paged: bool = False,
    heights: Mapping[str, int] | None = None,
    wide: Collection[str] = (),
) -> str:
    """Fill the template; every value is escaped. `sources` maps a picture's file name to what `src` says.

    `paged` leaves out what only browsers know; `heights` are the heights of the pictures on a page, in pixels, and
    those in `wide` have a line of their own, the others stand two in a line.
    """
    template = _template()
    lines = _lines(told.pictures, wide)
    text = template.render(page=told, sources=sources, heights=heights or {}, lines=lines, wide=wide, paged=paged)
    # Names of files may be no UTF-8; such a mark becomes a question mark, as no reader could show it.
    return text.encode("utf-8", errors="replace").decode("utf-8")


@cache
def _template() -> Template:
    import jinja2

    loader = jinja2.FileSystemLoader(resources_dir() / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["css"] = _css
    return environment.get_template("report.html.j2")


def _css(text: str) -> str:
    """Return a text for a string of CSS: every character by its number, so that none can end the string."""
    return "".join(f"\\{ord(one):06x}" for one in text)


def _lines(pictures: Sequence[Picture], wide: Collection[str]) -> list[list[Picture]]:
    """Share pictures out to lines: two in one, unless one of them is wide."""
    lines: list[list[Picture]] = []
    for one in pictures:
        last = lines[-1] if lines else []
        if len(last) == 1 and one.file_name not in wide and last[0].file_name not in wide:
            last.append(one)
        else:
            lines.append([one])
    return lines


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
