"""The window stays alive: the longest pause of a 10 ms timer while a worker is busy, and what start-up imports.

A pause counts as far as this process was computing in it: what other processes take of the machine is not ours.
"""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from ui_cases import pump

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MS = 100
HEAVY = ("torch", "monai", "captum", "SimpleITK", "highdicom", "skimage", "scipy", "pydicom")

REAL_NETWORK = """
import os, sys, time
from pathlib import Path
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QTimer, Qt
from PySide6.QtWidgets import QApplication
from medassist import app

def job(_session, *, progress):
    import torch
    from monai.inferers import sliding_window_inference
    from monai.networks.nets import UNet
    torch.set_num_threads(1)
    network = UNet(3, 1, 3, [8, 16, 32], [2, 2], num_res_units=2).eval()
    with torch.inference_mode():
        sliding_window_inference(torch.rand(1, 1, 48, 48, 48), (32, 32, 32), 1, network)
    beats.append(("done", time.perf_counter(), 0.0))

beats, timer = [], QTimer()
timer.setTimerType(Qt.TimerType.PreciseTimer)
timer.timeout.connect(lambda: beats.append(("beat", time.perf_counter(), time.process_time())))

def begin(_session, *, progress):
    return None

def close(window):
    timer.stop()

application = QApplication([])
timer.start(10)
app.show([begin, job], screenshot=Path(sys.argv[1]), prepare=close)
end = next(at for kind, at, _ in beats if kind == "done")
shown = [clocks for kind, *clocks in beats if kind == "beat" and clocks[0] <= end][20:]
print(round(1000 * max(min(b - a for a, b in zip(*pair)) for pair in zip(shown, shown[1:]))))
"""


def clocks():
    """Return the seconds on the wall and those of CPU this process had."""
    return time.perf_counter(), time.process_time()


class Heartbeat:
    """Collect the pauses of a 10 ms timer."""

    def __init__(self):
        self.pauses_ms = []
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.beat)

    def beat(self):
        now = clocks()
        self.pauses_ms.append(1000 * min(after - before for before, after in zip(self.last, now, strict=True)))
        self.last = now

    def __enter__(self):
        self.last = clocks()
        self.timer.start(10)
        return self

    def __exit__(self, *_error):
        self.timer.stop()


def busy(*, progress):
    """Load the processor as a network does: long library calls without the lock, Python between them."""
    random = np.random.default_rng(0)
    for number in range(25):
        progress.step("Predicting", number / 25)
        left = random.random((700, 700), dtype=np.float32)
        (left @ left).sum()
        sum(index * index for index in range(20_000))


def best_of(tries, what, measure):
    """Return the shortest of several longest pauses."""
    found = []
    for _ in range(tries):
        found.append(measure())
        print(f"longest pause {what}: {found[-1]:.0f} ms")  # noqa: T201
        if found[-1] < LONGEST_MS:
            break
    return min(found)


def test_no_long_pause_while_a_worker_computes(window, store, runner):
    def measure():
        with Heartbeat() as heart:
            runner.start("model", busy)
            pump(lambda: not runner.running(), 60)
        return max(heart.pauses_ms)

    assert best_of(3, "with a busy worker", measure) < LONGEST_MS


@pytest.mark.skipif(find_spec("torch") is None or find_spec("monai") is None, reason="torch or monai not installed")
def test_no_long_pause_while_torch_is_imported_and_a_network_runs(tmp_path):
    def measure():
        done = subprocess.run(
            [sys.executable, "-c", REAL_NETWORK, str(tmp_path / "w.png")], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return float(done.stdout.split()[-1])

    assert best_of(4, "while torch and monai are imported and a network runs", measure) < LONGEST_MS


def test_the_first_window_imports_nothing_heavy(tmp_path):
    code = (
        "import os, sys; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\n"
        "from pathlib import Path; from medassist import app\n"
        f"app.show(screenshot=Path(sys.argv[1])); print(*[n for n in {HEAVY!r} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w.png")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert (tmp_path / "w.png").stat().st_size > 10_000
