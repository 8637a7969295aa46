"""Whether a package would run: read, built and filled exactly as a run does it, short of an image."""

from __future__ import annotations

from medassist.inference.bundle import inferer, largest_components, preprocessing
from medassist.inference.network import check_network, load_network
from medassist.inference.operating import read_curves
from medassist.inference.packages import Package


def check_parts(package: Package, *, keep: bool = False) -> None:
    """Build every part of a package and check its weights; Refused with the first reason against it.

    The network stays loaded when `keep` says so, for a run that follows; else it takes no memory afterwards.
    """
    preprocessing(package)
    inferer(package)
    largest_components(package)
    read_curves(package)
    if keep:
        load_network(package, "cpu")
    else:
        check_network(package)
