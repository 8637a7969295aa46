"""Drive the real window through a tour and take 20 pictures of it: `tour.py DATA FOLDER` (DATA is ../shared/data).

Every place is pictured twice, in the other language, theme and size the second time. Run it under Xvfb with a screen of
at least 2560 x 1440. What looks cut or untranslated is printed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QScrollArea, QWidget

from medassist import app
from medassist.entities.finding import Judgement
from medassist.entities.measurement import Shape
from medassist.entities.pane_layout import PLANES
from medassist.language import set_language
from medassist.session.arranging import PutInPane, SetLayout
from medassist.session.measurements import AddMeasurement, new_measurement
from medassist.storage import settings
from medassist.ui import theme
from medassist.ui.main_window import MainWindow
from medassist.ui.plan import PlanStep, explain_label, run_model

if TYPE_CHECKING:
    from PIL import Image

Look = tuple[str, str, tuple[int, int]]
SMALL, LARGE = (1280, 720), (2560, 1440)
LOOKS: tuple[tuple[Look, Look], ...] = (
    (("en", "dark", SMALL), ("zh_CN", "light", LARGE)),
    (("zh_CN", "dark", SMALL), ("en", "light", LARGE)),
    (("en", "light", SMALL), ("zh_CN", "dark", LARGE)),
    (("zh_CN", "light", SMALL), ("en", "dark", LARGE)),
)
MODELS, EXPLANATION, REPORT = 0, 1, 3
MOST_BYTES = 400_000
LEAST_COLORED, RARE = 12, 48
"""Colours that are few on the screen, such as letters and badges, have a share of the palette of their own."""
SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "samples" / "RG1_J2KR.dcm"
FACELESS = ("ct_philips_phantom/In", "nih_epi/In/20180918GE/mr_0004", "nih_epi/In/20180918GE/mr_0005")
"""A plastic head and a brain without a face: the other heads of the development data must not be published."""
LATIN = re.compile(r"[A-Za-z]{4,}(?: [a-z]{2,}){2,}")
"""Several English words in a row: names of models and files are none."""


@dataclass
class Tour:
    """The folder the pictures go to, the looks in turn, and what was noticed."""

    folder: Path
    number: int = 0
    looks: Iterator[tuple[Look, Look]] = field(default_factory=lambda: cycle(LOOKS))
    noticed: list[str] = field(default_factory=list)

    def picture(self, window: MainWindow, name: str, shown: Callable[[], QWidget | None] = lambda: None) -> None:
        """Take both pictures of a place; `shown` opens a page beside the window that is pictured with it."""
        self.number += 1
        for look in next(self.looks):
            _dress(window, *look)
            page = shown()
            _settle(window)
            language, tone, size = look
            stem = f"tour-{self.number:02}-{name}-{language[:2]}-{tone}-{size[0]}"
            self.noticed += [f"{stem}: {one}" for one in _oddities(window, language)]
            _write(window, page, self.folder / f"{stem}.png")
            if page is not None:
                page.close()


def main() -> int:
    """Take the pictures and print what was noticed and how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="start, heads, chest or hippocampus")
    given = parser.parse_args()
    tour = Tour(given.folder)
    given.folder.mkdir(parents=True, exist_ok=True)
    settings.write("reader_name", "A. Reader")
    with tempfile.TemporaryDirectory(prefix="tour") as scratch:
        for name, opened, plan, prepare in _parts(given.data, Path(scratch)):
            if given.only in ("", name):
                last = Path(scratch) / "last.png"
                app.show(plan, open_paths=opened, screenshot=last, language="en", prepare=partial(prepare, tour))
    _say("\n".join(tour.noticed) or "nothing cut, nothing untranslated")
    return 0


def _parts(data: Path, scratch: Path) -> Sequence[tuple[str, Sequence[Path], Sequence[PlanStep], Callable]]:
    """Return what is opened, the jobs to run then, and what is pictured; studies lie under names anybody may read."""
    heads, film, crop = scratch / "heads", scratch / "chest.dcm", scratch / "hippocampus_053.nii.gz"
    heads.mkdir()
    for name in FACELESS:
        files = sorted(one for one in (data / "dicom" / name).rglob("*") if one.suffix in ("", ".dcm"))
        for number, file in enumerate(files):
            (heads / f"{name.replace('/', '_')}_{number:04}.dcm").symlink_to(file.resolve())  # a folder is not followed
    film.symlink_to(SAMPLE)
    crop.symlink_to((data / "hippocampus" / "images" / crop.name).resolve())
    chest = "chest_xray_findings"
    return (
        ("heads", [heads], [], _heads),
        ("chest", [film], [run_model(chest), explain_label("Cardiomegaly", model=chest)], _chest),
        ("hippocampus", [crop], [run_model("hippocampus_mr")], _hippocampus),
        ("start", [], [], _start),
    )


def _start(tour: Tour, window: MainWindow) -> None:
    window.tour.begin()
    tour.picture(window, "start")


def _heads(tour: Tour, window: MainWindow) -> None:
    tour.picture(window, "studies")
    store = window.findings._store
    other = next(one for one in store.session.all_series() if one.key != store.session.current)
    store.dispatch(SetLayout("2x2"))
    store.dispatch(PutInPane(3, other.key))
    tour.picture(window, "panes")
    store.dispatch(SetLayout(PLANES))
    tour.picture(window, "tags", lambda: _page(window, window.show_tags))


