"""The pauses of the event loop (a 10 ms timer) in each stage of one trip: open, run, explain, preview, export.

A pause counts as far as this process was computing in it, so that other work on the machine is not taken for ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

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
from medassist.ui import plan, report_preview
beats, stages = [], {}
timer = QTimer()
timer.setTimerType(Qt.TimerType.PreciseTimer)
timer.timeout.connect(lambda: beats.append((time.perf_counter(), time.process_time())))

def during(name, step):
    def run(session, *, progress):
        began = time.perf_counter()
        result = step(session, progress=progress)
        stages[name] = began, time.perf_counter()
        return result
    return run

def preview(session, *, progress):
    report_preview.make(
        session, "en", "Reader", 900, report_preview.Pictures(), lambda _preview: None, progress=progress
    )

def export(session, *, progress):
    return jobs.write_report(session, folder, allow_unreviewed=True, progress=progress)

folder = Path(tempfile.mkdtemp())
film = get("RG1", progress=__import__("medassist.progress", fromlist=["Progress"]).Progress())
steps = [
    during("scan", plan.open_path(film)),
    during("load (JPEG 2000)", plan.load_first),
    during("run a model, torch import included", plan.run_model("chest_xray_findings")),
    during("run it again", plan.run_model("chest_xray_findings")),
    during("explain", plan.explain_label("Cardiomegaly")),
    during("preview of the report", preview),
    during("export of the report", export),
]
timer.start(10)
app.show(steps, screenshot=folder / "window.png", prepare=lambda _window: timer.stop())
pauses = [
    (before[0], after[0], 1000 * min(b - a for a, b in zip(before, after))) for before, after in zip(beats, beats[1:])
]
print(json.dumps({
    name: [pause for before, after, pause in pauses if after > began and before < ended]
    for name, (began, ended) in stages.items()
}))
"""


LONGEST_MS = 50.0


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return, per stage, the 99th percentile of its pauses in ms, and the median and the worst of the longest."""
    trips = [json.loads(last_line(TRIP)) for _ in range(rounds)]
    return {
        stage: {
            "p99_ms": float(np.percentile([pause for trip in trips for pause in trip[stage]], 99)),
            "longest_ms": median(max(trip[stage]) for trip in trips),
            "worst_ms": max(max(trip[stage]) for trip in trips),
        }
        for stage in trips[0]
    }


def misses(rows: Mapping[str, Mapping[str, float]]) -> Sequence[str]:
    """Say in which stage a reader sees the window stop."""
    return [
        f"{stage}: p99 {row['p99_ms']:.0f} ms, more than {LONGEST_MS:.0f}"
        for stage, row in rows.items()
        if row["p99_ms"] > LONGEST_MS
    ]
