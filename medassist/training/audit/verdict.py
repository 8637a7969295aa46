"""The rule: which numbers raise an alarm, which call for caution, and which are explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from medassist.entities.study import Warned, warned
from medassist.training.audit.answer import SEVERITY, AuditVerdict, Judged, LabelAudit, OfModel, Reason, Why
from medassist.training.audit.titles import title_of
from medassist.training.metrics import Measured

LIMIT = 0.75
"""A trivial cue, or the outer frame, above this area alarms."""
SURE = 0.6
"""... when the lower end of its interval is above this; otherwise too few rows say so, and it is a caution."""
NEAR = 0.05
"""The inside of a picture is hardly better than its frame when it is ahead by less than this."""
FEWEST_PEOPLE = 5
"""With fewer people with the label, or without it, no verdict but caution."""
EVERYTHING = "*"
"""What a declaration calls an expectation that covers every cue."""


def judge(audit: LabelAudit, expected: Mapping[str, Why]) -> Judged:
    """Return the verdict on one label; `expected` maps a cue (or "*") to why it may tell the label."""
    reasons = tuple(_declared(reason, expected) for reason in _reasons(audit))
    open_reasons = [reason for reason in reasons if not reason.expected]
    worst = max((reason.verdict for reason in open_reasons), key=SEVERITY.__getitem__, default=None)
    verdict = worst or (AuditVerdict.EXPLAINED if reasons else AuditVerdict.PASS)
    sentences = (*(tuple(_sentences(reasons)) or (_passed(audit),)), *_told_of_model(audit.model))
    return Judged(audit, verdict, reasons, sentences)


def _declared(reason: Reason, expected: Mapping[str, Why]) -> Reason:
    told = expected.get(reason.cue) or (expected.get(EVERYTHING, "") if reason.cue != "few" else "")
    return Reason(reason.cue, reason.verdict, reason.sentence, told)


def _sentences(reasons: Sequence[Reason]) -> Iterator[Warned]:
    """Tell what nobody declared, then each declaration once, behind what it covers."""
    for why in sorted({reason.expected for reason in reasons}, key=str):
        yield from (reason.sentence for reason in reasons if reason.expected == why)
        if why:
            yield warned("Declared as expected: {why}.", why=why)


def _reasons(audit: LabelAudit) -> Iterator[Reason]:
    if min(audit.people) < FEWEST_PEOPLE:
        positive, negative = audit.people
        yield Reason(
            "few",
            AuditVerdict.CAUTION,
            warned("Only {positive} people have it and {negative} do not: too few to tell.", positive=positive,
                   negative=negative),
        )  # fmt: skip
        return
    for name, cue in sorted(audit.cues.items(), key=lambda one: -one[1].area.value):
        yield from _alone(name, cue.area)
    yield from _of_frame(audit)
    yield from _of_all(audit.visible)
    yield from _of_model(audit)
    for part, (name, area) in audit.within.items():
        yield from _within(part, name, area)


def _alone(name: str, area: Measured) -> Iterator[Reason]:
    if area.value <= LIMIT:
        return
    if area.low > SURE:
        sentence = warned(
            "It can be told from one thing alone, {cue}: AUC {auc}.", cue=title_of(name), auc=interval(area)
        )
        yield Reason(name, AuditVerdict.ALARM, sentence)
    else:
        sentence = warned(
            "One thing alone, {cue}, reaches AUC {auc}, but on too few rows to be sure.",
            cue=title_of(name),
            auc=interval(area),
        )
        yield Reason(name, AuditVerdict.CAUTION, sentence)


def _of_frame(audit: LabelAudit) -> Iterator[Reason]:
    """The frame tells too much by itself, or as much as the inside while it surely tells something."""
    if audit.frame is None or audit.inside is None or audit.gain is None:
        return
    alone = list(_alone("frame", audit.frame))
    if alone or audit.frame.low <= SURE or audit.gain.low > 0 or audit.gain.value > NEAR:
        yield from alone
        return
    told = {"frame": interval(audit.frame), "inside": interval(audit.inside)}
    if audit.gain.value <= 0:
        sentence = warned("The outer frame (AUC {frame}) tells it as well as the inside (AUC {inside}).", **told)
        yield Reason("frame", AuditVerdict.ALARM, sentence)
    else:
        sentence = warned(
            "The outer frame (AUC {frame}) tells it nearly as well as the inside (AUC {inside}).",
            **told,
        )
        yield Reason("frame", AuditVerdict.CAUTION, sentence)


def _of_all(visible: Measured | None) -> Iterator[Reason]:
    """All that picture and patient show at a glance surely tells too much; if not surely, it is a mark to beat.

    Brightness and gradients also follow the disease itself, so that a sum of them needs stronger proof than one alone.
    """
    if visible is not None and visible.low > LIMIT:
        sentence = warned("It can be told from all visible trivial things together: AUC {auc}.", auc=interval(visible))
        yield Reason("visible", AuditVerdict.ALARM, sentence)


def _of_model(audit: LabelAudit) -> Iterator[Reason]:
    """The trained model needs no organ."""
    if audit.model is None or audit.model.blanked is None or audit.model.lost is None:
        return
    alone = [
        Reason(one.cue, one.verdict, warned("With the organ blanked, the model still reaches AUC {auc}.",
                                            auc=interval(audit.model.blanked)))
        for one in _alone("blanked", audit.model.blanked)
    ]  # fmt: skip
    if alone or audit.model.blanked.low <= SURE or audit.model.lost.value > 0:
        yield from alone
        return
    sentence = warned(
        "With the organ blanked, the model (AUC {blanked}) is as good as with it (AUC {whole}).",
        blanked=interval(audit.model.blanked),
        whole=interval(audit.model.whole),
    )
    yield Reason("blanked", AuditVerdict.ALARM, sentence)


def _told_of_model(model: OfModel | None) -> Iterator[Warned]:
    """Say what the model is worth beside what needs none, whatever the verdict."""
    if model is None:
        return
    yield warned("On people it has not seen the model reaches AUC {auc}.", auc=interval(model.whole))
    if model.blanked is not None:
        yield warned("With the organ blanked it reaches AUC {auc}.", auc=interval(model.blanked))
    if model.over_frame is not None and model.over_visible is not None:
        yield warned(
            "It is above the outer frame by {frame}, above all visible trivial things by {visible}.",
            frame=interval(model.over_frame),
            visible=interval(model.over_visible),
        )


def _within(part: str, name: str, area: Measured) -> Iterator[Reason]:
    """A cue that tells the label in one part of the rows only; it is the best of many, so it must be sure to alarm."""
    if area.value > LIMIT and area.low > SURE:
        verdict = AuditVerdict.ALARM if area.low > LIMIT else AuditVerdict.CAUTION
        sentence = warned(
            "Among {part} alone it can be told from one thing, {cue}: AUC {auc}.",
            part=part,
            cue=title_of(name),
            auc=interval(area),
        )
        yield Reason(name, verdict, sentence)


def _passed(audit: LabelAudit) -> Warned:
    name = audit.most_telling
    if not name:
        return warned("Nothing trivial could be measured.")
    area = audit.cues[name].area
    return warned(
        "Nothing trivial tells it with an AUC above {limit}; the most telling is {cue}: {auc}.",
        limit=LIMIT,
        cue=title_of(name),
        auc=interval(area),
    )


def interval(measured: Measured) -> str:
    """Return "0.81 (0.76–0.86)"."""
    return f"{measured.value:.2f} ({measured.low:.2f}–{measured.high:.2f})"
