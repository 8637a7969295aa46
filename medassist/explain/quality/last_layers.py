"""The last layers with weights on the way to the output, found in the graph of one pass.

Neither the order in which parts are written down nor that in which they run tells: a committee has one for each member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medassist.explain.protocol import Question

if TYPE_CHECKING:
    from torch import nn

_TURNED = ("TBackward0", "TransposeBackward0", "PermuteBackward0", "ViewBackward0", "ToCopyBackward0")


def last_layers(module: nn.Module, question: Question) -> list[nn.Module]:
    """Return the parts of `module` whose weights the score meets first on its way back; `module` is a copy of its own.

    Gradients are switched on for its parameters and stay so.
    """
    import torch

    module.eval().requires_grad_(True)
    with torch.inference_mode(False), torch.enable_grad():
        answer = module(question.inputs.to(question.network.device).clone())
        score = question.score(answer[0] if isinstance(answer, tuple | list) else answer).sum()
    met = set() if score.grad_fn is None else _first_met(score.grad_fn)
    return [part for part in module.modules() if any(id(one) in met for one in part.parameters(recurse=False))]


def _first_met(start: Any) -> set[int]:
    """Return the ids of the parameters between which and `start` no other parameter lies."""
    met: set[int] = set()
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        following = [one for one, _ in node.next_functions if one is not None]
        own = [one for one in following if _parameter(one) is not None]
        met |= {id(_parameter(one)) for one in own}
        waiting += [one for one in following if not own and one not in seen]
        seen.update(following)
    return met


def _parameter(node: Any) -> Any:
    """Return the parameter a node of the graph stands for, also where it is turned or reshaped first; else None."""
    while len(node.next_functions) == 1 and node.next_functions[0][0] is not None:
        if node.name() not in _TURNED:
            return None
        (node, _), *_ = node.next_functions
    return getattr(node, "variable", None)
