"""Run one benchmark by name and print its table, or JSON with `--json`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import (
    audit,
    boxes,
    explain,
    heartbeat,
    infer,
    labelmap,
    painting,
    pieces,
    planted,
    rounds,
    shortcut,
    soak,
    start,
    view,
)
from benchmarks import open as opening

Rows = Mapping[str, Mapping[str, float]]

BENCHMARKS: Mapping[str, Callable[[int], Rows]] = {
    "start": start.measure,
    "heartbeat": heartbeat.measure,
    "open": opening.measure,
    "infer": infer.measure,
    "audit": audit.measure,
    "planted": planted.measure,
    "explain": explain.measure,
    "rounds": rounds.measure,
    "labelmap": labelmap.measure,
    "painting": painting.measure,
    "pieces": pieces.measure,
    "view": view.measure,
}

MISSES: Mapping[str, Callable[[Rows], Sequence[str]]] = {
    "heartbeat": heartbeat.misses,
    "infer": infer.misses,
    "planted": planted.misses,
    "explain": explain.misses,
    "rounds": rounds.misses,
    "labelmap": labelmap.misses,
    "painting": painting.misses,
    "view": view.misses,
}
OWN_WORDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "boxes": boxes.main,
    "shortcut": shortcut.main,
    "soak": soak.main,
}
"""Benchmarks that read their own command line."""


def main() -> None:
    """Parse the command line, measure, print."""
    if len(sys.argv) > 1 and sys.argv[1] in OWN_WORDS:
        sys.exit(OWN_WORDS[sys.argv[1]](sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=(*BENCHMARKS, *OWN_WORDS))
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions")
    parser.add_argument("--device", default="cpu", help="where `infer` runs: cpu, cuda or cuda:N")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count = max(1, arguments.rounds)
    measure = (
        partial(infer.measure, device=arguments.device) if arguments.name == "infer" else BENCHMARKS[arguments.name]
    )
    rows = measure(count)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        for name, figures in rows.items():
            print(f"{name:52}" + "  ".join(f"{key} {value:.4g}" for key, value in figures.items()))
    missed = MISSES[arguments.name](rows) if arguments.name in MISSES else ()
    for one in missed:
        print(f"missed: {one}", file=sys.stderr)
    if missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
