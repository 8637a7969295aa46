"""One case: read it, run the model, and make, measure and keep the map of every method that is not there yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import MedAssistError, Refused
from medassist.entities.heatmap import Heatmap
from medassist.entities.prediction import Prediction
from medassist.entities.study import Warned
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.comparison import CaseRow, Problem
from medassist.report.map_picture import draw, small
from medassist.report.map_record import record_of
from medassist.report.maps import write_volume_of
from medassist.session.analysing import default_targets, explain_target
from medassist.session.batch.asked import Method, Wanted
from medassist.session.batch.cases import Found
from medassist.session.batch.kept import Kept, files_of, read_case, unwritable, write_case
from medassist.session.batch.references import References
from medassist.session.batch.truth import region_of
from medassist.session.jobs import load_series, run_model
from medassist.session.stamps import stamp_heatmap

if TYPE_CHECKING:
    from medassist.inference.packages import Package

PLAIN = "image"
"""Name of the small picture without a map."""


@dataclass(frozen=True)
class Told:
    """What became of one case; `problems` are those a person must hear of, with what they were about."""

    row: CaseRow
    kept: Kept
    problems: tuple[MedAssistError, ...] = ()


def explain_case(
    found: Found,
    package: Package,
    wanted: Wanted,
    references: References | None,
    folder: Path,
    *,
    resume: bool,
    progress: Progress,
) -> Told:
    """Explain one image by every method and keep each map when it is there (UnreadableInput, Refused for the case).

    A method that refuses costs itself only. What an earlier job kept of the same files is not computed again.
    """
    kept = read_case(folder, found.series) if resume else Kept(files_of(found.series))
    todo = [one for one in wanted.methods if one.column not in kept.maps]
    if not todo:
        return Told(row_of(found, kept), kept)
    opened = _open(found, package, wanted, references, kept, progress)
    kept, told, problems = opened.kept, list[Problem](), list[MedAssistError]()
    write_small(small(opened.case, None, kept.slice, opened.region), folder, PLAIN)
    for method in todo:
        try:
            heatmap, also = _map(opened, package, wanted, method, progress)
        except Refused as problem:
            told.append(Problem(anonymous(problem, found), method.column))
            problems += [problem] if method.named else []
            continue
        record = record_of(
            heatmap, opened.case.volume, name=f"{found.name}/{method.slug}", case=found.name, column=method.column,
            also=also, reference=(wanted.reference_label or opened.kept.target) if opened.region is not None else "",
        )  # fmt: skip
        _write_files(opened, heatmap, folder, found.name, method)
        kept = kept.with_map(method.column, record, _regions(heatmap))
        write_case(folder, kept)
    return Told(row_of(found, kept, tuple(told)), kept, tuple(problems))


@dataclass(frozen=True, eq=False)
class _Opened:
    case: Case
    prediction: Prediction
    region: NDArray[np.bool_] | None
    kept: Kept


def _open(
    found: Found, package: Package, wanted: Wanted, references: References | None, kept: Kept, progress: Progress
) -> _Opened:
    """Read the image, run the model, choose the target and find the truth."""
    from medassist.explain.methods import label_of

    volume = load_series(found.series, progress=progress).volume
    added = run_model(
        found.study, volume, package, device=wanted.device, override_reason=wanted.override_reason, progress=progress
    )
    prediction = added.prediction
    targets = (wanted.target,) if wanted.target else default_targets(prediction, 1)
    if not targets:
        raise Refused("The model marks nothing in this image, so there is nothing to explain.")
    label = label_of(package, targets[0])
    if label.label == wanted.against:
        raise Refused("{target} is what the model says of this image, so nothing is left to compare it with.",
                      remedy="Name a target, or another label to compare with.", target=label.label)  # fmt: skip
    region = None
    if references is not None:
        region = region_of(
            references, found.series, volume, label, wanted.reference_label, segmenter=package.marks_voxels,
            patient=found.study.patient.patient_id,
        )  # fmt: skip
    score = next((one for one in prediction.scores if one.label == label.label), None)
    case = Case(
        found.study, volume.series, volume, (prediction,), (), added.findings, language=wanted.language
    )  # fmt: skip
    return _Opened(
        case,
        prediction,
        region,
        replace(
            kept,
            target=label.label,
            score=None if score is None else score.probability,
            threshold=None if score is None else score.threshold,
            slice=_slice(region, prediction, label.label, volume.geometry.shape_zyx[0]),
            slices=volume.geometry.shape_zyx[0],
            referenced=region is not None,
        ),
    )


def _slice(region: NDArray[np.bool_] | None, prediction: Prediction, target: str, slices: int) -> int:
    """Return the slice with most of the truth, else with most of what the model marks, else the middle one."""
    mask = prediction.mask
    if region is None and mask is not None:
        segment = next((one for one in mask.segments if one.label == target), None)
        region = None if segment is None else mask.region(segment)
    if region is None or not region.any():
        return slices // 2
    return int(region.sum(axis=(1, 2)).argmax())


def _map(
    opened: _Opened, package: Package, wanted: Wanted, method: Method, progress: Progress
) -> tuple[Heatmap, dict[str, float]]:
    """Return one map, measured when that is wanted, and measures that stand in no stamp."""
    from medassist.explain.methods import find
    from medassist.explain.quality.placing import placed

    volume, prediction = opened.case.volume, opened.prediction
    task = "segmentation" if package.marks_voxels else package.task
    heatmap = explain_target(
        volume,
        package,
        opened.kept.target,
        method=method.name,
        against=wanted.against,
        layer=wanted.layer if find(method.name, task).reads_layer else "",
        settings=method.settings,
        mask=prediction.mask,
        device=prediction.device,
        progress=progress,
    ).heatmap
    if not wanted.stamped:
        return heatmap, {} if opened.region is None else placed(heatmap.values_zyx, opened.region)
    added = stamp_heatmap(
        volume,
        package,
        heatmap,
        mask=prediction.mask,
        reference=opened.region,
        device=prediction.device,
        progress=progress,
    )
    return replace(heatmap, stamp=added.stamp), {}


def _regions(heatmap: Heatmap) -> list[float]:
    from medassist.explain.quality.likeness import pooled

    return [float(one) for one in pooled(heatmap.values_zyx).ravel()]


def _write_files(opened: _Opened, heatmap: Heatmap, folder: Path, name: str, method: Method) -> None:
    """Write the picture, the values with their passport, and the small picture for the page."""
    case = opened.case
    whole = replace(case, heatmaps=(heatmap,))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draw(whole, heatmap, name=name).save(folder / f"{method.slug}.png", "PNG")
        if case.volume.is_regular:
            write_volume_of(heatmap, case.volume, folder, method.slug, name)
    except OSError as problem:
        raise unwritable(folder, problem) from problem
    write_small(small(whole, heatmap, opened.kept.slice, opened.region), folder, method.slug)


def write_small(picture: bytes, folder: Path, name: str) -> None:
    """Write a small picture where the page looks for it (UnwritableOutput)."""
    try:
        (folder / "small").mkdir(parents=True, exist_ok=True)
        (folder / "small" / f"{name}.jpg").write_bytes(picture)
    except OSError as problem:
        raise unwritable(folder, problem) from problem


def row_of(found: Found, kept: Kept, problems: tuple[Problem, ...] = ()) -> CaseRow:
    """Return the row of the comparison."""
    return CaseRow(
        found.name, kept.target, kept.score, kept.threshold, kept.slice, kept.slices, kept.referenced, kept.maps,
        problems,
    )  # fmt: skip


def anonymous(problem: MedAssistError, found: Found) -> Warned:
    """Return what went wrong without names of files, folders and series, which may be those of people."""
    paths = {frame.path for frame in found.series.frames}
    told = {found.series.title, found.series.key}
    for path in paths:
        told |= {str(path), path.name, path.stem, path.parent.name}
    own = {one for one in told if len(one) > 3 or (one and not one.isascii())}
    values = {
        name: found.name if isinstance(value, Path) or any(one in str(value) for one in own) else str(value)
        for name, value in problem.values.items()
    }
    return Warned(problem.message, tuple(values.items()))
