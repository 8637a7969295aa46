"""To the network's grid and home again: the one road for images, masks and heatmaps.

Training and inference share these functions, so that a network sees at the reader's desk what it saw in training.

Axes: arrays here are (slice, row, column). Networks get x first, as MONAI's readers deliver files: (C, X, Y, Z) with
the true RAS affine, or (C, X, Y) for a film, where X counts columns and Y counts rows. A film has an affine in its own
plane (mm along columns and rows): it may stand anywhere in space, where MONAI's two-dimensional transforms would read
a singular affine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.geometry import RAS_FROM_LPS, Geometry
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging.render import to_gray8
from medassist.imaging.resample import resample
from medassist.inference.packages import Package
from medassist.inference.several import stacked
from medassist.inference.shortage import is_shortage
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

STAGE_HOME = "Bringing the mask home"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the network gets and the way back.

    Attributes:
        tensor: (1, C, X, Y, Z), or (1, C, X, Y) for a film, float32 on the CPU.
        grid: where its voxels lie in the patient; `grid.shape_zyx` is (Z, Y, X) or (1, Y, X).
        home: the grid of the series.
    """

    tensor: torch.Tensor
    grid: Geometry
    home: Geometry

    def to_zyx(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn one channel (X, Y[, Z]) of the network's answer or of a feature map to (slice, row, column)."""
        return np.atleast_3d(values).transpose(2, 1, 0)


def prepare(package: Package, volume: Volume, *, time: int = 0) -> Prepared:
    """Bring one time point of a series to the network's grid and values.

    Refused when the series forms no regular grid, has the wrong number of dimensions or colours the network
    does not take.
    """
    demand_regular(package, volume)
    if package.input.series:
        return prepare_image(package, stacked(package, volume), volume.geometry)
    shown = package.input.values == "display" and not volume.is_color
    values = displayed(volume, time) if shown else without_padding(volume, time)
    return prepare_image(package, values, volume.geometry)


def demand_regular(package: Package, volume: Volume) -> None:
    """Refuse a series whose slices form no regular grid."""
    if not volume.is_regular:
        raise Refused(
            "The model {model} needs a regular grid: {reason}.",
            model=package.name,
            reason=volume.series.irregularity.rstrip("."),
        )


def prepare_image(package: Package, values_zyx: NDArray[Any], geometry: Geometry | None = None) -> Prepared:
    """Bring an image that does not come from a series (training data) to the network's grid and values.

    Args:
        package: whose preprocessing is run.
        values_zyx: (slice, row, column), (row, column), or either with a last axis of 3 colours; modality values
            or 0..255 display values, as `package.input.values` says.
        geometry: its grid; None stands for unit spacing that is no millimetres.
    """
    home_values = _with_slices(package, np.asarray(values_zyx))
    shape = (home_values.shape[0], home_values.shape[1], home_values.shape[2])
    home = geometry or Geometry(np.eye(4), shape, calibrated=False)
    if home.shape_zyx != shape:
        raise Refused("The image {shape} does not fit its grid {grid}.", shape=shape, grid=home.shape_zyx)
    image = _as_image(package, home_values, home)
    changed = _run(package, image)
    grid = _grid_of(changed.affine.numpy(), tuple(changed.shape[1:]), home)
    tensor = changed.as_tensor().float().contiguous()[None]
    return Prepared(tensor, grid, home)


def displayed(volume: Volume, time: int = 0) -> NDArray[np.float32]:
    """Return grey values as a reader first sees them: 0..255 in float32, first window applied, MONOCHROME1 inverted.

    In whole steps, like the 8-bit films networks are trained on.
    """
    return to_gray8(without_padding(volume, time), volume.windows[0], volume.inverted).astype(np.float32)


def without_padding(volume: Volume, time: int) -> AnyArray:
    """Return values with "no data" set to the darkest real value: -32768 outside a CT's circle spoils every scaling."""
    values: AnyArray = volume.array_tzyx[time]
    if volume.padding is None or volume.is_color:
        return values
    empty = (values >= volume.padding[0]) & (values <= volume.padding[1])
    if not empty.any() or empty.all():
        return values
    real = values[~empty]
    filled: AnyArray = np.where(empty, real.max() if volume.inverted else real.min(), values)
    return filled


def restore(
    values_zyx: NDArray[Any], grid: Geometry, home: Geometry, *, linear: bool, fill: float = 0.0
) -> NDArray[Any]:
    """Bring values on one grid to another one of the same frame of reference: to the series, or labels to a network.

    Args:
        values_zyx: (slice, row, column) on `grid`; label values must come with `linear=False`.
        grid: where the values are.
        home: where they shall be.
        linear: interpolate (maps, probabilities) or take the nearest voxel (labels).
        fill: value where `grid` does not reach.

    Refused when the values do not fit `grid` or the grids lie in different frames of reference: never a guess.
    An identical grid gives back an exact copy.
    """
    if values_zyx.shape != grid.shape_zyx:
        raise Refused("The values {shape} do not fit their grid {grid}.", shape=values_zyx.shape, grid=grid.shape_zyx)
    if grid.frame_of_reference_uid != home.frame_of_reference_uid:
        raise Refused("The result and the series lie in different frames of reference and cannot be laid over.")
    if grid.same_grid(home, tolerance_mm=1e-6):
        return values_zyx.copy()
    restored = resample(values_zyx, grid, home, linear=linear, fill=fill)
    if restored.shape != home.shape_zyx:
        raise Refused("The values {shape} do not fit their grid {grid}.", shape=restored.shape, grid=home.shape_zyx)
    return restored


def restore_labels(
    scores_czyx: NDArray[np.float32], grid: Geometry, home: Geometry, *, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """Bring per-class scores (class, slice, row, column) home as a label map, class 0 outside `grid`.

    Cancelled between two classes.

    Where voxels lie on voxels (flips, axis orders, crops) the labels are decided on `grid` and moved exactly.
    Else each class is interpolated and the labels are decided on `home`, which gives smooth borders; one class at
    a time, so that memory does not grow with classes x voxels.
    """
    if voxels_coincide(grid, home):
        return restore(scores_czyx.argmax(axis=0).astype(np.uint8), grid, home, linear=False)
    progress = progress or Progress()
    best = restore(scores_czyx[0], grid, home, linear=True, fill=1.0)
    labels = np.zeros(home.shape_zyx, dtype=np.uint8)
    for value in progress.over(range(1, len(scores_czyx)), STAGE_HOME):
        scores = restore(scores_czyx[value], grid, home, linear=True, fill=0.0)
        higher = scores > best
        labels[higher] = value
        np.maximum(best, scores, out=best)
    return labels


def voxels_coincide(grid: Geometry, home: Geometry, tolerance: float = 0.01) -> bool:
    """Tell whether every voxel centre of `grid` falls on a voxel centre of `home` and fills the same cell."""
    step = np.linalg.inv(home.affine_lps) @ grid.affine_lps
    whole = np.rint(step)
    last = np.array(grid.shape_zyx[::-1]) - 1
    corners = np.array([[*(corner * last), 1] for corner in np.ndindex(2, 2, 2)]).T
    same_cells = np.array_equal(np.sort(abs(whole[:3, :3]), axis=0), [[0, 0, 0], [0, 0, 0], [1, 1, 1]])
    return same_cells and bool(abs((step - whole) @ corners).max() < tolerance)


def _with_slices(package: Package, values: NDArray[Any]) -> NDArray[Any]:
    """Return (slice, row, column, channel) with the channels the network takes."""
    picture = values.ndim == 3 and values.shape[-1] == 3 == package.input.channels and package.input.dimensions == 2
    channels = values if values.ndim == 4 or picture else values[..., None]
    if channels.ndim == 3:
        channels = channels[None]
    if channels.ndim != 4 or (package.input.dimensions == 2) != (channels.shape[0] == 1):
        raise Refused(
            "The model {model} takes {dimensions}-dimensional images; this one has {slices} slices.",
            model=package.name,
            dimensions=package.input.dimensions,
            slices=channels.shape[0],
        )
    if channels.shape[-1] == 3 and package.input.channels == 1 and is_grey(channels):
        return channels[..., :1]
    if channels.shape[-1] != package.input.channels:
        raise Refused(
            "The model {model} takes {demanded} colour channels; this image has {found}.",
            model=package.name,
            demanded=package.input.channels,
            found=channels.shape[-1],
        )
    return channels


def is_grey(values: NDArray[Any]) -> bool:
    """Tell whether a colour picture (…, 3) holds only shades of grey."""
    return bool((values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all())


def _as_image(package: Package, values: NDArray[Any], home: Geometry) -> Any:
    """Return (C, X, Y, Z) in RAS, or (C, X, Y) in the plane of the film, as a MetaTensor."""
    import torch
    from monai.data import MetaTensor

    array = values.transpose(3, 2, 1, 0)
    if package.input.dimensions == 2:
        array = array[..., 0]
    tensor = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    return MetaTensor(tensor, affine=torch.from_numpy(affine_of(package, home)), meta={"space": "RAS"})


def affine_of(package: Package, home: Geometry) -> NDArray[np.float64]:
    """Return the affine the preparation sees: RAS (4, 4), or mm in the plane of a film."""
    return _plane(home) if package.input.dimensions == 2 else np.array(home.affine_ras)


_FAILED = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    MemoryError,
)


def _run(package: Package, image: Any) -> Any:
    from monai.data import MetaTensor

    from medassist.inference.bundle import preprocessing

    try:
        changed = preprocessing(package)(image)
    except _FAILED as error:
        cause = error.__cause__ or error
        if is_shortage(cause):
            raise Refused(
                "There is not enough memory to run {model} on this image.",
                remedy="Close other programs or series, or use a machine with more memory.",
                model=package.name,
            ) from error
        raise Refused(
            "The preparation of the model {model} failed on this image: {reason}.",
            model=package.name,
            reason=str(cause).splitlines()[0] if str(cause) else type(cause).__name__,
        ) from error
    if not isinstance(changed, MetaTensor) or changed.ndim != package.input.dimensions + 1 or 0 in changed.shape:
        raise Refused("The preparation of the model {model} lost the place of the image.", model=package.name)
    return changed


def _plane(home: Geometry) -> NDArray[np.float64]:
    """Return the affine of (column, row) indices in the film's own plane, mm."""
    return np.diag([*home.spacing_mm, 1.0])


def _grid_of(affine: NDArray[np.float64], shape: tuple[int, ...], home: Geometry) -> Geometry:
    """Return the grid of an image after preprocessing, in the frame of reference of `home`."""
    if len(shape) == 3:
        return replace(home, affine_lps=RAS_FROM_LPS @ affine, shape_zyx=(shape[2], shape[1], shape[0]))
    in_home = np.linalg.inv(_plane(home)) @ affine
    return replace(home, affine_lps=home.affine_lps @ in_home, shape_zyx=(1, shape[1], shape[0]))
