"""Write down what random weights do to the maps of a package, so that no reader has to wait for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from medassist.entities.errors import Refused, UnwritableOutput, UsageError
from medassist.entities.prediction import Mask
from medassist.entities.volume import Volume
from medassist.explain.methods import METHODS, explain
from medassist.explain.protocol import Explainer
from medassist.explain.quality.asked import Asked
from medassist.explain.quality.randomisation import randomised
from medassist.explain.quality.stamping import as_asked
from medassist.inference.explaining import read_measured
from medassist.inference.packages import METADATA, Package
from medassist.inference.predict import predict
from medassist.inference.self_test import usual_image
from medassist.progress import Progress

FILE = "configs/explanations.json"
DIGITS = 4


def measure_package(
    package: Package, methods: Sequence[str] = (), *, device: str = "auto", progress: Progress | None = None
) -> dict[str, dict[str, float]]:
    """Return by method the parameter randomisation on the package's own test image; methods that refuse are left out.

    `methods` are names; () is all that apply and are installed. Every label is tried, best score first, until one has
    a map that is not empty: the likeness of nothing to nothing would pass.
    """
    progress, task = progress or Progress(), "segmentation" if package.marks_voxels else package.task
    volume = usual_image(package, progress)
    said = predict(package, volume, device=device, progress=progress)
    ranked = sorted(said.scores, key=lambda one: -one.probability)
    targets = [one.label for one in ranked] if said.mask is None else [one.label for one in said.mask.segments]
    found: dict[str, dict[str, float]] = {}
    for one in METHODS:
        wanted = one.name in methods if methods else True
        if wanted and one.applies_to(task) and one.availability().ok:
            asked = _first_map(package, volume, targets, one, said.mask, device, progress)
            numbers = randomised(asked, progress) if asked is not None else {}
            found |= {one.name: {name: round(value, DIGITS) for name, value in numbers.items()}} if numbers else {}
    return found


def _first_map(
    package: Package,
    volume: Volume,
    targets: Sequence[str],
    explainer: Explainer,
    mask: Mask | None,
    device: str,
    progress: Progress,
) -> Asked | None:
    for target in targets:
        try:
            heatmap = explain(
                package, volume, target, method=explainer.name, mask=mask, device=device, progress=progress
            )
        except Refused:
            continue
        if heatmap.maximum > 0.0:
            return as_asked(package, volume, heatmap, mask=mask, device=device, progress=progress)
    return None


def write_known(package: Package, methods: dict[str, dict[str, float]], *, add: bool = False) -> None:
    """Write `configs/explanations.json` and promise it in the package's metadata (UnwritableOutput).

    With `add` what was measured of other methods stays, if it was measured on these very weights.
    """
    if not methods:
        raise UsageError("Nothing was measured of {model}, so nothing was written.", model=package.name)
    every = {**_kept(package), **methods} if add else methods
    content = (json.dumps({"weights": package.sha256, "methods": every}, indent=1) + "\n").encode()
    metadata = package.root / METADATA
    try:
        whole = json.loads(metadata.read_text(encoding="utf-8"))
        promise = {"file": FILE, "sha256": hashlib.sha256(content).hexdigest()}
        whole["medassist"].setdefault("explanation", {})["measured"] = promise
        (package.root / FILE).write_bytes(content)
        metadata.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnwritableOutput(
            "{path} cannot be written: {reason}.", path=package.root / FILE, reason=error.strerror or error
        ) from error


def _kept(package: Package) -> dict[str, dict[str, float]]:
    try:
        kept = read_measured(package.explanation, package.sha256, package.name)
    except Refused:
        return {}
    return {name: dict(numbers) for name, numbers in kept.items()}
