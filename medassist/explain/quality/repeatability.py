"""Does the map stay where it is when the image changes by less than anybody sees?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medassist.explain.gradients import noisy_copies
from medassist.explain.quality.asked import Asked, Within
from medassist.explain.quality.likeness import pooled, rank_correlation
from medassist.progress import Progress

NOISE = 0.02
"""Standard deviation of the noise, as a share of the range of the image."""
DRAWS = 3


def repeatability(asked: Asked, progress: Progress) -> dict[str, float]:
    """Return the mean rank correlation of the map and those of `DRAWS` noisy copies of the image."""
    image = asked.question.inputs
    size = NOISE * float(image.max() - image.min())
    copies = [batch[at : at + 1] for batch in noisy_copies(image, DRAWS, size) for at in range(len(batch))]
    parts = [Within(progress, at / DRAWS, (at + 1) / DRAWS) for at in range(DRAWS)]
    maps = [asked.again(replace(asked.question, inputs=one), part) for one, part in zip(copies, parts, strict=True)]
    found = [rank_correlation(pooled(asked.values), pooled(one)) for one in maps]
    return {"repeatability": float(np.mean(found))}
