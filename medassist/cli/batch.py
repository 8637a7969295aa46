"""`explain`: many images by many methods, every map measured, and a page that compares them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medassist.cli.studies import add_charset
from medassist.cli.terminal import given_path, note, one_line, progress_bar, say, say_json, say_table
from medassist.entities.errors import MedAssistError
from medassist.language import LANGUAGES, current_language, localized, set_language, tr
from medassist.report.stamp_words import verdict
from medassist.report.wording import Wording
from medassist.storage import settings

MOST_NAMED = 20
"""Files nobody understood that are named one by one."""


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    explain = verbs.add_parser("explain", help="explain many images by several methods and compare the maps")
    explain.add_argument("paths", type=given_path, nargs="+", metavar="PATH")
    explain.add_argument("-m", "--model", required=True, metavar="MODEL", help="a name of `models list`, or a folder")
    explain.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    explain.add_argument(
        "--methods",
        default="",
        metavar="METHOD[:NAME=VALUE,...],...",
        help="methods with numbers of their own, or all; the one the model suggests by default",
    )
    explain.add_argument("--target", default="", metavar="LABEL", help="what to explain; else what each image shows")
    explain.add_argument("--against", default="", metavar="LABEL", help="compare the target with: why it and not LABEL")
    explain.add_argument("--layer", default="", metavar="NAME", help="layer to read instead of the one the model names")
    explain.add_argument(
        "--reference",
        default="",
        metavar="DIR|CSV",
        help="where the truth is: masks called like the images, DICOM SEG, or boxes (image,finding,x,y,width,height)",
    )
    explain.add_argument(
        "--reference-label",
        default="",
        metavar="NAME",
        help="finding of the boxes or number in the masks that counts, or any; else that of the target",
    )
    explain.add_argument("--no-stamp", action="store_true", help="do not measure the maps: quicker, and worth less")
    explain.add_argument("--resume", action="store_true", help="go on with what an earlier run left in DIR")
    explain.add_argument("--device", default=settings.read().text("device"), metavar="auto|cpu|cuda[:N]|mps")
    explain.add_argument("--override", default="", metavar="REASON", help="explain although a check failed")
    add_charset(explain)
    explain.add_argument("--language", choices=tuple(LANGUAGES), default="", help="language of page and pictures")
    explain.add_argument("--json", action="store_true", help="print summary.json on standard output")
    explain.set_defaults(run=run_explain)


def run_explain(arguments: argparse.Namespace) -> int:
    """Explain and compare; the last image that could not be explained gives the exit code, all are named."""
    from medassist.inference.catalogue import find
    from medassist.session.batch.asked import Wanted, methods_of
    from medassist.session.batch.run import explain_all

    set_language(arguments.language or current_language())
    package = find(arguments.model)
    wanted = Wanted(
        methods_of(arguments.methods, package, arguments.layer),
        target=arguments.target,
        against=arguments.against,
        layer=arguments.layer,
        stamped=not arguments.no_stamp,
        reference=arguments.reference,
        reference_label=arguments.reference_label,
        override_reason=arguments.override,
        device=arguments.device,
        language=current_language(),
    )
    with progress_bar() as progress:
        answer = explain_all(
            arguments.paths, package, wanted, arguments.out, resume=arguments.resume, charset=arguments.charset,
            progress=progress,
        )  # fmt: skip
    if arguments.json:
        say_json(answer.told)
    else:
        _say_methods(answer.told)
        for path in answer.files:
            say(str(path))
    if answer.found.left_out:
        note(tr("Series of another modality than the model takes, left out: {count}.", count=answer.found.left_out))
    for skipped in answer.found.skipped[:MOST_NAMED]:
        note(tr("Left out: {file}: {reason}", file=one_line(skipped.path.name), reason=one_line(skipped.reason)))
    if len(answer.found.skipped) > MOST_NAMED:
        note(tr("{count} more files left out; `medassist info` lists them.",
                count=len(answer.found.skipped) - MOST_NAMED))  # fmt: skip
    return _tell(answer.problems)


def _say_methods(told: dict[str, Any]) -> None:
    words = Wording(current_language())
    rows = []
    for one in told["methods"]:
        shares = [one["standings"].get(name) for name in ("holds", "fails", "meaningless")]
        cells = ["-" if share is None else f"{share['value']:.0%}" for share in shares]
        rows.append((one["column"], str(one["maps"]), *cells))
    say_table((tr("Method"), tr("Maps"), *(verdict(one, words) for one in ("holds", "fails", "meaningless"))), rows)


def _tell(problems: tuple[tuple[str, MedAssistError], ...]) -> int:
    """Name every image that could not be explained, and why; return the exit code of the last one."""
    for place, problem in problems:
        note(f"medassist: {one_line(place)}: {one_line(localized(problem))}")
    return problems[-1][1].exit_code if problems else 0
