"""The batch: every case in turn, whatever became of the one before, and a comparison of what there is at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Cancelled, MedAssistError, Refused, UnreadableInput
from medassist.entities.study import warned
from medassist.progress import Progress
from medassist.report.comparison import CaseRow, Comparison, Problem, summary
from medassist.report.comparison_page import write_page
from medassist.report.stamps_csv import FILE_NAME, write_table
from medassist.session.batch.asked import Wanted, demand_explainable
from medassist.session.batch.cases import Everything, Found, find_cases, write_key
from medassist.session.batch.figures import agreement_of, figures_of
from medassist.session.batch.kept import Kept, begin, read_case, unwritable, write_json
from medassist.session.batch.one_case import Told, anonymous, explain_case, row_of
from medassist.session.batch.references import References, read_references

if TYPE_CHECKING:
    from medassist.inference.packages import Package

STAGE = "Explaining case by case"
SUMMARY = "summary.json"
PAGE = "index.html"


@dataclass(frozen=True)
class Answer:
    """What became of it all.

    Attributes:
        told: the comparison as JSON.
        files: the table, the summary, the page and the key of the cases.
        problems: which image and what was wrong with it; nothing here may be passed on.
    """

    told: dict[str, Any]
    files: tuple[Path, ...]
    problems: tuple[tuple[str, MedAssistError], ...]
    found: Everything


def explain_all(
    paths: Sequence[Path],
    package: Package,
    wanted: Wanted,
    out: Path,
    *,
    resume: bool = False,
    charset: str = "",
    progress: Progress,
) -> Answer:
    """Explain every image under `paths` by every method and write maps, table, summary and page into `out`.

    One image is in memory at a time. An image that cannot be read or is refused costs only itself. What was done
    stays when the job is cancelled, and `resume` goes on from there.

    Raises:
        UsageError: `out` holds another comparison; a label or method nobody knows.
        UnreadableInput: there is nothing to explain, or the references cannot be read.
        Refused: the model cannot be explained.
        UnwritableOutput: `out` cannot be written.
        Cancelled: after everything that was done was written.
    """
    demand_explainable(package, wanted)
    found = find_cases(paths, package, out=out, charset=charset, progress=progress)
    images = [one.series for one in found.cases]
    references = read_references(Path(wanted.reference), images) if wanted.reference else None
    columns = begin(out, wanted.bound_to(package), [one.column for one in wanted.methods], resume=resume)
    done: dict[str, Told] = {}
    problems: list[tuple[str, MedAssistError]] = []
    try:
        for at, case in enumerate(found.cases):
            part = _Part(progress, at, len(found.cases))
            done[case.name] = _one(case, package, wanted, references, out / case.name, resume, part)
            problems += [(case.place, one) for one in done[case.name].problems]
    except (Cancelled, KeyboardInterrupt):
        _finish(found, package, wanted, out, columns, done, complete=False)
        raise
    told, files = _finish(found, package, wanted, out, columns, done, complete=True)
    return Answer(told, files, tuple(problems), found)


def _one(
    case: Found,
    package: Package,
    wanted: Wanted,
    references: References | None,
    folder: Path,
    resume: bool,
    progress: Progress,
) -> Told:
    """Explain one case; what is wrong with it becomes its row."""
    try:
        return explain_case(case, package, wanted, references, folder, resume=resume, progress=progress)
    except (UnreadableInput, Refused) as problem:
        row = CaseRow(case.name, problems=(Problem(anonymous(problem, case)),))
        return Told(row, Kept(""), (problem,))


class _Part(Progress):
    """One case among several: whatever happens in it moves the bar of all of them a little."""

    def __init__(self, whole: Progress, at: int, count: int) -> None:
        super().__init__()
        self._whole, self._at, self._count = whole, at, count

    def step(self, stage: str, fraction: float | None = None) -> None:  # noqa: ARG002 - one stage for all of it
        """Report to the whole job; raise `Cancelled` when that was asked to stop."""
        self._whole.step(STAGE, (self._at + 0.5 * min(1.0, fraction or 0.0)) / self._count)


def _finish(
    found: Everything,
    package: Package,
    wanted: Wanted,
    out: Path,
    columns: Sequence[str],
    done: dict[str, Told],
    *,
    complete: bool,
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Write the table, the summary and the page of what there is; of a case cut short, what was kept of it."""
    for case in found.cases:
        if case.name not in done:
            kept = read_case(out / case.name, case.series)
            if kept.maps:
                unfinished = Problem(warned("Not finished: the work was interrupted."))
                done[case.name] = Told(row_of(case, kept, (unfinished,)), kept)
    comparison = compared(found, package, wanted, columns, done, complete=complete)
    told = summary(comparison)
    write_json(out / SUMMARY, told)
    try:
        table = write_table(comparison.records, out / FILE_NAME)
        page = write_page(comparison, out, PAGE, wanted.language)
    except OSError as problem:
        raise unwritable(out, problem) from problem
    return told, (table, out / SUMMARY, page, write_key(found.cases, out))


def compared(
    found: Everything,
    package: Package,
    wanted: Wanted,
    columns: Sequence[str],
    done: dict[str, Told],
    *,
    complete: bool,
) -> Comparison:
    """Return the comparison of the cases that are done."""
    rows = tuple(done[case.name].row for case in found.cases if case.name in done)
    subjects = {case.name: case.subject for case in found.cases}
    kept = {name: one.kept for name, one in done.items()}
    model = package.ref
    explained = [row for row in rows if row.maps]
    return Comparison(
        wanted.bound_to(package),
        model.name,
        model.version,
        model.sha256,
        model.title,
        model.title_zh,
        rows,
        tuple(figures_of(column, rows, subjects) for column in columns),
        len({subjects[row.case] for row in explained}),
        agreement_of(columns, kept, subjects),
        {one.label: one.title_zh for one in package.labels if one.title_zh},
        complete,
    )
