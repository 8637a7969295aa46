"""Maps of a simple model that is fitted to the network around one image, over pieces of it that belong together.

* LIME (Ribeiro et al., KDD 2016): a linear model, pieces left out at random, near ones counting more.
* KernelSHAP (Lundberg and Lee, NeurIPS 2017): the same with the weights under which it estimates Shapley values.

Pieces are SLIC superpixels or supervoxels (Achanta et al., TPAMI 2012; scikit-image); a piece left out shows the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.explain.asking import Asking, batch_for
from medassist.explain.baselines import mean
from medassist.explain.on_input import Found, OnInput
from medassist.explain.protocol import Question, Setting

if TYPE_CHECKING:
    import torch

SEED = 0
PIECES = Setting("pieces", "Pieces of the image", 50, 10, 300)
LEAST_PIECES = 3
SAMPLES = Setting("samples", "Versions of the image with pieces left out", 200, 50, 2000)
COMPACTNESS = (0.1, 1.0, 10.0, 100.0)
"""How much nearness counts beside likeness: more where an image without structure would fall into a few pieces only."""


def pieces_of(image: torch.Tensor, count: int) -> torch.Tensor:
    """Return the piece of every voxel, (1, 1, *spatial) from 0, of an image (1, C, *spatial)."""
    import torch
    from skimage.segmentation import slic

    values = image[0].float().cpu().numpy()
    low, high = np.percentile(values, (1, 99))
    scaled = np.clip((values - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    for compactness in COMPACTNESS:
        found: NDArray[Any] = slic(
            np.moveaxis(scaled, 0, -1),
            n_segments=count,
            compactness=compactness,
            channel_axis=-1,
            convert2lab=False,
            start_label=0,
        )
        kinds, numbers = np.unique(found, return_inverse=True)
        if len(kinds) >= count / 2:
            break
    if len(kinds) < LEAST_PIECES:
        raise Refused("The image is too small to be cut into pieces.", remedy="Choose occlusion or RISE.")
    return torch.from_numpy(numbers.reshape(found.shape).astype(np.int64))[None, None]


def _fitted(question: Question, asking: Asking, make: str) -> Found:
    import captum.attr
    import torch

    image = question.inputs
    pieces = pieces_of(image, question.count(PIECES))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        values = getattr(captum.attr, make)(asking).attribute(
            image,
            baselines=mean(image),
            feature_mask=pieces,
            n_samples=question.count(SAMPLES),
            perturbations_per_eval=batch_for(image),
        )[0, 0]
    return Found(values, {"pieces found": int(pieces.max()) + 1, "covered by": "mean"})


def _lime(question: Question, asking: Asking) -> Found:
    return _fitted(question, asking, "Lime")


def _kernel_shap(question: Question, asking: Asking) -> Found:
    return _fitted(question, asking, "KernelShap")


SUPERPIXELS = tuple(
    OnInput(
        name,
        title,
        compute,
        lambda question: 2.0 + question.count(SAMPLES),
        signed=True,
        settings=(PIECES, SAMPLES),
        modules=("torch", "captum", "sklearn"),
    )
    for name, title, compute in (("lime", "LIME", _lime), ("kernelshap", "KernelSHAP", _kernel_shap))
)
