"""How the main figure falls as images get worse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from medassist.training.evaluation.names import change_of, name_of
from medassist.training.evaluation.plots.style import INK, Drawing, Words, color, panels
from medassist.training.evaluation.result import Evaluation, Robustness, Strain
from medassist.training.metrics import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def drawings(evaluation: Evaluation, words: Words) -> tuple[Drawing, ...]:
    """Return the curves of an evaluation that measured robustness."""
    found, tr = evaluation.robustness, words.wording.tr
    if found is None:
        return ()
    return (
        Drawing(
            "robustness.png",
            tr("Robustness"),
            tr("The dashed line is the figure on the same cases unchanged; shades are 95 % intervals."),
            partial(_curves, found=found, words=words),
        ),
    )


def _curves(figure: Figure, found: Robustness, words: Words) -> None:
    axes = panels(figure, len(found.strains) + bool(found.attacks), width_in=3.1, height_in=2.5)
    for axis, strain in zip(axes, found.strains, strict=False):
        _panel(axis, [strain], found.clean, words)
        axis.set_title(change_of(strain.name, words.wording))
    if found.attacks and found.attack_clean is not None:
        _panel(axes[-1], found.attacks, found.attack_clean, words)
        axes[-1].set_title(words.wording.tr("misleading changes"))
        axes[-1].legend(loc="lower left")
    for axis in axes:
        axis.set_ylabel(name_of(found.metric, words.wording))


def _panel(axis: Axes, strains: Sequence[Strain], clean: Measured, words: Words) -> None:
    axis.axhline(clean.value, linestyle="--", color=INK, linewidth=0.9)
    for at, strain in enumerate(strains):
        places = range(len(strain.steps))
        steps = [step.measured for step in strain.steps]
        axis.fill_between(
            places, [s.low for s in steps], [s.high for s in steps], color=color(at), alpha=0.15, linewidth=0
        )
        axis.plot(
            places,
            [s.value for s in steps],
            "o-",
            color=color(at),
            markersize=4,
            label=change_of(strain.name, words.wording),
        )
    axis.set_xticks(range(len(strains[0].steps)), [f"{step.level:g}" for step in strains[0].steps])
    axis.set_xlabel(words.wording.tr(strains[0].unit), fontsize=8)
    axis.set_ylim(-0.03, 1.03)
