"""The areas of an audit as bars: what tells a label by itself, beside what the picture is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from medassist.report.wording import Wording
from medassist.training.audit.answer import Audit, Judged
from medassist.training.audit.titles import title_of
from medassist.training.audit.verdict import LIMIT
from medassist.training.audit.wording import group_names, verdict_name
from medassist.training.evaluation.plots.style import COLORS, INK, Drawing, panels
from medassist.training.metrics import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CUES = 8
"""Only the most telling cues have a bar; the page has a table of all."""
TINTS = {"file": COLORS[0], "picture": COLORS[5], "person": COLORS[3], "selection": COLORS[4]}
SIMPLE, FRAME, INSIDE, MODEL = COLORS[6], COLORS[1], COLORS[2], INK
INKS = {"pass": "#14653a", "explained": "#14653a", "caution": "#8a5300", "alarm": "#a3201c"}

Bar = tuple[str, Measured, str]


def drawings(audits: Mapping[str, Audit], words: Wording) -> dict[str, Drawing]:
    """Return one picture per set that has a figure to show, by the name of the set."""
    return {
        name: Drawing(f"audit-{_safe(name)}.png", name, "", partial(_draw, found=found, words=words))
        for name, found in audits.items()
        if any(judged.audit.cues for judged in found.labels.values())
    }


def _safe(name: str) -> str:
    """Return a name as part of a file name."""
    return re.sub(r"[^\w.-]+", "_", name)[:80].strip("_.") or "set"


def _draw(figure: Figure, found: Audit, words: Wording) -> None:
    shown = [judged for judged in found.labels.values() if judged.audit.cues]
    axes = panels(figure, len(shown), columns=3, width_in=4.4, height_in=3.6)
    for axis, judged in zip(axes, shown, strict=True):
        _panel(axis, _bars(judged, words))
        label, verdict = words.tr(judged.audit.label), verdict_name(judged.verdict, words)
        axis.set_title(f"{label}: {verdict}", color=INKS[judged.verdict.value])
    _explain(figure, words)


def _panel(axis: Axes, bars: list[Bar]) -> None:
    for at, (_name, area, tint) in enumerate(bars):
        axis.barh(at, area.value - 0.5, left=0.5, color=tint, height=0.7)
        axis.plot([area.low, area.high], [at, at], color=INK, linewidth=1)
    axis.set_yticks(range(len(bars)), [name for name, _area, _tint in bars], fontsize=8)
    axis.axvline(0.5, color=INK, linewidth=0.8)
    axis.axvline(LIMIT, color=INKS["alarm"], linewidth=1, linestyle="--")
    axis.set(xlim=(0.3, 1.0), ylim=(len(bars) - 0.4, -0.6), xlabel="AUC")


def _bars(judged: Judged, words: Wording) -> list[Bar]:
    found = judged.audit
    cues = sorted(found.cues.items(), key=lambda one: -one[1].area.value)[:MOST_CUES]
    bars: list[Bar] = [(words.warning(title_of(name)), cue.area, TINTS[cue.group]) for name, cue in cues]
    more: list[tuple[str, Measured | None, str]] = [
        (words.tr("all visible together"), found.visible, SIMPLE),
        (words.tr("outer frame"), found.frame, FRAME),
        (words.tr("inside"), found.inside, INSIDE),
    ]
    if found.model is not None:
        more += [(words.tr("model"), found.model.whole, MODEL), (words.tr("organ blanked"), found.model.blanked, MODEL)]
    return bars + [(name, area, tint) for name, area, tint in more if area is not None]


def _explain(figure: Figure, words: Wording) -> None:
    """Say what the colours mean, once, below all panels."""
    from matplotlib.patches import Patch

    names = group_names(words)
    handles = [Patch(color=tint, label=names[group]) for group, tint in TINTS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
