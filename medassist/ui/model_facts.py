"""What a card must say beside the model, as Markdown: from the package's metadata, whoever wrote its card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from medassist.inference.missing import licence, missing
from medassist.inference.optimised import about
from medassist.inference.packages import Package
from medassist.inference.trust import Trust, trust_of
from medassist.language import current_language, tr
from medassist.ui.wording import local_title

LONGEST = 600
SHORT_HASH = 16


def facts(package: Package) -> str:
    """Return the facts in Markdown, a line each: use, input, output, terms, identity, trust, and what is not told.

    Data and metrics of the metadata are added where the package has no card that tells them.
    """
    absent = tr("; ").join(tr(text) for text in missing(package))
    told = (*_told(package), (tr("Not told by this model"), absent))
    # a list would take a fifth of a narrow panel for its bullets
    return "\n\n".join(tr("**{name}**: {value}", name=name, value=value) for name, value in told if value)


def plain(text: object) -> str:
    """Return a text of a package as one line that Markdown shows as it is."""
    line = " ".join(str(text).split())
    line = f"{line[:LONGEST]}…" if len(line) > LONGEST else line
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", line)


def _told(package: Package) -> Iterator[tuple[str, str]]:
    trust = trust_of(package.root) if package.trusted else None
    yield tr("Intended use"), plain(package.metadata.get("intended_use") or "")
    yield tr("Input"), _input(package)
    yield tr("Output"), plain(", ".join(local_title(one.label, one.title_zh) for one in package.labels))
    if not package.cards:
        yield tr("Purpose"), plain(package.metadata.get("description") or "")
        yield tr("Made from"), plain(package.metadata.get("data_source") or "")
        yield tr("Metrics its maker states"), _metrics(package.metadata.get("eval_metrics"))
    yield tr("Terms"), plain(licence(package))
    yield tr("Identity"), _identity(package)
    yield tr("Quicker form"), plain(about(package.optimised)) if package.optimised is not None else ""
    yield tr("May run code"), _trust(package, trust)


def _identity(package: Package) -> str:
    sha256 = f"SHA-256 `{package.sha256[:SHORT_HASH]}…`" if package.sha256 else ""
    return " · ".join(one for one in (plain(f"{package.name} {package.version}"), package.format.value, sha256) if one)


def _trust(package: Package, trust: Trust | None) -> str:
    if trust is not None:
        return tr("yes: {who} trusts this very content since {when}", who=plain(trust.by), when=plain(trust.at))
    return tr("no: its weights are a program nobody trusts here") if package.format.runs_code else ""


def _input(package: Package) -> str:
    """Say what the model takes: kind of picture, then what the suitability table demands."""
    if not package.task:
        return ""
    kind = tr("volumes") if package.input.dimensions == 3 else tr("films and single pictures")
    colour = tr("colour") if package.input.channels == 3 else ""
    return " · ".join(one for one in (kind, colour, *_demands(package)) if one)


def _demands(package: Package) -> Iterator[str]:
    demands = package.suitability
    for values in (demands.modality, demands.body_part, demands.view_position):
        yield plain(", ".join(values))
    for unit, span in (("mm", demands.spacing_mm), ("mm", demands.extent_mm), ("", demands.age_years)):
        if span is not None:
            text = f"{span[0]:g}–{span[1]:g}"
            yield f"{text} {unit}" if unit else tr("age {range}", range=text)


def _metrics(metrics: object) -> str:
    if not isinstance(metrics, Mapping):
        return ""
    told = ", ".join(f"{name} {_number(value)}" for name, value in list(metrics.items())[:20])
    return plain(told + tr(" (no intervals given)")) if told else ""


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else str(value)


def language_note(package: Package) -> str:
    """Say that the card below is in English when it has no text in the language of the moment."""
    foreign = current_language() != "en" and package.cards and current_language() not in package.cards
    return tr("The card of this model exists in English only.") if foreign else ""
