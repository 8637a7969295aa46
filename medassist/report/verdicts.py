"""Which findings and drawings a report tells as facts, which as open questions, and which it leaves out."""

from __future__ import annotations

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement
from medassist.report.case import Case

SETTLED = (Judgement.ACCEPTED, Judgement.EDITED)


def told(case: Case) -> tuple[Finding, ...]:
    """Return the findings that may go out: all but those the reader rejected."""
    return tuple(one for one in case.findings if one.judgement is not Judgement.REJECTED)


def settled(finding: Finding) -> bool:
    """Tell whether the reader stands for a finding: accepted as it was, or with changes."""
    return finding.judgement in SETTLED


def drawings(case: Case) -> tuple[Measurement, ...]:
    """Return the drawings that may go out: all but those the reader made a finding of and rejected."""
    rejected = {one.measurement_uid for one in case.findings if one.judgement is Judgement.REJECTED}
    return tuple(one for one in case.measurements if one.uid not in rejected)
