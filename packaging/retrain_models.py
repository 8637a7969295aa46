"""Train every shipped model again from the shared data and compare it with what its card promises.

    make models                    (or: python packaging/retrain_models.py [--data ../shared/data] [--out runs] [NAME…])

A model whose card tells a cross-validation is trained once more for each fold of it, unless --once is given.
Every training resumes where it was interrupted. Printed is, for each figure of the card, what the new model reaches and
whether that lies inside the interval of the shipped one; the exit code is 4 when one does not. The shipped models are
not touched: copy a bundle over `models/NAME` and run packaging/make_test_images.py to ship it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medassist.cli.terminal import progress_bar, say, say_table
from medassist.locations import shipped_models_dir
from medassist.training.cross_validation import read_cross_validation
from medassist.training.recipe import read_recipe
from medassist.training.train import train

DATA = {
    "modality_router": "modality_mednist",
    "chest_xray_findings": "chest_xray_nih",
    "nuclei_he": "nuclei_he",
    "hippocampus_mr": "hippocampus",
}
COMPARED = ("dice", "auc", "accuracy", "pq", "aji", "f1_iou50")
CARDS = ("docs/evaluation.json", "docs/cross_validation.json")


def folds_left_out(bundle: Path) -> tuple[int, ...]:
    """Return the folds that models of their own were trained without for the card, the test fold among them."""
    if read_recipe(bundle / "recipe.toml").cross_fit:
        return ()  # the training itself leaves every fold out
    told = (name.removeprefix("fold=") for name in read_cross_validation(bundle) if name.startswith("fold="))
    return tuple(int(fold) for folds in told for fold in folds.split("+"))


def figures(bundle: Path, cards: Sequence[str] = CARDS) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    """Yield ((where, label, metric), {"value", "low", "high"}) of what a card rests on."""
    for name in cards:
        path = bundle / name
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        whole = content.get("all", content)
        for label, metrics in whole.get("labels", {}).items():
            for metric in COMPARED:
                if metric in metrics:
                    yield (Path(name).stem, label, metric), metrics[metric]


def compare(shipped: Path, new: Path, cards: Sequence[str] = CARDS) -> list[tuple[str, ...]]:
    """Return one line per figure of the shipped card; "outside" in the last cell where the new model falls short."""
    found = dict(figures(new))
    lines: list[tuple[str, ...]] = []
    for key, promised in figures(shipped, cards):
        value = found.get(key, {}).get("value")
        inside = value is not None and value >= promised["low"]
        told = "missing" if value is None else f"{value:.3f}"
        better = inside and value > promised["high"]
        verdict = "above" if better else "inside" if inside else "outside"
        lines.append((*key, f"{promised['low']:.3f} - {promised['high']:.3f}", told, verdict))
    return lines


def retrain(name: str, data: Path, out: Path, *, once: bool) -> tuple[Path, list[tuple[str, ...]]]:
    """Return the new package and how it compares; with `once`, folds are left out by no model of their own."""
    shipped = shipped_models_dir() / name
    folds = folds_left_out(shipped)
    crossing = bool(folds) and not once
    with progress_bar() as progress:
        new = train(
            shipped / "recipe.toml", data, out, resume=True, cross_validate=crossing, folds=folds, progress=progress
        )
    return new, compare(shipped, new, CARDS if crossing or not folds else CARDS[:1])


def main() -> int:
    """Train, compare, tell."""
    parser = argparse.ArgumentParser(description="train every shipped model again and compare it with its card")
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(DATA))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--once", action="store_true", help="train each model once and leave cross-validations out")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    outside = False
    for name in arguments.names:
        new, lines = retrain(name, arguments.data / DATA[name], arguments.out / name, once=arguments.once)
        say(f"{name}: {new}")
        say_table(("Card", "Label", "Metric", "Shipped, 95 %", "New", ""), lines)
        outside |= any(line[-1] == "outside" for line in lines)
    return 4 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
