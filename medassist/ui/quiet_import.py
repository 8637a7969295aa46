"""Let a worker import torch without stopping the window.

Python holds its lock while it loads an extension module, and torch's library alone takes about a third of a second.
A call through ctypes gives the lock up: loaded that way first, the library is already there when torch asks for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

NAME = "torch"
LIBRARIES = ("libc10", "libtorch_cpu", "libc10_cuda", "libtorch_cuda")


def load_libraries(package: Path) -> tuple[str, ...]:
    """Load the big libraries of the torch package folder; return the names of those found and loaded.

    What cannot be loaded this way is left to torch, which then says what is wrong with it.
    """
    if os.name != "posix":
        return ()
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    files = [package / "lib" / f"{name}{suffix}" for name in LIBRARIES]
    return tuple(file.name for file in files if file.is_file() and dlopen(os.fsencode(file), os.RTLD_NOW))


class _TorchLoader(Loader):
    """Load the libraries, then let the real loader do its work as if this one had never been there."""

    def __init__(self, real: Loader, folder: Path) -> None:
        self._real, self._folder = real, folder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the real loader."""
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load the libraries without the lock, then run the package."""
        load_libraries(self._folder)
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        module.__loader__ = self._real
        self._real.exec_module(module)


class _TorchFinder(MetaPathFinder):
    """Answer for torch only; asking where it is loads nothing."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return torch's own spec with the loader above."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == NAME else None
        if spec is not None and spec.loader is not None and spec.submodule_search_locations:
            spec.loader = _TorchLoader(spec.loader, Path(next(iter(spec.submodule_search_locations))))
        return spec


@contextmanager
def quiet_torch_import() -> Iterator[None]:
    """Import torch quietly from now on, in whichever thread asks for it first."""
    finder = _TorchFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
