"""The bottom line: what runs, how much memory is in use, which device the last model ran on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from medassist.language import tr
from medassist.progress import Step
from medassist.session.memory import budget_bytes
from medassist.session.queued import DropWaiting
from medassist.session.state import Session
from medassist.ui.case_keeper import QUIET_LANES
from medassist.ui.runner import Runner
from medassist.ui.store import Store
from medassist.ui.wording import step_text

MEMORY_EVERY_MS = 2000


def resident_bytes() -> int | None:
    """Return the memory this process holds, None where the system does not tell."""
    status = Path("/proc/self/statm")
    if status.exists():
        import resource

        return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return None


class StatusBar(QStatusBar):
    """Jobs on the left (with Stop), device and memory on the right."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._runner = store, runner
        self._steps: dict[str, Step] = {}
        self.setSizeGripEnabled(False)
        self.job, self.device, self.memory = QLabel(self), QLabel(self), QLabel(self)
        self.stop = QPushButton(self)
        self.stop.clicked.connect(self._stop)
        self.addWidget(self.job)
        self.addWidget(self.stop)
        self.addPermanentWidget(self.device)
        self.addPermanentWidget(self.memory)
        runner.began.connect(self._draw_jobs)
        runner.stepped.connect(self._step)
        runner.ended.connect(self._ended)
        store.changed.connect(lambda _old, new: self._draw_device(new))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._draw_memory)
        self._timer.start(MEMORY_EVERY_MS)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.stop.setText(tr("Stop"))
        self.stop.setToolTip(tr("Stop the running jobs; results so far are kept"))
        self._draw_jobs()
        self._draw_device(self._store.session)
        self._draw_memory()

    def _stop(self) -> None:
        self._store.dispatch(DropWaiting())
        for lane in self._runner.lanes():
            self._runner.cancel(lane)

    def _step(self, lane: str, step: Step) -> None:
        self._steps[lane] = step
        self._draw_jobs()

    def _ended(self, lane: str) -> None:
        self._steps.pop(lane, None)
        self._draw_jobs()

    def _draw_jobs(self, _lane: str = "") -> None:
        lanes = [lane for lane in self._runner.lanes() if lane not in QUIET_LANES]
        newest = next((self._steps[lane] for lane in reversed(lanes) if lane in self._steps), None)
        said = step_text(newest) if newest else tr("Working")
        more = tr(" (and {count} more)", count=len(lanes) - 1) if len(lanes) > 1 else ""
        self.job.setText(said + more if lanes else tr("Ready"))
        self.stop.setVisible(bool(lanes))

    def _draw_device(self, session: Session) -> None:
        used = session.predictions[-1].device if session.predictions else ""
        none = "" if session.withheld else tr("No model run yet")  # one has, unheard
        self.device.setText(tr("Last model ran on {device}", device=used) if used else none)

    def _draw_memory(self) -> None:
        held = resident_bytes()
        self.memory.setText("" if held is None else tr("Memory {size} MB", size=f"{held / 2**20:.0f}"))
        pictures = sum(one.array_tzyx.nbytes for one in self._store.session.volumes.values())
        self.memory.setToolTip(
            tr("Pictures hold {size} MB of at most {most} MB; those not seen for longest give way.",
               size=f"{pictures / 2**20:.0f}", most=f"{budget_bytes() / 2**20:.0f}")
        )  # fmt: skip
