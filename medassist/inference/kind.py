"""What kind of picture it is, in the opinion of the router: one more row of the suitability table of other models.

Headers can be missing or wrong. The router is a model like any other, which tells a few kinds of picture apart; where
it is not installed there is no row. Its opinion refuses a picture only when it is sure of another kind and the picture
is like those it learned from; else a wrong refusal would cost more than it saves.
"""

from __future__ import annotations

from medassist.entities.errors import Refused, UsageError
from medassist.entities.prediction import Check, Prediction, Verdict
from medassist.entities.volume import Volume
from medassist.inference.catalogue import find
from medassist.inference.embedding import NAME as LIKENESS
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.inference.predict import predict
from medassist.inference.prepare import is_grey
from medassist.language import current_language, tr
from medassist.progress import Progress

NAME = "Kind of picture"
ROUTER = "modality_router"
SURE = 0.99
"""Calibrated probability of another kind from which on a picture is refused."""


def kind_check(package: Package, volume: Volume, *, progress: Progress | None = None) -> Check | None:
    """Return the row for one series: PASS, FAIL where the router is sure of another kind, else UNKNOWN.

    None for a package that names no kind the router knows, for anything but a single grey picture, and where no router
    is installed. The answer is remembered, so that asking again costs nothing. Cancelled.
    """
    demanded = package.suitability.kind
    router = _router() if demanded and _is_grey_picture(volume) else None
    wanted = () if router is None else tuple(one for one in router.labels if kind_of(one) in demanded)
    if router is None or not wanted:
        return None
    titles = ", ".join(_title(one) for one in wanted)
    try:
        told = predict(router, volume, device="cpu", reuse=True, progress=progress)
    except Refused:
        return Check(NAME, titles, "cannot be told", Verdict.UNKNOWN)
    return _row(router, told, wanted, titles)


def kind_of(label: Label) -> str:
    """Return the word by which packages demand a kind of the router: its code, else its name."""
    return label.code.value if label.code else label.label


def _row(router: Package, told: Prediction, wanted: tuple[Label, ...], titles: str) -> Check:
    score, best = max(zip(told.scores, router.labels, strict=True), key=lambda pair: pair[0].probability)
    found = f"{_title(best)} ({_share(score.probability)})"
    alike = next((row.verdict for row in told.checks if row.name == LIKENESS), Verdict.PASS)
    if alike is Verdict.FAIL:
        return Check(NAME, titles, tr("unlike all known kinds; most like: {found}", found=found), Verdict.UNKNOWN)
    if best in wanted:
        return Check(NAME, titles, found, Verdict.PASS if score.positive else Verdict.UNKNOWN)
    sure = score.probability >= SURE and alike is Verdict.PASS
    return Check(NAME, titles, found, Verdict.FAIL if sure else Verdict.UNKNOWN)


def _router() -> Package | None:
    try:
        router = find(ROUTER)
    except (Refused, UsageError):
        return None
    usable = router.availability.ok and router.exclusive and router.input.dimensions == 2
    return router if usable else None


def _is_grey_picture(volume: Volume) -> bool:
    single = volume.geometry.shape_zyx[0] == 1
    return single and (not volume.is_color or is_grey(volume.array_zyx))


def _share(probability: float) -> str:
    """Write a probability with two decimals; one that would read 1.00 is no certainty."""
    return f"{probability:.2f}" if probability < 0.995 else "> 0.99"


def _title(label: Label) -> str:
    return label.title_zh if label.title_zh and current_language().startswith("zh") else tr(label.label)
