"""The words of one report: translated to the language of the case, whatever language the window speaks."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.finding import Finding, Judgement
from medassist.entities.prediction import ModelRef, Segment, Verdict
from medassist.entities.study import Patient, Warned
from medassist.entities.volume import Volume
from medassist.imaging.slicing import has_orientation
from medassist.language import catalogue


@dataclass(frozen=True)
class Wording:
    """Speaks one language, a key of `medassist.language.LANGUAGES`."""

    language: str

    def tr(self, text: str, /, **values: object) -> str:
        """Return `text` in this language with `values` filled in; English when it has no translation."""
        template = catalogue(self.language).get(text, text)
        return template.format(**values) if values else template

    def warning(self, warning: Warned) -> str:
        """Return a warning as a sentence."""
        told = {name: self.warning(one) if isinstance(one, Warned) else one for name, one in warning.values}
        return self.tr(warning.message, **told)

    def title(self, claim: Finding | Segment) -> str:
        """Return the name of a finding or a segment: its own Chinese name, else the translated label."""
        return claim.title_zh if self.language.startswith("zh") and claim.title_zh else self.tr(claim.label)

    def model(self, model: ModelRef) -> str:
        """Return the title of a model, its name when it has none."""
        return (model.title_zh if self.language.startswith("zh") else "") or model.title or model.name

    def verdict(self, verdict: Verdict) -> str:
        """Name the outcome of a suitability check."""
        names = {
            Verdict.PASS: self.tr("met"),
            Verdict.UNKNOWN: self.tr("cannot be told"),
            Verdict.FAIL: self.tr("not met"),
        }
        return names[verdict]

    def judgement(self, judgement: Judgement) -> str:
        """Name what the reader decided."""
        names = {
            Judgement.UNREVIEWED: self.tr("not reviewed"),
            Judgement.ACCEPTED: self.tr("accepted"),
            Judgement.EDITED: self.tr("accepted with changes"),
            Judgement.REJECTED: self.tr("rejected"),
            Judgement.DEFERRED: self.tr("deferred"),
        }
        return names[judgement]

    def person(self, patient: Patient) -> str:
        """Return a DICOM person name for people: the ideographic group in Chinese when there is one."""
        groups = [group.strip() for group in patient.name.split("=")]
        ideographic = groups[1] if len(groups) > 1 else ""
        if self.language.startswith("zh") and ideographic:
            return ideographic.replace("^", "")
        return " ".join(part for part in (groups[0] or ideographic).split("^") if part)


def knows_places(volume: Volume) -> bool:
    """Tell whether places of a series can be said in mm of the patient: not for pictures and films."""
    return has_orientation(volume) and volume.geometry.calibrated


def place_of(finding: Finding, volume: Volume) -> tuple[float, float, float] | None:
    """Return the centre of a finding (mm, LPS), None where sides or millimetres are not known: pictures, films."""
    return finding.center_lps if knows_places(volume) else None


def place_text(finding: Finding, volume: Volume) -> str:
    """Return the place of a finding with its sides, "" where it has none."""
    place = place_of(finding, volume)
    return "" if place is None else position_text(place)


def position_text(center_lps: tuple[float, float, float]) -> str:
    """Return a point with its sides: "L 12.0, P 3.5, H 40.2 mm"."""
    names = (("R", "L"), ("A", "P"), ("F", "H"))
    return ", ".join(f"{pair[value >= 0]} {abs(value):.1f}" for pair, value in zip(names, center_lps, strict=True)) + (
        " mm"
    )


def date_text(date: str, time: str = "") -> str:
    """Return a DICOM date (and time) as 2026-01-02 10:11; anything else as it is."""
    day = f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date
    clock = f"{time[:2]}:{time[2:4]}" if len(time) >= 4 and time[:4].isdigit() else ""
    return f"{day} {clock}".strip()
