"""`evaluate`: what a model package is worth on labelled data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from medassist.cli import auditing
from medassist.cli.terminal import progress_bar, say_json, say_table
from medassist.entities.errors import UnwritableOutput, UsageError
from medassist.language import tr


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    evaluate = verbs.add_parser("evaluate", help="metrics of a model on labelled data, with intervals")
    evaluate.add_argument("model", nargs="?", metavar="MODEL", help="a name of `models list`, or a folder")
    evaluate.add_argument("data", nargs="?", type=Path, metavar="DATA")
    evaluate.add_argument("-o", "--out", type=Path, metavar="DIR")
    evaluate.add_argument("--device", default="auto", metavar="auto|cpu|cuda[:N]|mps")
    evaluate.add_argument("--json", action="store_true", help="one JSON object on standard output")
    auditing.add_arguments(evaluate)
    evaluate.set_defaults(run=run_evaluate)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Evaluate and print a table, or JSON."""
    from medassist.inference.catalogue import find
    from medassist.training.evaluate import evaluate

    if arguments.audit:
        return auditing.run_audit(arguments)
    if arguments.model is None or arguments.data is None:
        raise UsageError("Name a model and a folder of data, or folders to audit after --audit.")
    package = find(arguments.model)
    with progress_bar() as progress:
        evaluation = evaluate(package, arguments.data, device=arguments.device, progress=progress)
    content = evaluation.as_json()
    if arguments.out:
        _write(arguments.out, content)
    if arguments.json:
        say_json(content)
        return 0
    rows = [
        (label, metric, f"{one['value']:.3f}", f"{one['low']:.3f} - {one['high']:.3f}", str(one["n"]))
        for label, metrics in content["labels"].items()
        for metric, one in metrics.items()
    ]
    say_table((tr("Label"), tr("Metric"), tr("Value"), tr("95 % interval"), "n"), rows)
    return 0


def _write(folder: Path, content: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, indent=2)
        (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise UnwritableOutput(
            "{folder} cannot be written: {reason}.", folder=folder, reason=problem.strerror
        ) from problem
