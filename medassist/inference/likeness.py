"""Compare one image with those a network learned from, without asking the network for an answer."""

from __future__ import annotations

from medassist.entities.prediction import Check
from medassist.entities.volume import Volume
from medassist.inference.bundle import inferer
from medassist.inference.devices import choose
from medassist.inference.embedding import Seen, read_embedding, watched
from medassist.inference.network import load_network
from medassist.inference.packages import Package
from medassist.inference.prepare import prepare
from medassist.inference.windows import blocks, planned
from medassist.progress import Progress


def likeness(
    package: Package, volume: Volume, *, device: str = "auto", progress: Progress | None = None
) -> Check | None:
    """Return the row of the suitability table, None for a package that does not describe its training images.

    Raises what a run would: Refused when the image cannot be prepared or the network cannot run on it, Cancelled.
    """
    progress = progress or Progress()
    spec, embedding = package.suitability.embedding, read_embedding(package)
    if spec is None or embedding is None:
        return None
    image, network = prepare(package, volume).tensor, load_network(package, choose(device))
    with network.held(progress):
        seen = Seen(watched(network.module, spec), spec.pool)
        for _ in blocks(seen, image, planned(image, inferer(package)), network.device, progress=progress):
            pass  # only what the layer says is of interest
    return embedding.check(seen.features)
