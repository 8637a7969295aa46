"""`convert` against an independent converter (dcm2niix): same values at the same millimetres."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from medassist.imaging.convert import write_volume
from medassist.imaging.load import load
from medassist.imaging.scan import scan

GE, SIEMENS, PHILIPS = "nih_epi/In/20180918GE/mr_{}", "nih_epi/In/20180918Si/mr_{}", "enh_philips_fieldmap/In"
REFERENCES = [
    *((GE.format(f"000{n}"), "", f"nih_epi/Ref/DCM2NIIX_regression_test_{n}.nii", 1.0) for n in (4, 5, 6, 7)),
    (SIEMENS.format("0003"), "", "nih_epi/Ref/EPI_PE=AP_3.nii", 1.0),
    (SIEMENS.format("0004"), "", "nih_epi/Ref/EPI_PE=PA_4.nii", 1.0),
    (SIEMENS.format("0005"), "", "nih_epi/Ref/EPI_PE=RL_5.nii", 1.0),
    (SIEMENS.format("0006"), "", "nih_epi/Ref/EPI_PE=LR_6.nii", 1.0),
    (PHILIPS, "magnitude", "enh_philips_fieldmap/Ref/Philips_WIP_B0_NS_801_e1.nii", None),
    (PHILIPS, "field map", "enh_philips_fieldmap/Ref/Philips_WIP_B0_NS_801_e2_fieldmaphz.nii", 1.0),
]


@pytest.mark.parametrize(("folder", "part", "reference", "factor"), REFERENCES)
def test_converted_series_equals_the_reference(folder, part, reference, factor, shared_data, tmp_path):
    (series,) = (one for one in scan(shared_data(f"dicom/{folder}")).all_series() if one.part == part)
    write_volume(load(series), tmp_path / "out.nii.gz")
    ours, theirs = (
        nibabel.as_closest_canonical(nibabel.load(path))
        for path in (tmp_path / "out.nii.gz", shared_data(f"dicom/{reference}"))
    )
    assert ours.shape == theirs.shape
    corner = np.array([*ours.shape[:3], 1]) - [1, 1, 1, 0]
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)
    np.testing.assert_allclose(ours.affine @ corner, theirs.affine @ corner, atol=1e-3)
    mine, other = np.asarray(ours.dataobj, dtype=np.float64), np.asarray(theirs.dataobj, dtype=np.float64)
    if factor is None:
        factor = other.max() / mine.max()
    # dcm2niix rounds the scale of the field map to 16 bits: up to 0.006 Hz, where one stored step is 0.244 Hz.
    np.testing.assert_allclose(mine * factor, other, rtol=2e-6, atol=0.01 if part == "field map" else 1e-4)
    assert np.ptp(mine) > 100


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_written_volume_is_read_back_in_the_same_place(suffix, shared_data, tmp_path):
    (series,) = scan(shared_data("hippocampus/dicom_crops")).all_series()[:1]
    before = load(series)
    write_volume(before, tmp_path / f"体积{suffix}")
    (again,) = scan(tmp_path / f"体积{suffix}").all_series()
    after = load(again)
    np.testing.assert_allclose(after.geometry.affine_lps, before.geometry.affine_lps, atol=1e-3)
    np.testing.assert_array_equal(after.array_tzyx, before.array_tzyx)
    assert after.array_tzyx.dtype == before.array_tzyx.dtype


def test_both_nifti_transforms_agree(shared_data, tmp_path):
    (series,) = scan(shared_data("dicom/uih_t1_head/In")).all_series()
    write_volume(load(series), tmp_path / "head.nii")
    image = nibabel.load(tmp_path / "head.nii")
    assert image.header["qform_code"] > 0
    assert image.header["sform_code"] > 0
    corner = np.array([*image.shape, 1]) - [1, 1, 1, 0]
    np.testing.assert_allclose(image.get_qform() @ corner, image.get_sform() @ corner, atol=1e-3)


def test_time_step_is_the_repetition_time(shared_data, tmp_path):
    (series,) = scan(shared_data(f"dicom/{SIEMENS.format('0003')}")).all_series()
    write_volume(load(series), tmp_path / "out.nii")
    assert nibabel.load(tmp_path / "out.nii").header.get_zooms()[3] == pytest.approx(2.43537, abs=1e-4)
