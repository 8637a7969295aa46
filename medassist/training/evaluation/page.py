"""An evaluation as a page for people: what was measured, on whom, in pictures, and what it does not say."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import medassist
from medassist.inference.packages import Package
from medassist.locations import resources_dir
from medassist.report.wording import Wording
from medassist.training.evaluation.asking import REFUSALS
from medassist.training.evaluation.audited import audit_rows
from medassist.training.evaluation.figures import MAIN
from medassist.training.evaluation.names import change_of, columns_of, digits_of, name_of
from medassist.training.evaluation.plots.style import Drawing
from medassist.training.evaluation.result import ALL, Evaluation, Robustness
from medassist.training.metrics import Measured


@dataclass(frozen=True)
class Cell:
    """A figure and, smaller, its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class Table:
    """A heading, names of columns, rows that begin with their name, and how to read them."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    explanation: str = ""


def render(evaluation: Evaluation, package: Package, drawings: Sequence[Drawing], folder: Path, language: str) -> str:
    """Return the page as HTML that needs nothing else: the pictures that lie in `folder` are inside it."""
    import jinja2

    words = Wording(language)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources_dir() / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("evaluation.html.j2").render(
        language=language.replace("_", "-"),
        heading=words.tr("Evaluation of {model}", model=words.model(package.ref)),
        notice=words.tr(medassist.RESEARCH_USE_NOTICE),
        facts=_facts(evaluation, words),
        tables=[table for table in _tables(evaluation, package, words) if table.rows],
        pictures=[(one, _data_uri(folder / one.file_name)) for one in drawings],
        robustness=[table for table in _strains(evaluation.robustness, words) if table.rows],
        audit=audit_rows(evaluation.audit, words),
        audit_heading=words.tr("Shortcut audit"),
        audit_columns=(words.tr("Label"), words.tr("Verdict"), words.tr("Reasons")),
        limits_heading=words.tr("How to read this"),
        limits=_limits(evaluation, words),
        created=words.tr("Written by MedAssist {version}.", version=medassist.__version__),
    )
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _facts(evaluation: Evaluation, words: Wording) -> list[tuple[str, str]]:
    model = evaluation.model
    facts = [
        (words.tr("Model"), f"{model.name} {model.version}"),
        (words.tr("SHA-256 of the weights"), model.sha256),
        (words.tr("Cases"), str(evaluation.n)),
        (words.tr("People, or other independent sources"), str(evaluation.subjects)),
    ]
    told = {
        "refused": words.tr("Share the model would refuse as unlike its training images"),
        "unsure": words.tr("Share for which no class is likely enough"),
    }
    return facts + [(told[name], _written(one, 3)) for name, one in evaluation.shares.items()]


def _tables(evaluation: Evaluation, package: Package, words: Wording) -> list[Table]:
    titles = titles_of(package, words)
    metrics = columns_of(evaluation.kind, evaluation.labels)
    figures = Table(
        words.tr("Figures"),
        (words.tr("Label"), *(name_of(one, words) for one in metrics)),
        tuple(
            (titles.get(label, label), tuple(_cell(found.get(one), digits_of(one)) for one in metrics))
            for label, found in evaluation.labels.items()
        ),
        words.tr("Below each figure its 95 % interval by bootstrap over people."),
    )
    return [figures, *_parts(evaluation, titles, words)]


def _parts(evaluation: Evaluation, titles: Mapping[str, str], words: Wording) -> list[Table]:
    if not evaluation.subgroups:
        return []
    main = MAIN[evaluation.kind]
    labels = [label for label in evaluation.labels if evaluation.kind != "classes" or label == ALL]
    rows = tuple(
        (name, (Cell(str(part.n)), *(_cell(part.labels.get(label, {}).get(main), 3) for label in labels)))
        for name, part in evaluation.subgroups.items()
    )
    return [
        Table(
            words.tr("{metric} in parts of the rows", metric=name_of(main, words)),
            (words.tr("Part"), "n", *(titles.get(label, label) for label in labels)),
            rows,
            words.tr("Small parts: look at the intervals. None is given below five people with or without a label."),
        )
    ]


def _strains(found: Robustness | None, words: Wording) -> list[Table]:
    if found is None:
        return []
    metric = name_of(found.metric, words)
    tables = []
    for strain, clean in [(one, found.clean) for one in found.strains] + [
        (one, found.attack_clean) for one in found.attacks
    ]:
        cells = [_cell(clean, 3), *(_cell(step.measured, 3) for step in strain.steps)]
        drops = [Cell(""), *(Cell(f"{100 * step.drop:+.1f} %") for step in strain.steps)]
        levels = (f"{step.level:g}" for step in strain.steps)
        tables.append(
            Table(
                f"{change_of(strain.name, words)} ({words.tr(strain.unit)})",
                ("", words.tr("unchanged"), *levels),
                ((metric, tuple(cells)), (words.tr("Relative drop"), tuple(drops))),
            )
        )
    return tables


def _limits(evaluation: Evaluation, words: Wording) -> list[str]:
    told = [
        words.tr("The figures hold for rows like these; on other scanners, people or selections they can differ."),
        words.tr("An interval tells how much chance there is in the choice of people, not how well they were chosen."),
    ]
    if evaluation.kind == REFUSALS:
        told = [words.tr("The model says nothing of these pictures: only whether it takes them was measured."), *told]
    found = evaluation.robustness
    if found is not None:
        told.append(
            words.tr(
                "Robustness was measured on {count} cases, drawn by person; where there are several labels, the figure "
                "is the mean over them.",
                count=found.clean.n,
            )
        )
    if found is not None and found.attack_clean is not None:
        told.append(
            words.tr(
                "Misleading changes were made on {count} cases to what the network gets; a random change of the same "
                "size tells how much of the fall is mere noise.",
                count=found.attack_clean.n,
            )
        )
    if found is not None and found.why_not:
        told.append(words.tr("No misleading changes were made: {reason}.", reason=words.tr(found.why_not)))
    return told


def titles_of(package: Package, words: Wording) -> dict[str, str]:
    """Return label -> its name in a language."""
    chinese = words.language.startswith("zh")
    titles = {one.label: (one.title_zh if chinese else "") or words.tr(one.label) for one in package.labels}
    return {ALL: words.tr("all"), **titles}


def _cell(measured: Measured | None, digits: int) -> Cell:
    if measured is None:
        return Cell("–")
    return Cell(f"{measured.value:.{digits}f}", f"{measured.low:.{digits}f}–{measured.high:.{digits}f}")


def _written(measured: Measured, digits: int) -> str:
    return f"{measured.value:.{digits}f} ({measured.low:.{digits}f}–{measured.high:.{digits}f})"


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
