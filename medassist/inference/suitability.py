"""What a model demands against what the input has, from headers, geometry and values, before anything is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from medassist.entities.errors import Unsuited
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.inference.image_checks import aspect_check, pixels_check, slice_check, value_checks
from medassist.inference.localizer import for_whole
from medassist.inference.packages import Package
from medassist.inference.regions import regions_of
from medassist.inference.several import several_check
from medassist.language import tr

NOT_STATED = "not stated"


def check(package: Package, study: Study, volume: Volume) -> tuple[Check, ...]:
    """Return the suitability table; what the input cannot tell is UNKNOWN, what contradicts the demand is FAIL."""
    rows = (
        _modality(package, volume),
        _body_part(package, study, volume),
        _view(package, volume),
        _sides(package, volume),
        _dimensions(package, volume),
        _regular(package, volume),
        _spacing(package, volume),
        _extent(package, volume),
        slice_check(package, volume),
        aspect_check(package, volume),
        pixels_check(package, volume),
        _age(package, study),
        several_check(package, volume) if package.input.series else _color(package, volume),
        *value_checks(package, volume),
    )
    return tuple(row for row in rows if row is not None)


def gate(checks: Sequence[Check], override_reason: str = "") -> None:
    """Refuse a run (Unsuited) when a check failed and the reader typed no reason; all failed checks are named."""
    failed = [row for row in checks if row.verdict is Verdict.FAIL]
    if not failed or override_reason.strip():
        return
    raise Unsuited(
        "The input does not suit the model: {checks}.",
        checks,
        remedy="Choose another model or series, or give a reason to run it all the same.",
        checks="; ".join(
            tr(
                "{check}: demanded {demanded}, found {found}",
                check=tr(row.name),
                demanded=tr(row.demanded),
                found=tr(row.found),
            )
            for row in failed
        ),
    )


def _modality(package: Package, volume: Volume) -> Check | None:
    return _listed("Modality", package.suitability.modality, volume.series.modality)


def _view(package: Package, volume: Volume) -> Check | None:
    return _listed("View position", package.suitability.view_position, volume.series.view_position)


def _sides(package: Package, volume: Volume) -> Check | None:
    """Catch a film stored mirrored or turned: the model would read left as right."""
    demanded, towards = package.suitability.patient_orientation, volume.series.patient_orientation
    if not demanded:
        return None
    agrees = [one[:1] for one in towards] == [one[:1] for one in demanded]
    verdict = _verdict(agrees) if len(towards) == 2 else Verdict.UNKNOWN
    return Check("Film orientation", "\\".join(demanded), "\\".join(towards) or NOT_STATED, verdict)


def _listed(name: str, demanded: tuple[str, ...], found: str) -> Check | None:
    if not demanded:
        return None
    value = found.strip().upper()
    verdict = Verdict.UNKNOWN if not value else _verdict(value in {one.upper() for one in demanded})
    return Check(name, ", ".join(demanded), value or NOT_STATED, verdict)


def _body_part(package: Package, study: Study, volume: Volume) -> Check | None:
    """Trust BodyPartExamined first; a description that contradicts it makes a match uncertain."""
    demanded = package.suitability.body_part
    if not demanded:
        return None
    wanted = frozenset[str]().union(*(regions_of(term) for term in demanded))
    tag = volume.series.body_part.strip().upper()
    told = regions_of(f"{study.description} {volume.series.description}")
    listed = ", ".join(demanded)
    if tag in {term.upper() for term in demanded} or regions_of(tag) & wanted:
        contradicted = bool(told) and not told & wanted
        found = f"{tag} ({', '.join(sorted(told))}?)" if contradicted else tag
        return Check("Body part", listed, found, Verdict.UNKNOWN if contradicted else Verdict.PASS)
    if regions_of(tag):
        return Check("Body part", listed, tag, Verdict.FAIL)
    if told and wanted:
        verdict = Verdict.PASS if told <= wanted else Verdict.UNKNOWN if told & wanted else Verdict.FAIL
        return Check("Body part", listed, ", ".join(sorted(told)), verdict)
    return Check("Body part", listed, tag or NOT_STATED, Verdict.UNKNOWN)


def _dimensions(package: Package, volume: Volume) -> Check:
    is_stack = volume.series.kind in (SeriesKind.VOLUME, SeriesKind.STACK) or volume.geometry.shape_zyx[0] > 1
    demanded = "volume" if package.input.dimensions == 3 else "single picture"
    found = "volume" if is_stack and volume.geometry.shape_zyx[0] > 1 else "single picture"
    return Check("Dimensions", demanded, found, _verdict(demanded == found))


def _regular(package: Package, volume: Volume) -> Check | None:
    if package.input.dimensions == 2:
        return None
    found = "regular" if volume.is_regular else "irregular"
    return Check("Grid", "regular", found, _verdict(volume.is_regular))


def _spacing(package: Package, volume: Volume) -> Check | None:
    whole = for_whole(package.localizer, volume.geometry)
    span = whole.spacing_mm if whole else package.suitability.spacing_mm
    return _range_mm("Spacing", span, _axes(package, volume.geometry.spacing_mm), volume)


def _extent(package: Package, volume: Volume) -> Check | None:
    sizes = zip(volume.geometry.spacing_mm, volume.geometry.shape_zyx[::-1], strict=True)
    extents = tuple(spacing * count for spacing, count in sizes)
    if package.localizer is None:
        return _range_mm("Extent", package.suitability.extent_mm, _axes(package, extents), volume)
    whole = _range_mm("Extent", package.localizer.extent_mm, extents, volume)
    part = _range_mm("Extent", package.suitability.extent_mm, extents, volume)
    if whole is None or part is None:
        return None
    demanded = tr("{part} (a crop) or {whole} (a whole image)", part=part.demanded, whole=whole.demanded)
    return replace(whole if whole.verdict is Verdict.PASS else part, demanded=demanded)


def _axes(package: Package, values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values that matter: a film has no thickness."""
    return values[: package.input.dimensions]


