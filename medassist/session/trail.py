"""What of a change goes into the audit trail: read from two sessions, so that every face keeps the same trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from medassist.entities.finding import Judgement
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import ModelRef, Prediction
from medassist.entities.probe import Probe
from medassist.session.state import Session
from medassist.session.steps import History
from medassist.session.trail_edits import by_hand, changes, is_readers_word

Detail = str | int | bool


@dataclass(frozen=True)
class Event:
    """One line for `storage.audit.record`; `inputs` are identifiers that are only kept as hashes."""

    action: str
    inputs: tuple[str, ...]
    details: dict[str, Detail] = field(default_factory=dict)


def events(old: Session, new: Session) -> tuple[Event, ...]:
    """Return what happened between two sessions, models first, exports last; undoing is an event of its own."""
    moved = tuple(_moved(old.history, new.history))
    if moved:
        return (*moved, *_set_thresholds(old, new))
    closed = _closed(old, new)
    if closed:
        return (Event("close", closed),)
    if len(new.restored) > len(old.restored):
        return (*_opened(old, new), *_restored(old, new))
    return (
        *_changed_models(old, new),
        *_opened(old, new),
        *_ran(old, new),
        *_explained(old, new),
        *_probed(old, new),
        *_set_thresholds(old, new),
        *_edited(old, new),
        *_judged(old, new),
        *_exported(old, new),
    )


def keep(old: Session, new: Session) -> None:
    """Write what happened into the audit trail (UnwritableOutput when it cannot be written)."""
    from medassist.storage.audit import record

    for event in events(old, new):
        record(event.action, inputs=event.inputs, details=event.details)


def _moved(old: History, new: History) -> Iterator[Event]:
    if new.undone > old.undone and new.to_redo is not None:
        yield Event("undo", new.to_redo.told.series, {"step": new.to_redo.told.verb})
    if new.redone > old.redone and new.to_undo is not None:
        yield Event("redo", new.to_undo.told.series, {"step": new.to_undo.told.verb})


def _changed_models(old: Session, new: Session) -> Iterator[Event]:
    for one in new.model_changes[len(old.model_changes) :]:
        yield Event(one.verb.value, (), _identity(one.model) | {"package_sha256": one.content_sha256})


def _opened(old: Session, new: Session) -> Iterator[Event]:
    for scan in new.scans:
        if scan not in old.scans:
            yield Event("open", tuple(study.study_uid for study in scan.studies))
    for objects, before in ((new.overlays, old.overlays), (new.documents, old.documents)):
        for one in objects:
            if one not in before:
                yield Event("open", tuple(key for key in (one.key, one.series_key) if key), {"object": one.kind})


def _closed(old: Session, new: Session) -> tuple[str, ...]:
    """Return the UIDs of studies that were closed; nothing was opened or made in the same step."""
    if old.scans is new.scans:
        return ()
    before, after = ([study for scan in one.scans for study in scan.studies] for one in (old, new))
    left = {id(study) for study in after}
    if not left < {id(study) for study in before}:
        return ()
    return tuple(study.study_uid for study in before if id(study) not in left)


def _model(result: Prediction | Heatmap) -> dict[str, Detail]:
    return _identity(result.model)


def _identity(model: ModelRef) -> dict[str, Detail]:
    return {"model": model.name, "model_version": model.version, "model_sha256": model.sha256}


def _ran(old: Session, new: Session) -> Iterator[Event]:
    drawn = by_hand(old, new)
    for one in new.predictions:
        if one not in old.predictions and one not in drawn:
            more: dict[str, Detail] = {"device": one.device, "overridden": bool(one.override_reason)}
            if one.prompt is not None:
                more |= {"box": True, "followed": one.prompt.followed, "corrected_by_hand": one.prompt.brushed}
            yield Event("run", (one.series_key,), _model(one) | more)


def _explained(old: Session, new: Session) -> Iterator[Event]:
    known = {id(one.native_zyx): one for one in old.heatmaps}  # a stamp leaves the numbers of its map where they are
    for one in new.heatmaps:
        before = known.get(id(one.native_zyx))
        if before is not None and before.stamp is not one.stamp and one.stamp is not None:
            standing: Detail = one.stamp.standing.value
            yield Event("stamp", (one.series_key,), _model(one) | _asked(one) | {"stamp": standing})
        elif before is None:
            yield Event("explain", (one.series_key,), _model(one) | _asked(one))


def _asked(one: Heatmap) -> dict[str, Detail]:
    told: dict[str, Detail] = {"method": one.method, "target": one.target}
    return told | ({"against": one.against} if one.against else {})


def _probed(old: Session, new: Session) -> Iterator[Event]:
    for one in new.probes:
        if one not in old.probes:
            verb = "keep probe" if one.kept_at else "probe"
            yield Event(verb, (one.series_key,), _asked_by(one))
    after = {one.tracking_uid: one.counter_evidence for one in new.findings}
    for finding in old.findings:
        lost = (one for one in finding.counter_evidence if one not in after.get(finding.tracking_uid, (one,)))
        for one in lost:
            yield Event("drop probe", (one.series_key,), _asked_by(one))


def _asked_by(one: Probe) -> dict[str, Detail]:
    return _identity(one.model) | {"target": one.target, "method": one.how.value}


def _set_thresholds(old: Session, new: Session) -> Iterator[Event]:
    for one in new.threshold_changes[len(old.threshold_changes) :]:
        values: dict[str, Detail] = {"threshold_before": f"{one.before:.4f}", "threshold_after": f"{one.after:.4f}"}
        yield Event("set threshold", (), _identity(one.model) | {"finding": one.label} | values)


def _edited(old: Session, new: Session) -> Iterator[Event]:
    for key, kind, change in changes(old, new):
        yield Event("edit", (key,), {"object": kind, "change": change})


def _restored(old: Session, new: Session) -> Iterator[Event]:
    for one in new.restored[len(old.restored) :]:
        yield Event("restore", one.series, {"findings": one.findings})


def _judged(old: Session, new: Session) -> Iterator[Event]:
    before = {one.tracking_uid: one.judgement for one in old.findings}
    for one in new.findings:
        if before.get(one.tracking_uid, Judgement.UNREVIEWED) is not one.judgement:
            label = one.label
            if is_readers_word(one):
                label = "region" if "slices_outlined" in one.measurements else "named by a reader"
            yield Event("judge", (one.series_key,), {"finding": label, "judgement": one.judgement.value})


def _exported(old: Session, new: Session) -> Iterator[Event]:
    files = new.reports[len(old.reports) :]
    if files:
        yield Event("export", (new.current,), {"files": ", ".join(path.name for path in files)})
