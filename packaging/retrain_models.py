"""Train every shipped model again from the shared data and compare it with what its card promises.

    make models                    (or: python packaging/retrain_models.py [--data ../shared/data] [--out runs] [NAME…])

Every training resumes where it was interrupted. Printed is, for each figure of the card, what the new model reaches and
whether that lies inside the interval of the shipped one; the exit code is 4 when one does not. The shipped models are
not touched: copy a bundle over `models/NAME` and run packaging/make_test_images.py to ship it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medassist.cli.terminal import progress_bar, say, say_table
from medassist.locations import shipped_models_dir
from medassist.training.train import train

DATA = {
    "modality_router": "modality_mednist",
    "chest_xray_findings": "chest_xray_nih",
    "nuclei_he": "nuclei_he",
    "hippocampus_mr": "hippocampus",
}
COMPARED = ("dice", "auc", "accuracy", "pq", "aji", "f1_iou50")
CARDS = ("docs/evaluation.json", "docs/cross_validation.json")


def figures(bundle: Path) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    """Yield ((where, label, metric), {"value", "low", "high"}) of what a card rests on."""
    for name in CARDS:
        path = bundle / name
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        whole = content.get("all", content)
        for label, metrics in whole.get("labels", {}).items():
            for metric in COMPARED:
                if metric in metrics:
                    yield (Path(name).stem, label, metric), metrics[metric]


def compare(shipped: Path, new: Path) -> list[tuple[str, ...]]:
    """Return one line per figure of the shipped card; "outside" in the last cell where the new model falls short."""
    found = dict(figures(new))
    lines = []
    for key, promised in figures(shipped):
        value = found.get(key, {}).get("value")
        inside = value is not None and value >= promised["low"]
        told = "missing" if value is None else f"{value:.3f}"
        better = inside and value > promised["high"]
        verdict = "above" if better else "inside" if inside else "outside"
        lines.append((*key, f"{promised['low']:.3f} - {promised['high']:.3f}", told, verdict))
    return lines


def main() -> int:
    """Train, compare, tell."""
    parser = argparse.ArgumentParser(description="train every shipped model again and compare it with its card")
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(DATA))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs"))
    arguments = parser.parse_args()
    outside = False
    for name in arguments.names:
        shipped = shipped_models_dir() / name
        arguments.out.mkdir(parents=True, exist_ok=True)
        with progress_bar() as progress:
            new = train(
                shipped / "recipe.toml", arguments.data / DATA[name], arguments.out / name, resume=True,
                progress=progress,
            )  # fmt: skip
        lines = compare(shipped, new)
        say(f"{name}: {new}")
        say_table(("Card", "Label", "Metric", "Shipped, 95 %", "New", ""), lines)
        outside |= any(line[-1] == "outside" for line in lines)
    return 4 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
