"""What a recipe lets a search vary: its table `[search]`, and the recipe with values in their places."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import UsageError
from medassist.training.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    import optuna

ROOTS = ("network", "augmentation", "loss", "optimiser", "schedule")
FIXED = ("schedule.seed", "schedule.epochs", "schedule.validate_every")
EPOCHS = "epochs"


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, whole ones when both ends are; evenly by logarithm when `log`."""

    low: float
    high: float
    log: bool

    def holds(self, value: Any) -> bool:
        """Tell whether a value lies inside."""
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def draw(self, trial: optuna.Trial, name: str) -> float:
        """Return the number of a trial."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choice:
    """A few values of any kind TOML has, each kept as its JSON text."""

    values: tuple[str, ...]

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one of them."""
        return json.dumps(value) in self.values

    def draw(self, trial: optuna.Trial, name: str) -> Any:
        """Return the value of a trial."""
        return json.loads(trial.suggest_categorical(name, self.values))


Space = Mapping[str, Range | Choice]


def space_of(recipe: Recipe) -> Space:
    """Return what varies, by dotted key (UsageError for a key or a range that makes no sense)."""
    import tomlkit

    found = {key: _spread(recipe, key, asked) for key, asked in recipe.search.items() if key != EPOCHS}
    if not found:
        raise UsageError("The recipe {path} lacks the key {key}.", path=recipe.path, key="search")
    document = tomlkit.parse(recipe.text)
    for key in found:
        _holder(recipe, document, key)
    return found


def _spread(recipe: Recipe, key: str, asked: Any) -> Range | Choice:
    if key.partition(".")[0] not in ROOTS or key in FIXED:
        raise UsageError(
            "The recipe {path} cannot search {key}: only keys of {roots}, and no seed and no number of epochs.",
            path=recipe.path,
            key=key,
            roots=", ".join(ROOTS),
        )
    if isinstance(asked, list) and len(asked) > 1:
        return Choice(tuple(json.dumps(value) for value in asked))
    if isinstance(asked, dict) and _sensible(asked):
        return Range(asked["low"], asked["high"], bool(asked.get("log", False)))
    raise UsageError(
        "The range of {key} in the recipe {path} is neither {{low, high, log}} nor a list of choices.",
        path=recipe.path,
        key=key,
    )


def _sensible(asked: Mapping[str, Any]) -> bool:
    ends = [asked.get("low"), asked.get("high")]
    if set(asked) - {"low", "high", "log"} or not all(type(end) in (int, float) for end in ends):
        return False
    low, high = float(str(ends[0])), float(str(ends[1]))
    return math.isfinite(low) and math.isfinite(high) and low < high and (low > 0.0 or not asked.get("log"))


def own_values(recipe: Recipe, space: Space) -> dict[str, Any] | None:
    """Return what the recipe itself says, as a trial has it; None where that lies outside of what varies."""
    import tomlkit

    document = tomlkit.parse(recipe.text).unwrap()
    own: dict[str, Any] = {}
    for key, spread in space.items():
        holder, last = _holder(recipe, document, key)
        value = holder[last]
        if not spread.holds(value):
            return None
        own[key] = json.dumps(value) if isinstance(spread, Choice) else value
    return own


def meant(space: Space, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by key from the numbers and texts a trial keeps."""
    return {key: json.loads(value) if isinstance(space[key], Choice) else value for key, value in drawn.items()}


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe with values in their places; its text keeps every other line and comment.

    A key is a dotted path, with numbers for the tables of a list ("augmentation.0.prob"). UsageError for one the
    recipe does not have: a misspelt key would be searched and change nothing.
    """
    import tomlkit

    document = tomlkit.parse(recipe.text)
    for key, value in values.items():
        holder, last = _holder(recipe, document, key)
        holder[last] = value
    return recipe_of(recipe.path, tomlkit.dumps(document))


def _holder(recipe: Recipe, document: Any, key: str) -> tuple[Any, str | int]:
    """Return the table or list that holds a key, and the key in it."""
    holder: Any = None
    last: str | int = key
    inner = document
    for part in key.split("."):
        holder, last = inner, int(part) if isinstance(inner, list) and part.isdigit() else part
        try:
            inner = holder[last]
        except (KeyError, IndexError, TypeError) as error:
            raise UsageError(
                "The recipe {path} would search {key} but does not have it; write it with its usual value first.",
                path=recipe.path,
                key=key,
            ) from error
    return holder, last
