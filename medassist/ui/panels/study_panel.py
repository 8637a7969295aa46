"""Patients, studies and series of everything opened; a click brings a series on screen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt
from PySide6.QtGui import QBrush, QColor, QFont
from PySide6.QtWidgets import QApplication, QLabel, QTreeWidgetItem, QVBoxLayout, QWidget

from medassist.entities.parts import parts_of, split_reason
from medassist.entities.study import Scan, Series, SeriesKind, Study
from medassist.imaging.objects.relations import relation_problem
from medassist.language import localized, tr
from medassist.session.objects import can_open, images_here, patient_problem, target_of
from medassist.session.patients import patients_of
from medassist.session.queued import ChooseSeries
from medassist.session.state import Session
from medassist.session.thumbnails import Wanted
from medassist.ui import theme
from medassist.ui.objects import open_object
from medassist.ui.opening import LOAD_LANE, show_series, showable
from medassist.ui.runner import Runner
from medassist.ui.series_strip import KEY, SeriesStrip
from medassist.ui.series_strip_icons import badges_of, blank, icon_of
from medassist.ui.series_strip_pictures import Thumbnails
from medassist.ui.store import Store
from medassist.ui.wording import patient_text, size_text, study_text, what_word

MOST_SKIPPED = 200
MOST_UNFOLDED = 8
"""Parts of a series beyond this many stay folded until the reader asks."""


class StudyPanel(QWidget):
    """The tree on the left."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.title, self.hint = QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.hint.setProperty("role", "dim")
        self.hint.setWordWrap(True)
        self.tree = SeriesStrip(self)
        self._rows: dict[str, QTreeWidgetItem] = {}
        self._drawn: set[str] = set()
        self._listed: dict[str, Series] = {}
        self.thumbnails = Thumbnails(runner, self._on_screen, self)
        self.thumbnails.made.connect(lambda key: self._picture(key, _analysed(store.session)))
        self.tree.looked_at.connect(self._look)
        self.tree.dragged.connect(lambda: self._mark_current(store.session))
        self.tree.itemSelectionChanged.connect(self._marked)
        self.tree.itemClicked.connect(self._clicked)
        self.tree.itemActivated.connect(self._chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 4, 8)
        for widget in (self.title, self.hint, self.tree):
            column.addWidget(widget)
        store.changed.connect(self._changed)
        runner.ended.connect(lambda _lane: self._mark_current(store.session))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Studies"))
        self.hint.setText(tr("Drop a folder, a file or a ZIP anywhere in this window to open it, or press Ctrl+O."))
        self.tree.setAccessibleName(tr("Studies"))
        self._build(self._store.session)

    def bring(self, series: Series) -> None:
        """Show a series as a click on its row does."""
        show_series(self._store, self._runner, series)

    def _changed(self, old: Session, new: Session) -> None:
        changed = old.overlays is not new.overlays or old.awaited != new.awaited
        if changed or old.scans is not new.scans or old.predictions is not new.predictions:
            self._build(new)
        elif old.current != new.current:
            self._mark_current(new)
        elif old.chosen != new.chosen:
            self._set_off(new)

    def _clicked(self, item: QTreeWidgetItem) -> None:
        """Show a series, unless several are being marked."""
        marking = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if not QApplication.keyboardModifiers() & marking:
            self._chosen(item)

    def _marked(self) -> None:
        """Tell everybody which series are marked, from two on."""
        keys = tuple(str(item.data(0, KEY)) for item in self.tree.selectedItems() if item.data(0, KEY))
        self._store.dispatch(ChooseSeries(keys if len(keys) > 1 else ()))

    def _chosen(self, item: QTreeWidgetItem) -> None:
        key = item.data(0, KEY)
        if key and key != self._store.session.current:
            series = self._store.session.series(key)
            if can_open(series):
                open_object(self._store, self._runner, series)
            else:
                self.bring(series)
            if not self._runner.running(LOAD_LANE):
                self._mark_current(self._store.session)

    def _build(self, session: Session) -> None:
        with QSignalBlocker(self.tree):  # what was marked is marked again below
            self.tree.clear()
        self.hint.setVisible(not session.scans)
        self._drawn.clear()
        analysed = _analysed(session)
        self._listed = {one.key: one for one in session.all_series()}
        self.thumbnails.shelf.drop_others(self._listed)
        self._rows = {key: _series_item(one, analysed) for key, one in self._listed.items()}
        self._add_studies(session)
        for scan in session.scans:
            if scan.skipped:
                self.tree.addTopLevelItem(_skipped_item(scan))
        for row in range(self.tree.topLevelItemCount()):
            _open(self.tree.topLevelItem(row))
        self._mark_current(session)
        self._look()

    def _add_studies(self, session: Session) -> None:
        """Add the studies patient by patient; where several patients are open, a line stands between them."""
        patients = patients_of(session)
        for number, studies in enumerate(patients, 1):
            if len(patients) > 1:
                self.tree.addTopLevelItem(_patient_item(number, len(patients)))
            for study in studies:
                top = _study_item(study, self._rows, session)
                if top.childCount():
                    self.tree.addTopLevelItem(top)

    def _on_screen(self) -> Iterator[Wanted]:
        """Return the series whose rows can be seen, with their pixels where they are loaded."""
        volumes = self._store.session.volumes
        for key in self.tree.keys_on_screen():
            if key in self._listed:
                yield self._listed[key], volumes.get(key)

    def _look(self) -> None:
        """Draw the heads of the rows that have come on screen, and ask for what they lack."""
        analysed = _analysed(self._store.session)
        for key in self.tree.keys_on_screen():
            if key not in self._drawn:
                self._picture(key, analysed)
        self.thumbnails.look()

    def _picture(self, key: str, analysed: Collection[str]) -> None:
        """Put the thumbnail and the badges of a series at the head of its row."""
        if key in self._rows:
            self._drawn.add(key)
            series = self._listed[key]
            badges = badges_of(series, analysed=key in analysed)
            icon = icon_of(series, self.thumbnails.shelf.get(series), badges, self.devicePixelRatioF())
            self._rows[key].setIcon(0, icon)

    def _mark_current(self, session: Session) -> None:
        """Select the series on screen and those marked; a click on one that could not be shown is taken back."""
        with QSignalBlocker(self.tree):
            self.tree.setCurrentIndex(QModelIndex())
            self.tree.clearSelection()
            rows = self.tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
            for item in rows:
                if session.current and item.data(0, KEY) == session.current:
                    self.tree.setCurrentItem(item)
            for item in rows if session.chosen else ():
                item.setSelected(item.data(0, KEY) in session.chosen)
        self._set_off(session)

    def _set_off(self, session: Session) -> None:
        """Let the series on screen stand out among several marked ones."""
        for item in self.tree.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive):
            if item.data(0, KEY):
                item.setFont(0, _face(bold=bool(session.chosen) and item.data(0, KEY) == session.current))


