"""Integrated gradients of a text model: what every token adds to the score (Sundararajan et al., ICML 2017).

Token numbers have no gradient, so the line runs between what the embedding layer writes for the text and for a text
whose every token was replaced by one that stands for nothing (padding or mask). Special tokens stay as they are and
get no value of their own: without them a network sees no text at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.explain.asking import BATCH, GRADIENT_PASS, STAGE, outputs_of
from medassist.explain.gradcam import part_of
from medassist.explain.paths import CAPTUM, STEPS, share_missing
from medassist.explain.protocol import Attribution, Layout, Question, Setting
from medassist.explain.scores import Score
from medassist.explain.undisturbed import undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, eq=False)
class TokenAttribution:
    """What the tokens of one text add to a score.

    Attributes:
        values: float32 (N,), one per token; 0 for special tokens. Their sum is what the score gains over the baseline.
        logits: float32 (K,) of the text.
        gained: the score of the text less that of the baseline.
        completeness_gap: the share of `gained` that `values` do not account for.
        baseline_id: the token that stood for nothing.
    """

    values: NDArray[np.float32]
    logits: NDArray[np.float32]
    gained: float
    completeness_gap: float
    baseline_id: int


def explain_text(
    module: nn.Module,
    token_ids: torch.Tensor,
    embedding: str,
    score: Score,
    *,
    baseline_id: int,
    special_ids: Collection[int] = (),
    arguments: Mapping[str, torch.Tensor] | None = None,
    steps: int = round(STEPS.default),
    progress: Progress | None = None,
) -> TokenAttribution:
    """Explain one text.

    Args:
        module: takes token numbers (B, N) and answers logits (B, K), alone, first of several, or as `.logits`; hold
            its lock. It is left unchanged, also after an exception.
        token_ids: int64 (1, N), on the device of the network.
        embedding: dotted name of the layer that makes (B, N, D) of the numbers; positions are added after it.
        score: from the logits to one number per text.
        baseline_id: the token of padding or mask.
        special_ids: tokens that mark the beginning, the end and the padding.
        arguments: what else the network takes, each (1, …), such as an attention mask.
        steps: of the Gauss-Legendre quadrature along the line.
        progress: cancelled between chunks of a few texts, which bound the memory.

    Refused when the layer writes no vector per token or the score has no gradient to it.
    """
    import torch

    progress, arguments = progress or Progress(), arguments or {}
    base_ids = _without_words(token_ids, baseline_id, special_ids)
    with undisturbed(module), torch.inference_mode(False), torch.enable_grad():
        layer, ends = part_of(module, embedding), torch.cat([base_ids, token_ids])
        vectors = _vectors(layer, ends, embedding)
        way, total = vectors[1:] - vectors[:1], torch.zeros_like(vectors[0])
        for alphas, weights in _places(steps, progress):
            leaf = (vectors[:1] + alphas.to(way).reshape(-1, 1, 1) * way).detach().requires_grad_()
            value = score(_logits(module, layer, token_ids, leaf, arguments)).sum()
            if not value.requires_grad:
                raise _no_gradient(embedding)
            (slope,) = torch.autograd.grad(value, leaf)
            total += (weights.to(slope).reshape(-1, 1, 1) * slope).sum(0)
        with torch.no_grad():
            logits = _logits(module, layer, ends, vectors, arguments)
            before, after = (float(one) for one in score(logits))
    values = (total * way[0]).sum(-1).float()
    gap = share_missing(values, after - before)
    return TokenAttribution(
        np.asarray(values.cpu().numpy(), np.float32), outputs_of(logits[1:]), after - before, gap, baseline_id
    )


def _without_words(token_ids: torch.Tensor, baseline_id: int, special_ids: Collection[int]) -> torch.Tensor:
    import torch

    special = torch.isin(token_ids, torch.tensor(sorted(special_ids), device=token_ids.device, dtype=token_ids.dtype))
    return torch.where(special, token_ids, torch.full_like(token_ids, baseline_id))


def _vectors(layer: nn.Module, ids: torch.Tensor, name: str) -> torch.Tensor:
    import torch

    with torch.no_grad():
        vectors = layer(ids)
    if not isinstance(vectors, torch.Tensor) or vectors.ndim != 3 or vectors.shape[:2] != ids.shape:
        raise Refused("The layer {layer} writes no vector for each token, so texts cannot be explained.", layer=name)
    return vectors.detach()


def _places(steps: int, progress: Progress) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield places on the line from 0 to 1 and their weights, a few at a time."""
    import torch

    places, weights = (torch.from_numpy(one) for one in np.polynomial.legendre.leggauss(steps))
    for at in range(0, steps, BATCH):
        progress.step(STAGE, at / steps)
        yield (places[at : at + BATCH] + 1.0) / 2.0, weights[at : at + BATCH] / 2.0


def _logits(
    module: nn.Module, layer: nn.Module, ids: torch.Tensor, vectors: torch.Tensor, arguments: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Return what the network writes when its embedding layer writes `vectors` (B, N, D)."""
    count = len(vectors)
    repeated = {name: one.expand(count, *one.shape[1:]) for name, one in arguments.items()}
    with _written(layer, vectors):
        answer = module(ids[:1].expand(count, -1), **repeated)
    answer = getattr(answer, "logits", answer)
    logits: torch.Tensor = answer[0] if isinstance(answer, tuple | list) else answer
    return logits


@contextlib.contextmanager
def _written(layer: nn.Module, vectors: torch.Tensor) -> Iterator[None]:
    """Let a layer write `vectors`; the network goes on with a copy, because it may change it in place."""
    handle = layer.register_forward_hook(lambda _layer, _inputs, _output: vectors.clone())
    try:
        yield
    finally:
        handle.remove()


def _no_gradient(name: str) -> Refused:
    return Refused("The score does not depend on the layer {layer}, so the text cannot be explained there.", layer=name)


@dataclass(frozen=True)
class IntegratedTokens:
    """Integrated gradients through the door of every method; its question holds token numbers (1, N) as inputs.

    It stands in no list of methods: it belongs to one vocabulary, and the layer of the question is the embedding.
    """

    baseline_id: int
    special_ids: tuple[int, ...] = ()
    arguments: Mapping[str, torch.Tensor] = field(default_factory=dict)
    name: str = "integratedgradients"
    settings: tuple[Setting, ...] = (STEPS,)
    reads_layer: bool = True
    remark: str = ""

    def title(self, task: str) -> str:  # noqa: ARG002 - the door of every method
        """Return the name people know it by."""
        return "Integrated gradients"

    def applies_to(self, task: str) -> bool:
        """Tell that it explains texts."""
        return task == "text"

    def availability(self) -> Availability:
        """Return whether torch is there."""
        return needs(CAPTUM[:1])

    def passes(self, question: Question) -> float:
        """Return the cost in forward passes."""
        return 2.0 + GRADIENT_PASS * question.count(STEPS)

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute one value per token."""
        network, layer = question.network, question.layer or question.network.package.explanation.layer
        found = explain_text(
            network.module,
            question.inputs.to(network.device),
            layer,
            question.score,
            baseline_id=self.baseline_id,
            special_ids=self.special_ids,
            arguments=self.arguments,
            steps=question.count(STEPS),
            progress=progress,
        )
        return Attribution(
            values=found.values,
            layout=Layout.of_input(1),
            outputs=found.logits,
            layer=layer,
            parameters={"score": question.score_name, "steps": question.count(STEPS), "baseline": found.baseline_id},
            signed=True,
            quality={"completeness_gap": found.completeness_gap},
        )
