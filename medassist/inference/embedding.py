"""How far an image lies from those a network learned from, in the features its decision is made of.

The header of a picture may be missing or wrong, and a score stays confident on nonsense: inverted grey values, another
organ, noise. The features before the last layer tell such images apart. A package carries the mean and the principal
axes of these features on its training images, and two limits; the distance is Mahalanobis' in those axes plus what lies
outside them, over its mean variance (probabilistic PCA: Tipping and Bishop, J R Stat Soc B 61:611, 1999).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.entities.prediction import Check, Verdict
from medassist.inference.demands import EmbeddingSpec
from medassist.inference.packages import Package
from medassist.inference.promised import promised

if TYPE_CHECKING:
    import torch
    from torch import nn

Floats = NDArray[np.float64]

NAME = "Likeness to the training images"
MAX_BYTES = 64_000_000
_PARTS = ("center", "axes", "variances", "residual", "limits")


@dataclass(frozen=True, eq=False)
class Embedding:
    """The features of the training images of one package.

    Attributes:
        center: (features,) their mean.
        axes: (axes, features) principal axes of unit length, largest variance first.
        variances: (axes,) variance along each axis.
        residual: mean variance of a direction outside the axes.
        unusual: distance that 5 % of the training images exceed when they are scored by statistics without them.
        unsuited: distance that 2 % exceed.
    """

    center: Floats
    axes: Floats
    variances: Floats
    residual: float
    unusual: float
    unsuited: float

    def distance(self, features: NDArray[Any]) -> float:
        """Return the squared distance of one image; `features` is (features,). Without a unit, 0 at the mean."""
        away = np.asarray(features, np.float64) - self.center
        along = self.axes @ away
        outside = max(0.0, float(away @ away - along @ along))
        return float((along**2 / self.variances).sum() + outside / self.residual)

    def check(self, features: NDArray[Any]) -> Check:
        """Return the row of the suitability table: distances as shares of the limit, so that 1 is the limit."""
        ratio = self.distance(features) / self.unsuited
        verdict = Verdict.PASS if ratio * self.unsuited <= self.unusual else Verdict.UNKNOWN
        if not ratio <= 1.0:  # also when it is no number
            verdict = Verdict.FAIL
        return Check(NAME, "distance ≤ 1", f"{ratio:.2f}", verdict)


def read_embedding(package: Package) -> Embedding | None:
    """Return the statistics a package carries, None when it has none (Refused when they are not the promised ones)."""
    spec = package.suitability.embedding
    if spec is None:
        return None
    content = promised(spec.file, spec.sha256, package.name, MAX_BYTES)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            center, axes, variances, residual, limits = (np.asarray(archive[name], np.float64) for name in _PARTS)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise _unusable(package, spec) from error
    fits = center.ndim == 1 and axes.shape == (len(variances), len(center)) and limits.shape == (2,)
    numbers = np.concatenate([part.ravel() for part in (center, axes, variances, residual, limits)])
    if not (
        fits and np.isfinite(numbers).all() and (variances > 0).all() and residual > 0 and 0 < limits[0] <= limits[1]
    ):
        raise _unusable(package, spec)
    return Embedding(center, axes, variances, float(residual), float(limits[0]), float(limits[1]))


def _unusable(package: Package, spec: EmbeddingSpec) -> Refused:
    return Refused("{file} holds no usable statistics of the model {model}.", file=spec.file, model=package.name)


def encode(embedding: Embedding) -> bytes:
    """Return the file a package carries."""
    file = io.BytesIO()
    parts: dict[str, Any] = {
        "center": embedding.center.astype(np.float32),
        "axes": embedding.axes.astype(np.float32),
        "variances": embedding.variances,
        "residual": np.float64(embedding.residual),
        "limits": np.array([embedding.unusual, embedding.unsuited]),
    }
    np.savez_compressed(file, **parts)
    return file.getvalue()


def watched(module: nn.Module, spec: EmbeddingSpec) -> nn.Module:
    """Return a network that answers with (logits, features); `module` itself stays as it is.

    Features are (batch, channels): the outputs of layer `spec.layer`, pooled over space.
    """
    from torch import nn

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            with _seen(self.network, spec.layer) as outputs:
                logits = self.network(image)
            return logits, pool(outputs[0], spec.pool)

    return Watched().train(module.training)


@contextmanager
def _seen(module: nn.Module, layer: str) -> Iterator[list[torch.Tensor]]:
    """Collect the outputs of one layer while the block runs."""
    outputs: list[torch.Tensor] = []
    found = dict(module.named_modules()).get(layer)
    if found is None:
        raise Refused("The network has no layer {layer} to compare images by.", layer=layer)
    handle = found.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()


def pool(features: torch.Tensor, how: str) -> torch.Tensor:
    """Pool (batch, channels, …) over space: their mean, largest value or standard deviation."""
    flat = features.flatten(2)
    if how == "max":
        return flat.amax(2)
    return flat.std(2) if how == "std" else flat.mean(2)


class Seen:
    """A watched network that answers with logits alone and keeps the features of all windows of one image."""

    def __init__(self, watch: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]], how: str) -> None:
        """Keep what `watch` says beside the logits, pooled over windows as `how` says."""
        self._watch, self._how = watch, how
        self._windows: list[NDArray[Any]] = []

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the logits of windows (N, C, …)."""
        logits, features = self._watch(windows)
        self._windows.extend(features.detach().float().cpu().numpy())
        return logits

    def unseen(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the logits of windows (N, C, …) that are no part of the image, like mirrored ones."""
        return self._watch(windows)[0]

    @property
    def features(self) -> NDArray[Any]:
        """The features (channels,) of the image whose windows were run."""
        return of_windows(self._windows, self._how)


def of_windows(features: Sequence[NDArray[Any]], how: str) -> NDArray[Any]:
    """Return the features of one image from those of its windows, each (channels,)."""
    every = np.stack(features)
    pooled: NDArray[Any] = every.max(0) if how == "max" else every.mean(0)
    return pooled
