"""Which label of a model is asked about a finding somebody drew a box around.

The label of that name if the model offers it; else one it has learned without offering it; else its label for any
finding at all ("abnormal"), learned or offered. A label that is not offered has no threshold of its own: 0.5 is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medassist.entities.errors import UsageError
from medassist.inference.packages import Package
from medassist.inference.ports import Label
from medassist.training import recipe

RECIPE = "recipe.toml"


def learned(package: Package) -> tuple[recipe.Label, ...]:
    """Return every label the network learned, those first that the package offers."""
    path = package.root / RECIPE
    told = recipe.read_recipe(path).labels if path.is_file() else ()
    names = {one.label for one in package.labels}
    own = [recipe.Label(one.value, one.label, (one.label,), (), {}) for one in package.labels]
    known = {one.label: one for one in told}
    offered = [known.get(one.label, one) for one in own]
    hidden = [] if package.exclusive or package.foreign else [one for one in told if one.label not in names]
    return (*offered, *hidden)


def target_for(package: Package, finding: str, wanted: str = "") -> str:
    """Return the label asked about a finding, or the one named by `wanted`; "" where none fits (UsageError)."""
    labels = learned(package)
    if wanted:
        named = [one.label for one in labels if one.label.lower() == wanted.lower()]
        if not named:
            raise UsageError(
                "The model {model} has no label {target}; it has {known}.",
                model=package.name,
                target=wanted,
                known=", ".join(one.label for one in labels),
            )
        return named[0]
    of_name = [one.label for one in labels if finding.lower() in _names(one)]
    return next(iter([*of_name, *(one.label for one in labels if one.unless)]), "")


def _names(label: recipe.Label) -> Sequence[str]:
    return [one.lower() for one in (label.label, *label.members)]


def with_learned(package: Package) -> Package:
    """Return the package with the labels it has learned without offering them, as uncalibrated scores."""
    names = {one.label for one in package.labels}
    more = tuple(Label(one.value, one.label) for one in learned(package) if one.label not in names)
    return replace(package, labels=(*package.labels, *more))
