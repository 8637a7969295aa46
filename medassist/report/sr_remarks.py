"""What is said of a finding in words: (121106, DCM, "Comment") items of its group.

Sentences of the program stand under the observers of the group. The comment of a reader names the person itself, which
also tells it from the others when the document is read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.entities.finding import Finding
from medassist.imaging.objects.spoken_codes import EDITED_BY, VERDICTS
from medassist.report.identity import concept
from medassist.report.instances import objects_text
from medassist.report.probes import evidence
from medassist.report.sr_observers import attribute, person_name

if TYPE_CHECKING:
    from highdicom.sr import TextContentItem
    from pydicom import Dataset


def comment(text: str) -> TextContentItem:
    """Return a free text as (121106, DCM, "Comment")."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    return hd.sr.TextContentItem(
        name=codes.DCM.Comment, value=text, relationship_type=hd.sr.RelationshipTypeValues.CONTAINS
    )


def add_remarks(container: Dataset, finding: Finding) -> None:
    """Put the remarks on a finding at the end of its group, that of the reader marked as the reader's."""
    import highdicom as hd

    content = container.ContentSequence
    for text in _told(finding):
        content.append(comment(text))
    if finding.edited_by:
        within = hd.sr.RelationshipTypeValues.CONTAINS
        content.append(hd.sr.PnameContentItem(concept(EDITED_BY), person_name(finding.edited_by), within))
    if finding.comment:
        said = comment(finding.comment)
        attribute(said, finding.judged_by or finding.by, "")
        content.append(said)
    for text in evidence(finding):
        content.append(comment(text))


def _told(finding: Finding) -> list[str]:
    """Return the sentences of the program, also for systems that show no more than texts."""
    judged = " ".join(text for text in (finding.judged_by, finding.judged_at) if text)
    verdict = f"{VERDICTS[finding.judgement].meaning} by {judged}" if judged else ""
    modifier = f"Modifier: {finding.modifier.meaning}" if finding.modifier else ""
    # in words: the dictionary of DICOM has no code for how many structures were counted
    counted = objects_text(finding.measurements, _english) if "count" in finding.measurements else ""
    pieces = f"It is in {len(finding.components)} separate pieces." if len(finding.components) > 1 else ""
    return [text for text in (modifier, counted, pieces, verdict) if text]


def _english(text: str, **values: object) -> str:
    return text.format(**values)
