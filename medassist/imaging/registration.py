"""Lay a template of an organ over an image: affine registration by mutual information, by SimpleITK.

Coarse to fine: upright starts are compared, the best are fitted with one scale for all axes, the best of these with
all twelve parameters. Everything is dense and runs in one thread, so that the same image gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.geometry import Affine, Geometry
from medassist.entities.volume import AnyArray
from medassist.imaging.coarse import below_top, isotropic
from medassist.progress import Progress

if TYPE_CHECKING:
    import SimpleITK

STAGE = "Laying the template over the image"
IMAGE_MM = 2.0
"""Voxel size the image is registered at."""

_RIM_MM = 6.0
_EDGE_MM = 5.0
_DETAIL_MM = 12.0
_BINS = 32
_KEPT_STARTS = 3
_COARSE, _FINE = 3, 2
_TILTS_DEGREES = (-20.0, 0.0, 20.0)
_BACK_MM = (-15.0, 0.0, 15.0)
_UP_MM = (-20.0, 0.0, 20.0)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where a template lies in an image.

    Attributes:
        to_patient: (4, 4), from LPS mm of the template to LPS mm of the patient.
        similarity: correlation of the fine structure of template and image deep inside the organ, -1..1.
        covered: share of the organ's voxels that lie inside the image, 0..1.
    """

    to_patient: Affine
    similarity: float
    covered: float

    @property
    def scales(self) -> tuple[float, float, float]:
        """Return the three principal stretches of the template, smallest first; 1 keeps its size."""
        small, middle, large = sorted(float(one) for one in np.linalg.svd(self.to_patient[:3, :3], compute_uv=False))
        return small, middle, large

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Return the rotation (3, 3) in the transform, by polar decomposition."""
        left, _, right = np.linalg.svd(self.to_patient[:3, :3])
        turned: NDArray[np.float64] = left @ right
        return turned

    @property
    def degrees(self) -> float:
        """Return by how many degrees the template was turned."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1.0) / 2.0, -1.0, 1.0))))

    def place(self, points_lps: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) points of the template to the patient (LPS mm)."""
        points = np.asarray(points_lps, dtype=np.float64)
        placed: NDArray[np.float64] = points @ self.to_patient[:3, :3].T + self.to_patient[:3, 3]
        return placed


@dataclass(frozen=True, eq=False)
class _Pair:
    """The two images of one registration: `mask` is the organ with a rim around it, `center` its middle (mm)."""

    fixed: SimpleITK.Image
    mask: SimpleITK.Image
    moving: SimpleITK.Image
    center: NDArray[np.float64]
    progress: Progress


def align(
    template_zyx: AnyArray, template: Geometry, values_zyx: AnyArray, grid: Geometry, *, progress: Progress
) -> Alignment:
    """Lay a template over an image whose object stands upright in patient space, within some 30 degrees.

    Args:
        template_zyx: (slice, row, column); the organ is what lies above 0, everything else is 0.
        template: its grid in template space.
        values_zyx: (slice, row, column) of the image, any unit.
        grid: its grid in the patient.
        progress: cancelled between two steps of the optimiser.

    An answer means nothing by itself: whoever asks judges `similarity`, `covered`, `scales` and `degrees`.
    """
    progress.step(STAGE, 0.0)
    organ = np.asarray(template_zyx) > 0
    values, upright = isotropic(values_zyx, grid, IMAGE_MM)
    center = template.to_world(np.argwhere(organ)[:, ::-1].mean(axis=0))
    pair = _Pair(_image(template_zyx, template), _rimmed(organ, template), _image(values, upright), center, progress)
    height = float(np.ptp(template.to_world(np.argwhere(organ)[:, ::-1])[:, 2]))
    starts = _starts(pair, below_top(values, upright, 0.5 * height))
    similar = [_similar(pair, start) for start in starts]
    fitted = _affine(pair, min(similar, key=lambda found: found[0])[1])
    return _judged(pair, fitted, np.asarray(template_zyx, dtype=np.float32), organ)


def _starts(pair: _Pair, guess: NDArray[np.float64]) -> list[SimpleITK.Euler3DTransform]:
    """Return the best upright starts around a guess of where the organ's middle lies, best first."""
    import SimpleITK as sitk  # noqa: N813

    fixed, moving = sitk.Shrink(pair.fixed, [_COARSE] * 3), sitk.Shrink(pair.moving, [_COARSE] * 3)
    method = _method(pair, [1], [0.0])
    found: list[tuple[float, int, SimpleITK.Euler3DTransform]] = []
    for tilt, back, up in product(_TILTS_DEGREES, _BACK_MM, _UP_MM):
        pair.progress.step(STAGE, 0.05)
        start = sitk.Euler3DTransform()
        start.SetCenter(pair.center.tolist())
        start.SetRotation(float(np.radians(tilt)), 0.0, 0.0)
        start.SetTranslation((guess + np.array([0.0, back, up]) - pair.center).tolist())
        method.SetInitialTransform(start)
        found.append((_metric(lambda: method.MetricEvaluate(fixed, moving)), len(found), start))
    return [start for _, _, start in sorted(found)[:_KEPT_STARTS]]


def _similar(pair: _Pair, start: SimpleITK.Transform) -> tuple[float, SimpleITK.Similarity3DTransform]:
    """Fit rotation, shift and one scale; return the metric (lower is better) and the transform."""
    import SimpleITK as sitk  # noqa: N813

    method = _method(pair, [_COARSE], [3.0])
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, 60, 0.6, 1e-5)
    fitted = _like(start, sitk.Similarity3DTransform())
    return _run(pair, method, fitted, 0.3), fitted


