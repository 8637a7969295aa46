"""Statistics of values in words, and as a table for a spreadsheet."""

from __future__ import annotations

import numpy as np

from medassist.entities.measurement import Measurement
from medassist.entities.value_statistics import Inspected
from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.label_words import number


def heading(session: Session, found: Inspected, drawn: Measurement | None) -> str:
    """Say of which slice, outline or line of which series the values are."""
    series = next((one for one in session.all_series() if one.key == found.series_key), None)
    title = "" if series is None else series.title
    if found.profile is not None:
        what = tr("Values along the length")
    elif drawn is not None:
        what = tr("Values inside the outline")
    else:
        what = tr("Values of slice {number} as stored", number=found.slice_index + 1)
    name = "" if drawn is None else drawn.label
    return " · ".join(text for text in (what, name, title) if text)


def figure_text(found: Inspected) -> str:
    """Return the figures of a slice, an outline or a line."""
    told = found.statistics
    if found.profile is not None:
        return _profile_text(found)
    if told is None:
        return tr("No values can be told here.")
    if not told.count or told.mean is None or told.sd is None or told.low is None or told.high is None:
        return tr("There are no values: all of it is padding, or could not be read.")
    words = tr("mean {mean} ± {sd}, {low} to {high}",
               mean=number(told.mean), sd=number(told.sd), low=number(told.low), high=number(told.high))  # fmt: skip
    median = tr("median {value}", value=number(told.median if told.median is not None else told.mean))
    return f"{words} {told.unit}".strip() + f" · {median} · " + tr("{count} pixels", count=told.count)


def _profile_text(found: Inspected) -> str:
    profile = found.profile
    assert profile is not None  # noqa: S101 - the caller looked
    real = profile.values[np.isfinite(profile.values)]
    if not real.size:
        return tr("There are no values along it.")
    length = number(float(profile.distances[-1])) + (" mm" if profile.in_mm else f" {tr('pixels')}")
    span = tr("{low} to {high}", low=number(float(real.min())), high=number(float(real.max())))
    return f"{length} · {span} {profile.unit}".strip()


def as_text(found: Inspected) -> str:
    """Return the bins or the values along the line, one per line, with tabs; "" where there are none."""
    profile, told = found.profile, found.statistics
    if profile is not None:
        head = f"{'mm' if profile.in_mm else 'px'}\t{profile.unit or 'value'}"
        rows = zip(profile.distances.tolist(), profile.values.tolist(), strict=True)
        return "\n".join([head, *(f"{at:.4f}\t{value:.6g}" for at, value in rows)])
    if told is None or not told.count:
        return ""
    bins = zip(told.edges[:-1].tolist(), told.edges[1:].tolist(), told.counts.tolist(), strict=True)
    return "\n".join(["from\tto\tpixels", *(f"{low:.6g}\t{high:.6g}\t{count}" for low, high, count in bins)])
