"""What `benchmarks view` draws: our viewer, and pyqtgraph alone with the same arrays and no texts.

    python -m benchmarks.view_scenes SCENE ours|bare [ROUNDS [FOLDER]]

Prints the milliseconds of each picture as a line of JSON. They are CPU of this process, so that other work on the
machine does not count; only the first picture of a series is told in seconds on the wall.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from medassist.session.state import Session
    from medassist.ui.viewer.viewer import Viewer

Array = NDArray[Any]
Steps = Iterator[Callable[[], object]]
SIZE = (1200, 900)
CT, FILM = (64, 512, 512), (1, 2048, 2048)


def volume_of(shape: tuple[int, int, int]) -> Array:
    """Return noise with a bright ellipsoid in it (int16)."""
    z, y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    inside = z[:, None, None] ** 2 + (y[:, None] / 0.7) ** 2 + (x / 0.6) ** 2 <= 1
    values: Array = np.where(inside, 60, -900).astype(np.int16)
    shifted: Array = values + np.random.default_rng(0).integers(-80, 80, shape, np.int16)
    return shifted


def mask_of(values: Array) -> Array:
    """Return the ellipsoid as a label map."""
    return (values > -200).astype(np.uint8)


def heat_of(shape: tuple[int, int, int]) -> Array:
    """Return a smooth map (float32)."""
    z, y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    heat: Array = np.exp(-4 * (z[:, None, None] ** 2 + (y[:, None] - 0.2) ** 2 + (x + 0.2) ** 2))
    return heat


def session_of(values: Array, *, overlaid: bool) -> Session:
    """Return a session with the values on screen, with a mask and a map where asked for."""
    from medassist.entities.geometry import Geometry
    from medassist.entities.heatmap import Heatmap
    from medassist.entities.prediction import Mask, ModelRef, Prediction, Segment
    from medassist.entities.study import Patient, Scan, Series, SeriesKind, Study
    from medassist.entities.volume import Volume, Window
    from medassist.session.actions import AddHeatmap, AddPrediction, AddScan, ShowVolume
    from medassist.session.state import Session

    shape = values.shape[0], values.shape[1], values.shape[2]
    kind = SeriesKind.VOLUME if shape[0] > 1 else SeriesKind.FILM
    series = Series("one", kind, (), modality="CT", shape_zyx=shape)
    grid = Geometry(np.diag([0.7, 0.7, 1.5, 1.0]), shape, "1.2.3")
    session = AddScan(Scan(Path("/phantom"), (Study("1.2", Patient("Phantom"), series=(series,)),)))(Session())
    session = ShowVolume(Volume(series, values[None], grid, "HU", (Window(40.0, 400.0),)))(session)
    if not overlaid:
        return session
    model = ModelRef("organs", "1.0", "0" * 64)
    mask = Mask(mask_of(values), grid, (Segment(1, "Liver"),))
    heat = heat_of(shape)
    session = AddPrediction(Prediction(model, "one", "", "cpu", mask=mask), ())(session)
    return AddHeatmap(Heatmap("gradcam", "Liver", model, "one", heat, grid, heat, grid))(session)


def timed(steps: Steps, rounds: int) -> list[float]:
    """Return what each step and the pictures it led to took (ms of CPU); the first ones fill caches."""
    from PySide6.QtWidgets import QApplication

    found = []
    for number, step in enumerate(steps):
        began = time.process_time()
        step()
        QApplication.processEvents()
        found.append(1000 * (time.process_time() - began))
        if number >= rounds + 5:
            break
    return found[5:]


def ours(scene: str) -> Steps:
    """Yield the steps of a scene at our viewer."""
    from medassist.session.actions import SetWindow
    from medassist.ui import theme
    from medassist.ui.store import Store
    from medassist.ui.viewer.viewer import Viewer

    theme.apply(_application())
    store, begun = Store(), session_of(volume_of(FILM if scene == "window" else CT), overlaid=scene != "window")
    viewer = Viewer(store)
    _show(viewer)
    store.dispatch(lambda _session: begun)
    if scene == "repaint":
        viewer.toggle_maximised(viewer.planes[0])
    window = store.session.view.window
    assert window is not None
    from dataclasses import replace

    for number in range(10**6):
        if scene == "window":
            moved = replace(window, center=40.0 + number % 100, width=400.0 + number % 50)
            yield lambda moved=moved: store.dispatch(SetWindow(moved))  # type: ignore[misc]
        else:
            yield lambda number=number: viewer.planes[0].go_to(_there_and_back(number))  # type: ignore[misc]


def _there_and_back(number: int) -> int:
    return abs((number % (2 * CT[0] - 2)) - (CT[0] - 1))


def bare(scene: str) -> Steps:
    """Yield the steps of a scene at pyqtgraph alone: the same arrays as image items, no texts, no outline."""
    import pyqtgraph

    pyqtgraph.setConfigOptions(imageAxisOrder="row-major")
    _application()
    values = volume_of(FILM if scene == "window" else CT)
    window = pyqtgraph.GraphicsLayoutWidget()
    planes = [window.addViewBox(lockAspect=True, invertY=True) for _ in range(3 if scene == "scroll" else 1)]
    items = [[pyqtgraph.ImageItem(levels=(-160, 240)) for _ in range(1 if scene == "window" else 3)] for _ in planes]
    for plane, layers in zip(planes, items, strict=True):
        for item in layers:
            plane.addItem(item)
    labels, heat = mask_of(values), heat_of(CT) if scene != "window" else None
    table = np.linspace(0, 255, 256).astype(np.uint8)[:, None].repeat(4, axis=1)
    for layers in items:
        _fill(layers, [values[0], labels[0], None if heat is None else heat[0]], table)
    _show(window)
    for number in range(10**6):
        if scene == "window":
            low, wide = number % 100 - 160, 400 + number % 50
            yield lambda low=low, wide=wide: items[0][0].setLevels((low, low + wide))  # type: ignore[misc]
        else:
            at = _there_and_back(number)
            yield lambda at=at: _fill(items[0], [values[at], labels[at], None if heat is None else heat[at]], table)  # type: ignore[misc]


def _fill(items: list[Any], arrays: list[Array | None], table: Array) -> None:
    for item, array, levels in zip(items, arrays, ((-160, 240), (0, 255), (0, 1)), strict=False):
        item.setImage(array, autoLevels=False, levels=levels)
        if item is not items[0]:
            item.setLookupTable(table)


def _application() -> Any:
    from PySide6.QtWidgets import QApplication

    return QApplication.instance() or QApplication([])


def _show(widget: Viewer | Any) -> None:
    _kept.append(widget)
    widget.resize(*SIZE)
    widget.show()
    _application().processEvents()


_kept: list[Any] = []


def first_of_ours(folder: Path) -> float:
    """Return the seconds from dropping a folder on the window until its first slice is drawn."""
    from PySide6.QtCore import QEventLoop

    from medassist.ui import theme
    from medassist.ui.main_window import MainWindow
    from medassist.ui.runner import Runner
    from medassist.ui.store import Store
    from medassist.ui.surroundings import steady

    application = _application()
    theme.apply(application)
    store = Store()
    runner = Runner(store)
    window = MainWindow(store, runner)
    window.keeper.active = False
    _show(window)
    with steady(runner):
        began = time.perf_counter()
        window.open([folder])
        while store.session.pictured is None:
            application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        application.processEvents()
        seconds = time.perf_counter() - began
    window.close()
    return seconds


def first_of_bare(folder: Path) -> float:
    """Return the same for the shortest program: every header by pydicom in order, then the middle slice."""
    import pydicom
    import pyqtgraph

    application, window = _application(), pyqtgraph.GraphicsLayoutWidget()
    item = pyqtgraph.ImageItem()
    window.addViewBox(lockAspect=True, invertY=True).addItem(item)
    _show(window)
    began = time.perf_counter()
    headers = [(pydicom.dcmread(path, stop_before_pixels=True), path) for path in folder.iterdir()]
    headers.sort(key=lambda one: float(one[0].ImagePositionPatient[2]))
    item.setImage(pydicom.dcmread(headers[len(headers) // 2][1]).pixel_array, levels=(864, 1264))
    application.processEvents()
    return time.perf_counter() - began


def main() -> None:
    """Measure one scene."""
    scene, who = sys.argv[1:3]
    if scene == "first":
        folder = Path(sys.argv[4])
        print(json.dumps([(first_of_ours if who == "ours" else first_of_bare)(folder)]))
    else:
        print(json.dumps(timed((ours if who == "ours" else bare)(scene), int(sys.argv[3]))))


if __name__ == "__main__":
    main()
