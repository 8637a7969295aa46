"""Run one benchmark by name and print its table, or JSON with `--json`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping

from benchmarks import heartbeat, start
from benchmarks import open as opening

Rows = Mapping[str, Mapping[str, float]]

BENCHMARKS: Mapping[str, Callable[[int], Rows]] = {
    "start": start.measure,
    "heartbeat": heartbeat.measure,
    "open": opening.measure,
}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=tuple(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = BENCHMARKS[arguments.name](max(1, arguments.rounds))
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    for name, figures in rows.items():
        print(f"{name:52}" + "  ".join(f"{key} {value:.3g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
