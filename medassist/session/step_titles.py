"""What a change of the work is called: read from two sessions, so that no action needs to say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Shape
from medassist.entities.prediction import Prediction
from medassist.entities.study import Warned, warned
from medassist.language import current_language
from medassist.session.steps import Told

if TYPE_CHECKING:
    from medassist.session.state import Session


def tell(old: Session, new: Session) -> Told:
    """Name what changed between two sessions: the result of a model first, then the reader's own steps."""
    for name in (_ran, _measured, _judged, _probed, _set_threshold, _drafted):
        told = name(old, new)
        if told is not None:
            return told
    return Told(warned("change of the findings"), "change")


def _ran(old: Session, new: Session) -> Told | None:
    if old.predictions is new.predictions:
        return None
    added, gone = _apart(old.predictions, new.predictions, lambda one: (one.series_key, one.started, one.model))
    edited = [one for one in new.predictions if one.edit is not None and _is_new(one, old.predictions)]
    reverted = [one for one in old.predictions if one.edit is not None and _is_new(one, new.predictions)]
    keys = tuple(dict.fromkeys(one.series_key for one in (*added, *edited, *reverted, *gone)))
    if added and added[-1].prompt is not None:
        return Told(warned("keep the region"), "region", keys)
    if added and added[-1].edit is None:
        return Told(warned("run {model}", model=_model(added[-1])), "run", keys)
    if edited or reverted or added or (gone and gone[-1].by_hand):
        return Told(warned("edit the mask"), "edit mask", keys)
    if gone:
        return Told(warned("remove the result of {model}", model=_model(gone[-1])), "remove result", keys)
    return Told(warned("change of a result"), "change", keys)


def _is_new(one: object, others: Iterable[object]) -> bool:
    return not any(one is other for other in others)


def _model(prediction: Prediction) -> str:
    title = prediction.model.title_zh if current_language() == "zh_CN" else prediction.model.title
    return title or prediction.model.name


def _measured(old: Session, new: Session) -> Told | None:
    if old.measurements is new.measurements:
        return None
    added, gone = _apart(old.measurements, new.measurements, lambda one: one.uid)
    changed = [one for one in new.measurements if _is_new(one, old.measurements)]
    about: Sequence[Measurement] = added or gone or changed
    if not about:
        return Told(warned("change of the measurements"), "measure")
    what = _shape(about[-1].shape) if len(about) == 1 else warned("{count} measurements", count=len(about))
    if added:
        title = warned("draw: {what}", what=what)
    else:
        title = warned("delete: {what}", what=what) if gone else warned("change: {what}", what=what)
    return Told(title, "measure", tuple(dict.fromkeys(one.series_key for one in about)))


def _shape(shape: Shape) -> Warned:
    return {
        Shape.LENGTH: warned("length"),
        Shape.ANGLE: warned("angle"),
        Shape.COBB: warned("Cobb angle"),
        Shape.BIDIRECTIONAL: warned("two diameters"),
        Shape.ELLIPSE: warned("ellipse"),
        Shape.RECTANGLE: warned("rectangle"),
        Shape.POLYGON: warned("polygon"),
        Shape.FREEHAND: warned("freehand outline"),
        Shape.ARROW: warned("arrow"),
        Shape.TEXT: warned("written note"),
    }[shape]


def _judged(old: Session, new: Session) -> Told | None:
    if old.findings is new.findings or old.thresholds is not new.thresholds or old.prevalences is not new.prevalences:
        return None
    before = {one.tracking_uid: one for one in old.findings}
    added, gone = _apart(old.findings, new.findings, lambda one: one.tracking_uid)
    changed = [
        one for one in new.findings if one.tracking_uid in before and before[one.tracking_uid] != one
    ]  # a verdict given once more still signs another time
    if added:
        return _about(warned("add {finding}", finding=_name(added[-1])), "add finding", added)
    if gone:
        return _about(warned("delete {finding}", finding=_name(gone[-1])), "remove finding", gone)
    if not changed:
        return None
    one = changed[-1]
    if before[one.tracking_uid].counter_evidence != one.counter_evidence:
        return None
    same_verdict = before[one.tracking_uid].judgement is one.judgement
    signed = before[one.tracking_uid].judged_at != one.judged_at
    if same_verdict and not signed:
        return _about(warned("change {finding}", finding=_name(one)), "edit finding", changed)
    return _about(_verdict(one), "judge", changed)


def _verdict(one: Finding) -> Warned:
    name = _name(one)
    return {
        Judgement.ACCEPTED: warned("accept {finding}", finding=name),
        Judgement.REJECTED: warned("reject {finding}", finding=name),
        Judgement.DEFERRED: warned("defer {finding}", finding=name),
        Judgement.EDITED: warned("edit {finding}", finding=name),
        Judgement.UNREVIEWED: warned("take back the verdict on {finding}", finding=name),
    }[one.judgement]


def _about(title: Warned, verb: str, findings: Sequence[Finding]) -> Told:
    return Told(title, verb, tuple(dict.fromkeys(one.series_key for one in findings)))


def _name(finding: Finding) -> str:
    return finding.title_zh if finding.title_zh and current_language() == "zh_CN" else finding.label


def _probed(old: Session, new: Session) -> Told | None:
    if old.probes is new.probes:
        return None
    keys = tuple(dict.fromkeys(one.series_key for one in (*new.probes, *old.probes)))
    if old.findings is not new.findings:
        kept = sum(len(one.counter_evidence) for one in new.findings)
        fewer = kept < sum(len(one.counter_evidence) for one in old.findings)
        title = warned("drop the probe") if fewer else warned("keep the probe")
        return Told(title, "probe", keys)
    return Told(warned("drop the probe") if len(new.probes) < len(old.probes) else warned("probe"), "probe", keys)


def _set_threshold(old: Session, new: Session) -> Told | None:
    if old.thresholds is not new.thresholds:
        return Told(warned("set the threshold"), "set threshold")
    return None if old.prevalences is new.prevalences else Told(warned("set the prevalence"), "set prevalence")


def _drafted(old: Session, new: Session) -> Told | None:
    if old.drafts is new.drafts:
        return None
    keys = tuple(key for key in {**old.drafts, **new.drafts} if old.drafts.get(key) is not new.drafts.get(key))
    return Told(warned("change of the report"), "draft", keys)


def _apart(old: Sequence[Any], new: Sequence[Any], identity: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    """Return what came and what went, by what makes one thing the same thing."""
    before, after = {identity(one) for one in old}, {identity(one) for one in new}
    return [one for one in new if identity(one) not in before], [one for one in old if identity(one) not in after]
