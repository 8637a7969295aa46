"""What a map is, in words: its passport, the range of its values, and how much of the image it covers."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.explain.methods import METHODS
from medassist.imaging.colormaps import steps
from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.viewer.layers import heat_table
from medassist.ui.wording import duration_text, label_title

TASKS = ("classification", "segmentation")


def cell_text(geometry: Geometry) -> str:
    """Write the size of a map's cell; a projection image has no third direction."""
    x, y, z = (f"{size:.1f}" for size in geometry.spacing_mm)
    sizes = f"{x} × {y}" if geometry.shape_zyx[0] == 1 else f"{x} × {y} × {z}"
    return f"{sizes} mm" if geometry.calibrated else f"{sizes} px"


def passport_text(session: Session, heatmap: Heatmap) -> str:
    """Say what a map is: method, layer, target, grid it was computed on, and what must be known about it."""
    uncertain = heatmap.kind is not MapKind.ATTRIBUTION
    spread = heatmap.kind is MapKind.SPREAD
    own = tr("Spread over mirrored views") if spread else tr("Uncertainty of the segmentation")
    cells = " × ".join(str(count) for count in reversed(heatmap.native_geometry.shape_zyx))
    lines = [
        own if uncertain else tr("Method: {method}", method=tr(heatmap.method)),
        *(() if uncertain else _explained(session, heatmap)),
        tr("Computed on {cells} cells of {size}, enlarged to the picture",
           cells=cells, size=cell_text(heatmap.native_geometry)),
        _range_text(heatmap),
        tr("Model: {name} {version}", name=heatmap.model.name, version=heatmap.model.version),
        *(f"⚠ {tr(note)}" for note in heatmap.notes),
    ]  # fmt: skip
    return "\n".join(lines)


def _range_text(heatmap: Heatmap) -> str:
    if heatmap.signed:
        return tr("Values from {low} to {high}", low=f"{heatmap.minimum:.3g}", high=f"{heatmap.maximum:.3g}")
    return tr("Largest value: {value}", value=f"{heatmap.maximum:.3g}")


def _explained(session: Session, heatmap: Heatmap) -> list[str]:
    """Say what a map explains, compared with what, where in the network it was read, and with which numbers."""
    against = label_title(session, heatmap.against) if heatmap.against else ""
    numbers = _numbers(heatmap)
    return [
        tr("Target: {label}", label=label_title(session, heatmap.target)),
        *([tr("Explained: {region}", region=tr(heatmap.region.name))] if heatmap.region is not None else []),
        *([tr("Compared with: {label}", label=against)] if against else []),
        tr("Layer: {layer}", layer=heatmap.layer) if heatmap.layer else tr("Layer: the input itself"),
        *([tr("Numbers: {numbers}", numbers=numbers)] if numbers else []),
    ]


def _numbers(heatmap: Heatmap) -> str:
    """Return the numbers of the method that made a map, as the method names them."""
    known = (
        one for method in METHODS for task in TASKS if method.title(task) == heatmap.method for one in method.settings
    )
    titles = {one.name: one.title for one in known}
    values = {name: heatmap.parameters[name] for name in titles if name in heatmap.parameters}
    return ", ".join(
        f"{tr(titles[name])} {value:g}" for name, value in values.items() if isinstance(value, int | float)
    )


PIECE = 1 << 16


def cost_text(passes: float, seconds_per_pass: float | None) -> str:
    """Say what a job on the network costs, in passes and, where one was timed, in time."""
    told = {"passes": f"{passes:.1f}" if passes < 10 else f"{passes:.0f}"}
    if seconds_per_pass is None:
        return tr("Costs {passes} passes of the network; their time is not measured yet.", **told)
    seconds = passes * seconds_per_pass
    time = tr("less than 1 s") if seconds < 1 else tr("about {time}", time=duration_text(seconds))
    return tr("Takes {time}: {passes} passes of the network.", time=time, **told)


def share_above(heatmap: Heatmap, threshold: float) -> float:
    """Return the share of the voxels that are drawn: those whose value reaches `threshold` of the full scale."""
    return float(_shares_from(heatmap)[heat_table(1.0, threshold, heatmap.signed)[:, 3] > 0].sum())


_COUNTED: WeakKeyDictionary[Heatmap, NDArray[np.float64]] = WeakKeyDictionary()


def _shares_from(heatmap: Heatmap) -> NDArray[np.float64]:
    """Return the share of the voxels at each of the 256 steps of the colour table, counted once for each map."""
    if heatmap not in _COUNTED:
        scale = heatmap.full_scale if heatmap.full_scale > 0 else 1.0
        values, counts = heatmap.values_zyx.reshape(-1), np.zeros(256)
        for begin in range(0, values.size, PIECE):  # what the processor keeps near is counted in a third of the time
            share = np.nan_to_num(values[begin : begin + PIECE]) / np.float32(scale)
            counts += np.bincount(steps(share, signed=heatmap.signed), minlength=256)
        _COUNTED[heatmap] = counts / counts.sum()
    return _COUNTED[heatmap]


def drawn_text(heatmap: Heatmap, threshold: float) -> str:
    """Say how much of the image is drawn above the threshold."""
    told = f"{100 * share_above(heatmap, threshold):.1f}"
    if heatmap.geometry.shape_zyx[0] == 1:
        return tr("Drawn: {percent} % of the picture", percent=told)
    return tr("Drawn: {percent} % of the volume", percent=told)
