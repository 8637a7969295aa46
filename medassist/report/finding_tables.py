"""The findings of a report as tables: what models claim, what readers add, measure and reject."""

from __future__ import annotations

from medassist.entities.component import Component
from medassist.entities.finding import Finding, Judgement
from medassist.report.case import Case
from medassist.report.instances import objects_text
from medassist.report.measurement_words import figures, measurement_title
from medassist.report.operating import cannot_say, sentences
from medassist.report.page_parts import Row, Table
from medassist.report.probes import sentences as of_probe
from medassist.report.telling import named
from medassist.report.verdicts import told
from medassist.report.wording import Wording, place_text

MOST_PIECES = 5
"""Pieces of a segment that a row tells one by one."""


def finding_tables(case: Case, words: Wording) -> list[Table]:
    """Return the tables of what may go out, and where the draft asks for it of what was rejected."""
    tables = [_segments(case, words), _classes(case, words), _of_reader(case, words), _measurements(case, words)]
    if case.draft is not None and case.draft.tell_rejected:
        tables.append(_rejected(case, words))
    return tables


def _segments(case: Case, words: Wording) -> Table:
    found = [one for one in told(case) if one.segment_value is not None]
    columns = (
        words.tr("Structure"),
        words.tr("Measured size") if any("count" in one.measurements for one in found) else words.tr("Measured volume"),
        words.tr("Long × short axis"),
        words.tr("Mean value"),
        words.tr("Centre"),
        words.tr("Reader"),
    )
    rows = tuple(_segment_row(case, one, words) for one in found)
    if any(one.edited_by or one.model is None for one in found):
        return Table(
            words.tr("Outlined structures"),
            columns,
            rows,
            words.tr(
                "Volumes, axes and places are computed from the outlines as they are now, in the patient's coordinates;"
                " the long axis is the longest in any slice as stored, the short one the longest across it."
            ),
        )
    return Table(
        words.tr("Structures outlined by the model"),
        columns,
        rows,
        words.tr(
            "Volumes, axes and places are computed from the model's outlines, in the patient's coordinates; the long"
            " axis is the longest in any slice as stored, the short one the longest across it."
        ),
    )


def _segment_row(case: Case, finding: Finding, words: Wording) -> Row:
    volume = words.tr("not measured") if finding.volume_ml is None else f"{finding.volume_ml:.2f} ml"
    if finding.volume_ml is not None and finding.measurements.get("slices_outlined") == 1:
        volume = words.tr("{volume}, one slice only", volume=volume)
    if "count" in finding.measurements:
        volume = objects_text(finding.measurements, words.tr)
    mean, deviation = finding.measurements.get("mean_value"), finding.measurements.get("sd_value")
    values = "" if mean is None or deviation is None else f"{mean:.4g} ± {deviation:.3g} {case.volume.unit}".strip()
    where = words.tr("nothing was marked")
    if finding.center_lps is not None and finding.key_slice is not None:
        number = words.tr("slice {number}", number=finding.key_slice + 1)
        where = " · ".join(filter(None, (place_text(finding, case.volume), number)))
    axes = "" if finding.diameters is None else finding.diameters.text
    return _judged(
        (named(finding, words), volume, axes, values, where), finding, words, remark=_of_outline(finding, words)
    )


def _of_outline(finding: Finding, words: Wording) -> str:
    """Say whose outline it is where it is not the model's, and list its pieces."""
    parts = []
    before = finding.measurements.get("model_volume_ml")
    if finding.edited_by:
        parts.append(words.tr("Edited by {reader}.", reader=finding.edited_by))
    if before is not None:
        parts.append(words.tr("Volume of the model's own outline: {volume} ml.", volume=f"{before:.2f}"))
    if finding.model is None and finding.by:
        parts.append(words.tr("Drawn by {reader}.", reader=finding.by))
    if len(finding.components) > 1:
        pieces = [_piece(one, words) for one in finding.components[:MOST_PIECES]]
        more = len(finding.components) - len(pieces)
        pieces += [words.tr("{count} more", count=more)] if more else []
        parts.append(words.tr("Pieces: {pieces}.", pieces=words.tr("; ").join(pieces)))
    return " ".join(parts)


def _piece(piece: Component, words: Wording) -> str:
    size = [] if piece.volume_ml is None else [f"{piece.volume_ml:.3g} ml"]
    size += [] if piece.diameters is None else [piece.diameters.text]
    return f"#{piece.number} {', '.join(size)} ({words.tr('slice {number}', number=piece.key_slice + 1)})"


