"""What all methods share that give every voxel of the input a value of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medassist.explain.asking import Asking, map_of, outputs_of
from medassist.explain.protocol import Attribution, Layout, Question, Setting
from medassist.explain.undisturbed import undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

BOTH = ("classification", "segmentation")


@dataclass(frozen=True, eq=False)
class Found:
    """What a method computed: values (C, *spatial) or (*spatial), and what it can tell of its own exactness."""

    values: torch.Tensor
    parameters: Mapping[str, object] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class OnInput:
    """A method that asks the network about images of the size of the input.

    Attributes:
        name: the word of the command line.
        plain_title: the name people know it by.
        compute: from the question and the network to the values; channels are summed where values are signed, else the
            largest counts.
        cost: from the question to forward passes.
        signed: whether negative values mean something.
        settings: what a reader may choose.
        modules: Python packages it needs.
        remark: what a reader must know of every map it makes.
    """

    name: str
    plain_title: str
    compute: Callable[[Question, Asking], Found]
    cost: Callable[[Question], float]
    signed: bool = False
    settings: tuple[Setting, ...] = ()
    modules: tuple[str, ...] = ("torch",)
    remark: str = ""
    reads_layer: bool = False

    def title(self, task: str) -> str:  # noqa: ARG002 - the door of every method
        """Return the name people know it by."""
        return self.plain_title

    def applies_to(self, task: str) -> bool:
        """Tell that both tasks can be explained."""
        return task in BOTH

    def availability(self) -> Availability:
        """Return whether the packages it needs are there."""
        return needs(self.modules)

    def passes(self, question: Question) -> float:
        """Return the cost in forward passes."""
        return self.cost(question)

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map; the network is left as it was."""
        import torch

        asking = Asking(question, progress, self.cost(question))
        with undisturbed(question.network.module), torch.inference_mode(False), torch.no_grad():
            logits = asking.logits(question.inputs.clone())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # captum tells of the hooks it sets and removes
                found = self.compute(question, asking)
        values = found.values
        if values.ndim == question.inputs.ndim - 1:
            values = values.sum(0) if self.signed else values.max(0).values
        chosen = {one.name: question.number(one) for one in self.settings}
        return Attribution(
            values=map_of(values),
            layout=Layout.of_input(values.ndim),
            outputs=outputs_of(logits),
            parameters={"score": question.score_name, **chosen, **found.parameters},
            signed=self.signed,
            quality=found.quality,
            passes=asking.spent,
        )
