"""What a report will say, in a few lines."""

from __future__ import annotations

from collections import Counter

from medassist.entities.finding import Judgement
from medassist.language import tr
from medassist.session.drafts import PICKED, draft_of
from medassist.session.state import Session
from medassist.ui.wording import finding_measure, finding_title, judgement_word


def has_content(session: Session) -> bool:
    """Tell whether there is anything to report on the series on screen: of a model, or of the reader alone."""
    key = session.current
    drawn = any(one.series_key == key for one in session.measurements)
    written = bool(draft_of(session, key).passages or draft_of(session, key).pictures)
    claimed = bool(session.findings_of(key)) or session.prediction is not None or bool(session.regions)
    return bool(key) and (claimed or drawn or written)


def _picked(session: Session) -> list[str]:
    picked = [one for one in draft_of(session, session.current).pictures if one.name.startswith(PICKED)]
    return [tr("Key pictures picked: {count}", count=len(picked))] if picked else []


def summary(session: Session) -> str:
    """Say in a few lines what the report of the series on screen will contain."""
    if any(one.series_key == session.current for one in session.withheld):
        return tr("Results of models on this series are hidden until your first impression is recorded.")
    if not has_content(session):
        return tr("There is nothing to report yet: run a model, measure, or write on the series on screen.")
    findings = session.findings_of(session.current)
    counts = Counter(finding.judgement for finding in findings)
    open_ones = counts[Judgement.UNREVIEWED]
    lines = [
        tr("Preliminary: {count} findings are not reviewed yet.", count=open_ones)
        if open_ones
        else tr("All findings are reviewed."),
        *(
            f"• {finding_title(one)}: {finding_measure(one)} [{judgement_word(one.judgement)}]"
            for one in findings
            if one.present
        ),
        tr("Explanation maps: {count}", count=sum(one.series_key == session.current for one in session.heatmaps)),
        *_picked(session),
        tr("Research use only, not for diagnosis"),
    ]
    return "\n".join(lines)
