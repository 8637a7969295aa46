"""A comparison as one HTML file that needs nothing else: pictures inside, no scripts, no name of a patient."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import medassist
from medassist.entities.stamp import Standing
from medassist.locations import resources_dir
from medassist.report.comparison import CaseRow, Comparison, Figure, MethodFigures
from medassist.report.comparison_chart import Chart, chart_of
from medassist.report.map_record import MapRecord
from medassist.report.stamp_words import MAIN, main_numbers, name_of, verdict, written
from medassist.report.wording import Wording

TONES = {Standing.HOLDS.value: "good", Standing.FAILS.value: "bad", Standing.MEANINGLESS.value: "warn"}


@dataclass(frozen=True)
class Cell:
    """A figure and, smaller, its interval; `strength` from 0 to 1 shades the cell."""

    value: str
    interval: str = ""
    strength: float = 0.0


@dataclass(frozen=True)
class MapCell:
    """One map of one case: its small picture, what it links to, its verdict and numbers."""

    picture: str = ""
    link: str = ""
    verdict: str = ""
    tone: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Line:
    """One case: what it is called and what is known of it, its picture, and a cell for each method."""

    name: str
    facts: tuple[str, ...]
    picture: str
    cells: tuple[MapCell, ...]
    problem: str = ""


def write_page(comparison: Comparison, folder: Path, name: str, language: str) -> Path:
    """Write the page into the folder that holds the folders of the cases, with their small pictures inside it."""
    path = folder / name
    path.write_text(render(comparison, folder, language), encoding="utf-8")
    return path


def render(comparison: Comparison, folder: Path, language: str) -> str:
    """Return the page as HTML; every value is escaped."""
    import jinja2

    words = Wording(language)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources_dir() / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    methods = [one for one in comparison.methods if one.maps or one.refused]
    text = environment.get_template("comparison.html.j2").render(
        language=language.replace("_", "-"),
        notice=words.tr(medassist.RESEARCH_USE_NOTICE),
        heading=words.tr("Explanations compared: {model}", model=_model(comparison, words)),
        warning="" if comparison.complete else words.tr("The work was interrupted: cases are missing."),
        facts=_facts(comparison, words),
        verdicts=_verdicts(methods, words),
        measures=_measures(methods, words),
        agreement=_agreement(comparison, methods, words),
        chart=_chart(methods, words),
        cases=[_line(row, comparison, methods, folder, words) for row in comparison.rows],
        case_columns=(words.tr("Case"), words.tr("Image"), *(_title(one, words) for one in methods)),
        titles={
            "verdicts": words.tr("Whether the maps hold"),
            "measures": words.tr("What was measured: medians over the cases"),
            "agreement": words.tr("How alike the methods are"),
            "chart": words.tr("Deletion and insertion"),
            "cases": words.tr("Case by case"),
            "reading": words.tr("How to read this"),
        },
        agreement_note=words.tr(
            "Median rank correlation of two maps of the same image, over at most 12 boxes along each axis: 1 is the "
            "same order, 0 none in common."
        ),
        chart_note=words.tr(
            "Median area under the curve of the score while regions are taken away (deletion, lower is better) or "
            "brought back (insertion, higher is better), most important first. Hollow: random maps of the same images."
        ),
        reading=_reading(comparison, words),
        created=words.tr("Written by MedAssist {version}.", version=medassist.__version__),
    )
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _model(comparison: Comparison, words: Wording) -> str:
    own = comparison.title_zh if words.language.startswith("zh") else ""
    return own or comparison.title or comparison.model


def _title(found: MethodFigures, words: Wording) -> str:
    """Return what a method is called, with the numbers it was asked for with."""
    _, _, settings = found.column.partition(":")
    title = words.tr(found.method) if found.method else found.column.partition(":")[0]
    return f"{title} ({settings})" if settings else title


def _label(label: str, comparison: Comparison, words: Wording) -> str:
    own = comparison.labels_zh.get(label, "") if words.language.startswith("zh") else ""
    return own or words.tr(label)


def _facts(comparison: Comparison, words: Wording) -> list[tuple[str, str]]:
    asked, rows = comparison.asked, comparison.rows
    target, against = str(asked.get("target", "")), str(asked.get("against", ""))
    layer, reference = str(asked.get("layer", "")), str(asked.get("reference", ""))
    known = sum(row.referenced for row in rows)
    facts = [
        (words.tr("Model"), f"{comparison.model} {comparison.version}"),
        (words.tr("SHA-256 of the weights"), comparison.sha256),
        (words.tr("Explained label"), _label(target, comparison, words) if target else words.tr("of each case")),
        (words.tr("Compared with"), _label(against, comparison, words) if against else ""),
        (words.tr("Layer"), layer),
        (words.tr("Cases"), str(len(rows))),
        (words.tr("People, or other independent sources"), str(comparison.people)),
        (words.tr("What counts of the reference"), _counted(asked, words) if reference else ""),
        (words.tr("Cases with a reference"), words.tr("{count} of {total}", count=known, total=len(rows))
         if reference else ""),
    ]  # fmt: skip
    return [(name, value) for name, value in facts if value]


def _counted(asked: Mapping[str, object], words: Wording) -> str:
    told = str(asked.get("reference_label", ""))
    return words.tr("everything in the reference") if told == "any" else told or words.tr("what belongs to the target")


def _verdicts(methods: Sequence[MethodFigures], words: Wording) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    standings = [one.value for one in Standing]
    header = [words.tr("Method"), words.tr("Maps"), *(verdict(one, words) for one in standings),
              words.tr("Refused"), words.tr("Seconds per map"), words.tr("Forward passes per map")]  # fmt: skip
    rows = [
        (
            _title(one, words),
            [
                Cell(str(one.maps)),
                *(_cell(one.standings.get(name), "{:.0%}") for name in standings),
                Cell(str(one.refused)),
                Cell("–" if one.seconds is None else f"{one.seconds:.2g}"),
                Cell("–" if one.passes is None else f"{one.passes:.3g}"),
            ],
        )
        for one in methods
    ]
    return header, rows


def _measures(methods: Sequence[MethodFigures], words: Wording) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    present = [name for name in MAIN if any(name in one.measures for one in methods)]
    header = [words.tr("Method"), *(name_of(name, words) for name in present)]
    rows = [
        (_title(one, words), [_measure(name, one.measures.get(name), words) for name in present]) for one in methods
    ]
    return header, rows if present else []


def _measure(name: str, figure: Figure | None, words: Wording) -> Cell:
    return _cell(figure, "{:.0%}") if name == "pointing_hit" else _cell(figure, "{}", name, words)


def _cell(figure: Figure | None, form: str, name: str = "", words: Wording | None = None) -> Cell:
    if figure is None:
        return Cell("–")

    def told(value: float) -> str:
        return form.format(value) if words is None else written(name, value, words)

    known = figure.low is not None and figure.high is not None
    interval = f"{told(figure.low or 0.0)} – {told(figure.high or 0.0)}" if known else ""
    return Cell(told(figure.value), f"{interval} · n = {figure.n}" if interval else f"n = {figure.n}")


def _agreement(
    comparison: Comparison, methods: Sequence[MethodFigures], words: Wording
) -> tuple[list[str], list[tuple[str, list[Cell]]]]:
    """Return the matrix: both halves, so that a row can be read alone."""
    found: Mapping[tuple[str, str], Figure] = comparison.agreement
    shown = [one for one in methods if any(one.column in pair for pair in found)]
    rows = []
    for one in shown:
        cells = []
        for other in shown:
            figure = found.get((one.column, other.column)) or found.get((other.column, one.column))
            plain = Cell("") if one is other else _cell(figure, "{:.2f}")
            cells.append(Cell(plain.value, plain.interval, max(0.0, figure.value) if figure else 0.0))
        rows.append((_title(one, words), cells))
    return [words.tr("Method"), *(_title(one, words) for one in shown)], rows


def _chart(methods: Sequence[MethodFigures], words: Wording) -> Chart | None:
    return chart_of([(_title(one, words), one.measures) for one in methods],
                    (words.tr("deletion"), words.tr("insertion")))  # fmt: skip


def _line(row: CaseRow, comparison: Comparison, methods: Sequence[MethodFigures], folder: Path, words: Wording) -> Line:
    facts = [_label(row.target, comparison, words)] if row.target else []
    if row.score is not None and row.threshold is not None:
        facts.append(words.tr("score {score} (threshold {threshold})", score=f"{row.score:.3f}",
                              threshold=f"{row.threshold:.3f}"))  # fmt: skip
    if row.slices > 1:
        facts.append(words.tr("slice {number} of {count}", number=row.slice + 1, count=row.slices))
    whole = [words.warning(one.reason) for one in row.problems if not one.column]
    return Line(
        row.case,
        (*facts, *(whole if row.maps else ())),
        _data_uri(folder / row.case / "small" / "image.jpg"),
        tuple(_map_cell(row, one.column, folder, words) for one in methods),
        "" if row.maps else " ".join(whole),
    )


def _map_cell(row: CaseRow, column: str, folder: Path, words: Wording) -> MapCell:
    record = row.maps.get(column)
    if record is None:
        reasons = [words.warning(one.reason) for one in row.problems if one.column == column]
        return MapCell(missing=" ".join(reasons) or "–")
    stem = record.map.rpartition("/")[2]
    return MapCell(
        _data_uri(folder / row.case / "small" / f"{stem}.jpg"),
        f"{row.case}/{stem}.png",
        verdict(record.standing, words),
        TONES.get(record.standing, ""),
        tuple(_numbers(record, words)),
        tuple(words.warning(one) for one in record.reasons),
    )


def _numbers(record: MapRecord, words: Wording) -> list[tuple[str, str]]:
    return main_numbers(record.numbers, words)


def _reading(comparison: Comparison, words: Wording) -> list[str]:
    """Say what the page shows and what it does not."""
    told = [
        words.tr("A map shows what the score is sensitive to, not where disease is."),
        words.tr("A hatched map fails its checks: do not rely on it. A map that means nothing is not drawn."),
        words.tr("Each small map has a scale of its own, from a fifth of its largest value on; where it has two signs, "
                 "orange speaks for the target and blue against it. A click shows it large, with scale and passport."),
        words.tr("Below each figure its 95 % interval by bootstrap over people; none is given below five people."),
        words.tr("The file cases.csv tells which image each case is. It may name people: do not pass it on."),
    ]  # fmt: skip
    if any(row.referenced for row in comparison.rows):
        told += [
            words.tr("A green line outlines the reference."),
            words.tr("Heat inside the reference says something only beside the share of the image the reference "
                     "covers, which is chance."),
        ]  # fmt: skip
    return told


def _data_uri(path: Path) -> str:
    """Return a picture as an address, "" where it is not there."""
    try:
        return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    except OSError:
        return ""
