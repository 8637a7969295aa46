"""What goes into the frozen program and what stays out, by rule; `medassist.spec` asks, tests ask too.

A rule names a kind of file and why. Lists kept by hand go stale with the next version of a library.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Entry = tuple[str, str, str]
"""An entry of PyInstaller's tables: its path in the payload, its source, its kind."""

NEVER_IMPORTED = {
    "openvino_telemetry": "reports the use of OpenVINO to its maker over the network",
    "tkinter": "windows are Qt's",
    "_tkinter": "windows are Qt's",
    "readline": "a terminal for Python's prompt; its library is under the GPL",
    "IPython": "there is no notebook",
    "pytest": "tests stay out",
    "tensorboard": "training is not part of the package",
    "sklearn": "training is not part of the package",
    "optuna": "training is not part of the package",
    "nncf": "training is not part of the package",
    "onnx": "training is not part of the package",
    "pip": "nothing is installed at run time",
    "setuptools": "nothing is installed at run time",
    "pkg_resources": "nothing is installed at run time",
    "torch.utils.tensorboard": "needs tensorboard",
    "matplotlib.tests": "tests stay out",
    "pyqtgraph.examples": "examples stay out",
    "pyqtgraph.opengl": "needs PyOpenGL",
}
"""Modules that are left out although something in the payload could import them."""

_OUT = (
    (r"torch/(include|share|test|bin/(?!torch_shm_manager))", "for compiling extensions, and torch's own tests"),
    (r"torch/lib/lib(torchbind_test|jitbackend_test|backend_with_compiler|aoti_custom_ops)\.", "torch's own tests"),
    (
        r"openvino/(include|cmake|frontend/(tensorflow|paddle|onnx|jax|tensorflow_lite|gguf))/",
        "other frameworks' models",
    ),
    (r"openvino/libs/.*(_intel_gpu_plugin|_intel_npu_plugin|cache\.json)", "the product computes on the CPU with it"),
    (r"openvino/libs/.*_(onnx|tensorflow|tensorflow_lite|paddle|jax|gguf)_frontend\.", "other frameworks' models"),
    (r"PySide6/Qt/(qml|libexec|resources|translations/(?!qtbase_(zh_CN|en)))", "no QML, no tools, two languages"),
    (
        r"Qt6?(Qml|Quick|Labs|Lottie|Designer|Help|Test|Sql|UiTools|VirtualKeyboard|WaylandCompositor|Pdf)\w*",
        "unused Qt",
    ),
    (
        r"PySide6/(Qt/)?plugins/(qmltooling|sqldrivers|designer|networkinformation|virtualkeyboard)/",
        "plug-ins of unused Qt",
    ),
    (r"plugins/platforminputcontexts/.*virtualkeyboard", "draws with QML"),
    (r"plugins/platformthemes/.*gtk", "would need GTK; the program is dressed alike everywhere"),
    (r"plugins/platforms/.*(minimal|vnc|linuxfb|eglfs|vkkhr)", "workstations have X11 or Wayland"),
    (r"matplotlib/mpl-data/(sample_data|fonts/(afm|pdfcorefonts))", "sample data"),
    (r"skimage/data/.*\.(png|jpg|tif|gif|npz|npy|mat|txt)$", "sample data"),
    (r"(^|/)(tests?|test_files)/", "tests of libraries"),
    (r"(^|/)__pycache__/|\.(a|lib|h|hpp|cuh|cmake|pxd|pyx|cpp|c)$", "caches, and what compiling needs"),
    (
        r"^(torch|PySide6|shiboken6|numpy|openvino|matplotlib|PIL)/.*\.pyi$",
        "for editors; others load their parts by them",
    ),
    (
        r"(^|/)(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)$",
        "what an installer of wheels notes for itself",
    ),
)
_LEFT_OUT = [(re.compile(pattern), why) for pattern, why in _OUT]
_NEEDED = re.compile(r"^(numpy/testing|numpy/_core/tests/_natype|torch/testing|medassist)(/|\.|$)|^numpy/_core/tests/$")
"""Named like tests, and imported all the same; and all of our own: the doctor runs models on their test images."""
_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")


