"""Words for values of the domain, in the language of the moment."""

from __future__ import annotations

from medassist.entities.finding import Finding, Judgement
from medassist.entities.overlay import Overlay
from medassist.entities.prediction import Verdict
from medassist.entities.study import Patient, Series, SeriesKind, Study
from medassist.entities.term import LEFT, RIGHT
from medassist.language import current_language, localized, tr
from medassist.progress import Step
from medassist.report.instances import objects_text
from medassist.report.operating import cannot_say
from medassist.session.state import Session
from medassist.ui import theme


def verdict_color(verdict: Verdict) -> str:
    """Return the colour of the outcome of a suitability check, in the theme of the moment."""
    return {Verdict.PASS: theme.GOOD, Verdict.UNKNOWN: theme.CAUTION, Verdict.FAIL: theme.BAD}[verdict]


def judgement_color(judgement: Judgement) -> str:
    """Return the colour of what the reader made of a finding, in the theme of the moment."""
    return {
        Judgement.UNREVIEWED: theme.CAUTION,
        Judgement.ACCEPTED: theme.GOOD,
        Judgement.EDITED: theme.GOOD,
        Judgement.REJECTED: theme.BAD,
        Judgement.DEFERRED: theme.DIM,
    }[judgement]


def verdict_word(verdict: Verdict) -> str:
    """Name the outcome of a suitability check."""
    return {Verdict.PASS: tr("suits"), Verdict.UNKNOWN: tr("cannot tell"), Verdict.FAIL: tr("does not suit")}[verdict]


def judgement_word(judgement: Judgement) -> str:
    """Name what the reader made of a finding."""
    return {
        Judgement.UNREVIEWED: tr("not reviewed"),
        Judgement.ACCEPTED: tr("accepted"),
        Judgement.EDITED: tr("edited"),
        Judgement.REJECTED: tr("rejected"),
        Judgement.DEFERRED: tr("deferred"),
    }[judgement]


def kind_word(kind: SeriesKind) -> str:
    """Name what a series is."""
    return {
        SeriesKind.VOLUME: tr("Volume"),
        SeriesKind.STACK: tr("Slices, no regular grid"),
        SeriesKind.FILM: tr("Projection image"),
        SeriesKind.OTHER: tr("No picture to show"),
    }[kind]


def what_word(series: Series) -> str:
    """Name what a series is; objects without pictures by their own kind."""
    return tr(series.object_kind) if series.object_kind else kind_word(series.kind)


def file_title(overlay: Overlay) -> str:
    """Name an overlay of a file by kind, title and maker."""
    maker = f" ({overlay.origin})" if overlay.origin else ""
    return f"{tr(overlay.kind)}, {overlay.title}{maker}"


def irregularity_text(series: Series) -> str:
    """Say why the slices form no regular grid: by the warnings it is made of, as they can be translated."""
    parts = [warning for warning in series.warnings if warning.text() in series.irregularity]
    told = " ".join(part.text() for part in parts) == series.irregularity.strip()
    return " ".join(localized(part) for part in parts) if told and parts else tr(series.irregularity)


def date_text(dicom_date: str) -> str:
    """Write a DICOM date (YYYYMMDD) as YYYY-MM-DD; anything else stays as it is."""
    plain = len(dicom_date) == 8 and dicom_date.isdigit()
    return f"{dicom_date[:4]}-{dicom_date[4:6]}-{dicom_date[6:]}" if plain else dicom_date


def patient_text(patient: Patient) -> str:
    """Name the patient on one line; what is unknown is said to be unknown."""
    name = patient.name.replace("^", " ").strip() or tr("name unknown")
    details = (patient.patient_id or tr("ID unknown"), patient.sex, age_text(patient.age))
    return " · ".join(text for text in (name, *details) if text)


def age_text(dicom_age: str) -> str:
    """Write a DICOM age (056Y) in words."""
    number, unit = dicom_age[:-1], dicom_age[-1:]
    if not number.isdigit():
        return dicom_age
    words = {
        "Y": tr("{number} years", number=int(number)),
        "M": tr("{number} months", number=int(number)),
        "W": tr("{number} weeks", number=int(number)),
        "D": tr("{number} days", number=int(number)),
    }
    return words.get(unit, dicom_age)


def study_text(study: Study) -> str:
    """Name a study by its date and description."""
    date = date_text(study.date) or tr("date unknown")
    return " · ".join(text for text in (date, study.description) if text)


def size_text(series: Series) -> str:
    """Say how many slices, rows and columns a series has."""
    slices, rows, columns = series.shape_zyx
    size = f"{columns} × {rows}" if slices <= 1 else f"{columns} × {rows} × {slices}"
    if series.times == 1:
        return size
    if series.times_by not in ("acquisition", "trigger time", "b-value"):
        return tr("{size}, {times} time points", size=size, times=series.times)
    return tr("{size}, {times} by {what}", size=size, times=series.times, what=tr(series.times_by))


