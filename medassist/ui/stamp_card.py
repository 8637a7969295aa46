"""Whether to believe the map on screen: verdict, reasons, measures with their limits, what it is held against."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.stamp import Limits
from medassist.explain.costs import seconds_per_pass
from medassist.explain.quality.measuring import passes_for
from medassist.inference.packages import Package
from medassist.language import localized, tr
from medassist.session.measuring import measure, package_of, prediction_of
from medassist.session.references import Reference, can_be_placed, place_heatmap, references, without_reference
from medassist.session.stamps import AddStamp
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.job_bar import JobBar
from medassist.ui.map_facts import cost_text
from medassist.ui.map_measurer import LANE, MapMeasurer
from medassist.ui.runner import Job, Runner
from medassist.ui.stamp_words import lines_of, verdict_of
from medassist.ui.store import Store
from medassist.ui.wording import local_title, unready_text

PLACE_LANE = "place"


class StampCard(QFrame):
    """Hidden while no explanation is on screen. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = measure) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self.measurer = MapMeasurer(store, runner, self, job=job)
        self._package: Package | None = None
        self._offered: tuple[Reference, ...] = ()
        self._held: Reference | None = None
        self.verdict, self.reasons, self.cost = QLabel(self), QLabel(self), QLabel(self)
        self.button, self.progress = QPushButton(self), JobBar(runner, LANE, self)
        self.reference_label, self.reference = QLabel(self), QComboBox(self)
        self._measures = QGridLayout()
        self._lay_out()
        self.button.clicked.connect(self._ask)
        self.reference.activated.connect(lambda _row: self._chosen())
        runner.began.connect(self._turned)
        runner.ended.connect(self._turned)
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Whether to believe this map"))
        self.button.setText(tr("Measure this map"))
        self.reference_label.setText(tr("Reference"))
        self.reference.setAccessibleName(tr("Reference"))
        self.reference.setToolTip(
            tr("Where the truth lies, as a file or a reader marked it: how much of the heat is there, beside chance.")
        )
        self.progress.retranslate()
        self._draw()

    def _lay_out(self) -> None:
        self.setProperty("role", "card")
        for text in (self.verdict, self.reasons, self.cost):
            text.setWordWrap(True)
        self.cost.setProperty("role", "dim")
        self._measures.setHorizontalSpacing(10)
        self._measures.setVerticalSpacing(2)
        self._measures.setColumnStretch(0, 1)
        column, line = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(8, 6, 8, 6)
        line.addWidget(self.reference_label, 0, 0)
        line.addWidget(self.reference, 0, 1)
        line.setColumnStretch(1, 1)
        self.reference.setMinimumContentsLength(10)
        self.reference.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for widget in (self.verdict, self.reasons, self.progress, self.cost, self.button):
            column.addWidget(widget)
        column.addLayout(self._measures)
        column.addLayout(line)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep room for the texts, which wrap."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Fit again when something inside asks for another size: other words, another font."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return handled

    def _fit(self) -> None:
        """Ask for the height the texts need at this width: the page that scrolls knows of none that wraps."""
        column = self.layout()
        if column is not None:
            self.setMinimumHeight(column.totalHeightForWidth(self.width()))

    def _changed(self, old: Session, new: Session) -> None:
        results = old.heatmaps is not new.heatmaps or old.predictions is not new.predictions
        if results or old.current != new.current or old.loading is not new.loading:
            self._draw()
        elif old.overlays is not new.overlays or old.region is not new.region:
            self._offer(new)
        else:
            return
        self._place()

    def _turned(self, lane: str) -> None:
        if lane == LANE:
            self._draw()

    def _ask(self) -> None:
        if self._store.session.heatmap is not None:
            self.measurer.start(self._store.session.heatmap)

    def _chosen(self) -> None:
        self._held = None
        self._place()

    def _reference(self) -> Reference | None:
        row = self.reference.currentIndex() - 1
        return self._offered[row] if 0 <= row < len(self._offered) else None

    def _place(self) -> None:
        """Hold the map on screen against the chosen reference, unless that is done.

        Without one no figure stays: what it was held against was set aside, or is there no more.
        """
        session, reference = self._store.session, self._reference()
        heatmap = session.heatmap
        if session.volume is None or heatmap is None or heatmap.stamp is None or not can_be_placed(heatmap):
            return
        if reference is None:
            if heatmap.stamp.reference:
                self._store.dispatch(AddStamp(heatmap, without_reference(heatmap.stamp)))
        elif not (reference.same_as(self._held) and heatmap.stamp.reference == reference.title):
            self._held = reference
            self._runner.start(PLACE_LANE, place_heatmap, heatmap, heatmap.stamp, reference)

    def _offer(self, session: Session) -> None:
        chosen, self._offered = self._reference(), references(session)
        blocked = self.reference.blockSignals(True)
        self.reference.clear()
        self.reference.addItem(tr("none"))
        for one in self._offered:
            name = local_title(one.segment.label, one.segment.title_zh)
            self.reference.addItem(": ".join(part for part in (one.source, name) if part))
        heatmap = session.heatmap
        self.reference.setCurrentIndex(self._row_of(chosen, heatmap))
        self.reference.blockSignals(blocked)
        for widget in (self.reference_label, self.reference):
            widget.setVisible(bool(self._offered) and heatmap is not None and can_be_placed(heatmap))
        self._fit()

    def _row_of(self, chosen: Reference | None, heatmap: Heatmap | None) -> int:
        """Return the row of what was chosen, else of what bears the name the map was held against; 0 for none.

        A region that is drawn further is another mask under the same name: the map is held against it anew.
        """
        named = heatmap.stamp.reference if heatmap is not None and heatmap.stamp is not None else ""
        rows = dict(enumerate(self._offered, 1))
        same = [row for row, one in rows.items() if one.same_as(chosen)]
        return next(iter([*same, *(row for row, one in rows.items() if named and one.title == named)]), 0)

    def _draw(self) -> None:
        session = self._store.session
        heatmap = session.heatmap
        shown = heatmap is not None and heatmap.kind is MapKind.ATTRIBUTION
        self.setVisible(shown)
        if heatmap is None or not shown:
            return
        self._package = package_of(prediction_of(session, heatmap))
        self._draw_verdict(heatmap)
        self._draw_cost(session, heatmap)
        self._draw_measures(heatmap)
        self._offer(session)

    def _draw_verdict(self, heatmap: Heatmap) -> None:
        told = verdict_of(heatmap, running=self.measurer.measures(heatmap))
        self.verdict.setText(
            f'<span style="color: {told.color}; font-weight: 600; font-size: 12pt;">{told.sign} {told.word}</span>'
            f"<br>{told.sentence}"
        )
        reasons = [localized(one) for one in heatmap.stamp.reasons] if heatmap.stamp is not None else []
        self.reasons.setText("\n".join(f"• {one}" for one in reasons))
        self.reasons.setVisible(bool(reasons))

    def _draw_cost(self, session: Session, heatmap: Heatmap) -> None:
        prediction = prediction_of(session, heatmap)
        open_to_ask = heatmap.stamp is None and not self.measurer.measures(heatmap)
        can = self._package is not None and prediction is not None
        self.button.setVisible(open_to_ask)
        self.button.setEnabled(can and not unready_text(session))
        self.cost.setVisible(open_to_ask)
        if self._package is None or prediction is None:
            self.cost.setText(tr("The model that made this map is not here, so it cannot be measured."))
        else:
            passes = passes_for(heatmap.passes, known=self._package.explanation.measured is not None)
            self.cost.setText(cost_text(passes, seconds_per_pass(prediction, session.heatmaps)))

    def _draw_measures(self, heatmap: Heatmap) -> None:
        while (item := self._measures.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        limits = Limits() if self._package is None else self._package.explanation.limits
        for row, line in enumerate(lines_of(heatmap, limits)):
            sign = {True: "✓", False: "✕", None: ""}[line.kept]
            color = theme.BAD if line.kept is False else theme.DIM
            texts = (line.name, line.value, f'<span style="color: {color};">{line.limit} {sign}</span>')
            for column, text in enumerate(texts):
                label = QLabel(text, self)
                label.setWordWrap(column != 1)
                label.setToolTip(line.meaning)
                self._measures.addWidget(label, row, column)
