"""The longest pause of the event loop (a 10 ms timer) in each stage of one trip: open, run, explain, report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median

from benchmarks.processes import last_line

TRIP = """
import json, tempfile, time
from pathlib import Path
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
application = QApplication([])
from medassist import app
from medassist.session import jobs
from medassist.storage.samples import get
from medassist.ui import plan
beats, stages = [], {}
timer = QTimer()
timer.setTimerType(Qt.TimerType.PreciseTimer)
timer.timeout.connect(lambda: beats.append(time.perf_counter()))

def during(name, step):
    def run(session, *, progress):
        began = time.perf_counter()
        result = step(session, progress=progress)
        stages[name] = began, time.perf_counter()
        return result
    return run

folder = Path(tempfile.mkdtemp())
film = get("RG1", progress=__import__("medassist.progress", fromlist=["Progress"]).Progress())
steps = [
    during("scan", plan.open_path(film)),
    during("load (JPEG 2000)", plan.load_first),
    during("run a model, torch import included", plan.run_model("chest_xray_findings")),
    during("run it again", plan.run_model("chest_xray_findings")),
    during("explain", plan.explain_label("Cardiomegaly")),
    during("report", lambda session, *, progress: jobs.write_report(session, folder, progress=progress)),
]
timer.start(10)
app.show(steps, screenshot=folder / "window.png", prepare=lambda _window: timer.stop())
pauses = list(zip(beats, beats[1:]))
print(json.dumps({
    name: max(1000 * (after - before) for before, after in pauses if after > began and before < ended)
    for name, (began, ended) in stages.items()
}))
"""


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return, per stage, the median and the worst over the rounds of the longest pause in ms."""
    trips = [json.loads(last_line(TRIP)) for _ in range(rounds)]
    return {
        stage: {
            "longest_ms": median(trip[stage] for trip in trips),
            "worst_ms": max(trip[stage] for trip in trips),
        }
        for stage in trips[0]
    }
