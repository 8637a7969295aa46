"""What a package says of its network, said anew when the network is another one: card, figures, test image."""

from __future__ import annotations

from pathlib import Path

from medassist.inference.network import forget_networks
from medassist.inference.packages import read
from medassist.inference.schema import as_section, inside
from medassist.inference.self_test import store_answer
from medassist.progress import Progress
from medassist.training.card import write_cards
from medassist.training.evaluate import evaluate
from medassist.training.optimise.rows import Rows
from medassist.training.recipe import read_recipe
from medassist.training.record import write_json
from medassist.training.table import subject_hash


def renew(copy: Path, rows: Rows, *, progress: Progress) -> None:
    """Measure the package in `copy` for its card, and store what it says of its own test image."""
    forget_networks()
    package, known = read(copy), rows.record.subjects
    # evaluate judges a folder without folds whole, and refuses one that people of the training are in
    whole = rows.table.has_folds or not any(subject_hash(row.subject) in known for row in rows.table.rows)
    folds = sorted({row.fold for row in rows.judged if row.fold is not None})
    evaluation = None
    if whole:
        evaluation = evaluate(package, rows.table.root, folds=folds or None, device="cpu", progress=progress)
        write_json(copy / "docs/evaluation.json", evaluation.as_json())
    write_cards(read_recipe(copy / "recipe.toml"), package, evaluation, copy)
    own = as_section(copy / "configs/metadata.json", "medassist", package.metadata["medassist"])
    test = own.section("self_test", optional=True)
    if test.data:
        image = inside(copy, test.file, test.place("image"), test.text("image"))
        expected = inside(copy, test.file, test.place("expected"), test.text("expected"))
        if image.exists():
            store_answer(package, image, expected)
