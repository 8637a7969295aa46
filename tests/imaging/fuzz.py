# ruff: noqa: T201 - a program for a shell
"""Open corrupted copies of the bundled DICOM files; every outcome must be a result or a MedAssistError.

    python tests/imaging/fuzz.py --n 2000 --seed 1

Each copy is scanned, its series are loaded and its other objects read, in a worker process that may use 5 s of CPU per
copy and 1 GiB of memory over the address space it has after its imports. What breaks is kept in --keep and named on
standard output; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LIMIT_S = 5.0
SILENCE_S = 60.0
LIMIT_BYTES = 1 << 30
LARGEST = 600_000
_STARTING_S = 60.0


def seeds() -> list[Path]:
    """Return the bundled DICOM files of pydicom (and pydicom-data, where installed) that are not large."""
    import pydicom

    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    try:
        import data_store
    except ImportError:
        pass
    else:
        folders.append(Path(data_store.__file__).parent / "data")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    wanted = [path for path in files if path.suffix in ("", ".dcm") and "TINY_ALPHA" not in path.parts]
    return [path for path in wanted if 200 < path.stat().st_size < LARGEST]


def flipped(raw: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Flip up to 20 bits, in the header or in the pixels."""
    data = bytearray(raw)
    end = len(data) if chance.random() < 0.5 else min(len(data), 3000)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 20))):
        data[chance.randrange(132 if end > 132 else 0, end)] ^= 1 << chance.randrange(8)
    return bytes(data)


def truncated(raw: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Cut the end off."""
    return raw[: chance.randrange(len(raw))]


def spliced(raw: bytes, chance: random.Random, other: bytes) -> bytes:
    """Put a run of bytes of another file, or of this one, in the place of one, or between two."""
    source = other if chance.random() < 0.7 else raw
    start = chance.randrange(len(source))
    piece = source[start : start + chance.randint(1, 2000)]
    at = chance.randrange(min(len(raw), 5000))
    return raw[:at] + piece + raw[at + (len(piece) if chance.random() < 0.5 else 0) :]


def swollen(raw: bytes, chance: random.Random, _other: bytes) -> bytes:
    """Write extreme numbers over some words of the header: sizes, lengths, counts."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(132, max(134, min(len(data), 3000)))
        word = chance.choice(
            (b"\xff\xff", b"\xff\x7f", b"\x00\x00", b"\xff\xff\xff\xff", b"\xf0\xff\xff\xff", b"99999")
        )
        data[at : at + len(word)] = word
    return bytes(data)


MUTATIONS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (flipped, truncated, spliced, swollen)


def corrupted(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of corrupted copies, the same for the same seed."""
    files = seeds()
    for number in range(count):
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - not for secrets
        path, other = chance.choice(files), chance.choice(files)
        mutation = chance.choice(MUTATIONS)
        yield (
            f"{number:05d}-{mutation.__name__}-{path.stem}.dcm",
            mutation(path.read_bytes(), chance, other.read_bytes()),
        )


@dataclass
class Worker:
    """A process that opens files one after another; it is replaced when it dies or hangs."""

    process: subprocess.Popen[str] | None = None
    command: tuple[str, ...] = (sys.executable, __file__, "--work")

    def ask(self, path: Path) -> str:
        """Return "ok: …", "refused: …", or what went wrong."""
        import select

        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
            assert self.process.stdout is not None
            select.select([self.process.stdout], [], [], _STARTING_S)
            self.process.stdout.readline()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(path, file=self.process.stdin, flush=True)
        if not select.select([self.process.stdout], [], [], SILENCE_S)[0]:
            self.close()
            return f"HANG: no answer within {SILENCE_S} s"
        answer = self.process.stdout.readline().strip()
        return answer or f"CRASH: the process ended with {self.process.wait()}"

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def work(opener: Callable[[Path], object] | None = None) -> None:
    """Open every file named on standard input and say on standard output how it went; `opener` stands for `scan`."""
    import resource

    import SimpleITK  # noqa: F401 - its libraries count as start, not as work

    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    with open("/proc/self/statm") as file:  # noqa: PTH123
        before = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (before + LIMIT_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.process_time()
        answer = outcome(Path(line.rstrip("\n")), opener or scan, load)
        spent = time.process_time() - began
        print(answer if spent < LIMIT_S else f"SLOW: {spent:.1f} s of CPU: {answer}", flush=True)


def open_object(series: object) -> None:
    """Read an object that is no picture, over a made-up volume where it is an overlay."""
    import numpy as np

    from medassist.entities.geometry import Geometry
    from medassist.entities.study import Series, SeriesKind
    from medassist.entities.volume import Volume
    from medassist.imaging.objects.kinds import OVERLAID, READ, kind_of
    from medassist.imaging.objects.read import read_document, read_overlay

    assert isinstance(series, Series)
    kind = kind_of(series.sop_class_uid)
    if kind in OVERLAID:
        grid = np.array([[4.0, 0, 0, -250], [0, 4, 0, -250], [0, 0, 4, -80], [0, 0, 0, 1]])
        home = Series("home", SeriesKind.VOLUME, (), shape_zyx=(40, 128, 128))
        read_overlay(series, Volume(home, np.zeros((1, 40, 128, 128), np.int16), Geometry(grid, (40, 128, 128))))
    elif kind in READ:
        read_document(series)


def outcome(path: Path, scan: Callable[..., object], load: Callable[..., object]) -> str:
    """Open one file and say how it went, in one line."""
    from medassist.entities.errors import MedAssistError

    try:
        shown = 0
        for series in scan(path).all_series():  # type: ignore[attr-defined]
            if series.kind.value == "other":
                open_object(series)
            else:
                load(series)
                shown += 1
    except MedAssistError as problem:
        if isinstance(problem.__cause__ or problem.__context__, MemoryError):
            return f"MEMORY: more than {LIMIT_BYTES >> 20} MB asked for: {problem.message}"
        return f"refused: {problem.message}"
    except BaseException as problem:  # whatever it is, it is a finding
        last = traceback.extract_tb(problem.__traceback__)[-1]
        return f"BROKEN: {type(problem).__name__}: {str(problem)[:200]!r} at {last.filename}:{last.lineno}".replace(
            "\n", " "
        )
    return f"ok: {shown} series"


def run(count: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Return how often each outcome came, and the names and reasons of the copies that broke something."""
    tally: Counter[str] = Counter()
    broken: list[str] = []
    worker = Worker()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in corrupted(count, seed):
            path = Path(folder) / name
            path.write_bytes(content)
            began = time.monotonic()
            answer = worker.ask(path)
            tally[answer] += 1
            if not answer.startswith(("ok", "refused")):
                broken.append(f"{name} ({time.monotonic() - began:.1f} s): {answer}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / name).write_bytes(content)
            path.unlink()
    worker.close()
    return tally, broken


def main() -> int:
    """Run from a shell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="how many corrupted copies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the copies that break something")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work()
        return 0
    began = time.monotonic()
    tally, broken = run(arguments.n, arguments.seed, arguments.keep)
    for answer, times in tally.most_common():
        print(f"{times:6d}  {answer}")
    print(*broken, sep="\n")
    print(f"{arguments.n} copies, {len(broken)} broke something, {time.monotonic() - began:.0f} s")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
