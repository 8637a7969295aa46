from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from bundles import change_json

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Mask, Segment, Verdict
from medassist.entities.study import Patient, SeriesKind, Study
from medassist.entities.volume import Window
from medassist.inference.image_checks import coverage_check
from medassist.inference.packages import read
from medassist.inference.regions import regions_of
from medassist.inference.suitability import age_years, check, gate
from medassist.language import set_language

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL


def wedge(shape: tuple[int, ...], dtype) -> np.ndarray:
    """Every grey value from black to white, so that nothing but headers can be wrong."""
    return np.linspace(0, 255, int(np.prod(shape))).reshape(shape).astype(dtype)


def verdicts(rows) -> dict[str, Verdict]:
    return {row.name: row.verdict for row in rows}


@pytest.fixture
def chest(tiny_classifier: Path):
    return read(tiny_classifier)


@pytest.fixture
def film(make_volume):
    def build(**series):
        fields = {"modality": "CR", "body_part": "CHEST", "view_position": "PA", **series}
        return make_volume(wedge((1, 40, 30), np.uint16), kind=SeriesKind.FILM, **fields)

    return build


@pytest.mark.parametrize(
    ("towards", "expected"),
    [(("L", "F"), PASS), (("L", "FP"), PASS), (("R", "F"), FAIL), (("F", "L"), FAIL), ((), UNKNOWN), (("L",), UNKNOWN)],
)
def test_a_mirrored_or_turned_film_is_caught(tiny_classifier, film, make_study, towards, expected) -> None:
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"patient_orientation": ["L", "F"]}})
    rows = check(read(tiny_classifier), make_study(), film(patient_orientation=towards))
    assert verdicts(rows)["Film orientation"] is expected


def test_a_suitable_film_passes_every_check(chest, film, make_study) -> None:
    rows = check(chest, make_study(age="064Y"), film())
    assert set(verdicts(rows).values()) == {PASS}
    assert {row.name for row in rows} >= {"Modality", "Body part", "View position", "Dimensions", "Patient age (years)"}
    gate(rows)


@pytest.mark.parametrize(
    ("series", "description", "expected"),
    [
        ({"body_part": "THORAX"}, "", PASS),
        ({"body_part": "chest "}, "", PASS),
        ({"body_part": "CHESTABDPELVIS"}, "", PASS),
        ({"body_part": "LUNG"}, "", PASS),
        ({"body_part": "EXTREMITY"}, "", FAIL),
        ({"body_part": "KNEE"}, "CHEST PA", FAIL),
        ({"body_part": "TSPINE"}, "", FAIL),
        ({"body_part": ""}, "", UNKNOWN),
        ({"body_part": "SPECIAL"}, "", UNKNOWN),
        ({"body_part": ""}, "Thorax pa/lat", PASS),
        ({"body_part": ""}, "胸部正位", PASS),
        ({"body_part": ""}, "腰椎正侧位", FAIL),
        ({"body_part": "", "description": "Left knee AP"}, "", FAIL),
        ({"body_part": ""}, "chest and abdomen", UNKNOWN),
        ({"body_part": "CHEST"}, "right ankle", UNKNOWN),
    ],
)
def test_body_part_is_read_from_tag_and_descriptions(chest, film, make_study, series, description, expected) -> None:
    rows = check(chest, make_study(age="064Y", description=description), film(**series))
    assert verdicts(rows)["Body part"] is expected


def test_a_picture_without_tags_is_amber_not_red(chest, film, make_study) -> None:
    rows = check(chest, make_study(), film(modality="", body_part="", view_position=""))
    told = verdicts(rows)
    assert {told[name] for name in ("Modality", "Body part", "View position", "Patient age (years)")} == {UNKNOWN}
    gate(rows)


@pytest.mark.parametrize(
    ("series", "name"),
    [({"modality": "MR"}, "Modality"), ({"view_position": "LL"}, "View position"), ({"body_part": "LEG"}, "Body part")],
)
def test_a_failed_check_refuses_the_run_until_a_reason_is_typed(chest, film, make_study, series, name) -> None:
    rows = check(chest, make_study(age="064Y"), film(**series))
    with pytest.raises(Refused, match=f"{name}: demanded .*, found {next(iter(series.values()))}") as caught:
        gate(rows)
    assert caught.value.exit_code == 4
    with pytest.raises(Refused):
        gate(rows, "   ")
    gate(rows, "phantom for a demonstration")


