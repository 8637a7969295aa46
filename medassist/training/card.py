"""The model card, English and Chinese: the recipe's own words and the figures that were measured."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medassist.entities.errors import UnwritableOutput
from medassist.inference.operating import read_curves
from medassist.inference.packages import Package, read
from medassist.locations import resources_dir
from medassist.report.wording import Wording
from medassist.training.cross_validation import read_cross_validation
from medassist.training.curves import PICTURE
from medassist.training.evaluate import Evaluation, Subgroup
from medassist.training.evaluation.asking import kind_of
from medassist.training.evaluation.audited import audit_rows
from medassist.training.evaluation.figures import MAIN
from medassist.training.evaluation.names import COLUMNS, digits_of, name_of
from medassist.training.evaluation.result import ALL, read_evaluation
from medassist.training.left_out_audit import read_audit
from medassist.training.metrics import Measured, expected_calibration_error
from medassist.training.recipe import Label, Recipe, read_recipe
from medassist.training.record import read_record

EVALUATION = "docs/evaluation.json"
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
    found = evaluation.audit if evaluation is not None and evaluation.audit else read_audit(package.root)
    return template.render(
        recipe=recipe,
        package=package,
        words=_words(recipe, language),
        evaluation=evaluation,
        titles=_titles(package, language),
        figure=figure,
        metrics=_told(evaluation, kind_of(package)),
        name_of=partial(name_of, wording=Wording(language)),
        test_folds=read_record(package).test_folds,
        groups=_groups(evaluation),
        calibration=_calibration_errors(package),
        audit=audit_rows(found, Wording(language)),
        rivals=_rivals(found),
        expected=_expected(recipe),
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


def _titles(package: Package, language: str) -> dict[str, str]:
    own = {one.label: (one.title_zh if language == "zh_CN" else "") or one.label for one in package.labels}
    return {ALL: Wording(language).tr("all"), **own}


def _title(label: Label, language: str) -> str:
    return str(label.metadata.get("title_zh", label.label)) if language == "zh_CN" else label.label


def figure(metrics: Mapping[str, Measured], name: str) -> str:
    """Return "0.87 (0.85 to 0.89)", or a dash for a figure that could not be told."""
    measured = metrics.get(name)
    if measured is None:
        return "–"
    digits = max(digits_of(name), 3 if name == "accuracy" else 0)
    return f"{measured.value:.{digits}f} ({measured.low:.{digits}f}–{measured.high:.{digits}f})"


def shown_metrics(kind: str) -> tuple[str, ...]:
    """Return the columns of the card's table; the rest stands in docs/evaluation.json."""
    return {
        "masks": (
            "dice",
            "surface_dice_1mm",
            "hd95_mm",
            "volume_error_ml",
            "volume_bias_ml",
            "area_error_mm2",
            "area_bias_mm2",
        ),
        "objects": ("pq", "aji", "f1_iou50", "count_error", "count_bias"),
        "classes": ("accuracy", "sensitivity", "precision", "auc", "ece"),
    }.get(kind, ("auc", "auprc", "sensitivity", "specificity", "precision", "f1", "brier", "ece"))


def _told(evaluation: Evaluation | None, kind: str) -> tuple[str, ...]:
    labels = {} if evaluation is None else evaluation.labels
    return tuple(name for name in shown_metrics(kind) if any(name in metrics for metrics in labels.values()))


def _calibration_errors(package: Package) -> dict[str, tuple[float, int]]:
    """Return label -> (calibration error on the calibration cases, how many), {} for a package without them."""
    return {
        label: (
            expected_calibration_error(
                np.arange(len(one.positive) + len(one.negative)) < len(one.positive),
                np.concatenate([one.positive, one.negative]),
            ),
            len(one.positive) + len(one.negative),
        )
        for label, one in read_curves(package).items()
    }


def _expected(recipe: Recipe) -> Mapping[str, str]:
    """Return cue -> why it may tell the labels, as the recipe declares it."""
    told = recipe.package.get("expected_shortcuts", {})
    return {str(cue): str(why) for cue, why in told.items()} if isinstance(told, Mapping) else {}


def _rivals(audit: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return label -> what -> figure: the model, what needs no model, and how far it is above that."""
    found = {}
    for label, told in audit.items():
        model = told.get("model") or {}
        names = {"model": model.get("whole"), "frame": told.get("frame"), "visible": told.get("visible")}
        names |= {name: model.get(name) for name in ("over_frame", "over_visible")}
        if all(names.values()):
            found[label] = {name: figure({"auc": Measured(**one)}, "auc") for name, one in names.items() if one}
    return found


def _words(recipe: Recipe, language: str) -> Mapping[str, Any]:
    """Return the recipe's texts for the card; a language it lacks falls back to English."""
    english = dict(recipe.card.get("en", {}))
    return {"purpose": "", "data": "", "limits": [], "licence": "", **english, **recipe.card.get(language, {})}


def _groups(evaluation: Evaluation | None) -> Mapping[str, Subgroup]:
    return evaluation.subgroups if evaluation is not None else {}


def rewrite(bundle: Path) -> tuple[Path, ...]:
    """Write both cards of a finished package again, from its recipe and the figures that lie in it; nothing is run.

    Figures of other weights are left out. UsageError for the recipe, Refused for the package.
    """
    package = read(bundle)
    write_cards(read_recipe(bundle / "recipe.toml"), package, read_evaluation(bundle / EVALUATION, package.ref), bundle)
    return tuple(bundle / name for name in FILES.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the cards of a package again, without training.")
    parser.add_argument("bundle", type=Path)
    rewrite(parser.parse_args().bundle)
