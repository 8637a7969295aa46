"""Run one model on one series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, ClassScore, Mask, Prediction, Verdict
from medassist.entities.probabilities import Probabilities
from medassist.entities.study import Warned, warned
from medassist.entities.volume import Volume
from medassist.inference import kept
from medassist.inference.averaging import averaged, mean_scores, note_of, views
from medassist.inference.backends.selection import check_backend
from medassist.inference.decide import Masking, Separating
from medassist.inference.devices import choose, one_core_free
from medassist.inference.embedding import read_embedding
from medassist.inference.engine import run
from medassist.inference.flips import Flips, check_flips
from medassist.inference.image_checks import coverage_check
from medassist.inference.likeness import likeness
from medassist.inference.localizer import for_whole
from medassist.inference.missing import missing
from medassist.inference.network import load_network
from medassist.inference.operating import probabilities, read_curves, with_curves
from medassist.inference.packages import Package
from medassist.inference.plan import Plan
from medassist.inference.ports import Label
from medassist.inference.prepare import Prepared, prepare
from medassist.inference.probabilities import Shares, obstacle
from medassist.inference.results import Key, again, key_of, of_parts, recall, remember
from medassist.inference.scoring import called, certainty, exclusive_scores, foreign_scores
from medassist.inference.suitability import gate
from medassist.inference.uncertainty import Doubt, check_uncertainty
from medassist.inference.whole import run_regions
from medassist.inference.windows import Block, Forward, answer_of, blocks
from medassist.progress import Progress


@dataclass(frozen=True)
class _Asked:
    """How a run was asked for."""

    device: str
    backend: str
    uncertainty: bool
    flips: Flips
    probabilities: bool


_Answer: TypeAlias = tuple[tuple[ClassScore, ...], Mask | None, Doubt | None, Probabilities | None]


def predict(
    package: Package,
    volume: Volume,
    *,
    checks: Sequence[Check] = (),
    device: str = "auto",
    backend: str = "torch",
    override_reason: str = "",
    reuse: bool = False,
    on_disk: bool = False,
    uncertainty: bool = False,
    tta: bool = False,
    probabilities: bool = False,
    progress: Progress | None = None,
) -> Prediction:
    """Run a model on the first time point of a series.

    `backend` is "torch" (the reference), "openvino", or "auto": OpenVINO on a CPU where it is installed and its answer
    is torch's. With `reuse` the answer to the same pixels, weights and settings is given again when it is remembered,
    by this process or, `on_disk`, by an earlier one; the checks are never. With `uncertainty` a segmenter's prediction
    holds the entropy of every voxel too (Refused for a model whose outputs are no probabilities of voxels). With `tta`
    probabilities are the mean over the image and the flips the package declares (Refused where it declares none).
    With `probabilities` a segmenter's are kept, where it has any and memory holds them; a note says where not.
    What only a run can tell (how like the training images the image is, whether a structure reaches the edge) stands
    behind `checks` in the prediction; whoever shows it to a reader asks `gate` once more.
    Refused when a check failed and no reason was typed, when the weights are not the promised ones, or when the
    series has no regular grid; Cancelled at the next window after `progress.cancel()`, leaving nothing behind.
    `timings_s`: prepare = network loaded (and converted), image on its grid; infer = windows, blending, the way home.
    """
    progress = progress or Progress()
    gate(checks, override_reason)
    check_backend(backend, device)
    if uncertainty:
        check_uncertainty(package)
    if tta:
        check_flips(package)
    asked = _Asked(device, backend, uncertainty, package.flips if tta else (), probabilities)
    curves = read_curves(package)
    began = perf_counter()
    asks = {"uncertainty": uncertainty, "tta": tta, "probabilities": probabilities}
    key = key_of(package, volume, device, backend, **asks) if reuse else None
    found = _known(key, package, volume, on_disk=on_disk)
    if found is not None:
        found = again(found, volume, perf_counter() - began)
    else:
        found = remember(key, _run(package, volume, asked, progress))
        if key is not None and on_disk:
            kept.keep(key, package, found, _notes(package, volume))
    return replace(
        found,
        checks=(*checks, *found.checks),
        scores=with_curves(found.scores, curves),
        override_reason=override_reason.strip(),
        notes=(*found.notes, note_of(package)) if tta else found.notes,
        manifest=replace(found.manifest, flips=asked.flips),
    )


def _known(key: Key | None, package: Package, volume: Volume, *, on_disk: bool) -> Prediction | None:
    found = recall(key)
    if found is None and key is not None and on_disk:
        found = kept.fetch(key, package, volume, _notes(package, volume))
        return found and remember(key, found)
    return found


@one_core_free()
def _run(package: Package, volume: Volume, asked: _Asked, progress: Progress) -> Prediction:
    if not for_whole(package.localizer, volume.geometry):
        found = _run_once(package, volume, asked, progress)
        # Of many small objects some always touch the edge: that is counted, not a doubt about all of them.
        covered = None if found.mask is None or found.instances is not None else coverage_check(found.mask)
        return found if covered is None else replace(found, checks=(*found.checks, covered))
    parts: list[Prediction] = []

    def run_crop(crop: Volume) -> Prediction:
        parts.append(_run_once(package, crop, asked, progress))
        return parts[-1]

    found = run_regions(package, volume, run_crop, progress=progress)
    notes = (*_notes(package, volume), *found.notes)
    return replace(found, notes=notes, manifest=of_parts([one.manifest for one in parts], found))


def _run_once(package: Package, volume: Volume, asked: _Asked, progress: Progress) -> Prediction:
    started, began = datetime.now().astimezone().isoformat(timespec="seconds"), perf_counter()
    progress.step("Preparing the image")
    chosen = choose("cpu" if asked.backend == "openvino" else asked.device)
    load_network(package, chosen)
    progress.step("Preparing the image")
    prepared = prepare(package, volume)
    ready: list[float] = []
    wanted = asked.probabilities and package.marks_voxels
    barred = obstacle(package, (prepared.grid, prepared.home), len(package.labels)) if wanted else None

    def work(forward: Forward, plan: Plan | None, device: str) -> _Answer:
        ready.append(perf_counter())
        doubt = Doubt(package, prepared, spread=bool(asked.flips)) if asked.uncertainty else None
        if package.marks_voxels:
            spread, turns = asked.uncertainty and bool(asked.flips), package.turns
            several = bool(asked.flips or turns)
            whole = averaged(forward, asked.flips, progress, turns=turns, spread=spread) if several else forward
            shares = Shares(package, prepared) if wanted and barred is None else None
            mask = _mask(package, whole, prepared, plan, device, doubt, shares, progress)
            return (), mask, doubt, None if shares is None else shares.finish()
        run_view = partial(answer_of, image=prepared.tensor, plan=plan, device=device, progress=progress)
        told = [class_scores(package, run_view(view).numpy()) for view in views(forward, asked.flips)]
        return called(package, mean_scores(told)) if asked.flips else told[0], None, None, None

    embedding = read_embedding(package)
    ran = run(package, prepared.tensor, work, device=chosen, backend=asked.backend, progress=progress)
    scores, mask, doubt, shares = ran.answer
    timings = {"prepare": ready[0] - began, "infer": perf_counter() - ready[0]}
    alike = None if embedding is None or ran.features is None else embedding.check(ran.features)
    if alike is not None and alike.verdict is not Verdict.PASS and ran.manifest.precision == "int8":
        # eight bits move the features more than most images do: no image is doubted for that
        alike = likeness(package, volume, device="cpu", progress=progress)
    return Prediction(
        model=package.ref,
        series_key=volume.series.key,
        started=started,
        device=ran.setting.device,
        checks=tuple(one for one in (alike, certainty(package, scores)) if one is not None),
        scores=scores,
        mask=mask,
        uncertainty=None if doubt is None else doubt.finish(volume.series.key),
        spread=None if doubt is None or doubt.spread is None else doubt.spread.finish(volume.series.key),
        probabilities=shares,
        timings_s=timings,
        notes=(*ran.told, *_notes(package, volume), *_untold(package), *((barred,) if barred else ())),
        manifest=replace(ran.manifest, computed=started, computed_s=timings),
    )


def class_scores(package: Package, logits: NDArray[np.float32]) -> tuple[ClassScore, ...]:
    """Turn the logits (K,) of a classifier into scores at their operating points (Refused when K is too small)."""
    if logits.ndim != 1 or len(logits) <= max(label.value for label in package.labels):
        raise _wrong_outputs(package, logits.shape)
    if package.foreign or package.exclusive:
        if len(logits) != len(package.labels):
            raise _wrong_outputs(package, logits.shape)
        return (exclusive_scores if package.exclusive else foreign_scores)(package, logits)
    return tuple(_score(label, float(logits[label.value])) for label in package.labels)


def probability(label: Label, logit: float) -> float:
    """Return sigmoid(slope * logit + intercept), Platt scaling with the package's parameters."""
    return float(probabilities(label, logit))


