"""From a package to a quicker one: made aside, judged on data, and only then put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.inference.backends.openvino_backend import compared
from medassist.inference.backends.optimised_backend import prepared
from medassist.inference.backends.selection import select
from medassist.inference.backends.torch_backend import torch_backend
from medassist.inference.network import LoadedNetwork, load_network
from medassist.inference.optimised import Optimised, content_of
from medassist.inference.packages import PROMPTED, Package, read
from medassist.progress import Progress
from medassist.training.evaluation.asking import Question
from medassist.training.optimise import export, quantise
from medassist.training.optimise.means import Means, checked
from medassist.training.optimise.outcome import (
    AFTER_AUTO,
    AFTER_TORCH,
    BEFORE_AUTO,
    BEFORE_TORCH,
    Outcome,
    verdict,
)
from medassist.training.optimise.parity import compare
from medassist.training.optimise.renewal import renew
from medassist.training.optimise.rows import Rows, choose_rows
from medassist.training.optimise.smaller import Pupil, shrink
from medassist.training.optimise.speed import Speed, time_ways
from medassist.training.optimise.staging import note_version, own_section, publish, staged
from medassist.training.optimise.windows import demand_one_size, windows_of
from medassist.training.table import Row

if TYPE_CHECKING:
    import torch

    from medassist.inference.windows import Forward

TIMED_WINDOWS = 8
"""Windows that speed, distances of logits and written formats are measured on."""
MOST_OF_BEFORE = 0.95
"""Share of the time of the whole network that a pruned one may take."""


@dataclass(frozen=True)
class _Case:
    """What one optimisation works with: the package, the rows, what was asked, and windows of judged rows."""

    package: Package
    rows: Rows
    means: Means
    windows: Sequence[torch.Tensor]
    progress: Progress


def optimise(package: Package, data: Path, out: Path, means: Means, *, progress: Progress | None = None) -> Outcome:
    """Make a package quicker by `means`, judge it on the rows of `data`, and write it to `out`.

    An outcome with a refusal has written nothing: the main figure of a label fell by more than the tolerance. Raises
    UsageError for means that make no sense, UnreadableInput for the data, UnwritableOutput for `out`, Refused for a
    package that cannot be treated so or a library that is missing, and Cancelled, leaving nothing behind.
    """
    progress = progress or Progress()
    checked(means)
    _check(package, means)
    rows = choose_rows(package, data, means)
    with staged(package, out) as copy:
        own_section(copy)
        windows = windows_of(package, rows.table, _spread(rows.judged, TIMED_WINDOWS), progress=progress)
        outcome = _made(_Case(package, rows, means, windows, progress), copy)
        if outcome.refusal is None:
            publish(copy, out)
            return replace(outcome, out=out)
    return outcome


def _check(package: Package, means: Means) -> None:
    """Refuse what cannot be optimised, and libraries that are missing, before anything is read."""
    if package.task == PROMPTED:
        raise Refused("The model {model} needs a box on every picture: no data set brings them.", model=package.name)
    if package.optimised is not None:
        raise Refused(
            "{model} is optimised already.",
            remedy="Begin with the package it was made from.",
            model=package.name,
        )
    if means.quantize:
        quantise.check_here(means.quantize)
    export.check_here(means.export)


def _spread(rows: Sequence[Row], count: int) -> Sequence[Row]:
    """Return at most `count` rows, from all over the folder."""
    return rows[:: max(1, len(rows) // count)][:count]


def _made(case: _Case, copy: Path) -> Outcome:
    """Do all that was asked for to the copy of a package, and judge it."""
    if case.means.prune or case.means.distill:
        shrink(Pupil(case.package, copy, case.rows, case.windows[0], case.progress), case.means)
        note_version(copy, case.means.names)
    made = _quantised(case, copy) if case.means.quantize else None
    exported = export.export(
        load_network(read(copy), "cpu"), case.means.export, copy / "models", case.windows, case.progress
    )
    outcome = Outcome(case.package.ref, case.means.names, None, case.means.tolerance, exported=exported)
    if not case.means.names:
        return outcome
    outcome = _judged(case, copy, made, outcome)
    if outcome.refusal is None:
        _write(case, copy, made, outcome)
    return outcome


def _quantised(case: _Case, copy: Path) -> Optimised:
    """Write the program of the copy with what windows tell of it; the rows are asked later."""
    package, rows = read(copy), case.rows
    chosen = _spread(rows.learned, quantise.CALIBRATION_ROWS)
    calibration = windows_of(package, rows.training_table, chosen, progress=case.progress)
    demand_one_size(package, [*calibration, *case.windows])
    network = load_network(package, "cpu")
    made = quantise.quantise(network, copy, case.means.quantize, calibration, progress=case.progress)
    forward = prepared(network, made).forward
    apart = [compared(network, forward, window) for window in case.windows]
    return replace(
        made, logit_difference=max(one for one, _ in apart), decided_otherwise=max(share for _, share in apart)
    )


def _judged(case: _Case, copy: Path, made: Optimised | None, outcome: Outcome) -> Outcome:
    """Put the judged rows to both packages, and time them."""
    if made is not None:
        note_version(copy, case.means.names, optimised=content_of(made, copy, {}))
    package, labels = read(copy), {label.label: label for label in case.rows.record.labels}
    wanted = tuple(labels[label.label] for label in case.package.labels)
    before, after = (Question(one, case.rows.table, wanted, "cpu") for one in (case.package, package))
    backend, precision = ("auto", made.precision) if made is not None else ("torch", "f32")
    parity = compare(before, after, case.rows.judged, backend=backend, precision=precision, progress=case.progress)
    timed = _timed(case, package)
    return replace(
        outcome,
        parity=parity,
        speed=timed,
        looked_at=min(len(case.rows.learned), quantise.CALIBRATION_ROWS),
        of_training=case.rows.of_training,
        logit_difference=0.0 if made is None else made.logit_difference,
        weights_bytes=(case.package.weights.stat().st_size, _bytes(package)),
        refusal=verdict(parity, case.means.tolerance) or _no_quicker(case, timed),
    )


def _no_quicker(case: _Case, timed: Speed) -> Refused | None:
    """Return why a pruned network is not worth it, None where it is quicker."""
    ratio = timed.ratio(AFTER_TORCH, BEFORE_TORCH)
    if not case.means.prune or ratio <= MOST_OF_BEFORE:
        return None
    return Refused(
        "Without {share} of its channels {model} still takes {ratio} of the time. Nothing was written.",
        share=f"{case.means.prune:.0%}",
        model=case.package.name,
        ratio=f"{ratio:.2f}",
    )


def _bytes(package: Package) -> int:
    """Return the size of what a run of the optimised package reads."""
    made = package.optimised
    files = [package.weights] if made is None else [made.program.file, made.numbers.file]
    return sum(file.stat().st_size for file in files)


def _timed(case: _Case, package: Package) -> Speed:
    ways: dict[str, Forward] = {}
    for one, torchs, autos in ((case.package, BEFORE_TORCH, BEFORE_AUTO), (package, AFTER_TORCH, AFTER_AUTO)):
        network = load_network(one, "cpu")
        ways[torchs] = torch_backend(network).forward
        ways[autos] = _auto(network, case.windows[0])
    return time_ways(ways, case.windows, progress=case.progress)


def _auto(network: LoadedNetwork, window: torch.Tensor) -> Forward:
    with network.lock:
        return select("auto", network, tuple(window.shape), window)[0].forward


def _write(case: _Case, copy: Path, made: Optimised | None, outcome: Outcome) -> None:
    """Keep in the package what was measured of it, and what it was made from."""
    if outcome.parity is None:
        return
    package, changes = case.package, dict[str, object]()
    if case.means.prune or case.means.distill:
        from_what = {"name": package.name, "version": package.version, "sha256": package.sha256}
        changes["made_from"] = {**from_what, "measured": outcome.measured()}
    if made is not None:
        worst = outcome.parity.worst
        told = replace(made, metric=worst.metric, change=worst.change.value, rows=outcome.parity.rows)
        changes["optimised"] = content_of(told, copy, outcome.measured())
    note_version(copy, case.means.names, **changes)
    if "made_from" in changes:
        renew(copy, case.rows, progress=case.progress)
