"""An audit as files: JSON for programs, a page and a picture per set for people."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import medassist
from medassist.entities.errors import UnwritableOutput
from medassist.locations import resources_dir
from medassist.report.wording import Wording
from medassist.training.audit.answer import Audit, Judged
from medassist.training.audit.chart import drawings
from medassist.training.audit.titles import title_of
from medassist.training.audit.verdict import LIMIT, interval
from medassist.training.audit.wording import TONES, group_names, verdict_name
from medassist.training.evaluation.plots.style import save, words_for
from medassist.training.metrics import Measured


@dataclass(frozen=True)
class _Line:
    """One label: its cells, and the sentences below it."""

    label: str
    verdict: str
    tone: str
    cells: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class _Section:
    """One set: facts, a line per label, its picture and the table of all cues."""

    heading: str
    facts: str
    lines: tuple[_Line, ...]
    labels: tuple[str, ...]
    cues: tuple[tuple[str, str, tuple[str, ...]], ...]
    constant: str
    picture: str


def write(audits: Mapping[str, Audit], content: object, folder: Path, language: str) -> tuple[Path, ...]:
    """Write audit.json (`content`), audit.html and a PNG per set; return their paths (UnwritableOutput)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
        (folder / "audit.json").write_text(text + "\n", encoding="utf-8", errors="replace")
        pictures = {name: save(one, folder) for name, one in drawings(audits, words_for(language, ()).wording).items()}
        page = render(audits, pictures, Wording(language))
        (folder / "audit.html").write_text(page, encoding="utf-8", errors="replace")
    except OSError as problem:
        raise UnwritableOutput(
            "{folder} cannot be written: {reason}.", folder=folder, reason=problem.strerror
        ) from problem
    return (folder / "audit.json", folder / "audit.html", *pictures.values())


def render(audits: Mapping[str, Audit], pictures: Mapping[str, Path], words: Wording) -> str:
    """Return the page as HTML that needs nothing else: pictures inside, no scripts; every value is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources_dir() / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tr = words.tr
    return environment.get_template("audit.html.j2").render(
        language=words.language.replace("_", "-"),
        heading=tr("Shortcut audit"),
        notice=tr(medassist.RESEARCH_USE_NOTICE),
        sections=[_section(name, found, pictures.get(name), words) for name, found in audits.items()],
        columns=(tr("Label"), tr("Verdict"), tr("With it"), tr("Without"), tr("All visible"), tr("Outer frame"),
                 tr("Inside"), tr("Inside less frame")),
        cue=tr("Cue"),
        kind=tr("Kind"),
        all_cues=tr("Every cue alone"),
        constant=tr("The same everywhere:"),
        how=tr("How to read this"),
        rules=_rules(words),
        created=tr("Written by MedAssist {version}.", version=medassist.__version__),
    )  # fmt: skip


def _section(name: str, found: Audit, picture: Path | None, words: Wording) -> _Section:
    labels = [judged for judged in found.labels.values() if judged.audit.cues]
    cues = dict.fromkeys(cue for judged in labels for cue in judged.audit.cues)
    kinds = group_names(words)
    constant = dict.fromkeys(cue for judged in found.labels.values() for cue in judged.audit.constant)
    return _Section(
        heading=name,
        facts=words.tr("{n} pictures of {people} people, or other independent sources", n=found.n, people=found.people),
        lines=tuple(_line(judged, words) for judged in found.labels.values()),
        labels=tuple(words.tr(judged.audit.label) for judged in labels),
        cues=tuple(
            (
                words.warning(title_of(cue)),
                next(kinds[judged.audit.cues[cue].group] for judged in labels if cue in judged.audit.cues),
                tuple(_cell(judged, cue) for judged in labels),
            )
            for cue in cues
        ),
        constant=", ".join(words.warning(title_of(cue)) for cue in constant if cue not in cues),
        picture="" if picture is None else _data_uri(picture),
    )


def _line(judged: Judged, words: Wording) -> _Line:
    found = judged.audit
    areas = (found.visible, found.frame, found.inside, found.gain)
    return _Line(
        label=words.tr(found.label),
        verdict=verdict_name(judged.verdict, words),
        tone=TONES[judged.verdict.value],
        cells=(str(found.positive), str(found.negative), *(_figure(one) for one in areas)),
        sentences=tuple(words.warning(one) for one in judged.sentences),
    )


def _cell(judged: Judged, cue: str) -> str:
    found = judged.audit.cues.get(cue)
    return "–" if found is None else interval(found.area)


def _figure(measured: Measured | None) -> str:
    return "–" if measured is None else interval(measured)


def _rules(words: Wording) -> tuple[str, ...]:
    tr = words.tr
    return (
        tr(
            "Every figure is an area under the ROC curve: 0.5 is chance, 1 tells the label without fail. In brackets "
            "the 95 % interval; people, not pictures, are drawn again."
        ),
        tr(
            "A trivial thing or the outer frame above {limit} alarms (the dashed line), and so does a frame that tells "
            "the label as well as the inside. Too few rows to be sure are a caution.",
            limit=LIMIT,
        ),
        tr(
            "Simple models never see the people they are tested on. A network that learns this label has to beat what "
            "all visible trivial things tell before it can be said to read the organ."
        ),
        tr(
            "Selection (patient number, source, further files) cannot be seen in a picture: it tells that pictures "
            "with and without the label were chosen in different ways."
        ),
        tr("Pass means that nothing measured here gives the label away; it does not mean that nothing does."),
    )


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
