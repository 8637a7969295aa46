"""An answer of a model as one file of numbers, and back: an .npz without pickles.

What belongs to the series (its key, grid and frame of reference) or to the package (identity, calibration cases) is
not in it: whoever reads an answer again has the same pixels and the same package in hand, and gives both.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.instances import Instances
from medassist.entities.manifest import RunManifest
from medassist.entities.prediction import Check, ClassScore, Code, Mask, Prediction, Segment, Verdict
from medassist.entities.probabilities import Probabilities
from medassist.entities.study import Warned
from medassist.entities.volume import Volume
from medassist.inference.packages import Package
from medassist.inference.uncertainty import as_map

MOST_BYTES = 512 * 2**20
"""Of arrays in one file, unpacked."""
ARRAYS = ("told", "labels", "objects", "doubt", "native_doubt", "spread", "native_spread", "shares")


class Unkept(ValueError):
    """An answer cannot be kept, or a file holds none that can be used."""


def encode(answer: Prediction, elsewhere: Sequence[str | Warned] = ()) -> bytes:
    """Return an answer as a file without the notes in `elsewhere`, which come from the series (Unkept: too large)."""
    arrays: dict[str, NDArray[Any]] = {}
    if answer.mask is not None:
        arrays["labels"] = answer.mask.labels_zyx
    if answer.instances is not None:
        arrays["objects"] = answer.instances.labels_zyx
    if answer.uncertainty is not None:
        arrays |= {"doubt": answer.uncertainty.values_zyx, "native_doubt": answer.uncertainty.native_zyx}
    if answer.spread is not None:
        arrays |= {"spread": answer.spread.values_zyx, "native_spread": answer.spread.native_zyx}
    if answer.probabilities is not None:
        arrays["shares"] = answer.probabilities.shares_lzyx
    if sum(one.nbytes for one in arrays.values()) > MOST_BYTES:
        raise Unkept("too large")
    told = json.dumps(_told(answer, elsewhere), allow_nan=False).encode()
    file = io.BytesIO()
    np.savez_compressed(file, told=np.frombuffer(told, np.uint8), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _told(answer: Prediction, elsewhere: Sequence[str | Warned]) -> dict[str, object]:
    manifest, doubt, mask = answer.manifest, answer.uncertainty, answer.mask
    steps = [_of_text(one) for one in manifest.steps]
    kept = {name: value for name, value in vars(manifest).items() if name not in ("steps", "input_sha256")}
    return {
        "started": answer.started,
        "device": answer.device,
        "timings_s": dict(answer.timings_s),
        "notes": [_of_text(one) for one in answer.notes if one not in elsewhere],
        "checks": [asdict(one) | {"verdict": one.verdict.value} for one in answer.checks],
        "scores": [asdict(replace(one, curve=None)) for one in answer.scores],
        "manifest": {**kept, "computed_s": dict(manifest.computed_s), "steps": steps},
        "mask": mask and {"overlapping": mask.overlapping, "segments": [asdict(one) for one in mask.segments]},
        "doubt_affine": doubt and doubt.native_geometry.affine_lps.tolist(),
        "shares": answer.probabilities and list(answer.probabilities.values),
        "spread_affine": answer.spread and answer.spread.native_geometry.affine_lps.tolist(),
    }


def _of_text(text: object) -> object:
    if isinstance(text, Warned):
        return {"message": text.message, "values": [[name, _of_text(value)] for name, value in text.values]}
    if not isinstance(text, str | int | float):
        raise Unkept(f"a note holds {type(text).__name__}")
    return text


def decode(content: bytes, package: Package, volume: Volume) -> Prediction:
    """Return the answer in a file, for the series and the package in hand (Unkept when it cannot be used)."""
    try:
        arrays = _arrays(content)
        told = json.loads(arrays["told"].tobytes())
        return _answer(told, arrays, package, volume)
    except Unkept:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OSError,
        EOFError,
        MemoryError,
        zipfile.BadZipFile,
    ) as error:
        raise Unkept(type(error).__name__) from error


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(one.file_size for one in archive.infolist()) > 2 * MOST_BYTES:
            raise Unkept("too large")
    with np.load(io.BytesIO(content), allow_pickle=False) as parts:
        return {name: parts[name] for name in ARRAYS if name in parts}


def _answer(told: Any, arrays: Mapping[str, NDArray[Any]], package: Package, volume: Volume) -> Prediction:
    return Prediction(
        model=package.ref,
        series_key=volume.series.key,
        started=str(told["started"]),
        device=str(told["device"]),
        checks=tuple(Check(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["checks"]),
        scores=tuple(_score(one) for one in told["scores"]),
        mask=None if told["mask"] is None else _mask(told["mask"], arrays, volume.geometry),
        timings_s={name: float(value) for name, value in told["timings_s"].items()},
        notes=tuple(_text(one) for one in told["notes"]),
        manifest=_manifest(told["manifest"]),
        uncertainty=_doubt(told, arrays, package, volume, "doubt", MapKind.UNCERTAINTY),
        spread=_doubt(told, arrays, package, volume, "spread", MapKind.SPREAD),
        probabilities=_shares(told["shares"], arrays, volume.geometry),
    )


def _text(told: Any) -> Any:
    if isinstance(told, dict):
        return Warned(str(told["message"]), tuple((str(name), _text(value)) for name, value in told["values"]))
    return told


def _score(told: Any) -> ClassScore:
    return ClassScore(**{**told, "code": _code(told["code"]), "category": _code(told["category"])})


def _code(told: Any) -> Code | None:
    return None if told is None else Code(**told)


def _mask(told: Any, arrays: Mapping[str, NDArray[Any]], home: Geometry) -> Mask:
    labels = arrays["labels"]
    if labels.dtype != np.uint8:
        raise Unkept("labels of another type")
    codes = [one.name for one in fields(Segment) if one.name in ("code", "category", "modifier", "laterality")]
    segments = (
        Segment(**{**one, **{name: _code(one[name]) for name in codes}, "color": tuple(one["color"])})
        for one in told["segments"]
    )
    instances = Instances(arrays["objects"], home) if "objects" in arrays else None
    return Mask(labels, home, tuple(segments), bool(told["overlapping"]), instances)


def _shares(told: Any, arrays: Mapping[str, NDArray[Any]], home: Geometry) -> Probabilities | None:
    if told is None:
        return None
    if arrays["shares"].dtype != np.uint8:
        raise Unkept("probabilities of another type")
    return Probabilities(arrays["shares"], home, tuple(map(int, told)))


def _manifest(told: Any) -> RunManifest:
    steps = tuple(_text(one) for one in told["steps"])
    flips = tuple(tuple(one) for one in told["flips"])
    return RunManifest(**{**told, "window": tuple(told["window"]), "flips": flips, "steps": steps})


def _doubt(
    told: Any, arrays: Mapping[str, NDArray[Any]], package: Package, volume: Volume, name: str, kind: MapKind
) -> Heatmap | None:
    """Return one of the maps over the mask, None where there is none."""
    affine = told[f"{name}_affine"]
    if affine is None:
        return None
    values, native = arrays[name], arrays[f"native_{name}"]
    if values.dtype != np.float32 or native.dtype != np.float32:
        raise Unkept("a map of another type")
    shape = (native.shape[0], native.shape[1], native.shape[2])
    grid = replace(volume.geometry, affine_lps=np.array(affine, np.float64), shape_zyx=shape)
    return as_map(package, volume.series.key, values, volume.geometry, native, grid, kind=kind)
