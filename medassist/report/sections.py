"""The sections of a report: the reader's words where there are any, else sentences about what the reader accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medassist.entities.draft import Draft, Passage
from medassist.entities.finding import Judgement
from medassist.entities.report_template import ReportTemplate
from medassist.entities.study import Warned, warned
from medassist.report import telling
from medassist.report.case import Case
from medassist.report.filling import fill
from medassist.report.key_choice import unpictured
from medassist.report.templates import Templates, read
from medassist.report.wording import Wording, date_text


@dataclass(frozen=True)
class Section:
    """One section as it goes out.

    Attributes:
        key, title: of the template.
        text: plain text, "" for a section that is left out.
        generated: what the program would write there now.
        passage: the reader's words, None where the program's stand.
        outdated: whether the findings changed since the reader wrote.
        foreign: whether the reader wrote for a report in another language.
    """

    key: str
    title: str
    text: str
    generated: str
    passage: Passage | None = None
    outdated: bool = False
    foreign: bool = False


def draft_of(case: Case) -> Draft:
    """Return what the reader prepared for a case; an empty draft where nobody did."""
    return case.draft or Draft(case.series.key)


def template_of(case: Case, templates: Templates | None = None) -> ReportTemplate:
    """Return the template of a report: the one the reader chose, else the one that suits the series best."""
    return (templates or read()).choose(draft_of(case).template, case.study, case.series)


def sections(case: Case, template: ReportTemplate | None = None) -> tuple[Section, ...]:
    """Return every section of the template in its order, those without a text too."""
    layout = (template or template_of(case)).layout(case.language)
    fields = _fields(case)
    return tuple(
        _section(case, one.key, one.title, fill(one.text, fields) if one.text else "") for one in layout.sections
    )


def _section(case: Case, key: str, title: str, generated: str) -> Section:
    own = draft_of(case).passage(key)
    if own is None:
        return Section(key, title, generated, generated)
    foreign = own.language != case.language
    outdated = not foreign and own.generated != generated
    return Section(key, title, own.text, generated, own, outdated, foreign)


def remarks(case: Case) -> list[Warned]:
    """Say what the report leaves out, and which words of the reader may no longer fit: findings or language changed."""
    told = unpictured(case)
    for one in sections(case):
        if one.outdated and one.text:
            told.append(warned("Findings changed after the section {title} was written.", title=one.title))
        if one.foreign and one.text:
            told.append(warned("The section {title} was written for a report in another language.", title=one.title))
    return told


def _fields(case: Case) -> Mapping[str, object]:
    words, series, geometry = Wording(case.language), case.series, case.volume.geometry
    depth = geometry.shape_zyx[0]
    spacing = " × ".join(f"{one:.3g}" for one in geometry.spacing_mm[: 3 if depth > 1 else 2])
    found = telling.accepted(case)
    return {
        "modality": series.modality,
        "body_part": series.body_part.lower(),
        "view": series.view_position,
        "study": case.study.description,
        "series": series.title,
        "date": date_text(case.study.date),
        "slices": depth if depth > 1 else 0,
        "spacing": f"{spacing} {words.tr('mm')}" if geometry.calibrated and depth > 1 else "",
        "findings": [telling.sentence(one, case, words) + words.tr(".") for one in found],
        "absent": telling.names(telling.absent(case), words),
        "deferred": telling.names(telling.judged_as(case, Judgement.DEFERRED), words),
        "unreviewed": telling.names(telling.judged_as(case, Judgement.UNREVIEWED), words),
        "impression": telling.names(found, words),
        "measurements": telling.measured(case, words),
    }
