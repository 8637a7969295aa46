"""Opening (scan + whole volume) beside other readers and beside reading the bytes alone, in interleaved runs."""

from __future__ import annotations

import gc
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.open_data import prepare, prepare_many
from benchmarks.processes import last_line

MANY_FILES = 4_000
REFERENCE = "SimpleITK"

FIRST = """
import json, time
from pathlib import Path
import numpy
from medassist.imaging.load import load
from medassist.imaging.scan import scan
def kilobytes(name, process="self"):
    return int(Path(f"/proc/{{process}}/status").read_text().split(name + ":")[1].split()[0])
before, began = kilobytes("VmRSS"), time.perf_counter()
volume = load(max(scan(Path({folder!r})).all_series(), key=lambda series: len(series.frames)))
seconds = time.perf_counter() - began
tasks = [task / "children" for task in Path("/proc/self/task").iterdir()]
workers = [one for task in tasks for one in task.read_text().split()]
print(json.dumps({{
    "volumes": 1024 * (kilobytes("VmHWM") - before) / volume.array_tzyx.nbytes,
    "decoder processes, MB": sum(kilobytes("VmHWM", one) for one in workers) / 1024,
    "seconds": seconds,
}}))
"""


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """Return median seconds and the ratio to SimpleITK of every reader on every folder.

    For the first series of a process also the peak memory, in volumes above the start, with the memory of the processes
    that decode beside it, and the seconds with the start of those.
    """
    home = Path(tempfile.mkdtemp(prefix="medassist-open-"))
    try:
        rows: dict[str, Mapping[str, float]] = {}
        for name, folder in prepare(home / "series").items():
            rows |= _compared(name, folder, _openers(home), rounds)
            if sys.platform == "linux":
                rows[f"{name} | first one of a process"] = json.loads(last_line(FIRST.format(folder=str(folder))))
        many = prepare_many(home / "many", MANY_FILES)
        return rows | _compared(f"scan of {MANY_FILES} files", many, _SCANNERS, rounds)
    finally:
        shutil.rmtree(home)


def _compared(
    name: str, folder: Path, readers: Mapping[str, Callable[[Path], object]], rounds: int
) -> dict[str, Mapping[str, float]]:
    seconds: dict[str, list[float]] = defaultdict(list)
    order = list(readers)
    for number in range(rounds):
        # Each reader finds the memory as another one left it: nobody shall always come after the same one. It mattered:
        # while a volume took huge pages, our ratio after dcm2niix or SimpleITK was up to three times that after ours.
        random.Random(number).shuffle(order)  # noqa: S311 - an order, no secret
        for reader in order:
            seconds[reader].append(_clocked(readers[reader], folder))
    middle = {reader: median(values) for reader, values in seconds.items()}
    return {
        f"{name} | {reader}": {"seconds": value, "ratio": value / middle[REFERENCE]}
        for reader, value in middle.items()
        if value == value  # a reader that refuses the series has no time
    }


def _clocked(read: Callable[[Path], object], folder: Path) -> float:
    gc.collect()
    began = time.perf_counter()
    try:
        kept = read(folder)
    except (ValueError, RuntimeError, AttributeError, TypeError):  # what this reader cannot open
        return float("nan")
    seconds = time.perf_counter() - began
    del kept
    return seconds


def _openers(home: Path) -> dict[str, Callable[[Path], object]]:
    found: dict[str, Callable[[Path], object]] = {
        "MedAssist": _medassist,
        "MedAssist, first picture": _first_picture,
        REFERENCE: _simpleitk,
        "pydicom loop and stack": _pydicom,
        "highdicom": _highdicom,
        "bytes alone": _bytes,
    }
    program = shutil.which("dcm2niix") or shutil.which("dcm2niix", path=str(Path(sys.executable).parent))
    return found | ({"dcm2niix": partial(_dcm2niix, program, home)} if program else {})


def _medassist(folder: Path) -> object:
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    return load(max(scan(folder).all_series(), key=lambda series: len(series.frames)))


def _first_picture(folder: Path) -> object:
    from medassist.imaging.load import preview
    from medassist.imaging.scan import scan

    series = max(scan(folder).all_series(), key=lambda series: len(series.frames))
    return preview(series, series.shape_zyx[0] // 2)


def _simpleitk(folder: Path) -> object:
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def _headers(folder: Path) -> list[object]:
    import warnings

    from pydicom import dcmread
    from pydicom.misc import is_dicom

    warnings.simplefilter("ignore")
    return [dcmread(path) for path in folder.iterdir() if path.is_file() and is_dicom(path)]


def _pydicom(folder: Path) -> object:
    import numpy as np

    read: list[object] = sorted(_headers(folder), key=lambda ds: float(ds.ImagePositionPatient[2]))  # type: ignore[attr-defined]
    slopes = [(float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))) for ds in read]  # type: ignore[attr-defined]
    return np.stack(
        [ds.pixel_array * slope + intercept for ds, (slope, intercept) in zip(read, slopes, strict=True)]  # type: ignore[attr-defined]
    )


def _highdicom(folder: Path) -> object:
    from highdicom.image import get_volume_from_series

    return get_volume_from_series(_headers(folder))


def _dcm2niix(program: str, home: Path, folder: Path) -> object:
    """Convert without compression; it also writes the volume, which no other reader here does."""
    target = home / "niix"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    command = [program, "-z", "n", "-o", str(target), str(folder)]
    return subprocess.run(command, capture_output=True, check=False)  # noqa: S603


def _bytes(folder: Path) -> object:
    return sum(len(path.read_bytes()) for path in folder.iterdir() if path.is_file())


def _scan(folder: Path) -> object:
    from medassist.imaging.scan import scan

    return scan(folder)


def _simpleitk_ids(folder: Path) -> object:
    import SimpleITK as sitk  # noqa: N813

    return sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))


_SCANNERS: Mapping[str, Callable[[Path], object]] = {"MedAssist": _scan, REFERENCE: _simpleitk_ids}
