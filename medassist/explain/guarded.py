"""A method of another Python package, kept from doing harm: to the network, to the patient's map and to the window."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import Cancelled, Refused
from medassist.explain.protocol import Attribution, Explainer, Question, Setting
from medassist.explain.undisturbed import undisturbed
from medassist.plugins import Availability
from medassist.progress import Progress

if TYPE_CHECKING:
    from torch import nn

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True)
class Guarded:
    """The method `own` of `package`: its answers are checked, its errors told, and the network put back.

    What it says of itself was looked at when it was loaded; here it may still fail.
    """

    own: Explainer
    package: str

    @property
    def name(self) -> str:
        """The word of the command line."""
        return self.own.name

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a reader may choose."""
        return self.own.settings

    @property
    def reads_layer(self) -> bool:
        """Whether it reads a layer."""
        return self.own.reads_layer

    @property
    def remark(self) -> str:
        """What a reader must know of every map it makes."""
        return self.own.remark

    def title(self, task: str) -> str:
        """Return the name people know it by."""
        return self.own.title(task)

    def applies_to(self, task: str) -> bool:
        """Tell whether it can explain that task."""
        return self.own.applies_to(task)

    def availability(self) -> Availability:
        """Return why it cannot run here, if so."""
        try:
            return self.own.availability()
        except Exception as error:  # foreign code may raise anything
            return Availability(f"{type(error).__name__}: {error}"[:200])

    def passes(self, question: Question) -> float:
        """Return the cost in forward passes, 0 when it cannot tell."""
        try:
            told = float(self.own.passes(question))
        except Exception:  # foreign code may raise anything; a cost is no reason to stop
            return 0.0
        return told if np.isfinite(told) and told > 0.0 else 0.0

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map (Refused naming method and package when it fails or answers no map of the input)."""
        try:
            with undisturbed(question.network.module), _put_back(question.network.module):
                answer = self.own.attribute(question, progress=progress)
        except (Refused, Cancelled):
            raise
        except (Exception, SystemExit) as error:  # foreign code may raise anything
            raise Refused(
                "{method}, a method of the Python package {package}, failed: {reason}.",
                method=self.name,
                package=self.package,
                reason=f"{type(error).__name__}: {error}",
            ) from error
        if not _is_map(answer, question.inputs.ndim - 2):
            raise Refused(
                "{method}, a method of the Python package {package}, gave no map of the image.",
                method=self.name,
                package=self.package,
            )
        return answer


@contextlib.contextmanager
def _put_back(module: nn.Module) -> Iterator[None]:
    """Put back hooks, gradients and weights after the block; the weights take their memory once more meanwhile."""
    import torch

    hooks = [(getattr(part, one), dict(getattr(part, one))) for part in module.modules() for one in HOOKS]
    weights = [(one, one.detach().clone()) for one in (*module.parameters(), *module.buffers())]
    gradients = [(one, one.grad) for one in module.parameters()]
    in_place = [(part, part.inplace) for part in module.modules() if hasattr(part, "inplace")]
    try:
        yield
    finally:
        for now, before in hooks:
            now.clear()
            now.update(before)
        with torch.no_grad():
            for one, kept in weights:
                if not torch.equal(one, kept):
                    one.copy_(kept)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for part, was in in_place:
            part.inplace = was


def _is_map(answer: object, axes: int) -> bool:
    if not isinstance(answer, Attribution) or not isinstance(answer.values, np.ndarray):
        return False
    lines = (answer.layout.first, answer.layout.step)
    numbers = all(len(one) == axes and np.isfinite(one).all() for one in lines) and min(answer.layout.step) > 0.0
    right = answer.values.dtype == np.float32 and answer.values.ndim == axes and answer.values.size > 0
    told = isinstance(answer.outputs, np.ndarray) and isinstance(answer.parameters, Mapping)
    return right and numbers and told and _is_told(answer)


def _is_told(answer: Attribution) -> bool:
    """Tell whether what is said beside the map can be written down: reports hold no number that is none."""
    numbers: list[object] = [answer.passes, *answer.quality.values()] if isinstance(answer.quality, Mapping) else [None]
    return isinstance(answer.layer, str) and all(map(_is_number, numbers))


def _is_number(value: object) -> bool:
    """Tell whether a value is a finite number, of Python or numpy."""
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))
