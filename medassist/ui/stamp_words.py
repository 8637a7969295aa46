"""What a stamp says, for the card beside the map: the verdict, a line for each measure, and what each one means."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.heatmap import Heatmap
from medassist.entities.stamp import Limits, Standing
from medassist.language import current_language, tr
from medassist.report.stamp_words import MAIN, name_of, written
from medassist.report.wording import Wording
from medassist.ui import theme

CHANCE = "mask_share"
"""Told beside the share of the heat in the reference, not on a line of its own."""


@dataclass(frozen=True)
class Verdict:
    """A sign, a word and a sentence; the colour comes on top, never alone."""

    sign: str
    word: str
    sentence: str
    color: str


@dataclass(frozen=True)
class Line:
    """One measure: its name, its value, what it is held against, and whether it keeps that (None: no limit)."""

    number: str
    name: str
    value: str
    limit: str
    kept: bool | None
    meaning: str


def verdict_of(heatmap: Heatmap, *, running: bool) -> Verdict:
    """Say whether to believe a map; `running`: it is being measured."""
    stamp = heatmap.stamp
    if stamp is None and running:
        return Verdict("…", tr("Being measured"), tr("Do not rely on the map yet."), theme.DIM)
    if stamp is None:
        told = tr("Nobody knows whether this map may be believed.")
        return Verdict("?", tr("Not measured"), told, theme.CAUTION)
    return {
        Standing.HOLDS: Verdict(
            "✓", tr("Holds"), tr("The map passed every check; that does not make the model right."), theme.GOOD
        ),
        Standing.FAILS: Verdict("✕", tr("Fails"), tr("Do not rely on this map. It is drawn hatched."), theme.BAD),
        Standing.MEANINGLESS: Verdict("○", tr("Means nothing"), tr("The map is not drawn."), theme.CAUTION),
    }[stamp.standing]


def lines_of(heatmap: Heatmap, limits: Limits) -> tuple[Line, ...]:
    """Return a line for each measure of a map that a reader is shown, in the order of reports."""
    stamp, words = heatmap.stamp, Wording(current_language())
    numbers = {**heatmap.quality, **(stamp.numbers if stamp is not None else {})}
    second = stamp.second_method if stamp is not None else ""
    lines = []
    for one in MAIN:
        if one in numbers and one != CHANCE:
            limit, kept = _held_against(one, numbers[one], limits, numbers.get(CHANCE), words)
            if one == "agreement" and second:
                limit = tr("with {method}", method=tr(second))
            value = written(one, numbers[one], words).replace("-", "−")  # a true minus sign
            lines.append(Line(one, name_of(one, words), value, limit, kept, meaning_of(one, second)))
    return tuple(lines)


def _held_against(
    number: str, value: float, limits: Limits, chance: float | None, words: Wording
) -> tuple[str, bool | None]:
    least = {"gain_over_random": limits.gain, "repeatability": limits.repeatability}
    most = {
        "randomised_top_ssim": limits.randomised_top,
        "randomised_all_ssim": limits.randomised_all,
        "completeness_gap": limits.completeness_gap,
    }
    if number in least:
        return tr("at least {limit}", limit=written(number, least[number], words)), value >= least[number]
    if number in most:
        return tr("at most {limit}", limit=written(number, most[number], words)), abs(value) <= most[number]
    if number in ("energy_in_mask", "pointing_hit") and chance is not None:
        return tr("chance {share}", share=f"{chance:.1%}"), None
    return "", None


def meaning_of(number: str, second_method: str) -> str:
    """Say in a sentence what a measure tells."""
    meanings = {
        "gain_over_random": tr(
            "How much more the score changes when what the map marks is taken away, or brought back, first than with "
            "random places. 0: no better than chance."
        ),
        "randomised_top_ssim": tr(
            "How like the map stays when the last layer of the network gets random weights. 1: the same map, so it "
            "shows the image and not what was learned."
        ),
        "randomised_all_ssim": tr(
            "How like the map stays when all layers of the network get random weights. 1: the same map, so it shows "
            "the image and not what was learned."
        ),
        "repeatability": tr(
            "Rank correlation with the maps of the same image under noise nobody would see. 1: the same map."
        ),
        "agreement": tr(
            "Rank correlation with the map of another method ({method}). Low agreement is no failure: methods ask "
            "different questions.",
            method=tr(second_method) if second_method else "—",
        ),
        "completeness_gap": tr("Share of the score that the map does not account for."),
        "share_outside_region": tr(
            "Share of the heat outside the explained region: what the network uses from around it. Heat inside is no "
            "surprise."
        ),
        "energy_in_mask": tr("Share of the heat inside the reference; a map without any idea has the share of chance."),
        "pointing_hit": tr("Whether the strongest point of the map lies inside the reference."),
    }
    return meanings.get(number, "")
