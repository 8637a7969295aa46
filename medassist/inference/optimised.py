"""The quicker form of its network that a package brings beside its weights, and what was measured of it.

`medassist.optimised` of the metadata names an OpenVINO program (an .xml and a .bin file with their SHA-256) made from
the package's own weights, the shape of the windows it takes, and how far its answers were from torch's on rows the
model had not learned from. The weights stay: explanations, other devices and every doubt go by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.inference.schema import Section, inside
from medassist.language import tr

PRECISIONS = ("bf16", "int8")
MOST_AXES = 5


@dataclass(frozen=True)
class Promised:
    """A file of the package and the SHA-256 its metadata promise."""

    file: Path
    sha256: str


@dataclass(frozen=True)
class Optimised:
    """A program made from the weights of a package.

    Attributes:
        precision: "bf16" or "int8", of the sums inside.
        program: the layers (OpenVINO IR, XML); `numbers` are its constants.
        of_weights: SHA-256 of the weights it was made from.
        shape: (N, C, …) of the windows it takes.
        logit_difference: largest difference of a logit to torch in f32 while it was measured, as a share of the
            largest logit of that window.
        decided_otherwise: largest share of a window's voxels a segmenter labelled otherwise than torch.
        metric: what was compared on labelled rows ("dice", "auc", …); `change` is the worst change of a label in it,
            `rows` how many rows there were.
    """

    precision: str
    program: Promised
    numbers: Promised
    of_weights: str
    shape: tuple[int, ...]
    logit_difference: float
    decided_otherwise: float
    metric: str
    change: float
    rows: int


def read_optimised(own: Section, root: Path) -> Optimised | None:
    """Read the section "optimised" of the package in `root`, None when it has none (Refused naming file and key)."""
    if "optimised" not in own.data:
        return None
    section = own.section("optimised")
    measured = section.section("measured")
    return Optimised(
        precision=section.choice("precision", PRECISIONS),
        program=_promised(section.section("program"), root),
        numbers=_promised(section.section("numbers"), root),
        of_weights=section.sha256("weights_sha256"),
        shape=_shape(section),
        logit_difference=section.number("logit_difference"),
        decided_otherwise=section.number("decided_otherwise", 0.0),
        metric=measured.text("metric"),
        change=measured.number("worst_change"),
        rows=measured.integer("rows"),
    )


def about(made: Optimised) -> str:
    """Return in the language of the moment what a card must say of it."""
    return tr(
        "{precision} on a CPU: on {rows} measured rows its {metric} changes by {change} at most",
        precision=made.precision,
        rows=str(made.rows),
        metric=made.metric,
        change=f"{made.change:+.4f}",
    )


def content_of(made: Optimised, root: Path, measured: Mapping[str, object]) -> dict[str, object]:
    """Return the section as it is written, `measured` with all that the parity on data told."""
    return {
        "precision": made.precision,
        "weights_sha256": made.of_weights,
        "program": {"file": made.program.file.relative_to(root).as_posix(), "sha256": made.program.sha256},
        "numbers": {"file": made.numbers.file.relative_to(root).as_posix(), "sha256": made.numbers.sha256},
        "shape": list(made.shape),
        "logit_difference": made.logit_difference,
        "decided_otherwise": made.decided_otherwise,
        "measured": {"metric": made.metric, "worst_change": made.change, "rows": made.rows, **measured},
    }


def _promised(section: Section, root: Path) -> Promised:
    file = inside(root, section.file, section.place("file"), section.text("file"))
    return Promised(file, section.sha256())


def _shape(section: Section) -> tuple[int, ...]:
    value = section.items("shape")
    if not 3 <= len(value) <= MOST_AXES or not all(type(one) is int and 1 <= one <= 65536 for one in value):
        raise Refused(
            "{file}: the key {key} must be the sizes of one window (N, C, …).",
            file=section.file,
            key=section.place("shape"),
        )
    return value
