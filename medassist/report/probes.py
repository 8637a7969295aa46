"""What a probe showed, in sentences for people and as an object for scripts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medassist.entities.finding import Finding
from medassist.entities.probe import PROBABILITY, Means, Place, Probe
from medassist.entities.study import Warned, warned

PLACES = {
    Place.MARKED: Warned("the marked region"),
    Place.BOX: Warned("the drawn box"),
    Place.CURSOR: Warned("the place around the crosshair"),
    Place.HOTTEST: Warned("the strongest spot of the map"),
    Place.OUTSIDE: Warned("everything outside of the ellipse in the middle"),
}
WAYS = {
    Means.MEAN: Warned("the mean around it"),
    Means.BLUR: Warned("itself, blurred"),
    Means.MIRROR: Warned("the other side of the patient"),
}


def number(probe: Probe, value: float) -> str:
    """Write a reading: a probability with two decimals, a small one with three digits; else its digits and unit."""
    if probe.unit != PROBABILITY:
        return f"{value:.4g} {probe.unit}"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0.0 else f"{value:.3f}"


def sentences(probe: Probe, title: str = "") -> tuple[Warned, ...]:
    """Say what was changed and what became of the target, how far that is more than elsewhere, and who kept it.

    `title` is the target in the language of the reader, "" for its English name.
    """
    return (*asked(probe), result(probe, title), *scale(probe), *probe.notes, *_kept(probe))


def asked(probe: Probe) -> tuple[Warned, ...]:
    """Say which region was replaced, and by what."""
    first, last = probe.area.slices
    told = [
        warned(
            "Probe on a modified image: {place} was replaced by {way}, with a soft edge of {edge} {unit}.",
            place=PLACES[probe.place],
            way=WAYS[probe.how],
            edge=f"{probe.edge_mm:.3g}",
            unit=_unit(probe),
        )
    ]
    if probe.area.geometry.shape_zyx[0] > 1:
        told.append(warned("It covers the slices {first} to {last}.", first=first + 1, last=last + 1))
    if probe.sigma_mm:
        width = f"{probe.sigma_mm:.3g}"
        told.append(warned("Standard deviation of the blur: {sigma} {unit}.", sigma=width, unit=_unit(probe)))
    return tuple(told)


def _unit(probe: Probe) -> str:
    return "mm" if probe.area.geometry.calibrated else "px"


def result(probe: Probe, title: str = "") -> Warned:
    """Say what became of the target, called `title`."""
    one = probe.reading
    values = {
        "label": title or one.label,
        "before": number(probe, one.before),
        "after": number(probe, one.after),
    }
    if probe.unit == PROBABILITY:
        return warned("The score of {label} went from {before} to {after}.", **values)
    return warned("What the model marks elsewhere as {label} went from {before} to {after}.", **values)


def scale(probe: Probe) -> tuple[Warned, ...]:
    """Say how far the same change elsewhere moves the target; nothing where there was no room for it."""
    if not probe.controls:
        return ()
    sizes = np.abs(probe.controls)
    told = warned(
        "The same change at {count} other places moves it by {middle} ({low} to {high}).",
        count=len(sizes),
        middle=number(probe, float(np.median(sizes))),
        low=number(probe, float(sizes.min())),
        high=number(probe, float(sizes.max())),
    )
    if probe.stands_out:
        return told, warned("That is clearly less than here.")
    if probe.exceeds:
        return told, warned("Here it moves only just more: by chance that is so once in {times}.", times=len(sizes) + 1)
    return told, warned("Elsewhere it moves as much: this tells nothing of this very place.")


def _kept(probe: Probe) -> tuple[Warned, ...]:
    if not probe.kept_at:
        return ()
    at = probe.kept_at[:16].replace("T", " ")
    if probe.kept_by:
        return (warned("Kept as counter-evidence by {reader}, {at}.", reader=probe.kept_by, at=at),)
    return (warned("Kept as counter-evidence, {at}; no reader is named.", at=at),)


def evidence(finding: Finding) -> list[str]:
    """Return the sentences of every probe kept with a finding, in English, one text for each."""
    return [" ".join(one.text() for one in sentences(probe)) for probe in finding.counter_evidence]


def as_json(probe: Probe) -> dict[str, Any]:
    """Return a probe for scripts; slices and corner count from 0, log-odds are natural ones."""
    one, area = probe.reading, probe.area
    plain = {"label": one.label, "before": one.before, "after": one.after, "unit": probe.unit}
    return plain | {
        "image": "modified for a probe",
        "log_odds": list(one.log_odds) if probe.unit == PROBABILITY else None,
        "place": probe.place.value,
        "how": probe.how.value,
        "edge_mm": probe.edge_mm,
        "sigma_mm": probe.sigma_mm,
        "region": {
            "sha256": area.sha256,
            "voxels": area.voxels,
            "corner_zyx": list(area.corner_zyx),
            "slices": list(area.slices),
            "center_lps": list(area.center_lps),
        },
        "controls": list(probe.controls),
        "stands_out": probe.stands_out,
        "labels": [{"label": each.label, "before": each.before, "after": each.after} for each in probe.readings],
        "notes": [note.text() for note in probe.notes],
        "model_sha256": probe.model.sha256,
        "created": probe.created,
        "kept_by": probe.kept_by,
        "kept_at": probe.kept_at,
    }
