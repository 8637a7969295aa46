"""Answers already computed in this process: the same pixels, weights and settings need not run again.

What is remembered is what the model said. Whether it may be asked (the suitability checks, the reader's reason) is
looked at anew each time, and the result says that it was not computed now.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np

from medassist.entities.manifest import RunManifest
from medassist.entities.prediction import Prediction
from medassist.entities.study import warned
from medassist.entities.volume import Volume
from medassist.inference.devices import choose
from medassist.inference.packages import Package

MOST_BYTES = 512 * 2**20
MOST_ANSWERS = 64

_known: OrderedDict[Key, Prediction] = OrderedDict()
_hashes: WeakKeyDictionary[Volume, str] = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class Key:
    """What an answer depends on, as SHA-256: the input (pixels and grid), the package, and how it was to be run."""

    input_sha256: str
    package_sha256: str
    device: str
    backend: str
    uncertainty: bool = False
    tta: bool = False
    probabilities: bool = False


def key_of(
    package: Package,
    volume: Volume,
    device: str,
    backend: str,
    *,
    uncertainty: bool = False,
    tta: bool = False,
    probabilities: bool = False,
) -> Key | None:
    """Return the key of one run as it was asked for, None for a package whose weights have no known hash.

    A device that is not here is refused as in a run; "auto" stays: to know what it would be takes seconds.
    """
    if not package.sha256:
        return None
    if backend == "openvino":
        device = "cpu"
    elif device not in ("auto", "cpu"):
        device = choose(device)
    return Key(input_sha256(volume), _package_sha256(package), device, backend, uncertainty, tta, probabilities)


def input_sha256(volume: Volume) -> str:
    """Return the SHA-256 of all that a network can see of a series: pixels, grid, padding and how it is shown."""
    if volume not in _hashes:
        _hashes[volume] = _hash(volume)
    return _hashes[volume]


def _hash(volume: Volume) -> str:
    array, grid = volume.array_tzyx, volume.geometry
    digest = hashlib.sha256(np.ascontiguousarray(array).data)
    told = (array.shape, array.dtype.str, grid.shape_zyx, grid.frame_of_reference_uid, grid.calibrated)
    shown = (volume.padding, volume.windows[:1], volume.inverted, volume.is_color, volume.series.irregularity)
    digest.update(repr((told, shown, grid.affine_lps.tolist())).encode())
    return digest.hexdigest()


def recall(key: Key | None) -> Prediction | None:
    """Return the answer under a key, None when it was never given or had to give way."""
    with _lock:
        if key is None or key not in _known:
            return None
        _known.move_to_end(key)
        return _known[key]


def remember(key: Key | None, answer: Prediction) -> Prediction:
    """Keep an answer, and return it with the hash of its input; those not asked for longest give way to it."""
    if key is None:
        return answer
    kept = replace(answer, manifest=replace(answer.manifest, input_sha256=key.input_sha256))
    with _lock:
        _known[key] = kept
        _known.move_to_end(key)
        while len(_known) > MOST_ANSWERS or sum(map(_bytes, _known.values())) > MOST_BYTES:
            _known.popitem(last=False)
    return kept


def forget_results() -> None:
    """Drop every remembered answer."""
    with _lock:
        _known.clear()


def again(answer: Prediction, volume: Volume, seconds: float) -> Prediction:
    """Return a remembered answer for a run that starts now: marked, with the time it took to find it."""
    note = warned("The result was computed at {time} and taken from the cache.", time=answer.manifest.computed)
    return replace(
        answer,
        series_key=volume.series.key,
        uncertainty=answer.uncertainty and replace(answer.uncertainty, series_key=volume.series.key),
        spread=answer.spread and replace(answer.spread, series_key=volume.series.key),
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        timings_s={"prepare": 0.0, "infer": seconds},
        notes=(*answer.notes, note),
        manifest=replace(answer.manifest, from_cache=True),
    )


def of_parts(parts: Sequence[RunManifest], whole: Prediction) -> RunManifest:
    """Return one manifest for a result made of several runs of the same model: the last one, with the steps of all."""
    steps = tuple(dict.fromkeys(step for one in parts for step in one.steps))
    last = parts[-1] if parts else RunManifest()
    windows = sum(one.windows for one in parts)
    return replace(last, steps=steps, windows=windows, computed=whole.started, computed_s=dict(whole.timings_s))


def _package_sha256(package: Package) -> str:
    config = package.config.read_bytes() if package.config.is_file() else b""
    told = json.dumps(package.metadata, sort_keys=True, default=str)
    return hashlib.sha256(config + repr((package.sha256, package.name, package.trusted, told)).encode()).hexdigest()


def _bytes(answer: Prediction) -> int:
    maps = [one for one in (answer.uncertainty, answer.spread) if one is not None]
    doubts = sum(one.values_zyx.nbytes + one.native_zyx.nbytes for one in maps)
    objects = 0 if answer.instances is None else answer.instances.labels_zyx.nbytes
    shares = 0 if answer.probabilities is None else answer.probabilities.shares_lzyx.nbytes
    return 4096 + doubts + objects + shares + (answer.mask.labels_zyx.nbytes if answer.mask is not None else 0)
