"""Rows of the suitability table that look at the pixels: values and how far the image reaches."""

from __future__ import annotations

import numpy as np

from medassist.entities.prediction import Check, Mask, Verdict
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.render import to_gray8
from medassist.inference.packages import Package
from medassist.language import tr

ENOUGH_VALUES = 2_000_000
MOST_AT_ONE_END = 0.8
"""A picture with more of its pixels at one end of the grey scale shows nothing (films with wide black frames: 0.6)."""


def value_checks(package: Package, volume: Volume) -> tuple[Check, ...]:
    """Return the rows about the values of the first time point; colour pictures have none."""
    if volume.is_color:
        return ()
    values = _sample(volume)
    if not values.size or values.min() == values.max():
        return (Check("Values", "a picture", "all the same", Verdict.FAIL),)
    seen = _as_fed(package, volume, values)
    rows = (_unit(package, volume), _spread(seen, package), *_percentiles(package, seen))
    return tuple(row for row in rows if row is not None)


def slice_check(package: Package, volume: Volume) -> Check | None:
    """Return the row about the number of slices, None when the package demands nothing."""
    span = package.suitability.slices
    if span is None:
        return None
    count = volume.geometry.shape_zyx[0]
    verdict = Verdict.PASS if span[0] <= count <= span[1] else Verdict.FAIL
    return Check("Slices", f"{span[0]:g}–{span[1]:g}", str(count), verdict)


def aspect_check(package: Package, volume: Volume) -> Check | None:
    """Return the row about height over width of a slice, which is told by pixels alone where no spacing is known."""
    span = package.suitability.aspect
    if span is None:
        return None
    _, height, width = volume.geometry.shape_zyx
    column_mm, row_mm, _ = volume.geometry.spacing_mm
    found = height * row_mm / (width * column_mm)
    verdict = Verdict.PASS if span[0] <= found <= span[1] else Verdict.FAIL
    return Check("Height / width", f"{span[0]:g}–{span[1]:g}", f"{found:.2f}", verdict)


def pixels_check(package: Package, volume: Volume) -> Check | None:
    """Return the row about rows and columns: a picture made larger for the network holds nothing it could find."""
    least = package.suitability.least_pixels
    if least is None:
        return None
    _, rows, columns = volume.geometry.shape_zyx
    verdict = Verdict.PASS if min(rows, columns) >= least else Verdict.FAIL
    return Check("Rows and columns", f"≥ {least:g}", f"{rows} x {columns}", verdict)


def coverage_check(mask: Mask) -> Check | None:
    """Return a row when a structure that was outlined reaches the edge of the image: part of it may be missing.

    It cannot be told before the run, and the edge may be where the structure ends: amber, never red.
    """
    labels = mask.labels_zyx
    edges = [labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]]
    if labels.shape[0] > 1:
        edges += [labels[0], labels[-1]]
    rim = np.concatenate([edge.ravel() for edge in edges])
    if not rim.any():
        return Check("Coverage", "inside the image", "inside the image", Verdict.PASS) if labels.any() else None
    named = ", ".join(segment.label for segment in mask.segments if mask.region(segment, rim).any())
    return Check("Coverage", "inside the image", tr("at the edge: {names}", names=named), Verdict.UNKNOWN)


def _sample(volume: Volume) -> AnyArray:
    """Return at most about `ENOUGH_VALUES` real values, evenly spread over the image."""
    array = volume.array_tzyx[0]
    step = max(1, round((array.size / ENOUGH_VALUES) ** (1 / 3)))
    values = array[::step, ::step, ::step] if array.shape[0] > 1 else array[:, ::step, ::step]
    flat = values.ravel()
    if volume.padding is not None:
        flat = flat[(flat < volume.padding[0]) | (flat > volume.padding[1])]
    real: AnyArray = flat[np.isfinite(flat)]
    return real


def _as_fed(package: Package, volume: Volume, values: AnyArray) -> AnyArray:
    """Return modality values, or 0..255 as a reader sees the film, as the package is fed."""
    shown = package.input.values == "display"
    return to_gray8(values, volume.windows[0], volume.inverted) if shown else values


def _unit(package: Package, volume: Volume) -> Check | None:
    demanded = package.suitability.unit
    if not demanded:
        return None
    found = volume.unit.strip()
    verdict = Verdict.UNKNOWN if not found else Verdict.PASS if found == demanded else Verdict.FAIL
    return Check("Unit of the values", demanded, found or "not stated", verdict)


def _spread(values: AnyArray, package: Package) -> Check | None:
    """Catch a film that is black or white all over: a wrong window or a wrong scale."""
    if package.input.values != "display":
        return None
    at_an_end = max(float((values <= 0).mean()), float((values >= 255).mean()))
    verdict = Verdict.PASS if at_an_end <= MOST_AT_ONE_END else Verdict.FAIL
    return Check("Black or white", f"≤ {MOST_AT_ONE_END:.0%}", f"{at_an_end:.0%}", verdict)


def _percentiles(package: Package, values: AnyArray) -> tuple[Check, ...]:
    rows = []
    for one in package.suitability.percentiles:
        found = float(np.percentile(values, one.percent))
        verdict = Verdict.PASS if one.span[0] <= found <= one.span[1] else Verdict.FAIL
        name = tr("Value at {percent} %", percent=f"{one.percent:g}")
        rows.append(Check(name, f"{one.span[0]:g} – {one.span[1]:g}", f"{found:.4g}", verdict))
    return tuple(rows)
