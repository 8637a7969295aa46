"""The model card, English and Chinese: the recipe's own words and the figures that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medassist.entities.errors import UnwritableOutput
from medassist.inference.packages import Package
from medassist.locations import resources_dir
from medassist.training.cross_validation import read_cross_validation
from medassist.training.curves import PICTURE
from medassist.training.evaluate import Evaluation, Subgroup
from medassist.training.evaluation.asking import kind_of
from medassist.training.evaluation.figures import MAIN
from medassist.training.evaluation.names import COLUMNS
from medassist.training.metrics import Measured
from medassist.training.recipe import Label, Recipe

FILES = {"en": "docs/README.md", "zh_CN": "docs/README.zh-CN.md"}


def write_cards(recipe: Recipe, package: Package, evaluation: Evaluation | None, out: Path) -> None:
    """Write both cards (UnwritableOutput); without an evaluation they say that nothing was measured."""
    for language, name in FILES.items():
        try:
            (out / name).write_text(card(recipe, package, evaluation, language), encoding="utf-8")
        except OSError as error:
            raise UnwritableOutput("{path} cannot be written: {reason}.", path=out, reason=error.strerror) from error


def card(recipe: Recipe, package: Package, evaluation: Evaluation | None, language: str) -> str:
    """Return one card as Markdown."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources_dir() / "cards"),
        autoescape=False,  # noqa: S701 - Markdown out of our own recipe, no HTML
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    template = environment.get_template(f"card.{language}.md.j2")
    crossed = read_cross_validation(package.root)
    return template.render(
        recipe=recipe,
        package=package,
        words=_words(recipe, language),
        evaluation=evaluation,
        titles={
            label.label: (label.title_zh if language == "zh_CN" else "") or label.label for label in package.labels
        },
        figure=figure,
        metrics=shown_metrics(package.task),
        groups=_groups(evaluation),
        crossed=crossed,
        crossed_metrics=_shown(crossed, kind_of(package)),
        main=MAIN[kind_of(package)],
        curve=(package.root / PICTURE).is_file(),
        all_titles={label.label: _title(label, language) for label in recipe.labels},
        withheld=[_title(label, language) for label in recipe.labels if not label.offered],
    )


def _shown(crossed: Mapping[str, Subgroup], kind: str) -> tuple[str, ...]:
    """Return the columns of a cross-validation: what it tells of any label, in the order of a page."""
    told = {name for metrics in crossed["all"].labels.values() for name in metrics} if crossed else set()
    return tuple(name for name in COLUMNS[kind] if name in told)


def _title(label: Label, language: str) -> str:
    return str(label.metadata.get("title_zh", label.label)) if language == "zh_CN" else label.label


def figure(metrics: Mapping[str, Measured], name: str) -> str:
    """Return "0.87 (0.85 to 0.89)", or a dash for a figure that could not be told."""
    measured = metrics.get(name)
    if measured is None:
        return "–"
    digits = 3 if name in ("dice", "auc", "auprc", "ece", "brier") else 2
    return f"{measured.value:.{digits}f} ({measured.low:.{digits}f}–{measured.high:.{digits}f})"


def shown_metrics(task: str) -> tuple[str, ...]:
    """Return the columns of the card's table."""
    if task == "segmentation":
        return ("dice", "hd95_mm", "volume_error_ml")
    return ("auc", "auprc", "sensitivity", "specificity", "ece")


def _words(recipe: Recipe, language: str) -> Mapping[str, Any]:
    """Return the recipe's texts for the card; a language it lacks falls back to English."""
    english = dict(recipe.card.get("en", {}))
    return {"purpose": "", "data": "", "limits": [], "licence": "", **english, **recipe.card.get(language, {})}


def _groups(evaluation: Evaluation | None) -> Mapping[str, Subgroup]:
    return evaluation.subgroups if evaluation is not None else {}
