"""How the learning rate goes: a linear warm-up, then one or more cosines to zero (Loshchilov and Hutter, ICLR 2017)."""

from __future__ import annotations

import math


def share_of_rate(step: int, *, warmup: float, total: int, cycles: int = 1) -> float:
    """Return the share, 0 to 1, of the full rate at a batch.

    Args:
        step: number of the batch, from 0.
        warmup: batches of the warm-up, inside of the first cycle.
        total: batches in all.
        cycles: equal parts of `total`, each with its own cosine; after the first, each starts at the full rate.

    The first cycle does not depend on how many follow, so that a training may go on for one more.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    length = total / cycles
    cycle = min(int(step / length), cycles - 1)
    begins = warmup if cycle == 0 else cycle * length
    done = (step - begins) / max(1.0, (cycle + 1) * length - begins)
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
