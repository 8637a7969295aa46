"""Outline what lies in a box: embed the slice once, then ask as often as the box changes."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused, UsageError
from medassist.entities.prompt import Box
from medassist.entities.volume import Volume
from medassist.inference.devices import choose, one_core_free
from medassist.inference.interactive.picture import Grey, Square, grey_levels, plane_of, square_of, to_picture
from medassist.inference.network import LoadedNetwork, load_network
from medassist.inference.packages import PROMPTED, Package
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

MOST_KEPT = 24
"""Embeddings kept in memory, 4 MB each: going back and forth over a lesson's worth of slices costs nothing."""
STAGE_LOOKING = "Looking at the slice"

_Key = tuple["weakref.ref[Volume]", int, Grey, str, str]
_kept: OrderedDict[_Key, Embedding] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Embedding:
    """What the encoder made of one slice: (1, 256, 64, 64) on the device of `network`."""

    features: torch.Tensor
    square: Square
    network: LoadedNetwork


@one_core_free()
def embed(
    package: Package, volume: Volume, index: int, grey: Grey, *, device: str = "auto", progress: Progress
) -> Embedding:
    """Return the embedding of one slice as stored, from memory when this very slice and window were asked for before.

    UsageError when there is no such slice; Refused when the model cannot be loaded.
    """
    if not (0 <= index < volume.geometry.shape_zyx[0] and 0 <= grey.time < len(volume.array_tzyx)):
        raise UsageError(
            "The series {series} has no slice {number}, counted from 0.", series=volume.series.title, number=index
        )
    if package.task != PROMPTED:
        raise UsageError("The model {model} takes no box.", model=package.name)
    chosen = choose(device)
    key = (weakref.ref(volume), index, grey, package.sha256, chosen)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    progress.step(STAGE_LOOKING)
    made = _embed(load_network(package, chosen), volume, index, grey, progress)
    with _lock:
        _kept[key] = made
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return made


def forget_embeddings() -> None:
    """Drop what is kept, so that its memory can be freed."""
    with _lock:
        _kept.clear()


def _embed(network: LoadedNetwork, volume: Volume, index: int, grey: Grey, progress: Progress) -> Embedding:
    import torch

    square = square_of(plane_of(volume, index))
    picture = to_picture(grey_levels(volume, index, grey), square).to(network.device)
    with network.held(progress) as module, torch.inference_mode():
        features: torch.Tensor = module.embed(picture)  # type: ignore[operator]  # a LiteMedSam, by the task
    return Embedding(features, square, network)


@one_core_free()
def outline(embedding: Embedding, box: Box, *, progress: Progress) -> NDArray[np.bool_]:
    """Return what the model marks in a box of that slice: (rows, columns), False where it marks nothing.

    UsageError when the box does not lie on the slice, Refused when the answer is not a number.
    """
    import torch

    plane = embedding.square.plane
    inside = Box(box.first_column, box.first_row, box.last_column, box.last_row, 0).within(plane)
    if inside is None or min(inside.rows, inside.columns) < 2:
        raise UsageError(
            "The box {box} covers less than two rows and columns of the slice.",
            remedy="Give first and last column and row of the slice as stored, from 0.",
            box=f"{box.first_column},{box.first_row},{box.last_column},{box.last_row}",
        )
    network = embedding.network
    edges = torch.tensor(embedding.square.box_xyxy(inside), dtype=torch.float32, device=network.device)
    with network.held(progress) as module, torch.inference_mode():
        logits = module(embedding.features, edges)[0, 0].float().cpu().numpy()
    if not np.isfinite(logits).all():
        raise Refused("The model {model} gave no usable answer on this image.", model=network.package.name)
    return embedding.square.to_slice(logits)