def _open(item: QTreeWidgetItem | None) -> None:
    """Unfold studies and the warnings of their series; lists of skipped files stay folded."""
    if item is not None and item.childCount() and item.data(0, KEY) is not None:
        item.setExpanded(True)
        for row in range(item.childCount()):
            _open(item.child(row))


def _item(text: str, key: str | None, color: str = "", bold: bool = False) -> QTreeWidgetItem:
    item = QTreeWidgetItem([text])
    item.setData(0, KEY, key)
    item.setToolTip(0, text)
    if color:
        item.setForeground(0, QBrush(QColor(color)))
    if bold:
        item.setFont(0, _face(bold=True))
    return item


def _face(*, bold: bool) -> QFont:
    face = theme.font()
    face.setBold(bold)
    return face


def _analysed(session: Session) -> frozenset[str]:
    return frozenset(prediction.series_key for prediction in session.predictions)


def _patient_item(number: int, count: int) -> QTreeWidgetItem:
    """Return the line before the studies of one patient."""
    line = _item(tr("Patient {number} of {count}", number=number, count=count), None, theme.CAUTION, bold=True)
    line.setFlags(Qt.ItemFlag.ItemIsEnabled)
    line.setBackground(0, QBrush(QColor(theme.RAISED)))
    return line


def _study_item(study: Study, rows: Mapping[str, QTreeWidgetItem], session: Session) -> QTreeWidgetItem:
    """Return a study with its series; objects stand under the series they refer to, wherever that was opened."""
    top = _item(f"{patient_text(study.patient)}\n{study_text(study)}", "", bold=True)
    top.setFlags(Qt.ItemFlag.ItemIsEnabled)
    for series in study.series:
        images = images_here(session, series) if series.kind is SeriesKind.OTHER else ()
        (rows[images[0].key] if images else top).addChild(rows[series.key])
        _tell_object(rows[series.key], series, session)
    return top


