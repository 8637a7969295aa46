"""What the report writes comes back: mask voxel by voxel, map within quantisation, findings with their volumes."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import SAGITTAL, write_ct_series, write_film, write_mr_series
from report_cases import make_case

from medassist.imaging.objects.read import read_document, read_overlay
from medassist.imaging.scan import scan
from medassist.progress import Progress
from medassist.report.export import export

WRITERS = {
    "axial": write_ct_series,
    "sagittal": lambda folder: write_mr_series(folder, orientation=SAGITTAL, spacing=(0.9, 1.1, 2.0)),
    "film": lambda folder: write_film(folder),
    "film without a scale": lambda folder: write_film(folder, spacing=None, imager_spacing=None),
}


@pytest.mark.parametrize("name", WRITERS)
def test_report_objects_come_back(tmp_path, name) -> None:
    WRITERS[name](tmp_path / "images")
    case = make_case(tmp_path / "images")
    out = tmp_path / "out"
    out.mkdir()
    export(case, out, ("seg", "pm", "sr"), progress=Progress())
    series = {one.frames[0].path.name: one for one in scan(out).all_series()}
    assert {one.referenced_series_uids[0] for one in series.values()} == {case.series.series_uid}
    volume = case.volume
    if "seg.dcm" in series:
        overlay = read_overlay(series["seg.dcm"], volume)
        (mask,) = overlay.masks
        (_, sent_mask) = case.masks[0]
        assert np.array_equal(mask.labels_zyx, sent_mask.labels_zyx)
        filled = [one for one in sent_mask.segments if sent_mask.voxels(one)]
        assert [(one.label, one.code) for one in mask.segments] == [(one.label, one.code) for one in filled]
        assert np.abs(np.subtract([one.color for one in mask.segments], [one.color for one in filled])).max() <= 1
    (back,) = read_overlay(series["heatmap-1.dcm"], volume).maps
    sent = case.heatmaps[0].values_zyx
    assert np.abs(back.values_zyx - sent).max() <= np.ptp(sent) / 65535
    lines = list(read_document(series["sr.dcm"], volume).walk())
    for finding in case.findings:
        assert any(finding.label in (line.value, line.concept) for line in lines), finding.label
    volumes = [line.value for line in lines if line.concept == "Volume"]
    assert len(volumes) == sum(one.volume_ml is not None for one in case.findings)
