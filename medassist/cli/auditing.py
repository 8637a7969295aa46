"""`evaluate --audit`: which labels of a folder can be told from things that have nothing to do with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.cli.terminal import given_path, one_line, progress_bar, say, say_json, say_table
from medassist.entities.errors import UsageError
from medassist.language import current_language, localized, tr

if TYPE_CHECKING:
    from medassist.training.audit.answer import Audit, Judged
    from medassist.training.metrics import Measured


def add_arguments(evaluate: argparse.ArgumentParser) -> None:
    """Add the options of the audit to the verb."""
    evaluate.add_argument(
        "--audit", type=given_path, nargs="+", metavar="DATA", help="how well trivial things tell the labels of folders"
    )
    evaluate.add_argument(
        "--labels", default="", metavar="A,B", help="of the audit: these labels, where a folder has them"
    )
    evaluate.add_argument(
        "--expected",
        action="append",
        default=[],
        metavar="CUE=WHY",
        help="of the audit: a cue that may tell the labels, and why; * stands for every cue",
    )


def run_audit(arguments: argparse.Namespace) -> int:
    """Audit each folder and print a table with the reasons, or JSON; with a model, on the rows it has not seen."""
    from medassist.inference.catalogue import find

    if arguments.data is not None:
        raise UsageError("A folder to audit stands behind --audit; {path} stands before it.", path=arguments.data)
    package = find(arguments.model) if arguments.model else None
    audits = _audits(arguments, package)
    content = content_of(audits)
    if arguments.out:
        _write(audits, content, arguments.out)
    if arguments.json:
        say_json(content)
    else:
        _say_audits(audits)
    return 0


def _write(audits: dict[str, Audit], content: dict[str, Any], folder: Path) -> None:
    from medassist.training.audit.page import write

    write(audits, content, folder, current_language())


def content_of(audits: dict[str, Audit]) -> dict[str, Any]:
    """Return the object of the command-line contract: `sets` by name, and of a single set its own keys beside it."""
    sets = {name: found.as_json() for name, found in audits.items()}
    return {**(next(iter(sets.values())) if len(sets) == 1 else {}), "sets": sets}


def _audits(arguments: argparse.Namespace, package: Any) -> dict[str, Audit]:
    from medassist.training.audit.questions import labels_of
    from medassist.training.audit.shortcuts import audit
    from medassist.training.layouts.reading import read_table

    wanted = [label.strip() for label in arguments.labels.split(",") if label.strip()]
    expected = dict(_declared(text) for text in arguments.expected)
    names = _names(arguments.audit)
    tables = {name: read_table(path) for name, path in names.items()}
    there = {label for table in tables.values() for label in labels_of(table)}
    for label in wanted:
        if label not in there:
            raise UsageError(
                "No folder has the label {label}; they have: {labels}.", label=label, labels=", ".join(sorted(there))
            )
    audits = {}
    with progress_bar() as progress:
        for name, table in tables.items():
            own = tuple(label for label in wanted if label in labels_of(table))
            audits[name] = audit(
                table, own, package=package, expected=expected, device=arguments.device, progress=progress
            )
    return audits


def _declared(text: str) -> tuple[str, str]:
    cue, separator, why = text.partition("=")
    if not separator or not cue.strip() or not why.strip():
        raise UsageError("--expected takes CUE=WHY, not {text}.", text=text)
    return cue.strip(), why.strip().rstrip(".")


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name each folder by its own name, with its parent's where two are alike."""
    plain = [path.resolve().name for path in folders]
    told = [
        name if plain.count(name) == 1 else f"{path.resolve().parent.name}/{name}"
        for name, path in zip(plain, folders, strict=True)
    ]
    return dict(zip(told, folders, strict=True))  # the same folder twice is audited once


def _say_audits(audits: dict[str, Audit]) -> None:
    header = (tr("Set"), tr("Label"), tr("Verdict"), tr("With it"), tr("Without"), tr("Most telling"), "AUC",
              tr("All visible"), tr("Frame"), tr("Inside"))  # fmt: skip
    rows = [_row(name, judged) for name, found in audits.items() for judged in found.labels.values()]
    say_table(header, rows)
    for name, found in audits.items():
        for label, judged in found.labels.items():
            say()
            say(one_line(f"{name} · {label}: {_verdict(judged)}"))
            for sentence in judged.sentences:
                say(one_line(f"- {localized(sentence)}"))
    say()
    for name, found in audits.items():
        say(one_line(f"{name}: {_summary(found)}"))


def _row(name: str, judged: Judged) -> tuple[str, ...]:
    from medassist.training.audit.titles import title_of

    found = judged.audit
    best = found.most_telling
    return (
        one_line(name),
        one_line(found.label),
        _verdict(judged),
        str(found.positive),
        str(found.negative),
        one_line(localized(title_of(best))) if best else "-",
        _figure(found.cues[best].area if best else None),
        _figure(found.visible),
        _figure(found.frame),
        _figure(found.inside),
    )


def _figure(measured: Measured | None) -> str:
    from medassist.training.audit.verdict import interval

    return "-" if measured is None else interval(measured)


def _summary(found: Audit) -> str:
    """Return "Effusion pass, Edema alarm", or the one verdict that all labels have."""
    verdicts = {judged.verdict for judged in found.labels.values()}
    if len(verdicts) == 1:
        return _verdict(next(iter(found.labels.values())))
    return ", ".join(f"{label} {_verdict(judged)}" for label, judged in found.labels.items())


def _verdict(judged: Judged) -> str:
    from medassist.report.wording import Wording
    from medassist.training.audit.wording import verdict_name

    return verdict_name(judged.verdict, Wording(current_language()))