def _tell_object(row: QTreeWidgetItem, series: Series, session: Session) -> None:
    """Say whether an object is on screen, waits for its images, or belongs to images that are not open."""
    if series.kind is not SeriesKind.OTHER:
        return
    if any(one.key == series.key for one in session.overlays):
        row.setText(0, f"{row.text(0)} · {tr('laid over its images, click to take away')}")
    for problem in (relation_problem(series, session.all_series()), patient_problem(session, series)):
        if problem is not None:
            row.addChild(_note(localized(problem)))
    if series.key in session.awaited and target_of(session, series) is None:
        row.addChild(_note(tr("It opens as soon as its images are opened.")))


def _series_item(series: Series, analysed: Collection[str]) -> QTreeWidgetItem:
    badges = [
        series.modality or tr(series.format),
        size_text(series) if showable(series) else "",
        what_word(series),
    ]
    if series.key in analysed:
        badges.append(tr("AI result"))
    title = series.title or tr("Series without a name")
    item = _item(f"{title}\n{' · '.join(badge for badge in badges if badge)}", series.key)
    item.setIcon(0, blank(series))
    if series.kind is SeriesKind.OTHER:
        item.setForeground(0, QBrush(QColor(theme.DIM)))
    if series.irregularity and not any(one.text() in series.irregularity for one in series.warnings):
        item.addChild(_note(tr("Not a regular grid: {reason}", reason=series.irregularity)))
    item.addChildren([_note(localized(warning)) for warning in series.warnings])
    parts = parts_of(series)
    if parts:
        item.addChild(_parts_item(series, parts, analysed))
    return item


def _parts_item(series: Series, parts: Sequence[Series], analysed: Collection[str]) -> QTreeWidgetItem:
    """Return the parts of a series below the reason of the split; each can be shown and analysed alone."""
    # An empty key is what `_open` unfolds.
    item = _item(localized(split_reason(series)), "" if len(parts) <= MOST_UNFOLDED else None, theme.DIM)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    for part in parts:
        result = tr("AI result") if part.key in analysed else ""
        row = " · ".join(text for text in (localized(part.time_labels[0]), result) if text)
        item.addChild(_item(row, part.key))
    return item


def _note(text: str) -> QTreeWidgetItem:
    note = _item(f"⚠ {text}", None, theme.CAUTION)
    note.setFlags(Qt.ItemFlag.ItemIsEnabled)
    return note


def _skipped_item(scan: Scan) -> QTreeWidgetItem:
    top = _item(tr("Files not understood: {count}", count=len(scan.skipped)), None, theme.DIM)
    top.setFlags(Qt.ItemFlag.ItemIsEnabled)
    top.addChildren([_item(f"{one.path.name}: {one.reason}", None, theme.DIM) for one in scan.skipped[:MOST_SKIPPED]])
    return top
