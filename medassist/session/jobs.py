"""Long verbs: `job(..., *, progress) -> Action`. They know no Qt and may run in any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import UnreadableInput, UsageError
from medassist.entities.parts import find
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import CHARSETS, Series, SeriesKind, Study
from medassist.entities.volume import Volume
from medassist.progress import Progress
from medassist.session.actions import AddPrediction, AddScan, ReportWritten, ShowResampled, ShowVolume
from medassist.session.state import Session

if TYPE_CHECKING:
    from medassist.inference.expected import MemoryForecast
    from medassist.inference.packages import Package


def open_path(path: Path, *, charset: str = "", progress: Progress) -> AddScan:
    """Read the headers of everything under `path` (UnreadableInput when nothing can be shown).

    `charset` is what texts are read as instead of what the files declare (UsageError for one nobody knows).
    """
    from medassist.imaging.scan import scan

    if charset and charset not in CHARSETS:
        raise UsageError(
            "There is no character set {charset} to choose.",
            remedy="Choose one of: {choices}.",
            charset=charset,
            choices=", ".join(CHARSETS),
        )
    return AddScan(scan(path, charset=charset, progress=progress))


def load_series(series: Series, *, progress: Progress) -> ShowVolume:
    """Read the pixels of one series (UnreadableInput names the file and the reason)."""
    from medassist.imaging.load import load

    return ShowVolume(load(series, progress=progress))


def resample_slices(volume: Volume, *, progress: Progress) -> ShowResampled:
    """Make a regular grid of slices that form none (UnreadableInput when they cannot share one)."""
    from medassist.imaging.regular import regularise

    return ShowResampled(regularise(volume, progress=progress))


def convert_series(series: Series, target: Path, *, resample: bool = False, progress: Progress) -> Path:
    """Write one series as .nii, .nii.gz, .nrrd or .mha.

    Irregular slices are refused (UnreadableInput), or brought onto a regular grid when `resample` says so.
    """
    from medassist.imaging.convert import check_regular, write_volume
    from medassist.imaging.load import load

    if not resample:
        check_regular(series)
    volume = load(series, progress=progress)
    if resample and not volume.is_regular:
        volume = resample_slices(volume, progress=progress).volume
    write_volume(volume, target)
    return target


def check_input(package: Package, study: Study, volume: Volume) -> tuple[Check, ...]:
    """Return the suitability table of one model and one series; any picture may be outlined with a box."""
    from medassist.inference.packages import PROMPTED
    from medassist.inference.suitability import check

    return () if package.task == PROMPTED else check(package, study, volume)


def look(package: Package, volume: Volume, *, progress: Progress | None = None) -> tuple[Check, ...]:
    """Return the rows of the suitability table for which the picture itself is looked at, by another model.

    They take torch and a moment, so they are no part of `check_input`, which the window asks for while it draws.
    """
    from medassist.inference.kind import kind_check

    row = kind_check(package, volume, progress=progress)
    return () if row is None else (row,)


def check_runs_alone(package: Package) -> None:
    """Refuse a model that needs a box where none was drawn (UsageError)."""
    from medassist.inference.packages import PROMPTED

    if package.task == PROMPTED:
        raise UsageError(
            "The model {model} marks what lies in a box, and there is none.",
            remedy="Draw one on the picture (key B), or give --box X0,Y0,X1,Y1,SLICE.",
            model=package.name,
        )


def run_model(
    study: Study,
    volume: Volume,
    package: Package,
    *,
    device: str = "auto",
    backend: str = "auto",
    override_reason: str = "",
    fresh: bool = False,
    uncertainty: bool = False,
    tta: bool = False,
    probabilities: bool = False,
    progress: Progress,
) -> AddPrediction:
    """Check the input, run the model and make findings of what it says (Refused when a check fails).

    The answer to the same pixels, weights and settings is given again when it is remembered, unless `fresh`.
    `uncertainty` asks a segmenter for the map of where it is undecided, too; `tta` averages over the mirrored views
    the package declares. `probabilities` keeps those of the labels, as the setting `segmentations` can ask for always.
    """
    from medassist.inference.predict import predict
    from medassist.inference.suitability import gate
    from medassist.report.findings import findings_from
    from medassist.session.remembered import keeps_probabilities, remembers_results

    check_runs_alone(package)
    checks = (*check_input(package, study, volume), *look(package, volume, progress=progress))
    prediction = predict(
        package,
        volume,
        checks=checks,
        device=device,
        backend=backend,
        override_reason=override_reason,
        reuse=not fresh,
        on_disk=remembers_results(),
        uncertainty=uncertainty,
        tta=tta,
        probabilities=probabilities or keeps_probabilities(),
        progress=progress,
    )
    gate(prediction.checks, override_reason)  # the run itself may have told that the image is of another kind
    return AddPrediction(prediction, findings_from(prediction, volume))


def forecast(package: Package, volume: Volume, device: str = "auto") -> MemoryForecast | None:
    """Tell before a run how much memory it will need and how much is free; None where it cannot be told.

    Loads the network, which the run then finds loaded.
    """
    from medassist.inference.expected import expect

    return expect(package, volume, device=device)


def with_pictures(series: Sequence[Series], where: Path, *, key_or_uid: str = "") -> tuple[Series, ...]:
    """Return the series that can be shown, or those of them that were asked for; a part only by its own key.

    Raw slices of which a corrected volume was made count only when their own key is asked for.
    Raises UsageError for a series nobody knows, UnreadableInput when nothing under `where` has pictures.
    """
    pictures = tuple(one for one in series if one.kind is not SeriesKind.OTHER)
    replaced = {one.raw.key for one in pictures if one.raw is not None} - {key_or_uid}
    wanted = (one for one in pictures if not key_or_uid or key_or_uid in (one.key, one.series_uid))
    chosen = tuple(one for one in wanted if one.key not in replaced)
    part = find(pictures, key_or_uid) if key_or_uid and not chosen else None
    chosen = chosen if part is None else (part,)
    if not chosen and key_or_uid:
        raise UsageError(
            "There is no series {uid} with pictures in {path}.",
            remedy="`medassist info` lists the series.",
            uid=key_or_uid,
            path=where,
        )
    if not chosen:
        raise UnreadableInput("There is no series with pictures in {path}.", path=where)
    return chosen


def choose_series(
    session: Session, package: Package, *, key_or_uid: str = "", progress: Progress
) -> tuple[Study, Volume]:
    """Load the series a model should run on: the one asked for, else the first that the model accepts.

    When the model accepts none, the one that fails the fewest checks is returned, so that the refusal can name them.
    Raises UsageError for an unknown series, UnreadableInput when there is none to choose from or none can be read.
    """
    closest: tuple[int, Study, Volume] | None = None
    unread: UnreadableInput | None = None
    for series in _candidates(session, package, key_or_uid):
        try:
            volume = load_series(series, progress=progress).volume
        except UnreadableInput as problem:
            unread = unread or problem
            continue
        study = session.study_of(series.key)
        failed = sum(one.verdict is Verdict.FAIL for one in check_input(package, study, volume))
        if closest is None or failed < closest[0]:
            closest = failed, study, volume
        if not failed:
            break
    if closest is None:
        raise unread or UnreadableInput("There is no series with pictures in {path}.", path=session.scans[-1].source)
    return closest[1], closest[2]


def _candidates(session: Session, package: Package, key_or_uid: str) -> Sequence[Series]:
    pictures = with_pictures(session.all_series(), session.scans[-1].source, key_or_uid=key_or_uid)
    allowed = package.suitability.modality
    fitting = [one for one in pictures if not allowed or not one.modality or one.modality in allowed]
    return pictures if key_or_uid else fitting or pictures[:1]


def write_report(
    session: Session,
    folder: Path,
    *,
    formats: Sequence[str] = (),
    language: str = "en",
    reader: str = "",
    allow_unreviewed: bool = False,
    timings_s: dict[str, float] | None = None,
    progress: Progress,
) -> ReportWritten:
    """Write the report of the series on screen into `folder`; no `formats` means the usual ones.

    Refused where nobody judged a finding and neither the draft of the report nor `allow_unreviewed` lets it out marked
    as not reviewed.
    """
    from medassist.report.export import DEFAULT_FORMATS, export
    from medassist.report.readiness import check_judged
    from medassist.session.reporting import case_of

    case = case_of(session, language=language, reader=reader, timings_s=timings_s)
    check_judged(case, allow_unreviewed=allow_unreviewed)
    return ReportWritten(export(case, folder, formats or DEFAULT_FORMATS, progress=progress))


def report_text(
    session: Session, deliver: Callable[[str], None], *, language: str = "en", reader: str = "", progress: Progress
) -> None:
    """Hand over the report of the series on screen as plain text (Refused as in `write_report`)."""
    from medassist.report.readiness import check_judged
    from medassist.report.text import words
    from medassist.session.reporting import case_of

    progress.step("Writing the report", 0.0)
    case = case_of(session, language=language, reader=reader)
    check_judged(case)
    deliver(words(case))
