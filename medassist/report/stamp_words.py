"""What was measured of a map, in the words of a report: the verdict, the reasons, and the numbers by their names."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.entities.stamp import Stamp, Standing
from medassist.report.wording import Wording

NUMBERS = (
    "gain_over_random",
    "deletion_auc",
    "insertion_auc",
    "random_deletion_auc",
    "random_insertion_auc",
    "randomised_top_ssim",
    "randomised_top_rank",
    "randomised_all_ssim",
    "randomised_all_rank",
    "repeatability",
    "agreement",
    "completeness_gap",
    "energy_in_mask",
    "pointing_hit",
    "mask_share",
    "share_outside_region",
)
"""Every measure of a map (see `entities.stamp.Stamp` and `Heatmap.quality`), in the order of reports."""

MAIN = (
    "gain_over_random",
    "randomised_top_ssim",
    "randomised_all_ssim",
    "repeatability",
    "agreement",
    "completeness_gap",
    "energy_in_mask",
    "pointing_hit",
    "mask_share",
    "share_outside_region",
)
"""Those a reader is shown first."""

_SHARES = ("completeness_gap", "energy_in_mask", "mask_share", "share_outside_region")


def name_of(number: str, words: Wording) -> str:
    """Return what a measure is called."""
    named = {
        "gain_over_random": words.tr("Gain over random maps"),
        "deletion_auc": words.tr("Deletion, area under the curve"),
        "insertion_auc": words.tr("Insertion, area under the curve"),
        "random_deletion_auc": words.tr("Deletion of random maps"),
        "random_insertion_auc": words.tr("Insertion of random maps"),
        "randomised_top_ssim": words.tr("Likeness with a random last layer"),
        "randomised_top_rank": words.tr("Likeness with a random last layer (ranks)"),
        "randomised_all_ssim": words.tr("Likeness with random weights"),
        "randomised_all_rank": words.tr("Likeness with random weights (ranks)"),
        "repeatability": words.tr("Repeatability under noise"),
        "agreement": words.tr("Agreement with a second method"),
        "completeness_gap": words.tr("Share of the score not in the map"),
        "energy_in_mask": words.tr("Heat inside the reference"),
        "pointing_hit": words.tr("Strongest point inside the reference"),
        "mask_share": words.tr("Reference as share of the image (chance)"),
        "share_outside_region": words.tr("Heat outside the explained region"),
    }
    return named.get(number) or words.tr(number.replace("_", " "))


def written(number: str, value: float, words: Wording) -> str:
    """Return a measure as it is read: a share in per cent, a hit as yes or no, all else with two decimals."""
    if number == "pointing_hit" and value in (0.0, 1.0):
        return words.tr("yes") if value else words.tr("no")
    return f"{value:.0%}" if number in _SHARES else f"{value:.2f}"


def main_numbers(numbers: Mapping[str, float], words: Wording) -> list[tuple[str, str]]:
    """Return name and value of the measures a reader is shown first."""
    return [(name_of(one, words), written(one, numbers[one], words)) for one in MAIN if one in numbers]


def standing_of(stamp: Stamp | None) -> str:
    """Return the standing of a map for tables: "holds", "fails", "meaningless", or "" when nobody measured."""
    return stamp.standing.value if stamp is not None else ""


def verdict(standing: str, words: Wording) -> str:
    """Return the standing of a map in a word or two."""
    named = {
        Standing.HOLDS.value: words.tr("holds"),
        Standing.FAILS.value: words.tr("fails"),
        Standing.MEANINGLESS.value: words.tr("means nothing"),
    }
    return named.get(standing) or words.tr("not measured")


def verdict_sentence(stamp: Stamp | None, words: Wording) -> str:
    """Say whether a map may be believed."""
    if stamp is None:
        return words.tr("Not measured: nobody knows whether this map may be believed.")
    return {
        Standing.HOLDS: words.tr("Measured: the map passed every check."),
        Standing.FAILS: words.tr("Measured: the map fails. Do not rely on it."),
        Standing.MEANINGLESS: words.tr("This map shows nothing."),
    }[stamp.standing]
