"""What a package demands of an input, as its metadata say it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from medassist.entities.errors import Refused
from medassist.inference.schema import Section, inside

POOLS = ("mean", "max", "std")


@dataclass(frozen=True)
class EmbeddingSpec:
    """Where the features of the training images are described (see `inference.embedding`).

    `layer` names the module whose outputs are compared, `pool` how they are pooled over space.
    """

    file: Path
    sha256: str
    layer: str
    pool: str = "mean"


@dataclass(frozen=True)
class Percentile:
    """Where one percentile of the values (0..100) must lie, ends included, in the unit the package is fed with."""

    percent: float
    span: tuple[float, float]


@dataclass(frozen=True)
class Suitability:
    """What an input must have; an empty list or None demands nothing.

    `unit` is that of the values ("HU", "g/ml"); `slices` a range of slice counts, `aspect`
    one of height over width of a slice as it lies in the patient, `least_pixels` the fewest rows and columns;
    `kind` the kinds of picture, by the words of the router (see `inference.kind`).
    """

    modality: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    view_position: tuple[str, ...] = ()
    patient_orientation: tuple[str, ...] = ()
    spacing_mm: tuple[float, float] | None = None
    extent_mm: tuple[float, float] | None = None
    age_years: tuple[float, float] | None = None
    slices: tuple[float, float] | None = None
    aspect: tuple[float, float] | None = None
    least_pixels: float | None = None
    kind: tuple[str, ...] = ()
    unit: str = ""
    percentiles: tuple[Percentile, ...] = ()
    embedding: EmbeddingSpec | None = None


def read_demands(section: Section, root: Path) -> Suitability:
    """Read the section "suitability" of the package in `root` (Refused naming file and key)."""
    return Suitability(
        modality=section.texts("modality"),
        body_part=section.texts("body_part"),
        view_position=section.texts("view_position"),
        patient_orientation=section.texts("patient_orientation"),
        spacing_mm=section.span("spacing_mm"),
        extent_mm=section.span("extent_mm"),
        age_years=section.span("age_years"),
        slices=section.span("slices"),
        aspect=section.span("aspect"),
        least_pixels=section.number("least_pixels") if "least_pixels" in section.data else None,
        kind=section.texts("kind"),
        unit=section.text("unit", ""),
        percentiles=_percentiles(section),
        embedding=_embedding(section.section("embedding"), root) if "embedding" in section.data else None,
    )


def _embedding(section: Section, root: Path) -> EmbeddingSpec:
    sha256 = section.sha256()
    file = inside(root, section.file, section.place("file"), section.text("file"))
    return EmbeddingSpec(file, sha256, section.text("layer"), section.choice("pool", POOLS, "mean"))


def _percentiles(section: Section) -> tuple[Percentile, ...]:
    """Read `{"1": [low, high], …}`: percents of the values against where they lie on the training images."""
    listed = section.section("percentiles", optional=True)
    found = []
    for name in listed.data:
        span = listed.span(name)
        if span is None or not re.fullmatch(r"\d{1,3}(\.\d+)?", name) or not 0 <= float(name) <= 100:
            raise Refused(
                "{file}: the key {key} must be a number from 0 to 100.", file=section.file, key=listed.place(name)
            )
        found.append(Percentile(float(name), span))
    return tuple(found)
