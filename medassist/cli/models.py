"""`analyze`: run a model on a study and write the report."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.cli import thresholds
from medassist.cli.boxes import add_options, run_box
from medassist.cli.explaining import add_explanation, method_of
from medassist.cli.studies import add_charset, note_left_out
from medassist.cli.terminal import given_path, note, progress_bar, say, say_json
from medassist.entities.errors import UnwritableOutput, UsageError
from medassist.language import LANGUAGES, current_language, localized, set_language, tr
from medassist.session import analysing, history, jobs, trail
from medassist.session.actions import Action, ReportWritten, ShowVolume
from medassist.session.remembered import is_known
from medassist.session.state import Session
from medassist.storage import settings

if TYPE_CHECKING:
    from medassist.entities.study import Study
    from medassist.entities.volume import Volume
    from medassist.inference.packages import Package


def register(verbs: Any) -> None:
    """Add the verbs to the parser."""
    analyze = verbs.add_parser("analyze", help="run a model on a study and write the report")
    analyze.add_argument("path", type=given_path, metavar="PATH")
    analyze.add_argument("-m", "--model", required=True, metavar="MODEL", help="a name of `models list`, or a folder")
    analyze.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    analyze.add_argument("--series", default="", metavar="UID")
    add_charset(analyze)
    add_explanation(analyze)
    analyze.add_argument("--device", default=settings.read().text("device"), metavar="auto|cpu|cuda[:N]|mps")
    analyze.add_argument(
        "--backend",
        default="auto",
        metavar="auto|torch|openvino",
        help="what runs the network; auto takes OpenVINO on a CPU where it is installed and answers as torch does",
    )
    analyze.add_argument(
        "--override", default="", metavar="REASON", help="run although a check failed; kept in the report"
    )
    analyze.add_argument(
        "--uncertainty", action="store_true", help="also map where a segmenter is undecided (entropy, 0 to 1)"
    )
    analyze.add_argument(
        "--tta", action="store_true", help="average over mirrored views of the image, where the model declares them"
    )
    analyze.add_argument(
        "--probabilities",
        action="store_true",
        help="also write how likely a segmenter holds each voxel for each label",
    )
    analyze.add_argument("--fresh", action="store_true", help="compute, also what was computed before")
    add_options(analyze)
    thresholds.add_options(analyze)
    analyze.add_argument("--language", choices=tuple(LANGUAGES), default="", help="language of the report")
    analyze.add_argument("--json", action="store_true", help="print result.json on standard output")
    analyze.set_defaults(run=run_analyze)


def run_analyze(arguments: argparse.Namespace) -> int:
    """Open, run, explain and report: the whole trip on one study."""
    from medassist.inference.catalogue import find

    set_language(arguments.language or current_language())
    package = find(arguments.model)
    if arguments.box and arguments.probabilities:
        raise UsageError("--probabilities does not go with --box: a region in a box has none.")
    if arguments.box:
        return run_box(arguments, package)
    if arguments.follow or arguments.label:
        raise UsageError("--follow and --label belong to --box.")
    jobs.check_runs_alone(package)
    chosen = thresholds.settings_of(arguments, package)
    method, settings = method_of(arguments.explain)
    with progress_bar() as progress:
        began = time.perf_counter()
        session = fold(Session(), jobs.open_path(arguments.path, charset=arguments.charset, progress=progress))
        study, volume = jobs.choose_series(session, package, key_or_uid=arguments.series, progress=progress)
        session = ShowVolume(volume)(session)
        read_s = time.perf_counter() - began
        _tell_memory(package, study, volume, arguments)
        added, maps, timings = analysing.analyze(
            study,
            volume,
            package,
            method=method,
            target=arguments.target,
            against=arguments.against,
            layer=arguments.layer,
            settings=settings,
            device=arguments.device,
            backend=arguments.backend,
            override_reason=arguments.override,
            fresh=arguments.fresh,
            uncertainty=arguments.uncertainty,
            tta=arguments.tta,
            probabilities=arguments.probabilities,
            progress=progress,
        )
        results: tuple[Action, ...] = (added, *chosen, *maps)
        for action in results:
            session = fold(session, action)
        written = jobs.write_report(
            session,
            arguments.out,
            language=current_language(),
            timings_s={"read": read_s} | timings,
            allow_unreviewed=True,
            progress=progress,
        )
    fold(session, written)
    tell_written(written, arguments)
    for text in added.prediction.notes:
        note(tr(text) if isinstance(text, str) else localized(text))
    if not (maps or arguments.explain):
        note(_why_unexplained(package))
    note_left_out(session.scans[-1])
    return 0


def _tell_memory(package: Package, study: Study, volume: Volume, arguments: argparse.Namespace) -> None:
    """Say before the run what it will need, unless the run is refused; when piped, only what may not fit."""
    from medassist.inference.suitability import gate

    gate(jobs.check_input(package, study, volume), arguments.override)
    asked = {name: getattr(arguments, name) for name in ("device", "backend", "uncertainty", "tta", "probabilities")}
    if not arguments.fresh and is_known(package, volume, **asked):
        return  # nothing will be computed, and nothing that computes need be imported
    expected = jobs.forecast(package, volume, arguments.device)
    if expected is not None and (sys.stderr.isatty() or not expected.fits):
        note(expected.text)


def tell_written(written: ReportWritten, arguments: argparse.Namespace) -> None:
    """Print result.json, or the names of all files."""
    if arguments.json:
        say_json(json.loads((arguments.out / "result.json").read_text(encoding="utf-8")))
    else:
        for path in written.files:
            say(str(path))


def _why_unexplained(package: Package) -> str:
    if not package.explainable.ok:
        return tr("{model} cannot be explained: {reason}.", model=package.name, reason=tr(package.explainable.reason))
    return tr("{model} names no layer to explain, so the report has no explanation.", model=package.name)


def fold(session: Session, action: Action) -> Session:
    """Apply an action and keep its trail; a trail that cannot be written is said and costs nothing else."""
    after = history.fold(session, action)
    try:
        trail.keep(session, after)
    except UnwritableOutput as problem:
        note(localized(problem))
    return after