def test_a_refusal_speaks_chinese(chest, film, make_study) -> None:
    set_language("zh_CN")
    with pytest.raises(Refused, match="检查部位：要求 CHEST，实际 LEG"):
        gate(check(chest, make_study(), film(body_part="LEG")))


def test_volumes_and_films_are_told_apart(chest, tiny_segmenter, film, make_volume, make_study) -> None:
    volume = make_volume(np.zeros((9, 9, 9), np.int16), modality="CR")
    assert verdicts(check(chest, make_study(), volume))["Dimensions"] is FAIL
    assert verdicts(check(read(tiny_segmenter), make_study(), film(modality="MR")))["Dimensions"] is FAIL
    assert verdicts(check(read(tiny_segmenter), make_study(), volume))["Dimensions"] is PASS


def test_spacing_extent_and_regularity(tiny_segmenter, make_volume, make_study) -> None:
    suitability = {"spacing_mm": [0.8, 1.2], "extent_mm": [20, 80]}
    change_json(tiny_segmenter, "metadata", medassist={"suitability": suitability})
    package = read(tiny_segmenter)

    def told(spacing, shape=(30, 30, 30), **more):
        return verdicts(
            check(package, make_study(), make_volume(np.zeros(shape, np.int8), np.diag([*spacing, 1]), **more))
        )

    fine = told([1.0, 1.0, 1.2000001])
    assert (fine["Spacing"], fine["Extent"], fine["Grid"]) == (PASS, PASS, PASS)
    assert told([1, 1, 3])["Spacing"] is FAIL
    assert told([1, 1, 1], (10, 30, 30))["Extent"] is FAIL
    assert told([1, 1, 1], kind=SeriesKind.STACK, irregularity="a gap")["Grid"] is FAIL
    unknown = Geometry(np.eye(4), (30, 30, 30), calibrated=False)
    pixels = verdicts(check(package, make_study(), make_volume(np.zeros((30, 30, 30), np.int8), geometry=unknown)))
    assert (pixels["Spacing"], pixels["Extent"]) == (UNKNOWN, UNKNOWN)


def test_colour_is_told_from_grey_stored_as_colour(chest, make_volume, make_study) -> None:
    picture = np.full((1, 8, 8, 3), 7, np.uint8)
    grey = make_volume(picture, kind=SeriesKind.FILM, modality="")
    assert verdicts(check(chest, make_study(), grey))["Color"] is PASS
    picture[..., 1] = 90
    assert verdicts(check(chest, make_study(), make_volume(picture, kind=SeriesKind.FILM)))["Color"] is FAIL


@pytest.mark.parametrize(
    ("patient", "date", "years"),
    [
        ({"age": "045Y"}, "", 45),
        ({"age": "018M"}, "", 1.5),
        ({"age": "012W"}, "", 0.23),
        ({"birth_date": "19400305"}, "20040826", 64.5),
        ({"birth_date": "19400305"}, "", None),
        ({"birth_date": "nonsense"}, "20040826", None),
        ({"birth_date": "20200101"}, "20040826", None),
    ],
)
def test_age_comes_from_the_tag_or_the_dates(patient, date, years) -> None:
    found = age_years(Study("1", Patient(**patient), date=date))
    assert found is None if years is None else found == pytest.approx(years, abs=0.1)


