"""Maps and what was found between two of them, in words."""

from __future__ import annotations

from medassist.entities.comparison import Comparison
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.viewer.color_bar import map_title
from medassist.ui.wording import label_title


def map_name(session: Session, heatmap: Heatmap) -> str:
    """Name a map by its method, its target, the region and the model it explains: enough to tell it from all others."""
    against = label_title(session, heatmap.against) if heatmap.against else ""
    title = {
        MapKind.UNCERTAINTY: tr("Uncertainty of the segmentation"),
        MapKind.SPREAD: tr("Spread over mirrored views"),
    }.get(heatmap.kind) or map_title(tr(heatmap.method), label_title(session, heatmap.target), against)
    region = "" if heatmap.region is None else f" · {tr(heatmap.region.name)}"
    return f"{title}{region} · {heatmap.model.name} {heatmap.model.version}"


def figures_text(told: Comparison) -> str:
    """Say how alike two maps are; a figure that has no meaning is said to be none."""
    rank, ssim = (_figure(one) for one in (told.rank_correlation, told.ssim))
    return tr("Rank correlation: {rank} · structural similarity: {ssim}", rank=rank, ssim=ssim)


def figures_meaning(told: Comparison) -> str:
    """Say what the two figures are."""
    return tr(
        "Rank correlation: Spearman's over {count} voxels; 1: the same order, 0: nothing in common, −1: the reverse. "
        "Structural similarity: of what speaks for the targets, each map on its own scale; 1: the same picture.",
        count=told.voxels,
    )


def _figure(value: float | None) -> str:
    return tr("none") if value is None else f"{value:.2f}".replace("-", "−")  # a true minus sign
