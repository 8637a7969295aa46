"""What the outputs of a network mean: read from `postprocessing`, applied to logits, labels and masks."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.inference.allowed import BOOKKEEPING, OURS
from medassist.inference.config import Component, components, read_config
from medassist.inference.packages import Package
from medassist.inference.schema import Section
from medassist.inference.transforms import base_name, build, is_from, keys_of, of_key, unknown_argument

if TYPE_CHECKING:
    import torch

CLEANUP = ("KeepLargestConnectedComponent", "FillHoles", "RemoveSmallObjects", "LabelFilter")
IGNORED = OURS | BOOKKEEPING | {"CastToType", "SqueezeDim"}
_DECISIVE = ("Activations", "AsDiscrete", "Invert")
PREDICTION_KEYS = ("pred", "prediction")


@dataclass(frozen=True)
class Cleanup:
    """One step that tidies a label map, with the arguments of MONAI's transform of the same name."""

    name: str
    part: Component

    def apply(self, labels_zyx: NDArray[np.uint8], *, channel: int | None = None) -> NDArray[np.uint8]:
        """Return the tidied label map (slice, row, column).

        With `channel` it is the mask (0 and 1) of one of several overlapping labels: `applied_labels` then names
        channels, and a step for others leaves it as it is.
        """
        from monai import transforms

        left_out = ("keys", "is_onehot", "allow_missing_keys")
        arguments = {name: of_key(self.part, name, 0) for name in self.part.raw if name not in left_out}
        if channel is not None:
            named = arguments.pop("applied_labels", None)
            if named is not None and channel not in (named if isinstance(named, list) else [named]):
                return labels_zyx
        if self.name == "KeepLargestConnectedComponent":
            arguments["is_onehot"] = False
        step = build(self.part, getattr(transforms, self.name), arguments)
        with warnings.catch_warnings():
            # MONAI calls scikit-image by names that it renamed since.
            warnings.simplefilter("ignore", FutureWarning)
            tidied: NDArray[np.uint8] = np.asarray(step(labels_zyx[None])[0]).astype(np.uint8)
        return tidied


@dataclass(frozen=True)
class Decision:
    """How the logits of a network become labels.

    Attributes:
        activation: "softmax", "sigmoid" or "" (none) over the channels.
        threshold: a channel is positive from here on, each by itself; None stands for the highest channel.
        on_grid: labels are decided and tidied on the model's grid, then brought home; else the shares come home first.
        cleanup: steps that tidy the labels, in order.
        decided: whether the package says how, by an AsDiscrete; else the rule is what is usual.
    """

    activation: str = "softmax"
    threshold: float | None = None
    on_grid: bool = False
    cleanup: tuple[Cleanup, ...] = ()
    decided: bool = False

    def shares(self, logits: torch.Tensor) -> torch.Tensor:
        """Return what is compared, (C, …) for logits (C, …): probabilities, or the logits where nothing activates."""
        import torch

        if self.activation == "softmax":
            return torch.softmax(logits, dim=0)
        return torch.sigmoid(logits) if self.activation == "sigmoid" else logits


def decision(package: Package) -> Decision:
    """Read how a package turns outputs into labels (Refused for a step that is not known).

    Our own segmenters decide by the highest channel on the grid of the series; the bundles of others as their
    `postprocessing` says, in its order.
    """
    config = read_config(package.config)
    found = read_decision(config)
    if package.foreign or package.task != "segmentation":
        return found
    sigmoid = next((one for one in components(config, "postprocessing") if one.argument("sigmoid")), None)
    if sigmoid is not None:
        raise sigmoid.refuse(
            "{file}: {key} wants overlapping labels, which a mask with one label per voxel cannot hold."
        )
    return Decision(cleanup=found.cleanup)


def read_decision(config: Section) -> Decision:
    """Read `postprocessing` in its order; what it leaves open is decided by the highest channel of a softmax."""
    activation: str | None = None
    found, inverted = Decision(), False
    for part in components(config, "postprocessing"):
        name = base_name(part)
        if not is_from(part, "monai.transforms") or name not in {*CLEANUP, *IGNORED, *_DECISIVE}:
            raise part.refuse("{file}, line {line}: {key} asks for the step {target}, which is not known.")
        at = _position(part)
        if at is None or name in IGNORED:
            continue
        if name == "Invert":
            inverted = True
        elif name == "Activations":
            activation = _activation(part, at)
        elif name == "AsDiscrete":
            found = replace(found, decided=True, threshold=_threshold(part, at), on_grid=not inverted)
        else:
            found = replace(found, cleanup=(*found.cleanup, _cleanup(part, name)))
    if activation == "sigmoid" and not found.decided:
        found = replace(found, threshold=0.5)
    return replace(
        found, activation=("softmax" if found.threshold is None else "") if activation is None else activation
    )


def _position(part: Component) -> int | None:
    """Return where the prediction stands among the keys; None for a step on other entries, like the image."""
    named = keys_of(part)
    if named is None or len(named) == 1:
        return 0 if named is None or named[0] not in ("image", "label") else None
    return next((named.index(one) for one in PREDICTION_KEYS if one in named), 0)


def _activation(part: Component, at: int) -> str:
    if part.argument("other") is not None:
        raise unknown_argument(part, "other")
    return next((name for name in ("sigmoid", "softmax") if of_key(part, name, at)), "")


def _threshold(part: Component, at: int) -> float | None:
    threshold = of_key(part, "threshold", at)
    if of_key(part, "argmax", at) or threshold is None or threshold is False:
        return None
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or math.isnan(threshold):
        raise unknown_argument(part, "threshold")
    return float(threshold)


def _cleanup(part: Component, name: str) -> Cleanup:
    """Keep a step for later; its arguments are read now, so that code in them is refused before a run."""
    values = part.argument("applied_labels")
    listed = values if isinstance(values, list) else [values]
    if not all(value is None or isinstance(value, int) for value in listed):
        raise unknown_argument(part, "applied_labels")
    part.without(("keys",))
    return Cleanup(name, part)
