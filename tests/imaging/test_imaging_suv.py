"""SUV by body weight against values computed by hand, and the reasons why there is none."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phantoms import write_ct_series
from pydicom import Dataset

from medassist.imaging.load import load
from medassist.imaging.moments import moment, time_of_day
from medassist.imaging.scan import scan
from medassist.imaging.suv import suv_factor

F18_S, DOSE_BQ, WEIGHT_KG = 6586.2, 3.7e8, 74.0
"""Half-life of fluorine-18; 370 MBq and 74 kg make 74 000 g / 3.7e8 Bq = 2e-4 g/Bq without decay."""

PLAIN = 2e-4


def pet(**tags):
    """Return the header of an FDG slice: injected at 09:15, scanned from 10:15 on, both on the same day."""
    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = DOSE_BQ, F18_S
    drug.RadiopharmaceuticalStartTime = "091500.000000"
    ds = Dataset()
    ds.Modality, ds.Units, ds.DecayCorrection = "PT", "BQML", "START"
    ds.CorrectedImage = ["DECY", "ATTN", "SCAT"]
    ds.PatientWeight = WEIGHT_KG
    ds.SeriesDate = ds.AcquisitionDate = "20260102"
    ds.SeriesTime, ds.AcquisitionTime = "101500", "101500"
    for keyword, value in tags.items():
        home = drug if keyword.startswith("Radio") else ds
        if value is None:
            del home[keyword]
        else:
            setattr(home, keyword, value)
    ds.RadiopharmaceuticalInformationSequence = [drug]
    return ds


def decayed(seconds):
    return PLAIN * 2 ** (seconds / F18_S)


def factor(*headers):
    found = suv_factor(headers)
    assert found.reason is None
    return found.factor


def reason(ds):
    found = suv_factor([ds])
    assert found.factor is None
    return found.reason.text()


def test_one_hour_after_the_injection():
    # By hand: 3600 s of 6586.2 s half-life leave 2^-0.546597 = 0.684633 of 370 MBq = 253.314 MBq; 74000 / 253.314e6.
    assert factor(pet()) == pytest.approx(2.92127e-4, rel=1e-5)
    assert 5000 * factor(pet()) == pytest.approx(1.46064, rel=1e-5)


def test_values_corrected_to_the_injection_need_no_decay():
    assert factor(pet(DecayCorrection="ADMIN")) == pytest.approx(PLAIN)
    assert factor(pet(DecayCorrection="ADMIN", RadiopharmaceuticalStartTime=None)) == pytest.approx(PLAIN)


def test_injection_before_midnight():
    ds = pet(RadiopharmaceuticalStartTime="233000", SeriesTime="003000", AcquisitionTime="003000")
    assert factor(ds) == pytest.approx(decayed(3600))


@pytest.mark.parametrize(
    ("start", "zone", "waited_s"),
    [
        ("20260102091500", None, 3600),
        ("20260102091500.000000-0500", "-0500", 3600),
        ("20260102141500+0000", "-0500", 3600),
        ("20260102121500+0800", "+0300", 6 * 3600 - 3 * 3600),
        ("20260102091500-0500", None, 3600),
        ("20260102091500", "-0330", 3600),
        ("20260101233000.5-0930", "-0930", 10 * 3600 + 2700 - 0.5),
    ],
)
def test_injection_as_date_and_time_with_zone(start, zone, waited_s):
    ds = pet(RadiopharmaceuticalStartDateTime=start, RadiopharmaceuticalStartTime=None)
    if zone:
        ds.TimezoneOffsetFromUTC = zone
    assert factor(ds) == pytest.approx(decayed(waited_s))


def test_series_time_after_the_pictures_is_not_the_start_of_the_scan():
    # Average count rate of a frame of 120 s: 59.94 s after its start; the picture says it is 180 s after the scan's.
    per_s = math.log(2) / F18_S
    average_s = math.log(120 * per_s / (1 - math.exp(-120 * per_s))) / per_s
    assert average_s == pytest.approx(59.937, abs=0.001)
    ds = pet(SeriesTime="113000", AcquisitionTime="101700", FrameReferenceTime=180_000, ActualFrameDuration=120_000)
    assert factor(ds) == pytest.approx(decayed(3600 + 120 - 180 + average_s))


def test_series_time_counts_when_it_is_before_every_bed_position():
    later = pet(SeriesTime="101500", AcquisitionTime="102500")
    assert factor(later, pet(AcquisitionTime="101500")) == pytest.approx(decayed(3600))


def test_ge_states_the_start_of_the_scan():
    ds = pet(SeriesTime="120000", AcquisitionTime="102000")
    block = ds.private_block(0x0009, "GEMS_PETD_01", create=True)
    block.add_new(0x0D, "DT", "20260102101500.00")
    assert factor(ds) == pytest.approx(decayed(3600))


def philips(suv=None, bqml=None):
    ds = pet(Units="CNTS")
    block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
    for element, value in ((0x00, suv), (0x09, bqml)):
        if value is not None:
            block.add_new(element, "DS", str(value))
    return ds


def test_philips_counts():
    assert factor(philips(suv=0.00123)) == pytest.approx(0.00123)
    assert factor(philips(suv=0.00123, bqml=7)) == pytest.approx(0.00123)
    assert factor(philips(suv=0, bqml=2.5)) == pytest.approx(2.5 * decayed(3600))
    assert "7053,1000" in reason(philips())


def test_values_that_are_suv_already():
    assert factor(pet(Units="GML")) == 1.0
    assert factor(pet(Units="GML", SUVType="BW")) == 1.0
    assert "LBM" in reason(pet(Units="GML", SUVType="LBM"))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"PatientWeight": None}, "patient's weight"),
        ({"PatientWeight": 0}, "patient's weight"),
        ({"RadionuclideTotalDose": None}, "injected dose"),
        ({"RadionuclideTotalDose": 370}, "370 Bq is too small"),
        ({"RadionuclideHalfLife": None}, "half-life"),
        ({"RadiopharmaceuticalStartTime": None}, "time of the injection"),
        ({"RadiopharmaceuticalStartTime": ""}, "time of the injection"),
        ({"DecayCorrection": "NONE"}, "NONE"),
        ({"DecayCorrection": None}, "known time"),
        ({"CorrectedImage": ["DECY"]}, "attenuation"),
        ({"Units": "CPS"}, "CPS"),
        ({"SeriesDate": None, "AcquisitionDate": None}, "when the scan began"),
        ({"RadiopharmaceuticalStartDateTime": "20250102091500"}, "which cannot be"),
        ({"RadiopharmaceuticalStartDateTime": "20260102111500"}, "which cannot be"),
        ({"RadionuclideHalfLife": 282_240}, "lives for days"),
    ],
)
def test_what_is_missing_is_named(tags, words):
    assert words in reason(pet(**tags))


def test_no_radiopharmaceutical_at_all():
    ds = pet()
    del ds.RadiopharmaceuticalInformationSequence
    assert "radiopharmaceutical" in reason(ds)


@given(st.floats(30, 200), st.floats(5e7, 8e8), st.floats(0, 20_000))
def test_factor_grows_with_weight_and_waiting_and_falls_with_dose(weight, dose, waited):
    start = datetime(2026, 1, 2, 10, 15) - timedelta(seconds=round(waited))
    ds = pet(
        PatientWeight=f"{weight:.6g}",
        RadionuclideTotalDose=f"{dose:.6g}",
        RadiopharmaceuticalStartDateTime=start.strftime("%Y%m%d%H%M%S"),
    )
    expected = float(f"{weight:.6g}") * 1000 / (float(f"{dose:.6g}") * 0.5 ** (round(waited) / F18_S))
    assert factor(ds) == pytest.approx(expected)


def test_moments():
    assert moment("20260102101112.5-0530") == datetime(
        2026, 1, 2, 10, 11, 12, 500_000, timezone(-timedelta(hours=5, minutes=30))
    )
    assert moment("2026010210", "+0000") == datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert moment("20261302101112") is None
    assert moment("2026") is None
    assert time_of_day("0915") == timedelta(hours=9, minutes=15)
    assert time_of_day("2515") is None


def write_pet(folder, **tags):
    drug = pet().RadiopharmaceuticalInformationSequence[0]
    write_ct_series(
        folder,
        Modality="PT",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.128",
        **{
            "Units": "BQML",
            "DecayCorrection": "START",
            "CorrectedImage": ["DECY", "ATTN"],
            "PatientWeight": WEIGHT_KG,
            "SeriesTime": "101500",
            "AcquisitionTime": lambda k: f"1015{k:02d}",
            "RadiopharmaceuticalInformationSequence": [drug],
            "RescaleIntercept": 0,
            "RescaleSlope": lambda k: 1 + 0.5 * k,
            **tags,
        },
    )
    return load(scan(folder).all_series()[0])


def test_volume_carries_the_factor(tmp_path):
    volume = write_pet(tmp_path)
    assert volume.suv_factor == pytest.approx(decayed(3600))
    assert volume.suv_missing is None
    assert volume.array_zyx[2, 32, 32] == pytest.approx((40 + 20 + 1024) * 2)


def test_volume_carries_the_reason(tmp_path):
    volume = write_pet(tmp_path, PatientWeight=None)
    assert volume.suv_factor is None
    assert "weight" in volume.suv_missing.text()


def test_other_modalities_have_neither(tmp_path):
    write_ct_series(tmp_path, slices=2)
    volume = load(scan(tmp_path).all_series()[0])
    assert (volume.suv_factor, volume.suv_missing) == (None, None)
