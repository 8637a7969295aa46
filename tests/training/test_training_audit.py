"""The shortcut audit on made-up sets whose shortcut is known, and on the two real traps."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from medassist.entities.errors import Refused, UnreadableInput, UsageError
from medassist.progress import Progress
from medassist.training.audit import areas, blanking, looking, people, shortcuts
from medassist.training.audit.areas import Draws, area
from medassist.training.audit.kinds import are_kinds_of_picture
from medassist.training.audit.looking import look_at_all
from medassist.training.audit.people import parts_of, people_of
from medassist.training.audit.pictures import picture_cues
from medassist.training.audit.shortcuts import audit
from medassist.training.layouts.layout import picture_volume
from medassist.training.layouts.reading import read_table

SIDE = 64


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(areas, "REPEATS", 200)
    monkeypatch.setattr(people, "ROUNDS", 1)


class Set:
    """Pictures of noise, half of them ill; what else tells the ill ones apart is up to a test."""

    def __init__(self, root: Path, count: int = 120, seed: int = 0) -> None:
        self.root, self.random = root, np.random.default_rng(seed)
        self.ill = np.arange(count) % 2 == 0
        self.pictures = self.random.integers(60, 180, (count, SIDE, SIDE)).astype(np.uint8)
        self.quality = np.full(count, 90)
        self.columns: list[dict[str, str]] = [
            {"patient_id": f"p{number}", "age": str(self.random.integers(20, 80)), "view": "PA"}
            for number in self.random.permutation(count)
        ]

    def heart(self) -> None:
        """Give the ill a checkered organ: it changes neither brightness nor anything near the border."""
        board = (np.indices((20, 20)) // 5).sum(axis=0) % 2 * 50 - 25
        middle = np.s_[22:42, 22:42]
        for picture in self.pictures[self.ill]:
            picture[middle] = 120
        for number in np.flatnonzero(self.ill):
            self.pictures[number][middle] = (self.pictures[number][middle] + board).clip(0, 255)
        for number in np.flatnonzero(~self.ill):
            self.pictures[number][middle] = (self.pictures[number][middle] - board).clip(0, 255)

    def write(self, labels: tuple[str, str] = ("ill", "normal")) -> Path:
        self.root.mkdir(exist_ok=True)
        lines = []
        for number, (picture, ill) in enumerate(zip(self.pictures, self.ill, strict=True)):
            name = f"{number}.jpg"
            Image.fromarray(picture).save(self.root / name, quality=int(self.quality[number]))
            lines.append({"file": name, "label": labels[0] if ill else labels[1], **self.columns[number]})
        with (self.root / "index.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        return self.root


@pytest.fixture
def clean(tmp_path) -> Set:
    made = Set(tmp_path / "made")
    made.heart()
    return made


def judged(made: Set, **more):
    return audit(read_table(made.write()), **more).labels["ill"]


def cues_against(found) -> set[str]:
    return {reason.cue for reason in found.reasons}


def test_organ_alone_passes(clean) -> None:
    found = judged(clean)
    assert found.verdict == "pass"
    assert found.audit.inside.value > 0.9
    assert found.audit.frame.value < 0.7
    assert found.audit.gain.low > 0
    assert found.audit.against == "normal"
    assert found.audit.people == (60, 60)
    assert {"width", "height", "mode", "view"} <= set(found.audit.constant)
    assert "Nothing trivial tells it with an AUC above 0.75" in found.sentences[0].text()


def test_mark_in_the_frame_alarms(clean) -> None:
    clean.pictures[clean.ill, :3, 5:25] = 230
    found = judged(clean)
    assert found.verdict == "alarm"
    assert "frame" in cues_against(found)
    assert found.audit.frame.value > 0.95


def test_processing_shows_in_file_size(clean) -> None:
    clean.quality[clean.ill] = 70
    found = judged(clean)
    assert found.verdict == "alarm"
    assert "file_size" in cues_against(found)
    assert found.audit.cues["file_size"].rising is False
    assert found.audit.cues["file_size"].area.value > 0.95


def test_view_that_goes_with_the_label_alarms(clean) -> None:
    for number, columns in enumerate(clean.columns):
        columns["view"] = "AP" if clean.ill[number] ^ (number % 10 < 2) else "PA"
    found = judged(clean)
    assert found.verdict == "alarm"
    assert "view" in cues_against(found)
    assert found.audit.cues["view"].area.value == pytest.approx(0.8, abs=0.01)


def test_source_of_several_kinds_alarms(clean) -> None:
    for number, columns in enumerate(clean.columns):
        columns["source"] = (
            ("north", "east")[number // 2 % 2] if clean.ill[number] else ("south", "west")[number // 2 % 2]
        )
    found = judged(clean)
    assert "source" in cues_against(found)
    assert found.audit.cues["source"].rising is None


def test_random_source_of_several_kinds_is_none(clean) -> None:
    for columns in clean.columns:
        columns["source"] = str(clean.random.choice(["north", "east", "south", "west"]))
    found = judged(clean)
    assert found.verdict == "pass"
    assert found.audit.cues["source"].area.value < 0.65


def test_further_file_of_some_rows_alarms(clean) -> None:
    (clean.root / "large").mkdir(parents=True)
    for number, columns in enumerate(clean.columns):
        columns["large"] = f"large/{number}.png" if clean.ill[number] else ""
        if columns["large"]:
            (clean.root / columns["large"]).write_bytes(b"")
    found = judged(clean)
    assert "has_large" in cues_against(found)
    assert found.audit.visible.value < found.audit.together.value


@pytest.mark.parametrize(("step", "verdict"), [(0, "pass"), (8, "caution"), (18, "alarm")])
def test_cue_within_one_view(clean, step, verdict) -> None:
    """Brighter among PA, darker among AP: over all rows neither shows."""
    for number, columns in enumerate(clean.columns):
        columns["view"] = ("PA", "AP")[number // 2 % 2]
        shift = step if clean.ill[number] == (columns["view"] == "PA") else 0
        clean.pictures[number] += np.uint8(shift + clean.random.integers(0, 20))
    found = judged(clean)
    assert found.verdict == verdict
    assert set(found.audit.within) == {"AP", "PA"}
    assert found.audit.cues["mean"].area.value < 0.65


def leaking(made: Set, patients: int) -> None:
    """Every patient has a frame of their own and a label drawn by chance: who knows the patient knows the label."""
    frames = made.random.integers(0, 255, (patients, SIDE, SIDE)).astype(np.uint8)
    outer = np.ones((SIDE, SIDE), bool)
    outer[8:-8, 8:-8] = False
    labels = made.random.permutation(np.arange(patients) % 2 == 0)
    for number in range(len(made.pictures)):
        patient = number % patients
        made.ill[number] = labels[patient]
        made.pictures[number][outer] = frames[patient][outer]
        made.columns[number]["patient_id"] = f"p{patient}"


def test_grouping_by_patient_closes_the_leak(tmp_path) -> None:
    made = Set(tmp_path / "leak", count=150)
    leaking(made, 30)
    grouped = judged(made)
    assert grouped.audit.people == (15, 15)
    assert grouped.audit.frame.value < 0.75
    for number, columns in enumerate(made.columns):
        columns["patient_id"] = f"q{number}"
    assert judged(made).audit.frame.value > 0.95


def test_equal_pictures_are_one_person(clean) -> None:
    clean.pictures[1] = clean.pictures[3]
    table = read_table(clean.write())
    numbers = people_of(table, look_at_all(table, progress=Progress()))
    assert numbers[1] == numbers[3]
    assert len(set(numbers.tolist())) == 119


def test_no_part_shares_a_group() -> None:
    truth, groups = np.arange(60) % 3 == 0, np.arange(60) // 4
    made = parts_of(truth, groups)
    assert len(made) == 5
    assert not any(set(groups[learn]) & set(groups[test]) for learn, test in made)


def test_few_people_cannot_tell(clean) -> None:
    clean.ill[8:] = False
    found = judged(clean)
    assert found.verdict == "caution"
    assert cues_against(found) == {"few"}
    assert found.audit.cues == {}
    assert "Only 4 people have it" in found.sentences[0].text()


def test_declared_cues_are_explained(clean) -> None:
    clean.quality[clean.ill] = 70
    declared = dict.fromkeys(cues_against(judged(clean)), "two archives")
    found = judged(clean, expected=declared)
    assert found.verdict == "explained"
    assert [one.text() for one in found.sentences].count("Declared as expected: two archives.") == 1
    declared.pop("file_size")
    assert judged(clean, expected=declared).verdict == "alarm"


def test_package_may_declare(clean) -> None:
    clean.quality[clean.ill] = 70
    package = SimpleNamespace(
        task="segmentation", metadata={"medassist": {"expected_shortcuts": {"*": "two archives"}}}
    )
    assert judged(clean, package=package).verdict == "explained"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"), True),
        (("chest x-ray", "chest CT"), True),
        (("ChestCT", "HeadCT"), False),
        (("CXR", "Pneumonia"), False),
        (("ChestCT normal", "ChestMR"), False),
        (("pneumonia", "normal"), False),
        (("CXR",), False),
    ],
)
def test_kinds_of_picture(labels, expected) -> None:
    assert are_kinds_of_picture(labels) is expected


def test_classes_that_are_kinds_of_picture_are_explained(clean) -> None:
    clean.pictures[clean.ill, :3, 5:25] = 230
    found = audit(read_table(clean.write(("ChestCT", "CXR"))))
    assert {label: str(one.verdict) for label, one in found.labels.items()} == {
        "ChestCT": "explained",
        "CXR": "explained",
    }
    assert found.labels["CXR"].audit.against == ""


def test_labels_of_a_folder(clean) -> None:
    table = read_table(clean.write())
    with pytest.raises(UsageError, match=r"has no label Hernia; it has: ill, normal"):
        audit(table, ("Hernia",))
    bare = replace(table, rows=tuple(replace(row, columns={"file": row.key}) for row in table.rows))
    with pytest.raises(UnreadableInput, match="has no labels"):
        audit(bare)


def test_missing_library_is_named(clean, monkeypatch) -> None:
    from medassist.plugins import Availability

    monkeypatch.setattr(shortcuts, "needs", lambda _names: Availability("not there"))
    with pytest.raises(Refused, match="needs scikit-learn"):
        audit(read_table(clean.write()))


def test_area_is_that_of_scikit_learn_with_ties() -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(3)
    scores, truth = random.integers(0, 9, 300).astype(float), random.random(300) < 0.3
    whose = random.integers(0, 80, 300)
    draws = Draws.of(whose)
    found = area(scores, truth, draws)
    assert found.value == pytest.approx(roc_auc_score(truth, scores))
    weights = np.concatenate(list(draws.weights()))
    for at in (0, 57, 199):
        assert found.drawn[at] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights[at]))
    assert (np.ptp(weights[:, whose == 5], axis=1) == 0).all()


def test_unknown_scores_are_left_out() -> None:
    scores, truth = np.array([1.0, 2.0, np.nan, 3.0]), np.array([False, False, True, True])
    found = area(scores, truth, Draws.of(np.arange(4)))
    assert (found.value, found.n) == (1.0, 3)
    assert area(scores, np.array([False, False, True, False]), Draws.of(np.arange(4))) is None


def test_picture_cues_of_a_known_picture() -> None:
    board = np.indices((32, 32)).sum(axis=0) % 2 * 255
    ramp = np.tile(np.arange(32, dtype=np.float32) * 8, (32, 1))
    fine, smooth = (picture_cues(one.astype(np.float32), (0.0, 255.0)) for one in (board, ramp))
    assert fine["fine_energy"] == pytest.approx(1.0)
    assert smooth["fine_energy"] < 0.05
    assert (fine["black"], fine["white"], fine["levels"]) == (0.5, 0.5, 2)
    assert smooth["gradient"] == pytest.approx(4.0)
    assert smooth["mean"] == pytest.approx(124.0)


def test_half_spectrum_counts_as_the_whole() -> None:
    for shape in ((31, 33), (32, 34), (33, 32)):
        grey = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        energy = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
        far = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]) > 0.35
        assert picture_cues(grey)["fine_energy"] == pytest.approx(energy[far].sum() / energy.sum(), rel=1e-4)


def test_blank_leaves_nothing_of_the_inside() -> None:
    random = np.random.default_rng(0)
    one = random.integers(0, 255, (40, 60)).astype(np.uint8)
    other = one.copy()
    other[10:30, 15:45] = 7
    blanked = [blanking.blank(picture_volume(each, "x"), None, 99.0).array_zyx for each in (one, other)]
    assert (blanked[0] == blanked[1]).all()
    assert (blanked[0][0, :4] == one[:4]).all()
    assert (blanked[0][0, 10:30, 15:45] == 99).all()


def test_masks_of_all_rows_are_blanked_together(clean) -> None:
    masks = np.zeros((2, SIDE, SIDE), np.uint8)
    masks[0, 10:20, 10:20], masks[1, 40:50, 30:60] = 1, 1
    clean.root.mkdir()
    for number, columns in enumerate(clean.columns):
        Image.fromarray(masks[number % 2]).save(clean.root / f"mask{number}.png")
        columns["mask"] = f"mask{number}.png"
    hole = blanking.joined_masks(read_table(clean.write()), progress=Progress())
    blanked = blanking.blank(
        picture_volume(np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE), "x"), hole, 300 % 256
    )
    changed = blanked.array_zyx[0] != np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE)
    assert changed[masks.any(axis=0)].mean() > 0.9
    assert not changed[~masks.any(axis=0)].any()


def seeing(where):
    """A model that answers with the brightness of a part of the picture."""

    def predict(package, volume, **_more):
        return SimpleNamespace(scores=[SimpleNamespace(probability=float(volume.array_zyx[0][where].mean()))])

    return predict


@pytest.mark.parametrize(
    ("where", "verdict"), [(np.s_[:3, 5:25], {"blanked"}), (np.s_[22:27, 27:32], set())], ids=["frame", "organ"]
)
def test_model_without_its_organ(clean, monkeypatch, where, verdict) -> None:
    clean.pictures[clean.ill, :3, 5:25] = 230
    package = SimpleNamespace(task="classification", labels=[SimpleNamespace(label="ill")], metadata={})
    seen = SimpleNamespace(subjects=frozenset(), labels=())
    monkeypatch.setattr(blanking, "read_record", lambda _package: seen)
    monkeypatch.setattr(blanking, "predict", seeing(where))
    found = judged(clean, package=package)
    assert cues_against(found) & {"blanked"} == verdict
    assert found.audit.model.whole.value > 0.9
    assert (found.audit.model.lost.value > 0.2) is (not verdict)


def test_rows_the_model_has_seen_are_left_out(clean, monkeypatch) -> None:
    from medassist.training.table import subject_hash

    table = read_table(clean.write())
    seen = SimpleNamespace(subjects={subject_hash(row.subject) for row in table.rows[:40]}, labels=())
    package = SimpleNamespace(task="classification", labels=[SimpleNamespace(label="ill")], metadata={})
    monkeypatch.setattr(blanking, "read_record", lambda _package: seen)
    monkeypatch.setattr(blanking, "predict", seeing(np.s_[:3, 5:25]))
    assert audit(table, package=package).labels["ill"].audit.model.whole.n == 80


def test_given_scores_take_the_place_of_a_run(clean) -> None:
    table = read_table(clean.write())
    scores = np.where(clean.ill, 0.9, 0.1)
    scores[:20] = np.nan
    found = audit(table, scores={"ill": scores}).labels["ill"]
    assert "the model reaches AUC 1.00" in found.sentences[1].text()
    model = found.audit.model
    assert (model.whole.value, model.whole.n, model.blanked) == (1.0, 100, None)
    assert model.over_frame.low > 0
    assert model.over_together.low > 0


def test_answer_as_json(clean) -> None:
    content = audit(read_table(clean.write())).as_json()
    assert (content["verdict"], content["n"], content["subjects"]) == ("pass", 120, 120)
    found = content["audit"]["ill"]
    assert found["verdict"] == "pass"
    assert set(found["cues"]["file_size"]) == {"group", "value", "low", "high", "n", "rising"}
    assert found["frame"]["low"] <= found["frame"]["value"] <= found["frame"]["high"]


def test_the_same_each_time(clean) -> None:
    table = read_table(clean.write())
    assert audit(table).as_json() == audit(table).as_json()


def volumes(root: Path, count: int = 24) -> Path:
    """Volumes of the same noise; those of the ill have more slices."""
    import SimpleITK

    root.mkdir()
    random, lines = np.random.default_rng(2), ["file,labels,subject"]
    for number in range(count):
        slices = 6 if number % 2 else 4
        values = random.normal(100, 5, (slices, 24, 20)).astype(np.int16)
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(root / f"{number}.nii.gz"))
        lines.append(f"{number}.nii.gz,{'ill' if number % 2 else 'No finding'},s{number}")
    (root / "index.csv").write_text("\n".join(lines), encoding="utf-8")
    return root


def test_volumes_are_audited_too(tmp_path) -> None:
    found = audit(read_table(volumes(tmp_path / "volumes"))).labels["ill"]
    assert found.verdict == "alarm"
    assert found.audit.cues["slices"].area.value == 1.0
    assert {"pixel_spacing", "format"} <= set(found.audit.constant)
    assert found.audit.against == "No finding"


def test_headers_tell_person_and_machine(monkeypatch) -> None:
    from pydicom.data import get_testdata_file

    from medassist.training.layouts.layout import open_one

    header = looking._header(open_one(Path(get_testdata_file("CT_small.dcm"))))
    assert header["age"] == "000Y"
    assert header["sex"] == "O"
    assert header["scanner"].startswith("GE MEDICAL SYSTEMS")


REAL = {
    "chest_xray_traps/two_sources": {"pneumonia": "alarm"},
    "chest_xray_traps/children": {"pneumonia": "alarm"},
    "chest_xray_nih": {"Effusion": "pass", "Cardiomegaly": "pass", "Edema": "alarm"},
    "modality_mednist": dict.fromkeys(("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"), "explained"),
}


@pytest.mark.slow
@pytest.mark.parametrize("folder", REAL)
def test_real_sets(folder, shared_data) -> None:
    expected = REAL[folder]
    found = audit(read_table(shared_data(folder)), tuple(expected))
    assert {label: str(one.verdict) for label, one in found.labels.items()} == expected