@pytest.mark.parametrize(("age", "expected"), [("017Y", FAIL), ("018Y", PASS), ("100Y", PASS), ("101Y", FAIL)])
def test_age_limits_include_the_whole_year(chest, film, make_study, age, expected) -> None:
    assert verdicts(check(chest, make_study(age=age), film()))["Patient age (years)"] is expected


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("HIPPOCAMPUS", {"head"}),
        ("MR RCBV SEQUENCE HippoCrop", {"head"}),
        ("HIP", {"pelvis"}),
        ("HEART", {"chest"}),
        ("L-SPINE", {"spine"}),
        ("C_SPINE", {"spine"}),
        ("SHIPMENT LEGEND ARMY COLLEGE", set()),
        ("Non-ossifying fibroma of distal tibia", {"leg"}),
        ("颈椎 MRI", {"spine"}),
        ("", set()),
    ],
)
def test_regions_of_texts(text, regions) -> None:
    assert regions_of(text) == regions


def from_header(path: Path, make_volume, shape=(1, 40, 30), kind=SeriesKind.FILM):
    """A study and a volume with the real header of a file and a grey wedge for pixels."""
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    patient = Patient(birth_date=ds.get("PatientBirthDate", ""), age=ds.get("PatientAge", ""))
    study = Study("1", patient, date=ds.get("StudyDate", ""), description=ds.get("StudyDescription", ""))
    names = {"modality": "Modality", "body_part": "BodyPartExamined", "view_position": "ViewPosition"}
    fields = {name: str(ds.get(keyword, "")) for name, keyword in names.items()}
    fields["description"] = str(ds.get("SeriesDescription", ""))
    return study, make_volume(wedge(shape, np.int16), kind=kind, **fields)


@pytest.fixture
def sample_film(make_volume):
    store = pytest.importorskip("data_store", reason="PyPI pydicom-data is not installed")
    folder = Path(store.__file__).parent / "data"
    return lambda name: from_header(folder / name, make_volume)


def test_the_sample_chest_film_passes(chest, sample_film) -> None:
    rows = check(chest, *sample_film("RG1_UNCR.dcm"))
    assert FAIL not in verdicts(rows).values()
    assert verdicts(rows)["Body part"] is PASS
    gate(rows)


def test_the_sample_leg_film_is_refused_on_body_part(chest, sample_film) -> None:
    with pytest.raises(Refused, match="Body part: demanded CHEST, found EXTREMITY"):
        gate(check(chest, *sample_film("RG3_UNCR.dcm")))


def test_hippocampus_crops_suit_a_head_model(tiny_segmenter, shared_data, make_volume) -> None:
    suitability = {"modality": ["MR"], "body_part": ["HEAD", "BRAIN", "HIPPOCAMPUS"], "age_years": [18, 100]}
    change_json(tiny_segmenter, "metadata", medassist={"suitability": suitability})
    for folder in sorted(shared_data("hippocampus/dicom_crops").iterdir()):
        study, volume = from_header(next(folder.glob("*.dcm")), make_volume, (35, 48, 36), SeriesKind.VOLUME)
        rows = check(read(tiny_segmenter), study, volume)
        assert FAIL not in verdicts(rows).values()
        gate(rows)


def test_checks_that_demand_nothing_are_left_out(chest, film, make_study) -> None:
    bare = replace(chest, suitability=type(chest.suitability)())
    assert {row.name for row in check(bare, make_study(), film())} == {"Dimensions", "Color", "Black or white"}


def test_a_picture_of_one_value_shows_nothing(chest, film, make_study, make_volume) -> None:
    flat = make_volume(np.full((1, 40, 30), 7, np.uint16), kind=SeriesKind.FILM, modality="CR")
    assert verdicts(check(chest, make_study(), flat))["Values"] is FAIL
    assert "Values" not in verdicts(check(chest, make_study(), film()))


def test_a_film_black_under_its_window_is_caught(chest, film, make_study) -> None:
    dark = replace(film(), windows=(Window(4000.0, 100.0),))
    assert verdicts(check(chest, make_study(), dark))["Black or white"] is FAIL
    white_of_the_same = replace(dark, inverted=True)
    assert verdicts(check(chest, make_study(), white_of_the_same))["Black or white"] is FAIL


def test_padding_is_no_picture(tiny_segmenter, make_study, make_volume) -> None:
    values = np.full((8, 8, 8), -2000, np.int16)
    values[2] = wedge((8, 8), np.int16)
    volume = replace(make_volume(values), padding=(-2000, -2000))
    change_json(tiny_segmenter, "metadata", medassist={"suitability": {"percentiles": {"0": [0, 10]}}})
    assert verdicts(check(read(tiny_segmenter), make_study(), volume))["Value at 0 %"] is PASS