def _score(label: Label, logit: float) -> ClassScore:
    if not np.isfinite(logit):
        raise Refused("The model's score for {label} is not a number, so nothing can be said.", label=label.label)
    return ClassScore(
        label=label.label,
        probability=probability(label, logit),
        threshold=label.threshold,
        calibrated=label.calibrated,
        code=label.code,
        title_zh=label.title_zh,
        operating_point=label.operating_point,
        category=label.category,
    )


def _mask(
    package: Package,
    forward: Forward,
    prepared: Prepared,
    plan: Plan | None,
    device: str,
    doubt: Doubt | None,
    shares: Shares | None,
    progress: Progress,
) -> Mask:
    """Run a segmenter and decide its labels block by block: an array of all scores of all classes is never needed."""
    whole = Masking(package, prepared) if package.separation is None else Separating(package, prepared)
    for said in blocks(forward, prepared.tensor, plan, device, progress=progress):
        block = said if doubt is None or doubt.spread is None else doubt.spread.without(said)
        if block.logits.shape[0] != whole.channels:
            raise _wrong_outputs(package, tuple(block.logits.shape))
        _check_block(package, block, prepared.tensor.shape[2:] if plan is None else block.logits.shape[1:])
        whole.add(block)
        if doubt is not None:
            doubt.add(block)
        if shares is not None:
            shares.add(block)
    return whole.finish(progress)


def _check_block(package: Package, block: Block, shape: Sequence[int]) -> None:
    if tuple(block.logits.shape[1:]) != tuple(shape) or not block.is_finite:
        raise Refused("The model {model} gave no usable answer on this image.", model=package.name)


def _wrong_outputs(package: Package, shape: tuple[int, ...]) -> Refused:
    return Refused(
        "The network of {model} writes {shape} outputs, which does not fit its {count} labels.",
        model=package.name,
        shape=" x ".join(map(str, shape)),
        count=len(package.labels),
    )


def _notes(package: Package, volume: Volume) -> tuple[str | Warned, ...]:
    times = volume.array_tzyx.shape[0]
    if times == 1 or package.input.series:
        return ()
    if len(volume.series.time_labels) != times:
        return ("Only the first time point of the series was analysed.",)
    first = volume.series.time_labels[0]
    return (warned("Only the first of {count} time points was analysed: {which}.", count=times, which=first),)


def _untold(package: Package) -> tuple[Warned, ...]:
    """Return what the bundle of somebody else does not say of itself, for the reader of its results."""
    if not package.foreign:
        return ()
    return tuple(warned("Not told by the model's package: {what}.", what=Warned(text)) for text in missing(package))
