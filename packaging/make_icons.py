"""Draw the icon in all sizes: `make_icons.py FOLDER` writes NAME-SIZE.png, NAME.ico and NAME.icns from the one SVG."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SIZES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
SVG = Path(__file__).resolve().parent / "icons" / "medassist.svg"


def draw(folder: Path) -> None:
    """Write every size; the formats that hold many sizes take theirs from the pictures drawn for them."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer = QSvgRenderer(str(SVG))
    for size in SIZES:
        picture = QImage(size, size, QImage.Format.Format_ARGB32)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter)
        painter.end()
        if not picture.save(str(folder / f"medassist-{size}.png"), "PNG"):
            raise SystemExit(f"{folder} cannot be written")
    drawn = [Image.open(folder / f"medassist-{size}.png") for size in SIZES]
    in_ico = [one for one in drawn if one.width <= 256]
    in_ico[-1].save(folder / "medassist.ico", append_images=in_ico[:-1], sizes=[one.size for one in in_ico])
    drawn[-1].save(folder / "medassist.icns", append_images=drawn[:-1])


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication(sys.argv[:1])
    draw(Path(sys.argv[1]))