@pytest.mark.parametrize(("unit", "expected"), [("HU", PASS), ("", UNKNOWN), ("g/ml", FAIL)])
def test_the_unit_of_values_is_demanded(tiny_segmenter, make_study, make_volume, unit, expected) -> None:
    change_json(tiny_segmenter, "metadata", medassist={"suitability": {"unit": "HU"}})
    volume = replace(make_volume(wedge((8, 8, 8), np.int16)), unit=unit)
    assert verdicts(check(read(tiny_segmenter), make_study(), volume))["Unit of the values"] is expected


def test_stored_values_without_rescale_miss_the_percentiles_of_hounsfield_units(
    tiny_segmenter, make_study, make_volume
) -> None:
    change_json(tiny_segmenter, "metadata", medassist={"suitability": {"percentiles": {"1": [-1100, -700]}}})
    package, hounsfield = read(tiny_segmenter), wedge((8, 8, 8), np.int16) * 8 - 1024
    assert verdicts(check(package, make_study(), make_volume(hounsfield)))["Value at 1 %"] is PASS
    assert verdicts(check(package, make_study(), make_volume(hounsfield + 1024)))["Value at 1 %"] is FAIL


@pytest.mark.parametrize(("count", "expected"), [(8, PASS), (12, PASS), (7, FAIL), (13, FAIL)])
def test_slices_are_counted(tiny_segmenter, make_study, make_volume, count, expected) -> None:
    change_json(tiny_segmenter, "metadata", medassist={"suitability": {"slices": [8, 12]}})
    volume = make_volume(wedge((count, 8, 8), np.int16))
    assert verdicts(check(read(tiny_segmenter), make_study(), volume))["Slices"] is expected


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [((40, 30), (1, 1), PASS), ((13, 30), (1, 1), FAIL), ((13, 30), (1, 3), PASS), ((40, 15), (1, 1), FAIL)],
)
def test_a_squashed_film_is_caught(tiny_classifier, make_volume, make_study, shape, spacing, expected) -> None:
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"aspect": [0.6, 1.7]}})
    film = make_volume(wedge((1, *shape), np.uint16), np.diag([*spacing, 1, 1]), kind=SeriesKind.FILM, modality="CR")
    assert verdicts(check(read(tiny_classifier), make_study(), film))["Height / width"] is expected


@pytest.mark.parametrize(
    ("shape", "expected"), [((64, 80), PASS), ((16, 16), FAIL), ((64, 63), FAIL), ((63, 64), FAIL)]
)
def test_a_film_of_few_pixels_is_caught(tiny_classifier, make_volume, make_study, shape, expected) -> None:
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"least_pixels": 64}})
    film = make_volume(wedge((1, *shape), np.uint16), kind=SeriesKind.FILM, modality="CR")
    assert verdicts(check(read(tiny_classifier), make_study(), film))["Rows and columns"] is expected


def test_a_number_of_pixels_that_is_none_is_refused(tiny_classifier) -> None:
    change_json(tiny_classifier, "metadata", medassist={"suitability": {"least_pixels": [64]}})
    with pytest.raises(Refused, match="least_pixels"):
        read(tiny_classifier)


def test_a_structure_at_the_edge_may_be_cut_off(make_volume) -> None:
    labels = np.zeros((5, 6, 7), np.uint8)
    segments = (Segment(1, "Inner"), Segment(2, "Outer"))
    geometry = make_volume(labels).geometry
    assert coverage_check(Mask(labels.copy(), geometry, segments)) is None
    labels[2, 3, 3] = 1
    inside = coverage_check(Mask(labels.copy(), geometry, segments))
    labels[4, 3, 3] = 2
    cut = coverage_check(Mask(labels.copy(), geometry, segments))
    assert inside is not None
    assert inside.verdict is PASS
    assert cut is not None
    assert (cut.verdict, cut.found) == (UNKNOWN, "at the edge: Outer")
