"""Whether a report may go out: nothing that nobody judged leaves unless the reader said so."""

from __future__ import annotations

from medassist.entities.errors import Refused
from medassist.entities.finding import Finding, Judgement
from medassist.report.case import Case
from medassist.report.telling import named
from medassist.report.wording import Wording

MOST_NAMED = 3


def unjudged(case: Case) -> tuple[Finding, ...]:
    """Return the findings nobody judged, those below their operating point too: they are claims of absence."""
    return tuple(one for one in case.findings if one.judgement is Judgement.UNREVIEWED)


def check_judged(case: Case, *, allow_unreviewed: bool = False) -> None:
    """Refuse a report with findings nobody judged (Refused names them), unless the draft or the caller allows them."""
    open_ones = unjudged(case)
    told_so = allow_unreviewed or (case.draft is not None and case.draft.include_unreviewed)
    if not open_ones or told_so:
        return
    words = Wording(case.language)
    names = ", ".join(named(one, words) for one in open_ones[:MOST_NAMED])
    raise Refused(
        "The report is not written: nobody judged {count} of its findings ({names}{more}).",
        remedy="Judge them, or allow findings nobody judged; the report then marks each of them as not reviewed.",
        count=len(open_ones),
        names=names,
        more=", …" if len(open_ones) > MOST_NAMED else "",
    )
