"""`optimize`: a quicker form of a model, and what that costs on labelled data."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from medassist.cli.terminal import given_path, progress_bar, say, say_json, say_table
from medassist.language import tr

if TYPE_CHECKING:
    from medassist.training.optimise.means import Means
    from medassist.training.optimise.outcome import Outcome


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    optimize = verbs.add_parser(
        "optimize", help="a quicker form of a model, refused where labelled data say it is worse"
    )
    optimize.add_argument("model", metavar="BUNDLE", help="a name of `models list`, or a folder")
    optimize.add_argument("-o", "--out", type=given_path, required=True, metavar="BUNDLE", help="a folder to be made")
    optimize.add_argument("--data", type=given_path, required=True, metavar="DIR", help="labelled rows to judge on")
    optimize.add_argument("--quantize", default="", metavar="int8|bf16", help="fewer bits, by OpenVINO on a CPU")
    optimize.add_argument("--prune", type=float, default=0.0, metavar="R", help="take out this share of all channels")
    optimize.add_argument("--distill", action="store_true", help="teach a smaller network the answers of this one")
    optimize.add_argument("--export", default="", metavar="pt2,onnx", help="write the network in these formats too")
    optimize.add_argument(
        "--tolerance",
        type=float,
        default=None,
        metavar="T",
        help="how much the main figure of a label may fall (0.005)",
    )
    optimize.add_argument("--folds", default="", metavar="N,…", help="judge on these folds, not on the test folds")
    optimize.add_argument(
        "--training-data", type=given_path, metavar="DIR", help="where the training rows are, if DIR holds others only"
    )
    optimize.add_argument(
        "--unlabelled", type=given_path, metavar="DIR", help="`--distill`: images to learn from besides, without truth"
    )
    optimize.add_argument("--json", action="store_true", help="one JSON object on standard output")
    optimize.set_defaults(run=run_optimize)


def run_optimize(arguments: argparse.Namespace) -> int:
    """Optimise, print what was measured, and refuse where it is worse."""
    from medassist.inference.catalogue import find
    from medassist.training.optimise.run import optimise

    package, means = find(arguments.model), _means(arguments)
    with progress_bar() as progress:
        outcome = optimise(package, arguments.data, arguments.out, means, progress=progress)
    if arguments.json:
        say_json(outcome.as_json())
    else:
        _tell(outcome)
    if outcome.refusal is not None:
        raise outcome.refusal
    return 0


def _means(arguments: argparse.Namespace) -> Means:
    from medassist.training.optimise.means import TOLERANCE, Means

    return Means(
        quantize=arguments.quantize,
        prune=arguments.prune,
        distill=arguments.distill,
        export=tuple(one for one in arguments.export.split(",") if one),
        tolerance=TOLERANCE if arguments.tolerance is None else arguments.tolerance,
        folds=_folds(arguments.folds),
        training_data=arguments.training_data,
        unlabelled=arguments.unlabelled,
    )


def _folds(text: str) -> tuple[int, ...]:
    from medassist.entities.errors import UsageError

    try:
        return tuple(int(one) for one in text.split(",") if one)
    except ValueError as error:
        raise UsageError("--folds must be numbers with commas between them, not {text}.", text=text) from error


def _tell(outcome: Outcome) -> None:
    if outcome.parity is not None:
        _tell_parity(outcome)
    for one in outcome.exported:
        say(
            tr(
                "{file}: up to {difference} from torch ({relative} of the largest output) on {count} windows.",
                file=one.file.name,
                difference=f"{one.difference:.2g}",
                relative=f"{one.relative:.2g}",
                count=str(one.windows),
            )
        )
    if outcome.out is not None:
        say(str(outcome.out))


def _tell_parity(outcome: Outcome) -> None:
    parity = outcome.parity
    if parity is None:
        return
    rows = [
        (
            tr(one.label),
            one.metric,
            f"{one.before:.4f}",
            f"{one.after:.4f}",
            f"{one.change.value:+.4f}",
            f"{one.change.low:+.4f} - {one.change.high:+.4f}",
            str(one.change.n),
        )
        for one in parity.changes
    ]
    header = (tr("Label"), tr("Metric"), tr("Before"), tr("After"), tr("Change"), tr("95 % interval"), "n")
    say_table(header, rows)
    say(tr("Decisions that changed: {flipped} of {count}.", flipped=str(parity.flipped), count=str(parity.decisions)))
    if any(parity.refused):
        first, second = map(str, parity.refused)
        say(tr("Rows refused as another kind of image: {before} before, {after} after.", before=first, after=second))
    before, after = outcome.weights_bytes
    say(tr("Numbers a run reads: {before} MB before, {after} MB after.", before=_mb(before), after=_mb(after)))
    say(
        tr("Largest difference of an output to torch: {share} of the largest.", share=f"{outcome.logit_difference:.2%}")
    )
    _tell_speed(outcome)


def _mb(count: int) -> str:
    return f"{count / 1e6:.2f}"


def _tell_speed(outcome: Outcome) -> None:
    if outcome.speed is None:
        return
    speed, ratios = outcome.speed, outcome.ratios()
    rows = [(tr(way), f"{speed.wall_ms[way]:.1f}", f"{speed.cpu_ms[way]:.1f}", f"{ratios[way]:.2f}") for way in ratios]
    say_table((tr("One window by"), "ms", tr("CPU ms"), tr("of torch before")), rows)
