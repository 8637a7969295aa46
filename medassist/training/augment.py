"""Random MONAI transforms of a recipe, drawn from numbers that depend on nothing but seed, epoch and case.

Because no state is carried from one case to the next, a run that was killed and resumed draws the same
pictures as one that was never interrupted.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from medassist.entities.errors import UsageError
from medassist.training.recipe_keys import Table

Augmentation = Callable[[dict[str, Any], int, int, int], dict[str, Any]]


def build_augmentation(tables: Sequence[Table]) -> Augmentation:
    """Return `augment(sample, seed, epoch, case)`; UsageError names a transform MONAI does not have."""
    import numpy as np
    from monai.transforms import Compose

    compose = Compose([_random_transform(table) for table in tables])

    def augment(sample: dict[str, Any], seed: int, epoch: int, case: int) -> dict[str, Any]:
        number = int(np.random.SeedSequence([seed, epoch, case]).generate_state(1)[0])
        compose.set_random_state(seed=number)
        with _without_history():
            result: dict[str, Any] = compose(sample)
        return result

    return augment


@contextmanager
def _without_history() -> Iterator[None]:
    """Let MONAI keep no record of how to undo each step: nobody asks for it here, and it takes a third of the time."""
    from monai.data import get_track_meta, set_track_meta

    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)


def _random_transform(table: Table) -> Callable[[Any], Any]:
    import monai.transforms
    from monai.transforms import MapTransform, RandomizableTrait

    name = str(table["_target_"]).rsplit(".", 1)[-1]
    found: Any = getattr(monai.transforms, name, None)
    if not (inspect.isclass(found) and issubclass(found, MapTransform) and issubclass(found, RandomizableTrait)):
        raise UsageError("{name} is no random dictionary transform of MONAI.", name=name)
    make: Callable[..., Any] = found
    try:
        made: Callable[[Any], Any] = make(**{key: value for key, value in table.items() if key != "_target_"})
    except (TypeError, ValueError) as error:
        raise UsageError("The augmentation {name} cannot be built: {reason}.", name=name, reason=error) from error
    return made
