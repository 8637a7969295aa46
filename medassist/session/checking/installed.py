"""What is installed: models, explanation methods, samples, terms, and what site and user set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from medassist import site
from medassist.entities.study import Warned, warned
from medassist.progress import Progress
from medassist.session.checking.line import MISSING, NOTE, OK, Line, named, plain

if TYPE_CHECKING:
    from medassist.inference.packages import Package


def models(progress: Progress) -> Iterator[Line]:
    """Check the weights of every model against their hash and let it answer on its own test image."""
    from medassist.inference.catalogue import packages

    for package in packages():
        yield _model(package, progress)


def _model(package: Package, progress: Progress) -> Line:
    from medassist.entities.prediction import Verdict
    from medassist.inference.self_test import examine

    title = named("model", package.name)
    if package.carrier is not None and not package.weights.is_file():
        return Line(title, NOTE, plain(package.availability.reason))
    checks = examine(package, progress=progress)
    failed = next((one for one in checks if one.verdict is Verdict.FAIL), None)
    if failed is not None:
        return Line(title, MISSING, plain(failed.found), warned("Install the package again."))
    told = warned(
        "{version}, SHA-256 {hash}; test run: {result}",
        version=package.version,
        hash=package.ref.sha256[:12],
        result=Warned(checks[-1].found),
    )
    return Line(title, OK, told)


def explainers() -> Iterator[Line]:
    """Tell of the explanation methods that other Python packages offer; none offered, none told."""
    from medassist.explain.added import offers
    from medassist.explain.methods import METHODS

    for one in offers(METHODS):
        found = ": ".join(part for part in (one.package, one.reason) if part)
        advice = warned("Ask whoever made that Python package.") if one.reason else None
        yield Line(named("explainer", one.name), NOTE if one.reason else OK, plain(found), advice)


def samples() -> Iterator[Line]:
    """Tell which studies to try ship with the program."""
    from medassist.storage.samples import samples as known

    shipped = [one.name for one in known() if one.shipped and one.is_here()]
    if shipped:
        yield Line(warned("samples"), OK, plain(", ".join(shipped)))
    else:
        yield Line(warned("samples"), MISSING, warned("none"), warned("Install MedAssist again."))


def terms() -> Iterator[Line]:
    """Tell whether the reader's own table of terms is used."""
    from medassist.storage import terminology

    found = terminology.read()
    for problem in found.problems:
        advice = warned("Correct or remove the file; meanwhile the terms that ship are used.")
        yield Line(warned("terms"), NOTE, problem, advice)
    if not found.problems:
        own = terminology.user_file()
        told = warned("{count} names", count=len(found.terms))
        with_own = warned("{count} names, some from {path}", count=len(found.terms), path=own)
        yield Line(warned("terms"), OK, with_own if own.exists() else told)


def set_up() -> Iterator[Line]:
    """Tell what the site set for everybody, what of it is not used, and what it names that is not there."""
    from medassist.storage.settings import site_problems

    title, found = warned("site"), site.read()
    for problem in site_problems():
        yield Line(title, NOTE, problem, warned("Ask whoever set up this site to correct the file."))
    if found.found and not site_problems():
        yield Line(title, OK, plain(str(found.path)))
    elif not found.problems:
        yield Line(title, OK, warned("nothing is set up for everybody ({path})", path=found.path))
    places = (*found.model_folders, *(one.folder for one in found.export_targets))
    for place in places:
        if not place.is_dir():
            advice = warned("Connect it, or ask whoever set up this site.")
            yield Line(title, NOTE, warned("{folder} is not there", folder=place), advice)


def own_settings() -> Iterator[Line]:
    """Tell which of the user's own settings cannot be used."""
    from medassist.storage.settings import read, settings_file, site_problems

    of_site = site_problems()
    problems = [one for one in read().problems if one not in of_site]
    for problem in problems:
        yield Line(warned("settings"), NOTE, problem, warned("Correct or remove the file."))
    if not problems:
        yield Line(warned("settings"), OK, plain(str(settings_file())))