def _range_mm(name: str, span: tuple[float, float] | None, values: tuple[float, ...], volume: Volume) -> Check | None:
    if span is None:
        return None
    demanded = f"{span[0]:g}–{span[1]:g} mm"
    if not volume.geometry.calibrated:
        return Check(name, demanded, NOT_STATED, Verdict.UNKNOWN)
    # Headers round: a spacing of 1.2000001 is within a limit of 1.2.
    inside = all(span[0] * (1 - 1e-3) <= value <= span[1] * (1 + 1e-3) for value in values)
    return Check(name, demanded, " x ".join(f"{value:.4g}" for value in values) + " mm", _verdict(inside))


def _age(package: Package, study: Study) -> Check | None:
    span = package.suitability.age_years
    if span is None:
        return None
    age = age_years(study)
    verdict = Verdict.UNKNOWN if age is None else _verdict(span[0] <= age < span[1] + 1)
    found = NOT_STATED if age is None else f"{age:.0f}" if age >= 2 else f"{age:.1f}"
    return Check("Patient age (years)", f"{span[0]:g}–{span[1]:g}", found, verdict)


def age_years(study: Study) -> float | None:
    """Return the age from PatientAge (nnnD, W, M, Y), else from the birth and study dates, else None."""
    stated = re.fullmatch(r"(\d{1,3})([DWMY])", study.patient.age.strip().upper())
    if stated:
        return int(stated.group(1)) * {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}[stated.group(2)]
    born, examined = _date(study.patient.birth_date), _date(study.date)
    if born is None or examined is None or examined < born:
        return None
    return (examined - born).days / 365.25


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.replace("-", "").strip())
    except ValueError:
        return None


def _color(package: Package, volume: Volume) -> Check:
    demanded = "color" if package.input.channels == 3 else "grey values"
    found = "color" if volume.is_color and not _stored_grey(volume) else "grey values"
    return Check("Color", demanded, found, _verdict(demanded == found))


def _stored_grey(volume: Volume) -> bool:
    """Tell whether an RGB picture holds only shades of grey, as many exported films do."""
    red, green, blue = (volume.array_zyx[..., channel] for channel in range(3))
    return bool((red == green).all() and (red == blue).all())


def _verdict(passed: bool) -> Verdict:
    return Verdict.PASS if passed else Verdict.FAIL
