"""What was measured of a map, and whether to believe it: the quality stamp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from medassist.entities.study import Warned


class Standing(Enum):
    """What the measures say of a map; MEANINGLESS: there is nothing to explain, so nothing was measured."""

    HOLDS = "holds"
    FAILS = "fails"
    MEANINGLESS = "meaningless"


@dataclass(frozen=True)
class Limits:
    """Where a map fails; a package may state its own, each from 0 to 1.

    Attributes:
        randomised_top: largest likeness (SSIM) to the map of the network whose last layer is random.
        randomised_all: largest likeness to the map of the network all of whose layers are random.
        gain: by how much deletion and insertion together must beat those of random maps.
        repeatability: smallest rank correlation of maps under noise nobody sees.
        completeness_gap: largest share of the score that the map does not account for.
        share_of_threshold: below this share of the target's threshold a score is too small to be explained.
    """

    randomised_top: float = 0.85
    randomised_all: float = 0.6
    gain: float = 0.1
    repeatability: float = 0.3
    completeness_gap: float = 0.1
    share_of_threshold: float = 0.2


@dataclass(frozen=True)
class Stamp:
    """The measures of one map.

    Attributes:
        numbers: by name; only what was measured:
            `deletion_auc`, `insertion_auc`: mean of the target's probability, relative to that of the image as it is
            (of the blurred one where that is more), while regions are blurred (or brought back) in the order of the
            map; `random_deletion_auc` and `random_insertion_auc` those of random maps; `gain_over_random` what the map
            gains on both together.
            `randomised_top_ssim`, `randomised_top_rank`, `randomised_all_ssim`, `randomised_all_rank`: likeness to the
            maps of the network with random weights in its last, or in every, layer (SSIM, |rank correlation|).
            `repeatability`: rank correlation under noise of 2 % of the range. `agreement`: rank correlation with the
            map of `second_method`. `completeness_gap`: share of the score that is not in the map.
            `energy_in_mask`, `pointing_hit`, `mask_share`: share of the heat inside a reference mask, whether the
            strongest voxel lies there (1 or 0), and the share of the image it covers, which is chance.
        reasons: why it fails or means nothing, for a person.
        second_method: title of the method of another family it was compared with, "" for none.
        reference: what the mask was that it was held against, "" for none or one nobody named.
    """

    standing: Standing
    numbers: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[Warned, ...] = ()
    second_method: str = ""
    reference: str = ""
