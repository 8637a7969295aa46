"""What is known about one finding, in words: verdict, claim, evidence, what speaks against it, and origin."""

from __future__ import annotations

from medassist.entities.finding import Finding, Judgement
from medassist.entities.heatmap import Heatmap
from medassist.entities.measurement import Measurement
from medassist.entities.prediction import Prediction
from medassist.entities.stamp import Standing
from medassist.language import localized, tr
from medassist.report.probes import sentences
from medassist.session.focusing import is_map_of, result_of
from medassist.session.state import Session
from medassist.ui.measure_words import figures_text
from medassist.ui.wording import claim_title, judgement_word, local_title, origin_text, side_word, volume_text

MOST_PIECES = 5


def marks_of(session: Session, finding: Finding) -> str:
    """Name further evidence in a few words, for the list: maps with what was measured of them, a drawing."""
    maps = [tr("map: {standing}", standing=standing_word(one)) for one in maps_of(session, finding)]
    drawn = drawing_of(session, finding)
    return " · ".join([*maps[-1:], *([tr("measured")] if drawn is not None else [])])


def maps_of(session: Session, finding: Finding) -> tuple[Heatmap, ...]:
    """Return the maps that explain a finding, oldest first."""
    return tuple(one for one in session.heatmaps if is_map_of(one, finding))


def drawing_of(session: Session, finding: Finding) -> Measurement | None:
    """Return the measurement a finding was made of."""
    return next((one for one in session.measurements if one.uid and one.uid == finding.measurement_uid), None)


def standing_word(heatmap: Heatmap) -> str:
    """Say in a word what was measured of a map."""
    standing = None if heatmap.stamp is None else heatmap.stamp.standing
    return {
        Standing.HOLDS: tr("holds"),
        Standing.FAILS: tr("fails"),
        Standing.MEANINGLESS: tr("says nothing"),
        None: tr("not measured"),
    }[standing]


def details(session: Session, finding: Finding) -> str:
    """Return all that is known, one line each; plain text, since readers and models write parts of it."""
    return "\n".join(filter(None, (
        *_verdict(finding), *_claim(session, finding), *_evidence(session, finding), *_against(finding),
        *_origin(finding),
    )))  # fmt: skip


def _claim(session: Session, finding: Finding) -> list[str]:
    told = [_place(finding), _sizes(finding), _values(session, finding)]
    if finding.original_label:
        told.append(tr("The model called it: {label}", label=finding.original_label))
    return [*told, *_pieces(finding)]


def _place(finding: Finding) -> str:
    first, last = finding.slices or (0, 0)
    reach = tr("slices {first}–{last}", first=first + 1, last=last + 1) if last > first else ""
    side = side_word(finding)
    return " · ".join(filter(None, (tr("Side: {side}", side=side) if side else "", reach)))


def _sizes(finding: Finding) -> str:
    volume = "" if finding.volume_ml is None else tr("{volume} ml", volume=volume_text(finding.volume_ml))
    axes = "" if finding.diameters is None else tr("{axes} (longest axis in a slice, and across it)",
                                                   axes=finding.diameters.text)  # fmt: skip
    return " · ".join(filter(None, (volume, axes)))


def _values(session: Session, finding: Finding) -> str:
    known = finding.measurements
    if finding.measurement_uid or "mean_value" not in known:
        return ""
    volume = session.volumes.get(finding.series_key)
    unit = "" if volume is None else volume.unit
    told = {key: f"{value:.4g}".replace("-", "−") for key, value in known.items()}
    said = tr("mean {mean}, SD {sd}", mean=told["mean_value"], sd=told.get("sd_value", "–"))
    if "min_value" in known and "max_value" in known:
        said += tr(", from {low} to {high}", low=told["min_value"], high=told["max_value"])
    return f"{said} {unit}".strip()


def _pieces(finding: Finding) -> list[str]:
    count = round(finding.measurements.get("component_count", 0))
    if not finding.components:
        return []
    shown = finding.components[:MOST_PIECES]
    told = ", ".join(
        tr("slice {number}", number=one.key_slice + 1)
        + ("" if one.volume_ml is None else f": {tr('{volume} ml', volume=volume_text(one.volume_ml))}")
        for one in shown
    )
    more = tr(" and {count} smaller ones", count=count - len(shown)) if count > len(shown) else ""
    return [tr("In {count} pieces: {pieces}", count=count, pieces=told + more)]


def _evidence(session: Session, finding: Finding) -> list[str]:
    told = [_mask(result_of(session, finding), finding)]
    told += [
        tr("map by {method}: {standing}", method=tr(one.method), standing=standing_word(one))
        for one in maps_of(session, finding)
    ]
    drawn = drawing_of(session, finding)
    told += [] if drawn is None else [tr("measurement: {figures}", figures=figures_text(drawn) or drawn.label)]
    said = "; ".join(filter(None, told))
    return [tr("Evidence: {what}", what=said)] if said else [tr("Evidence: none that could be drawn")]


def _mask(prediction: Prediction | None, finding: Finding) -> str:
    if finding.segment_value is None or prediction is None:
        return ""
    if finding.edited_by and prediction.edit is not None and finding.segment_value in prediction.edit.values:
        before = finding.measurements.get("model_volume_ml")
        told = tr("mask, edited by {reader}", reader=finding.edited_by)
        return told if before is None else f"{told} ({tr('model {value} ml', value=f'{before:.3g}')})"
    return tr("mask") if finding.model is not None else tr("mask of the reader")


def _against(finding: Finding) -> list[str]:
    """Return what readers kept against a claim, one text for each probe."""
    title = claim_title(finding)
    told = ([localized(one) for one in sentences(probe, title)] for probe in finding.counter_evidence)
    return [f"⚖ {' '.join(texts)}" for texts in told]


def _origin(finding: Finding) -> list[str]:
    told = _code(finding)
    if finding.model is None:
        when = finding.made_at[:16].replace("T", " ")
        return [tr("Origin: {origin}", origin=" · ".join(filter(None, (origin_text(finding), when)))), *told]
    said = tr("Model output of {name} {version}, for review by a qualified reader.",
              name=local_title(finding.model.title, finding.model.title_zh) or finding.model.name,
              version=finding.model.version)  # fmt: skip
    if finding.probability is not None and not finding.calibrated:
        said += " " + tr("The score is not a probability of disease.")
    if finding.operating_point and finding.curve is None:  # else the dial tells it
        said += f" {tr(finding.operating_point)}"
    return [said, tr("Origin: {origin}", origin=origin_text(finding)), *told]


def _code(finding: Finding) -> list[str]:
    code = finding.code
    return [] if code is None else [tr("Code: {code}", code=f"{code.scheme} {code.value} {code.meaning}")]


def _verdict(finding: Finding) -> list[str]:
    if finding.judgement is Judgement.UNREVIEWED:
        return [tr("Nobody has judged it yet.")]
    by = " · ".join(filter(None, (finding.judged_by, finding.judged_at[:16].replace("T", " "))))
    said = tr("Verdict: {verdict}", verdict=judgement_word(finding.judgement))
    return [" · ".join(filter(None, (said, by, finding.comment)))]