def _chest(tour: Tour, window: MainWindow) -> None:
    window.tabs.setCurrentIndex(MODELS)
    tour.picture(window, "model")
    window.tabs.setCurrentIndex(EXPLANATION)
    tour.picture(window, "explanation")
    window.findings.table.selectRow(1)
    window.findings.judge(Judgement.ACCEPTED)
    window.tabs.setCurrentIndex(REPORT)
    tour.picture(window, "report")


def _hippocampus(tour: Tour, window: MainWindow) -> None:
    window.models.select("hippocampus_mr")
    _measure(window)
    tour.picture(window, "mask")
    window.editing.toggle()
    tour.picture(window, "editing")
    window.editing.toggle()
    tour.picture(window, "settings", lambda: _page(window, window.menus.settings.trigger))


def _measure(window: MainWindow) -> None:
    """Draw a length through the middle of the axial slice."""
    store = window.findings._store
    volume = store.session.volume
    depth, rows, columns = volume.geometry.shape_zyx
    at = [tuple(map(float, volume.geometry.to_world([x, rows // 2, depth // 2]))) for x in (columns // 4, columns // 2)]
    store.dispatch(AddMeasurement(new_measurement(volume.series.key, Shape.LENGTH, at, slice_index=depth // 2)))


def _page(window: MainWindow, show: Callable[[], object]) -> QWidget:
    """Open a page of its own beside the window and return it."""
    before = set(QApplication.topLevelWidgets()) | set(window.findChildren(QWidget))
    show()
    QApplication.processEvents()
    new = [one for one in (*QApplication.topLevelWidgets(), *window.findChildren(QWidget)) if one not in before]
    return next(one for one in new if one.isWindow() and one.isVisible())


def _dress(window: MainWindow, language: str, tone: str, size: tuple[int, int]) -> None:
    """Change language, theme and size without keeping them for the next window."""
    set_language(language)
    theme.choose(tone)
    theme.apply(cast(QApplication, QApplication.instance()))
    window.resize(*size)
    window.move(0, 0)
    window.retranslate()


def _settle(window: MainWindow) -> None:
    """Wait until nothing computes and the pictures of the list are there."""
    end = time.monotonic() + 1.0
    while window.explain._runner.running() or time.monotonic() < end:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def _oddities(window: MainWindow, language: str) -> Iterator[str]:
    """Tell of words wider than their place, of panels wider than theirs, and of English in the Chinese window."""
    for part in window.findChildren(QWidget):
        if not part.isVisible() or part.visibleRegion().isEmpty():
            continue
        if isinstance(part, QScrollArea) and part.horizontalScrollBar().isVisible():
            yield f"sideways scrolling in {type(part.widget()).__name__}"
        if isinstance(part, QAbstractButton | QLabel) and part.text():
            yield from _odd_text(part, language)


def _odd_text(part: QAbstractButton | QLabel, language: str) -> Iterator[str]:
    wraps = isinstance(part, QLabel) and part.wordWrap()
    needed = part.minimumSizeHint()
    if part.width() < needed.width() and not wraps:
        yield f"cut: {part.text()!r} has {part.width()} of {needed.width()}"
    if isinstance(part, QLabel) and wraps and part.height() < part.heightForWidth(part.width()):
        yield f"cut: {part.text()[:60]!r} has {part.height()} of {part.heightForWidth(part.width())} lines"
    if language.startswith("zh") and LATIN.search(part.text()) and "<" not in part.text():
        yield f"untranslated: {part.text()[:80]!r}"


def _write(window: MainWindow, page: QWidget | None, path: Path) -> None:
    """Write the window, with the page over its middle, in as few colours as the size demands."""
    from PIL import Image
    from PySide6.QtGui import QColor, QImage, QPainter

    picture = window.grab()
    if page is not None:
        painter = QPainter(picture)
        over = page.grab()
        left, top = (picture.width() - over.width()) // 2, (picture.height() - over.height()) // 2
        painter.drawPixmap(left, top, over)
        painter.setPen(QColor(theme.LINE))
        painter.drawRect(left, top, over.width() - 1, over.height() - 1)
        painter.end()
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = bytes(image.constBits())
    whole = Image.frombuffer("RGB", (image.width(), image.height()), rows, "raw", "RGB", image.bytesPerLine(), 1)
    whole.save(path, optimize=True)
    for grays in (128, 64, 40, 28, 20):
        if path.stat().st_size <= MOST_BYTES:
            break
        whole.quantize(palette=_palette(whole, grays), dither=Image.Dither.NONE).save(path, optimize=True)
    _say(f"{path.name}: {path.stat().st_size // 1000} kB")


def _palette(whole: Image.Image, grays: int) -> Image.Image:
    """Return a palette of even steps of grey, for pictures, and of the colours there are, for everything else."""
    from PIL import Image

    pixels = np.asarray(whole).reshape(-1, 3)
    colored = pixels[np.ptp(pixels, axis=1) > LEAST_COLORED]
    found = Image.fromarray(colored[None])
    rare = found.quantize(RARE, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    often = found.quantize(256 - grays - RARE, method=Image.Quantize.MEDIANCUT).getpalette() or []
    steps = np.linspace(0, 255, grays).round().astype(np.uint8).repeat(3)
    palette = Image.new("P", (1, 1))
    palette.putpalette([*steps.tolist(), *rare[: 3 * RARE], *often[: 3 * (256 - grays - RARE)]])
    return palette


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
