"""Heatmaps as DICOM Parametric Maps (PS3.3 A.75) with the codes of CID 217 "Visual Explanation"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Code
from medassist.imaging.quiet import quietly
from medassist.report.case import Case
from medassist.report.dicom_objects import save, series_arguments, set_body_part, set_side, set_time
from medassist.report.identity import concept
from medassist.report.map_record import brief
from medassist.report.placement import placement, point_at_source_frames
from medassist.report.pm_quantity import characteristics
from medassist.report.sources import has_dicom_sources, source_headers

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap, RealWorldValueMapping

PARAMETRIC_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.30"

CLASS_ACTIVATION = Code("130402", "DCM", "Class activation")
GRADIENT_WEIGHTED = Code("130403", "DCM", "Gradient-weighted class activation")
SALIENCY = Code("130404", "DCM", "Saliency")

ENTROPY = Code("ENTROPY", "99MEDASSIST", "Normalized predictive entropy")
"""No visual explanation, and no standard code for it: one of our own."""
SPREAD = Code("VIEW_SPREAD", "99MEDASSIST", "Standard deviation over mirrored views")

LAST_STORED_VALUE = 65535


def file_name(index: int) -> str:
    """Return the name of the file of one heatmap (index from 0)."""
    return f"heatmap-{index + 1}.dcm"


@quietly()
def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write heatmap-1.dcm, heatmap-2.dcm, … in the order of the case; nothing for sources that are not DICOM.

    What explains nothing but rejected findings is left out, as no system shows the verdict over the picture.
    """
    if not has_dicom_sources(case):
        return ()
    return tuple(
        save(build(case, heatmap, index + 1), folder / file_name(index))
        for index, heatmap in enumerate(case.heatmaps)
        if is_told(case, heatmap)
    )


def is_told(case: Case, heatmap: Heatmap) -> bool:
    """Tell whether a map is written: not where every finding it explains was rejected, unless these are asked for."""
    explained = [one for one in case.findings if one.model == heatmap.model and one.target == heatmap.target]
    told = set(map(id, case.told_findings))
    return heatmap.kind is not MapKind.ATTRIBUTION or not explained or any(id(one) in told for one in explained)


def quantity(method: str) -> Code:
    """Return the CID 217 code of an attribution method: what does not weigh activations is a saliency."""
    name = method.lower().replace("-", "").replace("_", "").replace(" ", "")
    if "gradcam" in name:
        return GRADIENT_WEIGHTED
    return CLASS_ACTIVATION if "cam" in name else SALIENCY


def build(case: Case, heatmap: Heatmap, instance: int) -> ParametricMap:
    """Build the object of one map on the grid of the series: 16-bit steps, RLE, real-world mapping to its own unit."""
    import highdicom as hd
    from pydicom.uid import RLELossless

    headers = source_headers(case)
    plane = placement(case)
    stored, slope, intercept = quantized(heatmap.values_zyx)
    pm = hd.pm.ParametricMap(
        source_images=headers,
        pixel_array=stored,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(heatmap, slope, intercept)],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=(LAST_STORED_VALUE + 1) / 2, window_width=LAST_STORED_VALUE + 1)
        ],
        transfer_syntax_uid=RLELossless,
        plane_positions=plane.positions,
        plane_orientation=plane.orientation,
        pixel_measures=plane.measures,
        content_label=_label(heatmap),
        content_description=brief(heatmap)[:64],
        **series_arguments(case, "pm", instance),
    )
    pm.ContentCreatorName = pm.get("ContentCreatorName", "")  # type 2, which highdicom leaves out: nobody drew a map
    point_at_source_frames(pm, case)
    set_time(pm, _started(case, heatmap))
    set_body_part(pm, headers[0])
    set_side(pm, headers[0])
    return pm


def quantized(values: NDArray[np.float32]) -> tuple[NDArray[np.uint16], float, float]:
    """Return uint16 steps with slope and intercept: value = slope * step + intercept, off by half a step at most."""
    low, high = min(float(values.min()), 0.0), float(values.max())
    slope = (high - low) / LAST_STORED_VALUE if high > low else 1.0
    steps = np.rint((values.astype(np.float64) - low) / slope)
    return steps.astype(np.uint16), slope, low


def _mapping(heatmap: Heatmap, slope: float, intercept: float) -> RealWorldValueMapping:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    mapping = hd.pm.RealWorldValueMapping(
        lut_label=_label(heatmap),
        lut_explanation=brief(heatmap)[:64],
        unit=codes.UCUM.NoUnits,
        value_range=(0, LAST_STORED_VALUE),
        slope=slope,
        intercept=intercept,
        quantity_definition=concept(_quantity(heatmap)),
    )
    mapping.QuantityDefinitionSequence.extend(characteristics(heatmap))
    return mapping


def _quantity(heatmap: Heatmap) -> Code:
    own = {MapKind.UNCERTAINTY: ENTROPY, MapKind.SPREAD: SPREAD}
    return own.get(heatmap.kind) or quantity(heatmap.method)


def _label(heatmap: Heatmap) -> str:
    return {MapKind.UNCERTAINTY: "UNCERTAINTY", MapKind.SPREAD: "SPREAD"}.get(heatmap.kind, "HEATMAP")


def _started(case: Case, heatmap: Heatmap) -> str:
    """Return when the analysis began: that of the prediction the map explains, else the time of the report."""
    return next((one.started for one in reversed(case.predictions) if one.model == heatmap.model), case.created)
