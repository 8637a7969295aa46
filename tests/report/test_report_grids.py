"""Reports on grids that were made by interpolation: every object lies where the grid lies, and the mark is in it."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series
from report_cases import MODEL, blob_map, box_mask, complaints, make_case

from medassist.entities.prediction import Prediction
from medassist.imaging.regular import regularise
from medassist.progress import Progress
from medassist.report.case import Case
from medassist.report.export import export
from medassist.report.findings import findings_from
from medassist.report.notes import notes


def tilted(folder):
    write_ct_series(folder, rows=48, columns=40, ImagePositionPatient=lambda k: [0, 0.5 * k, 2.5 * k])
    return make_case(folder)


def resampled(folder):
    write_ct_series(folder, slices=9, rows=48, columns=40)[4].unlink()
    return on_demand(make_case(folder))


def resampled_multi_frame(folder):
    paths = write_ct_series(folder.with_name("single"), slices=9, rows=48, columns=40)
    kept = [pydicom.dcmread(path) for path in paths if path != paths[4]]
    folder.mkdir()
    highdicom.legacy.LegacyConvertedEnhancedCTImage(kept, "1.2.3", 5, "1.2.3.4", 1).save_as(folder / "enhanced.dcm")
    return on_demand(make_case(folder))


def on_demand(stack):
    volume = regularise(stack.volume)
    mask = box_mask(volume.geometry)
    prediction = Prediction(MODEL, volume.series.key, "2026-11-20T08:30:00+08:00", "cpu", (), (), mask)
    return Case(
        stack.study, volume.series, volume, (prediction,), (blob_map(volume),), findings_from(prediction, volume)
    )


MARKS = {
    tilted: "gantry was tilted",
    resampled: "Resampled by interpolation",
    resampled_multi_frame: "Resampled by interpolation",
}


@pytest.mark.parametrize(("make", "mark"), MARKS.items())
def test_report_on_an_interpolated_grid(tmp_path, make, mark):
    case = make(tmp_path / "images")
    out = tmp_path / "out"
    out.mkdir()
    written = export(case, out, ("seg", "pm", "sr", "nifti", "json"), progress=Progress())
    assert any(mark in note.text() for note in notes(case))
    assert case.findings[0].volume_ml is not None
    names = {path.name for path in written}
    assert names >= {"seg.dcm", "heatmap-1.dcm", "sr.dcm", "mask.nii.gz", "result.json"}
    back = highdicom.seg.segread(out / "seg.dcm").get_volume(combine_segments=True)
    (_, mask) = case.masks[0]
    theirs = np.argwhere(back.array) @ back.affine[:3, :3].T + back.affine[:3, 3]
    ours = case.volume.geometry.to_world(np.argwhere(mask.labels_zyx)[:, ::-1])
    np.testing.assert_allclose(np.sort(theirs, axis=0), np.sort(ours, axis=0), atol=1e-3)
    assert [complaints(out / name) for name in sorted(names) if name.endswith(".dcm")] == [[], [], []]