def duration_text(seconds: float) -> str:
    """Write a duration for a person: whole seconds, or minutes and seconds."""
    whole = max(0, round(seconds))
    if whole < 60:
        return tr("{seconds} s", seconds=whole)
    return tr("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)


def unready_text(session: Session) -> str:
    """Say why nothing can be computed from the series on screen: it still loads; "" when that is no hindrance."""
    return "" if session.arriving is None else tr("This series is still loading.")


def step_text(step: Step) -> str:
    """Write where a job is and how long it will still take."""
    stage = tr(step.stage)
    if step.seconds_left is None:
        return stage
    return tr("{stage}, about {time} left", stage=stage, time=duration_text(step.seconds_left))


def local_title(english: str, chinese: str) -> str:
    """Choose between the titles of a label or model."""
    return chinese if chinese and current_language().startswith("zh") else tr(english) if english else ""


def label_title(session: Session, label: str) -> str:
    """Name a label of a model's output in the language of the moment, as the model's package names it."""
    for prediction in reversed(session.predictions):
        segments = prediction.mask.segments if prediction.mask is not None else ()
        titles = {one.label: one.title_zh for one in segments} | {one.label: one.title_zh for one in prediction.scores}
        if label in titles:
            return local_title(label, titles[label])
    return tr(label)


def claim_title(finding: Finding) -> str:
    """Name what is claimed, of pieces of a lesion with their number."""
    title = local_title(finding.label, finding.title_zh) if finding.model is not None else _own_title(finding)
    if finding.component is None:
        return title
    if finding.component == 0:
        count = round(finding.measurements.get("component_count", 0))
        return tr("{label}, {count} smaller ones", label=title, count=count)
    return tr("{label} no. {number}", label=title, number=finding.component)


def _own_title(finding: Finding) -> str:
    """Return what a reader typed, never translated; a term of the tables has its Chinese name."""
    return finding.title_zh if finding.title_zh and current_language().startswith("zh") else finding.label


def finding_title(finding: Finding) -> str:
    """Name the claim; a class below its operating point is said to be below it, never 'absent'.

    Absent is only what a reader says is absent; a segment nothing was marked for is said to be unmarked.
    """
    title = claim_title(finding)
    if finding.probability is None or finding.edited_by:
        if finding.present:
            return title
        by_reader = finding.model is None or bool(finding.edited_by)
        return tr("{label} (absent)", label=title) if by_reader else tr("{label} (nothing marked)", label=title)
    if finding.exclusive:
        return title if finding.present else tr("{label} (not called)", label=title)
    return title if finding.present else tr("{label} (below threshold)", label=title)


def side_word(finding: Finding) -> str:
    """Name the side that is coded for a finding, "" where none is."""
    if finding.laterality is None:
        return ""
    return {LEFT: tr("left"), RIGHT: tr("right")}.get(finding.laterality, tr(finding.laterality.meaning))


def origin_text(finding: Finding) -> str:
    """Say who claims it: the model with version and the start of its hash, or the reader; and which file, if any."""
    file = tr("from a file of {maker}", maker=finding.read_from) if finding.read_from else ""
    if finding.model is None:
        return " · ".join(filter(None, (tr("Reader"), finding.by, file)))
    model = finding.model
    named = " ".join(filter(None, (model.name, model.version, f"({model.sha256[:8]})" if model.sha256 else "")))
    return " · ".join(filter(None, (named, file)))


def finding_measure(finding: Finding) -> str:
    """Write the score with its threshold, or the volume, with a mark where it is that of a single slice."""
    if finding.probability is not None and finding.threshold is not None:
        if finding.exclusive:
            return _share_of_classes(finding, finding.probability)
        values = {"score": share_text(finding.probability), "threshold": share_text(finding.threshold)}
        said = tr("score {score} (threshold {threshold})", **values)
        if finding.calibrated:
            said = tr("probability {score} (threshold {threshold})", **values)
        if finding.package_threshold is not None:
            said += " · " + tr("threshold changed")
        return said + " · " + tr("cannot say") if cannot_say(finding) else said
    if "count" in finding.measurements:
        return objects_text(finding.measurements, tr)
    if finding.volume_ml is None:
        return ""
    one_slice = finding.measurements.get("slices_outlined") == 1
    volume = tr("{volume} ml", volume=volume_text(finding.volume_ml))
    return tr("{volume}, one slice only", volume=volume) if one_slice else volume


def evidence_mark(finding: Finding) -> str:
    """Say how many probes a reader kept against a claim, "" for none."""
    count = len(finding.counter_evidence)
    return f"⚖ {tr('counter-evidence: {count}', count=count)}" if count else ""


def _share_of_classes(finding: Finding, share: float) -> str:
    """Write the score of one of several classes; what it takes to be called depends on the others."""
    score = share_text(share)
    said = tr("probability {score}", score=score) if finding.calibrated else tr("score {score}", score=score)
    return tr("{said}, the most likely class", said=said) if finding.present else said


def share_text(share: float) -> str:
    """Write a score or a threshold with two decimals, a small one with three."""
    return f"{share:.2f}" if share >= 0.1 else f"{share:.3f}"


def volume_text(millilitres: float) -> str:
    """Write a volume with two decimals, a small one with three digits: never 0 for something that is there."""
    return f"{millilitres:.2f}" if millilitres >= 1 else f"{millilitres:.3g}"