def left_out(name: str) -> str:
    """Return why a file stays out, by its path in the payload, "" when it goes in."""
    path = PurePosixPath(name.replace("\\", "/")).as_posix()
    if _NEEDED.search(path) and not path.endswith((".pyi", ".h", ".a")):
        return ""
    return next((why for pattern, why in _LEFT_OUT if pattern.search(path)), "")


def trimmed(toc: Iterable[Entry]) -> list[Entry]:
    """Return the entries (name, source, kind) of a PyInstaller table that go in; a link goes with what it leads to."""
    return [entry for entry in toc if not (left_out(entry[0]) or left_out(_leads_to(entry)))]


def _leads_to(entry: Entry) -> str:
    name, source, kind = entry
    return posixpath.normpath(PurePosixPath(name).parent / source) if kind == "SYMLINK" else name


def without_symbols(toc: Iterable[Entry], folder: Path, least_bytes: int = 50_000_000) -> list[Entry]:
    """Return the table with copies of torch's large libraries that lack symbols nobody links to (89 MB of torch 2.13).

    Others are left alone: libraries whose paths were patched after linking do not always survive `strip`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_slim(entry, folder) if _is_large(entry, least_bytes) else entry for entry in toc]


def _is_large(entry: Entry, least_bytes: int) -> bool:
    name, source, _ = entry
    return name.startswith("torch/lib/") and Path(source).is_file() and Path(source).stat().st_size >= least_bytes


def _slim(entry: Entry, folder: Path) -> Entry:
    name, source, kind = entry
    copy = folder / Path(name).name
    subprocess.run(["strip", "--strip-unneeded", "-o", copy, source], check=True)  # noqa: S603, S607
    return name, str(copy), kind


def closure(name: str, extras: Sequence[str] = ()) -> dict[str, Distribution]:
    """Return what an installed distribution needs on this system, itself too, by canonical name.

    Requirements that are not installed are left out: the environment was made from a lock.
    """
    found: dict[str, Distribution] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, tuple(extras))]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        one, its_extras = waiting.pop()
        key = canonicalize_name(one)
        if (key, its_extras) in seen:
            continue
        seen.add((key, its_extras))
        try:
            found[key] = distribution(one)
        except PackageNotFoundError:
            continue
        waiting += _required(found[key], its_extras)
    return found


def strangers(payload: Iterable[str]) -> list[str]:
    """Return the modules of installed distributions that `payload` does not name: tools of the build.

    Libraries try to import some of them and do without; they would go in with licences nobody looked at.
    """
    wanted = set(payload)
    of = packages_distributions().items()
    return sorted(module for module, names in of if wanted.isdisjoint(map(canonicalize_name, names)))


def _required(dist: Distribution, extras: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for text in dist.requires or ():
        one = Requirement(text)
        wanted = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if wanted:
            yield one.name, tuple(sorted(one.extras))


def owners(sources: Iterable[str], dists: Iterable[Distribution]) -> set[str]:
    """Return the canonical names of the distributions that any of these files belongs to."""
    by_path = {str(Path(str(dist.locate_file(file))).resolve()): canonicalize_name(dist.name)
               for dist in dists for file in dist.files or ()}  # fmt: skip
    return {by_path[path] for path in map(_resolved, sources) if path in by_path}


def _resolved(source: str) -> str:
    return str(Path(source).resolve())


def system_owner(source: str) -> str:
    """Return the Debian package a shared library of the system belongs to, "" for any other file.

    These stay out of the payload, which depends on their packages instead: they get their security updates, and nobody
    has to pass on their licences.
    """
    path = _resolved(source)
    if not path.startswith(_SYSTEM) or "/python3" in path:
        return ""
    for one in dict.fromkeys((path, source, path.removeprefix("/usr"))):
        done = subprocess.run(["dpkg-query", "--search", one], capture_output=True, text=True, check=False)  # noqa: S603, S607
        if done.returncode == 0:
            return done.stdout.partition(":")[0].split(",")[0].strip()
    return ""


def system_packages(libraries: Iterable[str]) -> set[str]:
    """Return the Debian packages whose libraries these shared libraries are linked to, themselves or through others."""
    from PyInstaller.depend.bindepend import get_imports

    found = {path for library in libraries for _name, path in get_imports(library) if path}
    return {system_owner(path) for path in found} - {""}
