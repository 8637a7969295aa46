"""Time to the first window of two installations, in turns: `time_start.py PACKAGED SOURCE [--rounds N] [--cold]`.

    python packaging/time_start.py /opt/medassist/medassist .venv/bin/medassist --cold

Each start shows the window, draws it into a picture and leaves. Wall time matters to a person, processor time holds on
a machine that has other work; the table has medians of both. `--cold` empties the caches of the disk before each start
(as root).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

CACHES = Path("/proc/sys/vm/drop_caches")


def start(program: str, picture: Path) -> tuple[float, float]:
    """Return wall and processor seconds of one start (RuntimeError when it fails)."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "MEDASSIST_CONFIG": str(picture.parent)}
    began = time.perf_counter()
    child = subprocess.Popen([program, "open", "--screenshot", picture], env=environment)  # noqa: S603
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or not picture.is_file():
        raise RuntimeError(f"{program} ended with {child.returncode}")
    picture.unlink()
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def main() -> None:
    """Print one row for each installation and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs=2, metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {program: [] for program in given.programs}
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "window.png"
        for _round in range(given.rounds + (not given.cold)):
            for program, found in times.items():
                if given.cold:
                    os.sync()
                    CACHES.write_text("3")
                found.append(start(program, picture))
    kept = {program: found[not given.cold :] for program, found in times.items()}  # the first warm start warms
    medians = [[statistics.median(one) for one in zip(*found, strict=True)] for found in kept.values()]
    for program, (wall, processor) in zip(kept, medians, strict=True):
        print(f"{wall:6.2f} s  {processor:6.2f} s of a processor  {program}")  # noqa: T201
    print("ratio: " + "  ".join(f"{one / other:.2f}" for one, other in zip(*medians, strict=True)))  # noqa: T201


if __name__ == "__main__":
    main()
