"""Score-CAM (Wang et al., CVPR workshop 2020): activations weighed by the score they leave when they mask the image.

No gradient is needed. Channels that hardly light up are left out: their masks show next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medassist.explain.asking import Asking, batch_for, map_of, outputs_of
from medassist.explain.baselines import darkest
from medassist.explain.gradcam import layer_of, mapped, part_of
from medassist.explain.layout import layout_of
from medassist.explain.on_input import BOTH
from medassist.explain.protocol import Attribution, Question, Setting
from medassist.explain.undisturbed import kept_activation, undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

CHANNELS = Setting("channels", "Channels that light up most", 48, 8, 1024)


@dataclass(frozen=True)
class ScoreCam:
    """The method, at the layer the package or the reader names."""

    name: str = "scorecam"
    settings: tuple[Setting, ...] = (CHANNELS,)
    reads_layer: bool = True
    remark: str = ""

    def title(self, task: str) -> str:  # noqa: ARG002 - the door of every method
        """Return the name people know it by."""
        return "Score-CAM"

    def applies_to(self, task: str) -> bool:
        """Tell that both tasks can be explained."""
        return task in BOTH

    def availability(self) -> Availability:
        """Return whether torch is there."""
        return needs(("torch",))

    def passes(self, question: Question) -> float:
        """Return one pass for the activations and one per channel."""
        return 2.0 + question.count(CHANNELS)

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map: ReLU of the activations, weighed by the softmax of what their masks score above nothing."""
        import torch

        network, layer = question.network, layer_of(question)
        asking = Asking(question, progress, self.passes(question))
        with undisturbed(network.module), torch.inference_mode(False), torch.no_grad():
            with kept_activation(part_of(network.module, layer)) as kept:
                logits = asking.logits(question.inputs.clone())
            activation = mapped(kept.activation, network.module, question.inputs, layer).detach().float().cpu()
            chosen = activation[0].flatten(1).amax(1).topk(min(question.count(CHANNELS), activation.shape[1])).indices
            gains = _gains(asking, question.inputs, activation[0, chosen])
        values = torch.relu((torch.softmax(gains, 0).reshape(-1, *_ones(activation)) * activation[0, chosen]).sum(0))
        return Attribution(
            values=map_of(values),
            layout=layout_of(network.module, layer, tuple(question.inputs.shape[2:]), tuple(values.shape)),
            outputs=outputs_of(logits),
            layer=layer,
            parameters={"score": question.score_name, CHANNELS.name: len(chosen)},
        )


def _gains(asking: Asking, image: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Return what the image scores through each map (K, *cells) above an image of nothing."""
    import torch
    from torch.nn.functional import interpolate

    mode = "bilinear" if image.ndim == 4 else "trilinear"
    large = interpolate(maps[:, None], size=image.shape[2:], mode=mode, align_corners=False)
    flat = large.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    ones = [1] * (large.ndim - 1)
    masks = (large - low.reshape(-1, *ones)) / (high - low).clamp_min(1e-6).reshape(-1, *ones)
    nothing = darkest(image)
    base = asking(nothing).cpu()
    size = batch_for(image)
    scores = [asking(nothing + masks[at : at + size] * (image - nothing)).cpu() for at in range(0, len(masks), size)]
    return torch.cat(scores) - base


def _ones(activation: torch.Tensor) -> list[int]:
    return [1] * (activation.ndim - 2)
