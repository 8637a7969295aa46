"""The report as one HTML file that needs nothing else: pictures inside, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from medassist.locations import resources_dir
from medassist.report.case import Case
from medassist.report.page import Page, page


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write report.html with the key pictures that lie in `folder`."""
    told = page(case)
    sources = {one.file_name: _data_uri(folder / one.file_name) for one in told.pictures}
    path = folder / "report.html"
    path.write_text(render(told, sources), encoding="utf-8")
    return (path,)


def render(
    told: Page, sources: Mapping[str, str], *, paged: bool = False, heights: Mapping[str, int] | None = None
) -> str:
    """Fill the template; every value is escaped. `sources` maps a picture's file name to what `src` says.

    `paged` leaves out what only browsers know; `heights` are the heights of the pictures on a page, in pixels.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(resources_dir() / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("report.html.j2")
    text = template.render(page=told, sources=sources, heights=heights or {}, paged=paged)
    # Names of files may be no UTF-8; such a mark becomes a question mark, as no reader could show it.
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
