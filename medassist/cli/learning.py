"""`evaluate`: what a model package is worth on labelled data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.cli import auditing
from medassist.cli.terminal import progress_bar, say_json, say_table
from medassist.entities.errors import UsageError
from medassist.language import current_language, tr
from medassist.report.wording import Wording
from medassist.storage import settings

if TYPE_CHECKING:
    from medassist.training.evaluation.result import Evaluation, Robustness


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    evaluate = verbs.add_parser("evaluate", help="metrics of a model on labelled data, with intervals")
    evaluate.add_argument("model", nargs="?", metavar="MODEL", help="a name of `models list`, or a folder")
    evaluate.add_argument("data", nargs="?", type=Path, metavar="DATA")
    evaluate.add_argument("-o", "--out", type=Path, metavar="DIR")
    evaluate.add_argument("--device", default=settings.read().text("device"), metavar="auto|cpu|cuda[:N]|mps")
    evaluate.add_argument("--json", action="store_true", help="one JSON object on standard output")
    evaluate.add_argument(
        "--robustness", action="store_true", help="ask again about spoiled images, and about ones made to mislead"
    )
    evaluate.add_argument("--no-audit", action="store_true", help="leave out the audit of the labels for shortcuts")
    auditing.add_arguments(evaluate)
    evaluate.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate and print a table, or JSON."""
    from medassist.inference.catalogue import find
    from medassist.training.evaluate import evaluate
    from medassist.training.evaluation.writing import prepare, write

    if arguments.audit:
        return auditing.run_audit(arguments)
    if arguments.model is None or arguments.data is None:
        raise UsageError("Name a model and a folder of data, or folders to audit after --audit.")
    package = find(arguments.model)
    if arguments.out:
        prepare(arguments.out)
    with progress_bar() as progress:
        evaluation = evaluate(
            package,
            arguments.data,
            device=arguments.device,
            robustness=arguments.robustness,
            audit=not arguments.no_audit,
            progress=progress,
        )
    if arguments.out:
        write(evaluation, package, arguments.out, current_language())
    if arguments.json:
        say_json(evaluation.as_json())
    else:
        _say(evaluation)
    return 0


def _say(evaluation: Evaluation) -> None:
    rows = [
        (label, metric, f"{one.value:.3f}", f"{one.low:.3f} - {one.high:.3f}", str(one.n))
        for label, metrics in [*evaluation.labels.items(), ("", evaluation.shares)]
        for metric, one in metrics.items()
    ]
    say_table((tr("Label"), tr("Metric"), tr("Value"), tr("95 % interval"), "n"), rows)
    robustness = evaluation.robustness
    if robustness is not None:
        say_table((tr("Disturbance"), tr("Level"), tr("Value"), tr("Relative drop")), _strained(robustness))
    if evaluation.audit:
        from medassist.training.evaluation.audited import audit_rows

        words = Wording(current_language())
        say_table(
            (tr("Label"), tr("Shortcut audit"), tr("Reasons")),
            [(one.label, one.verdict, " ".join(one.reasons)) for one in audit_rows(evaluation.audit, words)],
        )


def _strained(found: Robustness) -> list[tuple[str, ...]]:
    from medassist.training.evaluation.names import change_of

    words = Wording(current_language())
    return [
        (
            f"{change_of(strain.name, words)} ({tr(strain.unit)})",
            f"{step.level:g}",
            f"{step.measured.value:.3f}",
            f"{100 * step.drop:+.1f} %",
        )
        for strain in (*found.strains, *found.attacks)
        for step in strain.steps
    ]
