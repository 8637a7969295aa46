"""Hundreds of studies in one window: what is left of each in memory, threads and widgets once it is closed.

python -m benchmarks soak [--studies 500] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TENTH = 10
GROWTH = 1.1
LONGEST_S = 3600.0
ROOT = Path(__file__).resolve().parents[1]

Row = Mapping[str, float]


def main(words: Sequence[str]) -> int:
    """Run from a shell; 1 when something is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--studies", type=int, default=500, help="how many studies")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(words)
    began = time.monotonic()
    rows = measure(arguments.studies)
    seconds = time.monotonic() - began
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows, seconds)
    missed = misses(rows, seconds)
    for one in missed:
        print(f"missed: {one}", file=sys.stderr)
    return 1 if missed else 0


def measure(studies: int) -> list[Row]:
    """Return what was measured after each study, in a process of its own without a screen."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.soak_trip", str(studies)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def misses(rows: Sequence[Row], seconds: float = 0.0) -> list[str]:
    """Say what is more than it may be at the end, measured against the tenth study."""
    early, last = rows[min(TENTH, len(rows)) - 1], rows[-1]
    found = [
        f"{name} went from {early[name]:.0f} to {last[name]:.0f}"
        for name in ("threads", "widgets")
        if last[name] > early[name]
    ]
    if last["rss_mb"] > GROWTH * early["rss_mb"]:
        found.append(f"memory grew from {early['rss_mb']:.0f} to {last['rss_mb']:.0f} MB, more than a tenth")
    if seconds > LONGEST_S:
        found.append(f"it took {seconds / 60:.0f} minutes, more than {LONGEST_S / 60:.0f}")
    return found


def _print(rows: Sequence[Row], seconds: float) -> None:
    shown = sorted({TENTH, *range(len(rows) // TENTH or 1, len(rows) + 1, len(rows) // TENTH or 1), len(rows)})
    print(f"{'study':>6} {'memory, MB':>12} {'threads':>8} {'widgets':>8} {'seconds':>8}")
    for number in (one for one in shown if one <= len(rows)):
        row = rows[number - 1]
        told = f"{row['rss_mb']:12.0f} {row['threads']:8.0f} {row['widgets']:8.0f} {row['seconds']:8.2f}"
        print(f"{number:6d} {told}")
    ratio = rows[-1]["rss_mb"] / rows[min(TENTH, len(rows)) - 1]["rss_mb"]
    print(f"{len(rows)} studies in {seconds / 60:.1f} minutes; memory at the end {ratio:.3f} of that after the tenth")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
