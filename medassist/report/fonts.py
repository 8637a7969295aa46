"""A font for key pictures, found on the machine at run time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

# (file, face in the collection): the simplified Chinese face where a collection holds several.
_CJK = (
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJKsc-Regular.otf", 0),
    ("NotoSansSC-Regular.otf", 0),
    ("SourceHanSansSC-Regular.otf", 0),
    ("wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", 0),
    ("msyh.ttc", 0),
    ("PingFang.ttc", 0),
    ("Hiragino Sans GB.ttc", 0),
)
_LATIN = (("DejaVuSans.ttf", 0), ("segoeui.ttf", 0), ("Arial.ttf", 0), ("arial.ttf", 0))

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "C:/Windows/Fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
)


@cache
def _installed() -> dict[str, Path]:
    """Return file name -> path of every font file in the usual folders."""
    folders = [Path(folder).expanduser() for folder in _FOLDERS]
    files = (path for folder in folders if folder.is_dir() for path in folder.rglob("*.[to]t[fc]"))
    return {path.name: path for path in files}


def chinese_font() -> Path | None:
    """Return the best installed font with Chinese characters, None without one."""
    return next((_installed()[name] for name, _ in _CJK if name in _installed()), None)


def speaks_chinese() -> bool:
    """Tell whether a font with Chinese characters is installed: without one a text would be a row of boxes."""
    return chinese_font() is not None


@cache
def font(size_px: int) -> FreeTypeFont | ImageFont:
    """Return the best font at a size in pixels; Pillow's own (Latin only) when none is installed."""
    from PIL import ImageFont

    for name, face in (*_CJK, *_LATIN):
        path = _installed().get(name)
        if path is not None:
            return ImageFont.truetype(str(path), size_px, index=face)
    return ImageFont.load_default(size_px)
