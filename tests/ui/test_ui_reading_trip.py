"""The whole trip through the real window: open, run, edit, judge, measure, write, close, open what was exported.

Whatever a reader made must be there again exactly as it was. The exported folder alone is opened: what is saved in the
background is taken away before.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from bundles import change_json, write_threshold_segmenter
from phantoms import write_ct_series
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from same_values import same
from ui_cases import make_heatmap, mouse, press, pump

from medassist.entities.draft import Passage
from medassist.entities.finding import Judgement
from medassist.entities.measurement import Shape
from medassist.entities.volume import Window
from medassist.imaging.slicing import Plane
from medassist.locations import user_models_dir
from medassist.session.actions import AddHeatmap, MoveCursor, SetWindow
from medassist.session.cases import SAVED
from medassist.session.drafts import WritePassage
from medassist.storage import audit, journal
from medassist.ui.main_window import MainWindow
from medassist.ui.runner import Runner
from medassist.ui.store import Store

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

NODULE = {
    "value": 1, "label": "Lung nodule", "title_zh": "肺结节", "color": [230, 159, 0],
    "category": ["49755003", "SCT", "Morphologically Altered Structure"], "code": ["27925004", "SCT", "Nodule"],
}  # fmt: skip
MADE = ("findings", "predictions", "measurements", "heatmaps", "drafts", "views", "current")
"""What must not be empty before the window is closed, or nothing could be lost."""


@pytest.fixture
def study(tmp_path):
    values = np.full((10, 40, 32), -900, np.int16)
    values[4:7, 10:16, 8:14] = 2000
    values[6:8, 26:29, 20:24] = 2000
    write_ct_series(tmp_path / "study", values_hu=values)
    root = write_threshold_segmenter(user_models_dir() / "bright", 1500.0)
    own = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))["medassist"]
    change_json(root, "metadata", medassist={**own, "labels": [NODULE]})
    return tmp_path / "study"


class Sat:
    """A window, its store and its runner."""

    def __init__(self) -> None:
        self.store = Store()
        self.runner = Runner(self.store)
        self.window = MainWindow(self.store, self.runner)
        self.window.resize(1500, 950)
        self.window.show()

    def open(self, path) -> None:
        self.window.open([path])
        self.settle(lambda: self.store.session.volume is not None)

    def settle(self, until=lambda: True) -> None:
        pump(lambda: until() and not self.runner.running() and not self.window.keeper.waiting, 90)
        assert self.window.messages.sentences() == ()

    def leave(self) -> None:
        self.window.close()
        self.runner.close()
        for one in (self.window, self.runner, self.store):
            one.deleteLater()


@pytest.fixture
def sit(application):
    sat = []

    def begin() -> Sat:
        sat.append(Sat())
        return sat[-1]

    yield begin
    for one in sat:
        one.leave()


def run(sat: Sat) -> None:
    models = sat.window.models
    models.reload()
    models.select("bright")
    if models.reason.isVisibleTo(models):
        models.reason.setText("a phantom for a test")
    models.device.setCurrentIndex(1)
    models.run.click()
    sat.settle(lambda: bool(sat.store.session.predictions))


def at(sat: Sat, ijk):
    """Return the axial plane and the place of a voxel on it."""
    view = next(one for one in sat.window.viewer.planes if one.plane is Plane.AXIAL)
    row, column, index = view.shown.layout.to_display(view.shown.layout.geometry.to_world(ijk))
    assert round(float(index)) == view.shown.index
    return view.viewport(), view.to_screen(float(row), float(column))


def look(sat: Sat, ijk) -> None:
    x, y, z = sat.store.session.volume.geometry.to_world(ijk)
    sat.store.dispatch(MoveCursor((float(x), float(y), float(z))))


def paint(sat: Sat, ijk) -> None:
    """Add one voxel to the mask with the brush."""
    look(sat, ijk)
    sat.window.editing.toggle()
    sat.window.editing._change(radius_mm=0.1)
    viewport, place = at(sat, ijk)
    mouse(viewport, QEvent.Type.MouseButtonPress, place)
    mouse(viewport, QEvent.Type.MouseButtonRelease, place)
    sat.settle(lambda: sat.store.session.predictions[-1].edit is not None)
    sat.window.editing.toggle()


def measure(sat: Sat, first, last) -> None:
    """Draw a length with the mouse."""
    look(sat, first)
    sat.window.tools.toggle(Shape.LENGTH)
    (viewport, begin), (_viewport, end) = at(sat, first), at(sat, last)
    mouse(viewport, QEvent.Type.MouseButtonPress, begin)
    mouse(viewport, QEvent.Type.MouseMove, (begin + end) / 2)
    mouse(viewport, QEvent.Type.MouseMove, end)
    mouse(viewport, QEvent.Type.MouseButtonRelease, end)
    sat.settle(lambda: bool(sat.store.session.measurements))


def judge(sat: Sat, component: int, judgement: Judgement, why: str) -> None:
    """Select a finding in the list, type a reason and click the verdict."""
    panel = sat.window.findings
    (finding,) = [one for one in sat.store.session.findings if one.component == component]
    panel.table.select(finding.tracking_uid)
    panel.verdicts.comment.setText(why)
    panel.verdicts.buttons[judgement].click()
    QApplication.processEvents()


def read_and_export(sat: Sat, study, folder):
    """Do everything a reader does, and return the session as it was when the report was written."""
    sat.open(study)
    run(sat)
    key = sat.store.session.current
    assert len(sat.store.session.findings) == 2
    paint(sat, (14, 12, 5))
    measure(sat, (8, 12, 5), (14, 12, 5))
    judge(sat, 2, Judgement.REJECTED, "a vessel seen from its end")
    judge(sat, 1, Judgement.ACCEPTED, "as it looks")
    sat.store.dispatch(AddHeatmap(make_heatmap(sat.store.session.volume, (5, 12, 11))))
    sat.store.dispatch(WritePassage(key, Passage("impression", "One nodule, 6 mm. 请随访。", by="Dr Who")))
    look(sat, (11, 13, 4))
    sat.store.dispatch(SetWindow(Window(-200.0, 1700.0)))
    press(sat.window.viewer, Qt.Key.Key_I)
    sat.settle()
    sat.window.report.reader.setText("Dr Who")
    sat.window.report.write(folder)
    sat.settle(lambda: bool(sat.store.session.reports))
    return sat.store.session


def on_screen(sat: Sat):
    """Return what the planes and the lists show: slices, and the texts of all rows."""
    tables = (sat.window.findings.table, sat.window.measurements.table)
    rows = [
        [
            None if table.item(row, column) is None else table.item(row, column).text()
            for column in range(table.columnCount())
        ]
        for table in tables
        for row in range(table.rowCount())
    ]
    assert len(rows) >= 3
    return [view.shown.index for view in sat.window.viewer.planes], rows


def test_what_a_reader_did_is_there_again_from_the_exported_folder(sit, study, tmp_path):
    first = sit()
    before = read_and_export(first, study, tmp_path / "report")
    for name in MADE:
        assert getattr(before, name), name
    (edited,) = before.predictions
    assert edited.edit is not None
    assert np.count_nonzero(edited.mask.labels_zyx) == np.count_nonzero(edited.edit.original.labels_zyx) + 1
    verdicts = {one.component: (one.judgement, one.comment) for one in before.findings}
    assert verdicts[2] == (Judgement.REJECTED, "a vessel seen from its end")
    assert verdicts[1][0] in (Judgement.ACCEPTED, Judgement.EDITED)
    assert {"sr.dcm", "seg.dcm", "report.pdf", "case.medassist"} <= {path.name for path in before.reports}
    seen = on_screen(first)
    first.leave()
    shutil.rmtree(journal.cases_dir())

    again = sit()
    again.open(tmp_path / "report")
    after = again.store.session
    for name in SAVED:
        assert same(getattr(before, name), getattr(after, name)), name
    assert on_screen(again) == seen
    assert again.window.cases.isHidden(), "the model is installed, so there is nothing to be told"
    assert not again.window.menus.edit.undo.isEnabled()
    again.window.report.write(tmp_path / "again")
    again.settle(lambda: bool(again.store.session.reports))
    names = [{path.name for path in one.reports} for one in (before, again.store.session)]
    assert names[0] == names[1]


def test_the_trip_leaves_no_name_of_the_patient_in_log_and_trail(sit, study, tmp_path, caplog):

    from medassist.locations import log_file
    from medassist.session import trail

    caplog.set_level("DEBUG", logger="medassist")
    first = sit()
    first.store.changed.connect(trail.keep)
    read_and_export(first, study, tmp_path / "report")
    name = first.store.session.study_of(first.store.session.current).patient.name
    first.leave()

    assert name
    lines = [json.loads(line) for line in audit.audit_file().read_text().splitlines()]
    assert {"open", "run", "edit", "judge", "export"} <= {line["action"] for line in lines}
    assert audit.verify().intact
    told = caplog.text + audit.audit_file().read_text() + (log_file().read_text() if log_file().exists() else "")
    for word in (*name.replace("^", " ").split(), "vessel", "请随访"):
        assert word not in told
