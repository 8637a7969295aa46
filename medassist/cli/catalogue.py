"""`models`: list, card, check, add, remove, trust."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.cli.models import fold
from medassist.cli.terminal import note, progress_bar, say, say_json, say_table
from medassist.entities.errors import Refused, UsageError
from medassist.entities.prediction import Check, Verdict
from medassist.language import current_language, tr
from medassist.session import jobs
from medassist.session.models import ModelsChanged, add_model, remove_model
from medassist.session.state import Session
from medassist.session.trust import revoke_trust, trust_model

if TYPE_CHECKING:
    from medassist.inference.expected import MemoryForecast
    from medassist.inference.packages import Package
    from medassist.progress import Progress

ACTIONS = ("list", "card", "check", "add", "remove", "trust")


def register(verbs: Any) -> None:
    """Add the verb to the parser."""
    models = verbs.add_parser("models", help="list models, read a card, check, add, remove or trust a package")
    models.add_argument("action", choices=ACTIONS, nargs="?", default="list")
    models.add_argument("name", nargs="?", default="", metavar="NAME|FILE|FOLDER")
    models.add_argument("--name", dest="as_name", default="", metavar="NAME", help="`add`: call the model so")
    models.add_argument("--revoke", action="store_true", help="`trust`: take the trust back")
    models.add_argument("--json", action="store_true", help="one JSON object on standard output")
    models.set_defaults(run=run_models)


def run_models(arguments: argparse.Namespace) -> int:
    """Do one of the actions and return the exit code."""
    if arguments.as_name and arguments.action != "add":
        raise UsageError("--name belongs to `models add`.")
    if arguments.revoke and arguments.action != "trust":
        raise UsageError("--revoke belongs to `models trust`.")
    run = {"list": _list, "card": _card, "check": _check}.get(arguments.action, _change)
    return run(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from medassist.inference.catalogue import find, packages

    chosen = [find(arguments.name)] if arguments.name else list(packages())
    if arguments.json:
        say_json({"models": [_as_json(package) for package in chosen]})
        return 0
    rows = [(one.name, one.version, tr(one.task), tr("trusted") if one.trusted else "", _about(one)) for one in chosen]
    say_table((tr("Name"), tr("Version"), tr("Task"), tr("Trust"), tr("What it does")), rows)
    return 0


def _about(package: Package) -> str:
    return tr(package.availability.reason) or package.title


def _card(arguments: argparse.Namespace) -> int:
    from medassist.inference.catalogue import find

    package = find(_needed(arguments))
    if arguments.json:
        say_json(_as_json(package))
    else:
        say(package.card(current_language()) or tr("This model has no card."))
        for text in _facts(package):
            say(text)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    """Check as a run would: hash, schema, allow-list, weights, and a dry run. A refusal sets the exit code."""
    from medassist.inference.catalogue import find, packages
    from medassist.inference.self_test import examine

    chosen = [find(arguments.name)] if arguments.name else list(packages())
    with progress_bar() as progress:
        steps_of = [(package, examine(package, progress=progress)) for package in chosen]
        results = [(package, steps, _memory(package, steps, progress)) for package, steps in steps_of]
    if arguments.json:
        say_json({"models": [_as_checked(*result) for result in results]})
    else:
        rows = [row for result in results for row in _checked_rows(*result)]
        say_table((tr("Name"), tr("Check"), tr("Verdict"), tr("Found")), rows)
    return Refused.exit_code if any(map(_failed, (steps for _, steps, _ in results))) else 0


def _failed(steps: Sequence[Check]) -> Check | None:
    return next((step for step in steps if step.verdict is Verdict.FAIL), None)


def _memory(package: Package, steps: Sequence[Check], progress: Progress) -> MemoryForecast | None:
    """Return what a run on the model's test image needs, where it has passed its checks."""
    from medassist.inference.self_test import usual_image

    if len(steps) < 2 or _failed(steps) or not package.availability.ok:
        return None
    return jobs.forecast(package, usual_image(package, progress))


def _checked_rows(
    package: Package, steps: Sequence[Check], memory: MemoryForecast | None
) -> list[tuple[str, str, str, str]]:
    rows = [(package.name, tr(step.name), tr(step.verdict.value), tr(step.found)) for step in steps]
    verdict = Verdict.PASS if memory is None or memory.fits else Verdict.UNKNOWN
    return rows if memory is None else [*rows, (package.name, tr("memory"), tr(verdict.value), memory.text)]


