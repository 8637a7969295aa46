"""Which task a recipe asks for."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.training.recipe import Recipe
from medassist.training.tasks.anomaly import ANOMALY
from medassist.training.tasks.classification import CLASSIFICATION
from medassist.training.tasks.exclusive import EXCLUSIVE
from medassist.training.tasks.instances import INSTANCES
from medassist.training.tasks.segmentation import SEGMENTATION
from medassist.training.tasks.task import Task

TASKS: Mapping[str, Task] = {
    "segmentation": SEGMENTATION,
    "classification": CLASSIFICATION,
    "exclusive_classification": EXCLUSIVE,
    "anomaly": ANOMALY,
    "instances": INSTANCES,
}


def task_of(recipe: Recipe) -> Task:
    """Return what a recipe teaches."""
    return TASKS[recipe.task]
