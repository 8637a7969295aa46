"""What is said under key pictures."""

from __future__ import annotations

import numpy as np

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.volume import Volume
from medassist.imaging.slicing import direction_letters, has_orientation
from medassist.report.case import Case
from medassist.report.edits import edited_sentences
from medassist.report.key_choice import KeyView, key_views, map_name, strongest_slice
from medassist.report.placement import slice_origins
from medassist.report.stamp_words import verdict_sentence
from medassist.report.wording import Wording

__all__ = [
    "KeyView",
    "cell_size",
    "explanation",
    "key_views",
    "map_name",
    "place",
    "strongest_slice",
    "title",
]


def title(case: Case, view: KeyView, words: Wording) -> str:
    """Say what the picture shows in one line."""
    if view.heatmap is not None and view.heatmap.kind is MapKind.UNCERTAINTY:
        return words.tr("Uncertainty of the segmentation")
    if view.heatmap is not None and view.heatmap.kind is MapKind.SPREAD:
        return words.tr("Spread over mirrored views")
    if view.heatmap is not None:
        target = _called(case, view.heatmap.target, words)
        if view.heatmap.region is not None:
            target = f"{target} ({words.tr(view.heatmap.region.name)})"
        if view.heatmap.against:
            other = _called(case, view.heatmap.against, words)
            return words.tr("{method} for {target}, not {other}", method=words.tr(view.heatmap.method), target=target,
                            other=other)  # fmt: skip
        return words.tr("{method} for {target}", method=words.tr(view.heatmap.method), target=target)
    if view.segments:
        labels = ", ".join(map(words.title, view.segments))
        if any(run.edit is not None and any(run.mask is mask for mask in view.masks) for run in case.predictions):
            return words.tr("Segmentation edited by a reader: {labels}", labels=labels)
        if view.drawn:
            return words.tr("Region in a box of the reader: {labels}", labels=labels)
        return words.tr("Model segmentation: {labels}", labels=labels)
    return words.tr("Picture without overlay")


def _called(case: Case, label: str, words: Wording) -> str:
    """Return what a label of a model is called: as its finding is, else by the title its package gives it."""
    claims = (words.title(one) for one in case.findings if one.label == label)
    scores = (one.title_zh for run in case.predictions for one in run.scores if one.label == label and one.title_zh)
    own = next(scores, "") if words.language.startswith("zh") else ""
    return next(claims, own or words.tr(label))


def place(case: Case, view: KeyView, words: Wording) -> str:
    """Say which series and slice it is, with its position in mm where that is known."""
    depth = case.volume.geometry.shape_zyx[0]
    series = words.tr("Series {title}", title=case.series.title)
    if depth == 1:
        return series
    number = words.tr("slice {number} of {count}", number=view.index + 1, count=depth)
    times = len(case.volume.array_tzyx)
    time = words.tr("time point {number} of {count}", number=view.time + 1, count=times) if times > 1 else ""
    return " · ".join(text for text in (series, number, time, _slice_position(case.volume, view.index)) if text)


def _slice_position(volume: Volume, index: int) -> str:
    """Return how far along the slice direction a slice lies from the origin, with its side: "H 12.5 mm"."""
    if not volume.geometry.calibrated or not has_orientation(volume):
        return ""
    normal = volume.geometry.directions_lps[:, 2]
    distance = float(np.dot(slice_origins(volume)[index], normal))
    return f"{direction_letters(normal if distance >= 0 else -normal)} {abs(distance):.1f} mm"


def explanation(case: Case, view: KeyView, words: Wording) -> str:
    """Say how to read the overlay: what a heatmap is and is not, its layer, cell size and what a reader must know."""
    heatmap = view.heatmap
    if heatmap is None:
        return _whose(case, view, words)
    told = [words.tr("Regions that influenced the score, not lesion outline.")]
    if heatmap.kind is MapKind.UNCERTAINTY:
        told = [words.tr("Entropy of the model's probabilities: 0 is sure, 1 is every label equally likely.")]
    if heatmap.kind is MapKind.SPREAD:
        told = [words.tr("Standard deviation of the likeliest label's probability over mirrored views, 0 to 0.5.")]
    if heatmap.layer:
        told.append(words.tr("Layer: {layer}.", layer=heatmap.layer))
    told.append(words.tr("Size of one computed cell: {size}.", size=cell_size(heatmap, words)))
    if heatmap.target_score is not None:
        told.append(_score(case, heatmap, heatmap.target_score, words))
    told.append(words.tr("Largest value of the map: {maximum}.", maximum=f"{heatmap.maximum:.3g}"))
    if heatmap.signed:
        told.append(words.tr("Smallest value of the map: {minimum}.", minimum=f"{heatmap.minimum:.3g}"))
        told.append(words.tr("Orange speaks for the target, blue against it."))
    told += [_quality(name, value, words) for name, value in heatmap.quality.items()]
    return " ".join([*_believed(heatmap, words), *told, *(words.tr(note) for note in heatmap.notes)])


def _whose(case: Case, view: KeyView, words: Wording) -> str:
    """Say who drew the outlines of a picture."""
    hands = [words.warning(one) for run in case.predictions if any(run.mask is mask for mask in view.masks)
             for one in edited_sentences(run)]  # fmt: skip
    if hands:
        return " ".join(hands)
    if view.drawn:
        return words.tr("Marked by the model in a box the reader drew.")
    return words.tr("Outlines drawn by the model, not measured by a reader.") if view.segments else ""


def _believed(heatmap: Heatmap, words: Wording) -> list[str]:
    """Say first of all whether a map may be believed, where that was measured."""
    if heatmap.stamp is None:
        return []
    return [verdict_sentence(heatmap.stamp, words), *(words.warning(one) for one in heatmap.stamp.reasons)]


def _score(case: Case, heatmap: Heatmap, score: float, words: Wording) -> str:
    """Return the score of what a map explains, with the threshold of a classifier's finding."""
    about = (one for one in case.findings if one.target == heatmap.target and one.model == heatmap.model)
    threshold = next((one.threshold for one in about if one.threshold is not None), None)
    if threshold is None:
        return words.tr("Score of the target: {score}.", score=f"{score:.3f}")
    values = {"score": f"{score:.3f}", "threshold": f"{threshold:.3f}"}
    return words.tr("Score of the target: {score} (threshold {threshold}).", **values)


def _quality(name: str, value: float, words: Wording) -> str:
    if name == "share_outside_region":
        return words.tr("Heat outside the region: {share}.", share=f"{value:.0%}")
    return f"{words.tr(name.replace('_', ' '))}: {value:.3g}."


def cell_size(heatmap: Heatmap, words: Wording) -> str:
    """Write the size of a computed cell; a projection image has no third direction."""
    sizes = heatmap.cell_mm[: 3 if heatmap.native_geometry.shape_zyx[0] > 1 else 2]
    unit = words.tr("mm") if heatmap.native_geometry.calibrated else words.tr("pixels")
    return " × ".join(f"{size:.1f}" for size in sizes) + f" {unit}"
