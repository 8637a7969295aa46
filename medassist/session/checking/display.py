"""Whether a window can come up: the display, Qt's plug-in for it with all it links to, a Chinese font."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from medassist.entities.study import Warned, warned
from medassist.language import current_language
from medassist.report.fonts import chinese_font
from medassist.session.checking.line import MISSING, NOTE, OK, Line, plain

DEBIAN_PACKAGES = {
    "libxcb-cursor.so": "libxcb-cursor0",
    "libxcb-icccm.so": "libxcb-icccm4",
    "libxcb-image.so": "libxcb-image0",
    "libxcb-keysyms.so": "libxcb-keysyms1",
    "libxcb-randr.so": "libxcb-randr0",
    "libxcb-render-util.so": "libxcb-render-util0",
    "libxcb-shape.so": "libxcb-shape0",
    "libxcb-xinerama.so": "libxcb-xinerama0",
    "libxkbcommon-x11.so": "libxkbcommon-x11-0",
    "libxkbcommon.so": "libxkbcommon0",
    "libEGL.so": "libegl1",
    "libGL.so": "libgl1",
    "libdbus-1.so": "libdbus-1-3",
    "libfontconfig.so": "libfontconfig1",
}


def display() -> Iterator[Line]:
    """Tell whether there is a display and Qt can draw on it; on Windows and macOS both always are."""
    title, plugin = warned("display"), warned("display plug-in")
    if not sys.platform.startswith("linux"):
        yield Line(title, OK, plain(sys.platform))
        return
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY", ""), os.environ.get("DISPLAY", "")
    if not (wayland or x11):
        yield Line(title, NOTE, warned("none: windows are drawn offscreen, into pictures"))
        yield _plugin(plugin, "offscreen")
        return
    if wayland or _answers():
        yield Line(title, OK, plain(wayland or x11))
    else:
        told = warned("{display} does not answer", display=x11)
        yield Line(title, MISSING, told, warned("Set DISPLAY to a screen this user may draw on."))
    yield _plugin(plugin, "xcb" if x11 else "wayland")


def _answers() -> bool:
    """Tell whether the X server named by DISPLAY takes a connection; True where that cannot be tried."""
    name = ctypes.util.find_library("xcb") or "libxcb.so.1"
    try:
        xcb = ctypes.CDLL(name)
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _plugin(title: Warned, name: str) -> Line:
    """Load Qt's plug-in, without Qt's help: Qt itself would abort, and not say what is missing."""
    files = [path for folder in _plugin_folders() for path in sorted(folder.glob(f"*q{name}*"))]
    if not files:
        told = warned("Qt has no plug-in {name}", name=name)
        return Line(title, MISSING, told, warned("Install MedAssist again."))
    try:
        ctypes.CDLL(str(files[0]))
    except OSError as error:
        return Line(title, MISSING, plain(str(error)), remedy_for(str(error)))
    return Line(title, OK, plain(name))


def _plugin_folders() -> list[Path]:
    spec = find_spec("PySide6")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return [Path(place) / "Qt" / "plugins" / "platforms" for place in places]


def remedy_for(error: str) -> Warned:
    """Return what brings the library a loader names, by its package on Debian and Ubuntu."""
    library = re.match(r"(lib[\w+.-]*?\.so)", error)
    package = DEBIAN_PACKAGES.get(library[1]) if library else None
    if package is None:
        return warned("Install the system library named here, then start again.")
    return warned("Install that library; on Debian or Ubuntu: sudo apt-get install {package}", package=package)


def fonts() -> Iterator[Line]:
    """Tell whether Chinese can be written: needed where the program speaks it."""
    found = chinese_font()
    if found is not None:
        yield Line(warned("Chinese font"), OK, plain(found.name))
        return
    advice = warned("Install a font with Chinese characters; on Debian: sudo apt-get install fonts-noto-cjk")
    verdict = MISSING if current_language().startswith("zh") else NOTE
    yield Line(warned("Chinese font"), verdict, warned("none"), advice)