def _classes(case: Case, words: Wording) -> Table:
    found = [one for one in told(case) if one.probability is not None]
    columns = words.tr("Finding"), words.tr("Score"), words.tr("Threshold"), words.tr("Model says"), words.tr("Reader")
    said = words.tr("A score says something only together with its own threshold, the operating point of the model.")
    if any(not one.calibrated for one in found):
        said += " " + words.tr("Scores not marked as calibrated rank pictures; they are no probability of disease.")
    sources = dict.fromkeys(one.curve.source for one in found if one.curve is not None and one.curve.source)
    said += "".join(" " + words.tr("Calibration cases: {source}", source=words.tr(one)) for one in sources)
    return Table(
        words.tr("Findings suggested by the model"), columns, tuple(_class_row(one, words) for one in found), said
    )


def _class_row(finding: Finding, words: Wording) -> Row:
    reached = _reached(finding, words)
    threshold = "" if finding.threshold is None else f"{finding.threshold:.3f}"
    if cannot_say(finding):
        reached = words.tr("{answer}; the score alone cannot say", answer=reached)
    score = f"{finding.probability:.3f}" + (f" ({words.tr('calibrated')})" if finding.calibrated else "")
    # what the package says of its own threshold, the curve says with intervals and in the language of the page
    chosen = "" if finding.curve is not None else words.tr(finding.operating_point)
    said = [chosen, *(words.warning(one) for one in sentences(finding))]
    remark = " ".join(text for text in said if text)
    return _judged((named(finding, words), score, threshold, reached), finding, words, remark=remark)


def _reached(finding: Finding, words: Wording) -> str:
    if finding.exclusive:
        return words.tr("called: the most likely class") if finding.present else words.tr("not called")
    return words.tr("present: reaches the threshold") if finding.present else words.tr("absent: below the threshold")


def _of_reader(case: Case, words: Wording) -> Table:
    """Return the findings no model made: marked in the window by a person."""
    found = [one for one in told(case) if one.segment_value is None and one.probability is None]
    columns = words.tr("Finding"), words.tr("Measured value"), words.tr("Centre"), words.tr("Reader")
    return Table(words.tr("Findings of the reader"), columns, tuple(_reader_row(case, one, words) for one in found))


def _reader_row(case: Case, finding: Finding, words: Wording) -> Row:
    drawn = next((one for one in case.measurements if one.uid and one.uid == finding.measurement_uid), None)
    figure = words.tr("absent") if not finding.present else "" if drawn is None else figures(drawn, words)
    place = place_text(finding, case.volume)
    if finding.key_slice is not None and case.volume.geometry.shape_zyx[0] > 1:
        place = " · ".join(filter(None, (place, words.tr("slice {number}", number=finding.key_slice + 1))))
    return _judged((named(finding, words), figure, place), finding, words)


def _measurements(case: Case, words: Wording) -> Table:
    """Return what readers measured, with who and when; none of it was measured by a model."""
    columns = words.tr("Measurement"), words.tr("Measured value"), words.tr("Slice"), words.tr("Measured by")
    rows = []
    for one in case.measurements:
        at = "" if one.slice_index is None else str(one.slice_index + 1)
        by = " · ".join(part for part in (one.by, one.made_at[:16].replace("T", " ")) if part)
        rows.append(Row((measurement_title(one, words), figures(one, words), at, by)))
    return Table(words.tr("Measurements of the reader"), columns, tuple(rows))


def _rejected(case: Case, words: Wording) -> Table:
    """Return what the reader rejected, with the reason: no finding, but what the model had claimed."""
    found = [one for one in case.findings if one.judgement is Judgement.REJECTED]
    columns = words.tr("Claimed by the model"), words.tr("Reader")
    told_of = words.tr("What stands here is no finding: the reader did not agree.")
    return Table(
        words.tr("Rejected by the reader"),
        columns,
        tuple(_judged((named(one, words),), one, words) for one in found),
        told_of,
    )


def _judged(cells: tuple[str, ...], finding: Finding, words: Wording, remark: str = "") -> Row:
    """Append the reader's verdict to a row, the comment and the probes kept against the claim to its remark."""
    verdict = words.judgement(finding.judgement)
    by = " · ".join(part for part in (finding.judged_by, finding.judged_at[:16].replace("T", " ")) if part)
    tones = {"accepted": "good", "edited": "good", "rejected": "bad"}
    said = words.tr("Comment: {comment}", comment=finding.comment) if finding.comment else ""
    probed = [words.warning(one) for probe in finding.counter_evidence for one in of_probe(probe, words.title(finding))]
    return Row(
        (*cells, f"{verdict} ({by})" if by else verdict),
        tones.get(finding.judgement.value, "warn"),
        " ".join(text for text in (remark, said, *probed) if text),
    )