def _change(arguments: argparse.Namespace) -> int:
    """Add, remove, trust or revoke, and say what came of it."""
    from medassist.inference.catalogue import find

    which, action = _needed(arguments), arguments.action
    with progress_bar() as progress:
        if action == "add":
            done = add_model(Path(which), name=arguments.as_name, progress=progress)
        elif action == "remove":
            done = remove_model(which, progress=progress)
        else:
            done = (revoke_trust if arguments.revoke else trust_model)(which, progress=progress)
    fold(Session(), done)
    package = find(done.change.model.name) if action == "add" else None
    if arguments.json:
        say_json(_change_as_json(done) if package is None else _as_json(package))
    else:
        _tell(done, package)
    return 0


def _tell(done: ModelsChanged, package: Package | None) -> None:
    change = done.change
    texts = {
        "add model": "Added {name} {version}.",
        "remove model": "Removed {name} {version}.",
        "trust model": "{name} {version} may now run code, until a byte of it changes.",
        "revoke trust": "{name} {version} may no longer run code.",
    }
    say(tr(texts[change.verb.value], name=change.model.name, version=change.model.version))
    if change.content_sha256:
        say(tr("SHA-256 of the whole package: {sha256}", sha256=change.content_sha256))
    if package is not None:
        for text in _facts(package):
            say(text)
        if not package.availability.ok:
            note(tr("It cannot run here: {reason}.", reason=tr(package.availability.reason)))


def _facts(package: Package) -> list[str]:
    """Return what the card may not say: identity, terms, trust, and what is missing."""
    from medassist.inference.missing import licence, missing
    from medassist.inference.optimised import about
    from medassist.inference.trust import trust_of

    trust, made = trust_of(package.root), package.optimised
    terms = licence(package)
    return [
        tr("SHA-256 of the weights: {sha256}", sha256=package.sha256),
        *([tr("Licence: {licence}", licence=terms)] if terms else []),
        *([tr("Quicker form: {what}.", what=about(made))] if made is not None else []),
        *([tr("Trusted to run code by {who} since {when}.", who=trust.by, when=trust.at)] if trust else []),
        *(tr("Missing: {what}", what=tr(text)) for text in missing(package)),
    ]


def _needed(arguments: argparse.Namespace) -> str:
    from medassist.inference.catalogue import packages

    if not arguments.name:
        known = ", ".join(package.name for package in packages())
        raise UsageError("Which model?", remedy="Known are {known}.", known=known)
    return str(arguments.name)


def _as_json(package: Package) -> dict[str, object]:
    from dataclasses import asdict

    from medassist.inference.catalogue import origin
    from medassist.inference.missing import licence, missing
    from medassist.inference.trust import trust_of

    trust, made = trust_of(package.root) if package.trusted else None, package.optimised
    return {
        "name": package.name,
        "version": package.version,
        "title": package.title,
        "task": package.task,
        "sha256": package.ref.sha256,
        "format": package.format.value,
        "folder": str(package.root),
        "origin": origin(package).value,
        "licence": licence(package),
        "labels": [label.label for label in package.labels],
        "trusted": asdict(trust) if trust else None,
        "explainable": package.explainable.ok,
        "optimised": None
        if made is None
        else {"precision": made.precision, "metric": made.metric, "change": made.change},
        "missing": list(missing(package)),
        "available": package.availability.ok,
        "reason": package.availability.reason,
    }


def _as_checked(package: Package, steps: Sequence[Check], memory: MemoryForecast | None) -> dict[str, object]:
    from dataclasses import asdict

    failed = _failed(steps)
    return {
        "name": package.name,
        "verdict": "fail" if failed else "pass",
        "reason": failed.found if failed else "",
        "checks": [{"check": step.name, "verdict": step.verdict.value, "found": step.found} for step in steps],
        "memory": None if memory is None else asdict(memory),
    }


def _change_as_json(done: ModelsChanged) -> dict[str, object]:
    change = done.change
    return {
        "action": change.verb.value,
        "name": change.model.name,
        "version": change.model.version,
        "sha256": change.model.sha256,
        "package_sha256": change.content_sha256,
    }
