"""Two small pages of the Help menu; neither blocks the window."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from medassist import __version__
from medassist.language import tr
from medassist.locations import log_file, user_models_dir
from medassist.storage import bill_of_materials
from medassist.ui import theme
from medassist.ui.viewer.keys import explained


def show_keys(parent: QWidget) -> QDialog:
    """Show what every key and mouse button does."""
    rows = "".join(
        f'<tr><td style="padding: 3px 18px 3px 0"><b>{escape(key)}</b></td><td>{escape(meaning)}</td></tr>'
        for key, meaning in explained()
    )
    return _page(parent, tr("Keys and mouse"), f"<table>{rows}</table>")


def show_about(parent: QWidget) -> QDialog:
    """Say what this is, what it is not, and where it keeps its files."""
    lines = (
        f"<h3>MedAssist {__version__}</h3>",
        f"<p><b>{escape(tr('Research use only, not for diagnosis'))}</b></p>",
        "<p>" + escape(tr("Opens imaging studies, runs models, shows why, and reports what the reader accepts."))
        + "</p>",
        "<p>" + escape(tr("It makes suggestions for a qualified reader. It never diagnoses.")) + "</p>",
        "<p>" + escape(tr("Your models: {path}", path=user_models_dir())) + "<br>"
        + escape(tr("Log: {path}", path=log_file())) + "</p>",
        "<p>Apache-2.0</p>",
        _parts(),
    )  # fmt: skip
    return _page(parent, tr("About MedAssist"), "".join(lines))


def _parts() -> str:
    """List what the installed package holds, with the folder that has the texts; pip keeps both with each library."""
    found = bill_of_materials.parts()
    if not found:
        return f"<p>{escape(tr('Installed with pip: the licences of all parts lie beside them.'))}</p>"
    rows = "".join(
        f'<tr><td style="padding-right: 14px">{escape(f"{one.name} {one.version}".strip())}</td>'
        f"<td>{escape(one.licence)}</td></tr>"
        for one in found
    )
    folder = bill_of_materials.licences_dir()
    link = f'<a style="color: {theme.ACCENT}" href="{escape(folder.as_uri())}">{escape(str(folder))}</a>'
    return f"<h4>{escape(tr('Parts and their licences'))}</h4><p>{link}</p><table>{rows}</table>"


def _page(parent: QWidget, title: str, html: str) -> QDialog:
    page = QDialog(parent)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page.setWindowTitle(title)
    text = QTextBrowser(page)
    text.setOpenExternalLinks(True)
    text.setHtml(html)
    QVBoxLayout(page).addWidget(text)
    page.resize(620, 560)
    page.show()
    return page
