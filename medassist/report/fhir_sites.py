"""Where in the body a finding lies, as FHIR says it: a code has no side there, so a body structure carries it."""

from __future__ import annotations

from typing import Any

from medassist.entities.finding import Finding
from medassist.entities.prediction import Code
from medassist.report.fhir_codes import Resource, clean, codeable, refer, url
from medassist.report.fhir_people import Around
from medassist.report.identity import code_for, site_for

BODY_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/bodySite"


def _site(finding: Finding) -> Code | None:
    """Return the structure a finding lies in or is about, None where neither name nor side tells."""
    inside = site_for(finding.label, finding.code)
    if finding.laterality is None and (inside is None or finding.segment_value is None):
        return None
    return inside or code_for(finding.label, finding.code)


def places(about: Around, finding: Finding) -> dict[str, Any]:
    """Return the site: in R5 a body structure with its side; before, a code with the side in words."""
    site = _site(finding)
    if site is None:
        return {}
    body = refer(url(about.case, "body", finding.tracking_uid))
    if about.is_r5:
        return {"bodyStructure": body}
    side = "" if finding.laterality is None else f"{finding.laterality.meaning}, "
    return {
        "bodySite": {"extension": [{"url": BODY_STRUCTURE, "valueReference": body}],
                     **codeable(site, f"{side}{site.meaning}")},
    }  # fmt: skip


def body_of(about: Around, finding: Finding) -> Resource | None:
    """Return the structure with its side, None where neither is known."""
    site = _site(finding)
    if site is None:
        return None
    side = codeable(finding.laterality) if finding.laterality else None
    modifier = codeable(finding.modifier) if finding.modifier else None
    if about.is_r5:
        placed: dict[str, Any] = {
            "includedStructure": [{"structure": codeable(site), "laterality": side, "qualifier": [modifier]}]
        }
    else:
        placed = {"location": codeable(site), "locationQualifier": [side, modifier]}
    return clean({"resourceType": "BodyStructure", "patient": refer(about.patient), **placed})
