"""How long ways to run a network take on the same windows: by turns, in one process, on as many threads."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from medassist.inference.devices import one_core_free, usable_cores
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    from medassist.inference.windows import Forward

ROUNDS = 9
STAGE = "Timing"
SECONDS = 60.0
"""No further round begins after so long; the first round, which warms up, does not count."""


@dataclass(frozen=True)
class Speed:
    """Median milliseconds of one window by way, of the clock and of the processor, on `threads` threads."""

    threads: int
    wall_ms: Mapping[str, float]
    cpu_ms: Mapping[str, float]

    def ratio(self, way: str, reference: str) -> float:
        """Return the share of the processor time of `reference` that `way` takes: below 1 is quicker."""
        return self.cpu_ms[way] / self.cpu_ms[reference]

    def as_json(self) -> dict[str, object]:
        """Return the object of the command-line contract."""
        return {
            "threads": self.threads,
            "wall_ms": {way: round(one, 3) for way, one in self.wall_ms.items()},
            "cpu_ms": {way: round(one, 3) for way, one in self.cpu_ms.items()},
        }


@one_core_free()
def time_ways(ways: Mapping[str, Forward], windows: Sequence[torch.Tensor], *, progress: Progress) -> Speed:
    """Run every way over `windows`, in another order each round; processor time also counts where others compute."""
    import torch

    wall, cpu = defaultdict(list), defaultdict(list)
    order, until = list(ways), time.monotonic() + SECONDS
    for number in progress.over(range(ROUNDS + 1), STAGE):
        if number > 1 and time.monotonic() > until:
            continue
        random.Random(number).shuffle(order)  # noqa: S311 - an order, no secret
        for name in order:
            began = time.perf_counter(), time.process_time()
            with torch.inference_mode():
                for window in windows:
                    ways[name](window)
            if number:
                wall[name].append((time.perf_counter() - began[0]) / len(windows))
                cpu[name].append((time.process_time() - began[1]) / len(windows))
    told = ({name: 1000.0 * median(values) for name, values in times.items()} for times in (wall, cpu))
    return Speed(max(1, usable_cores() - 1), *told)
