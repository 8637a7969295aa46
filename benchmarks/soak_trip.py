"""One long sitting at the real window: study after study opened, scrolled, analysed, judged and closed.

    python -m benchmarks.soak_trip STUDIES

Prints one line of JSON per study: memory (RSS), threads, widgets, seconds. `benchmarks soak` reads them. The studies
are the phantoms of the tests (CT, MR, radiograph, NIfTI), each of a patient of its own; the models are tiny.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medassist.ui.main_window import MainWindow
    from medassist.ui.runner import Runner
    from medassist.ui.store import Store

TESTS = Path(__file__).resolve().parents[1] / "tests"
KINDS = ("ct", "mr", "film", "nifti")
MOST_S = 120.0


def write_study(folder: Path, number: int) -> str:
    """Write study `number` below `folder` and return the name of the model that suits it."""
    phantoms: Any = importlib.import_module("phantoms")
    kind, slices = KINDS[number % len(KINDS)], 8 + number % 5
    tags = {"PatientID": f"S{number}", "PatientName": f"Soak^{number}"}
    if kind == "film":
        phantoms.write_film(folder, rows=256 + number % 64, columns=256, PatientAge="050Y", **tags)
        return "soak_film"
    if kind == "nifti":
        import nibabel
        import numpy as np

        folder.mkdir(parents=True)
        values = np.random.default_rng(number).normal(100, 20, (64, 64, slices)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, np.diag([0.8, 0.8, 2.0, 1.0])), folder / f"soak_{number}.nii.gz")
    else:
        write = phantoms.write_ct_series if kind == "ct" else phantoms.write_mr_series
        write(folder, slices=slices, rows=128, columns=128, **tags)
    return "soak_volume"


class Sitting:
    """A reader at one window who never leaves it."""

    def __init__(self, store: Store, runner: Runner, window: MainWindow, home: Path) -> None:
        self.store, self.runner, self.window, self.home = store, runner, window, home

    def read(self, number: int) -> None:
        """Open, scroll, analyse, judge and close one study."""
        from medassist.entities.finding import Judgement
        from medassist.session.actions import Judge
        from medassist.ui.plan import run_model

        folder = self.home / f"study-{number}"
        model = write_study(folder, number)
        self.window.open([folder])
        self._until(lambda: self.store.session.volume is not None and not self.runner.running())
        self._look()
        self.runner.start("model", run_model(model, device="cpu"), self.store.session)
        self._until(lambda: not self.runner.running())
        if self.store.session.prediction is None:
            raise RuntimeError(f"study {number}: {self.window.messages.sentences()}")
        self._look()
        for finding in self.store.session.findings[:1]:
            self.store.dispatch(Judge(finding.tracking_uid, Judgement.ACCEPTED, "Soak", "now"))
        self.window.close_study()
        self._until(lambda: not self.store.session.scans and not self.runner.running())
        shutil.rmtree(folder)

    def _look(self) -> None:
        from PySide6.QtWidgets import QApplication

        assert self.store.session.volume is not None
        for view in self.window.viewer.planes:
            for _ in range(self.store.session.volume.geometry.shape_zyx[0] if view.isVisible() else 0):
                view.scroll(1)
                QApplication.processEvents()

    def _until(self, holds: Callable[[], bool]) -> None:
        from PySide6.QtCore import QEventLoop
        from PySide6.QtWidgets import QApplication

        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > MOST_S:
                raise TimeoutError(f"{self.window.messages.sentences()}, {self.runner.lanes()}")
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            time.sleep(0.001)


def main() -> None:
    """Read as many studies as the command line says."""
    count, home = int(sys.argv[1]), Path(tempfile.mkdtemp(prefix="medassist-soak-"))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for variable in ("MEDASSIST_DATA", "MEDASSIST_CACHE", "MEDASSIST_CONFIG", "MEDASSIST_SITE"):
        os.environ[variable] = str(home / variable.lower())
    sys.path.insert(0, str(TESTS))
    try:
        _soak(count, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _soak(count: int, home: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from medassist.ui import theme
    from medassist.ui.main_window import MainWindow
    from medassist.ui.quiet_import import quiet_torch_import
    from medassist.ui.runner import Runner
    from medassist.ui.store import Store
    from medassist.ui.surroundings import steady

    application = QApplication([])
    theme.apply(application)
    _write_models()
    store = Store()
    runner = Runner(store)
    window = MainWindow(store, runner)
    window.resize(1600, 1000)
    window.show()
    with quiet_torch_import(), steady(runner):
        sitting = Sitting(store, runner, window, home)
        for number in range(count):
            began = time.perf_counter()
            sitting.read(number)
            print(json.dumps(_measured(time.perf_counter() - began)), flush=True)
        window.close()


def _write_models() -> None:
    from medassist.locations import user_models_dir

    bundles: Any = importlib.import_module("bundles")
    bundles.write_threshold_segmenter(user_models_dir() / "soak_volume", 150.0)
    bundles.write_classifier(user_models_dir() / "soak_film")


def _measured(seconds: float) -> dict[str, float]:
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "threads": float(threading.active_count()),
        "widgets": float(len(QApplication.allWidgets())),
        "seconds": seconds,
    }


if __name__ == "__main__":
    main()