def _affine(pair: _Pair, start: SimpleITK.Transform) -> SimpleITK.AffineTransform:
    """Fit all twelve parameters, by line searches: plain steps run away where brightness is uneven."""
    import SimpleITK as sitk  # noqa: N813

    method = _method(pair, [_COARSE, _FINE], [3.0, 1.5])
    method.SetOptimizerAsConjugateGradientLineSearch(1.0, 30, 1e-6, 5)
    fitted = _like(start, sitk.AffineTransform(3))
    _run(pair, method, fitted, 0.6)
    return fitted


def _like(start: SimpleITK.Transform, made: SimpleITK.Transform) -> SimpleITK.Transform:
    """Return `made` with the centre, matrix and shift of `start`."""
    made.SetCenter(start.GetCenter())
    made.SetMatrix(start.GetMatrix())
    made.SetTranslation(start.GetTranslation())
    return made


def _method(pair: _Pair, shrink: list[int], smoothing_mm: list[float]) -> SimpleITK.ImageRegistrationMethod:
    import SimpleITK as sitk  # noqa: N813

    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # several threads add up in any order
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricFixedMask(pair.mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(shrink)
    method.SetSmoothingSigmasPerLevel(smoothing_mm)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _run(pair: _Pair, method: SimpleITK.ImageRegistrationMethod, transform: SimpleITK.Transform, share: float) -> float:
    """Optimise `transform` in place and return the metric; infinity where the images do not meet."""
    import SimpleITK as sitk  # noqa: N813

    def stop_when_asked() -> None:
        if pair.progress.cancelled:  # an exception may not pass through ITK
            method.StopRegistration()

    pair.progress.step(STAGE, share)
    method.AddCommand(sitk.sitkIterationEvent, stop_when_asked)
    method.SetInitialTransform(transform, True)
    value = _metric(lambda: method.Execute(pair.fixed, pair.moving) and method.GetMetricValue())
    pair.progress.step(STAGE, share)
    return value


def _metric(measure: Callable[[], float]) -> float:
    """Return what ITK measures, infinity where it finds no common voxel to measure on."""
    try:
        return float(measure())
    except RuntimeError:
        return float("inf")


def _judged(
    pair: _Pair, fitted: SimpleITK.AffineTransform, template_zyx: NDArray[np.float32], organ: NDArray[np.bool_]
) -> Alignment:
    import SimpleITK as sitk  # noqa: N813

    pair.progress.step(STAGE, 0.95)
    laid = sitk.GetArrayFromImage(sitk.Resample(pair.moving, pair.fixed, fitted, sitk.sitkLinear, float("nan")))
    covered = float((organ & np.isfinite(laid)).sum() / organ.sum())
    # Without the edge of the organ: any bright ball has one.
    inside = (_depth_mm(organ, pair.fixed.GetSpacing()[::-1]) > _EDGE_MM) & np.isfinite(laid)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(fitted.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = np.array(fitted.TransformPoint((0.0, 0.0, 0.0)))
    size = _DETAIL_MM / np.array(pair.fixed.GetSpacing()[::-1])
    similarity = _correlation(_detail(template_zyx, inside, size), _detail(laid, inside, size))
    return Alignment(matrix, similarity, covered)


def _detail(
    values_zyx: NDArray[np.float32], inside: NDArray[np.bool_], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the values inside less their local mean, over their local deviation: free of uneven brightness."""
    from scipy import ndimage

    def local(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = ndimage.gaussian_filter(values, size)[inside] / weight
        return mean

    weight = ndimage.gaussian_filter(inside.astype(np.float64), size)[inside]
    kept = np.where(inside, values_zyx, 0.0).astype(np.float64)
    mean = local(kept)
    deviation = np.sqrt(np.maximum(local(kept**2) - mean**2, 0.0))
    flat: NDArray[np.float64] = (kept[inside] - mean) / (deviation + 1e-3 * (np.ptp(kept) or 1.0))
    return flat


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return Pearson's r, 0 where one of them is constant or hardly a voxel is left."""
    if first.size < 1000 or not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _rimmed(organ: NDArray[np.bool_], grid: Geometry) -> SimpleITK.Image:
    """Return the organ with a rim: the edge of the organ is what holds it in place."""
    import SimpleITK as sitk  # noqa: N813

    rimmed = _depth_mm(~organ, grid.spacing_mm[::-1]) <= _RIM_MM
    return sitk.Cast(_image(rimmed, grid), sitk.sitkUInt8)


def _depth_mm(within: NDArray[np.bool_], spacing_zyx: tuple[float, ...]) -> NDArray[np.float64]:
    """Return how far each voxel lies from the nearest one that is not `within`."""
    from scipy import ndimage

    depth: NDArray[np.float64] = ndimage.distance_transform_edt(within, sampling=spacing_zyx)
    return depth


def _image(values_zyx: AnyArray, grid: Geometry) -> SimpleITK.Image:
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.asarray(values_zyx, dtype=np.float32))
    image.SetSpacing(grid.spacing_mm)
    image.SetDirection(grid.directions_lps.ravel().tolist())
    image.SetOrigin(grid.affine_lps[:3, 3].tolist())
    return image
