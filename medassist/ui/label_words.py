"""Figures of a label in words."""

from __future__ import annotations

from medassist.entities.label_figures import LabelFigures
from medassist.entities.volume import Volume
from medassist.language import tr
from medassist.ui.overlay_list import size_text


def figure_lines(told: LabelFigures, volume: Volume) -> tuple[str, ...]:
    """Say how large a label is, and which values lie under it, with their unit; SUV beside them where there is one."""
    if not told.voxels:
        return (tr("nothing marked yet"),)
    size = "" if told.volume_ml is None else size_text(told.volume_ml)
    count = tr("{count} voxels", count=told.voxels)
    lines = [" · ".join(part for part in (size, count) if part)]
    if told.mean is None:
        return (*lines, tr("No values can be told under it."))
    lines.append(_values(told, 1.0, volume.unit))
    if volume.suv_factor is not None:
        lines.append(_values(told, volume.suv_factor, "SUV"))
    if told.values < told.voxels:
        lines.append(tr("{count} voxels have no value and are left out", count=told.voxels - told.values))
    return tuple(lines)


def _values(told: LabelFigures, factor: float, unit: str) -> str:
    mean, sd, low, high = (
        number(factor * one) if one is not None else "—" for one in (told.mean, told.sd, told.low, told.high)
    )
    words = tr("mean {mean} ± {sd}, {low} to {high}", mean=mean, sd=sd, low=low, high=high)
    return f"{words} {unit}".strip()


def number(value: float) -> str:
    """Write a value with four digits, a true minus sign before it."""
    large = f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    text = large if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "−") if "e" not in text else text
