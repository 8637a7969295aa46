"""Work on disk: torn lines, damaged and hostile files, full disks, two programs at once."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medassist.entities.errors import UnreadableInput, UnwritableOutput
from medassist.entities.measurement import Measurement, Shape
from medassist.storage import journal
from medassist.storage.arrays import MEMBER, ArrayFolder, Room, content_sha256, damaged
from medassist.storage.case_file import Decoder, Encoder, read_case_file, write_case_file
from medassist.storage.journal import (
    Sitting,
    newest_work,
    read_sitting,
    set_aside,
    sittings,
    study_folder,
)
from medassist.storage.offering import newest_to_offer

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def study():
    return study_folder("1.2.3", "Doe^Jane")


def journal_of(sitting: Sitting) -> Path:
    return next(sitting.folder.glob("journal-*.jsonl"))


def test_what_was_written_is_read_newest_last(study):
    sitting = Sitting.begin(study)
    sitting.write({"findings": [1], "layers": {"visible": True}}, {})
    sitting.write({"findings": [1, 2]}, {})
    found = read_sitting(sitting.folder)
    assert found.parts == {"findings": [1, 2], "layers": {"visible": True}}
    assert not found.notes
    assert found.saved_at


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_dropped_and_told(study, cut):
    sitting = Sitting.begin(study)
    sitting.write({"findings": [1]}, {})
    sitting.write({"findings": ["a longer line that is torn"]}, {})
    path = journal_of(sitting)
    path.write_bytes(path.read_bytes()[:-cut])
    found = read_sitting(sitting.folder)
    assert found.parts["findings"] == [1]
    assert "lost" in found.notes[0].text()


def test_nothing_after_a_changed_line_counts(study):
    sitting = Sitting.begin(study)
    for value in range(3):
        sitting.write({"findings": [value]}, {})
    lines = journal_of(sitting).read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"[1]", b"[7]")
    journal_of(sitting).write_bytes(b"\n".join(lines))
    assert read_sitting(sitting.folder).parts["findings"] == [0]


def test_a_journal_that_grew_becomes_a_base_and_an_old_journal_does_not_undo_it(study, monkeypatch):
    monkeypatch.setattr(journal, "COMPACT_BYTES", 200)
    sitting = Sitting.begin(study)
    for value in range(20):
        sitting.write({"findings": [value], "layers": value}, {})
    assert (sitting.folder / journal.BASE).is_file()
    stale = sitting.folder / "journal-0.jsonl"
    told = json.dumps({"at": "", "parts": {"findings": ["old"]}}).encode()
    stale.write_bytes(journal._checksum(told) + b" " + told + b"\n")
    assert read_sitting(sitting.folder).parts == {"findings": [19], "layers": 19}


def test_after_a_full_disk_everything_is_written(study, monkeypatch):
    sitting = Sitting.begin(study)
    sitting.write({"findings": [1]}, {})
    real = journal.os.fsync

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "fsync", full)
    with pytest.raises(UnwritableOutput, match="No space left"):
        sitting.write({"findings": [1, 2]}, {})
    monkeypatch.setattr(journal.os, "fsync", real)
    sitting.write({"layers": 3}, {})
    assert read_sitting(sitting.folder).parts == {"findings": [1, 2], "layers": 3}


def test_two_programs_have_a_sitting_each_and_nothing_in_use_is_offered(study):
    one, two = Sitting.begin(study), Sitting.begin(study)
    one.write({"findings": ["one"]}, {})
    two.write({"findings": ["two"]}, {})
    assert newest_to_offer(study) is None
    one.close()
    two.close()
    offered = newest_to_offer(study)
    assert offered is not None
    assert {read_sitting(path).parts["findings"][0] for path in sittings(study)} == {"one", "two"}


def test_work_set_aside_is_not_offered_again_and_stays(study):
    sitting = Sitting.begin(study)
    sitting.write({"findings": [1]}, {})
    sitting.close()
    set_aside(sitting.folder)
    assert newest_to_offer(study) is None
    assert read_sitting(sitting.folder).parts == {"findings": [1]}


def begun_and_killed(study: Path, name: str, journal_text: bytes | None = None) -> None:
    """Leave what a program leaves that dies before its first line is whole."""
    sitting = Sitting.begin(study)
    sitting.write({"findings": ["never whole"]}, {})
    (path,) = sitting.folder.glob("journal-*.jsonl")
    path.unlink() if journal_text is None else path.write_bytes(journal_text)
    sitting.close()
    sitting.folder.rename(study / name)


@pytest.mark.parametrize("journal_text", [None, b"", b'0123456789abcdef {"parts": {"fin'])
def test_a_program_killed_before_its_first_line_hides_no_older_work(study, journal_text):
    sitting = Sitting.begin(study)
    sitting.write({"findings": ["yesterday"]}, {})
    sitting.close()
    begun_and_killed(study, "29991231-000000-aaaaaaaa", journal_text)
    offered = newest_to_offer(study)
    assert offered is not None
    assert offered.parts["findings"] == ["yesterday"]
    assert newest_work(study).parts["findings"] == ["yesterday"]
    journal.clear_out(study)
    assert sittings(study) == (sitting.folder,)


def test_sittings_that_hold_nothing_push_no_work_out(study):
    sitting = Sitting.begin(study)
    sitting.write({"findings": ["yesterday"]}, {})
    sitting.close()
    for day in range(journal.KEPT_SITTINGS + 1):
        begun_and_killed(study, f"2999123{day}-000000-aaaaaaaa")
    journal.clear_out(study)
    assert sittings(study) == (sitting.folder,)


def test_no_array_goes_while_a_sitting_cannot_be_read(study):
    sitting = Sitting.begin(study)
    name = sitting.arrays.put(ARRAY)
    sitting.write({"mask": {"sha256": name}}, {})
    sitting.close()
    (sitting.folder / journal.BASE).write_bytes(b"{")
    journal.clear_out(study)
    assert (study / "arrays" / f"{name}.npz").is_file()
    with pytest.raises(UnreadableInput, match="damaged and cannot be restored"):
        newest_to_offer(study)
    assert newest_to_offer(study) is None
    (kept,) = study.glob("damaged-*")
    assert (kept / journal.BASE).read_bytes() == b"{"
    journal.clear_out(study)
    assert (study / "arrays" / f"{name}.npz").is_file()


def two_sittings(study: Path) -> tuple[Path, Path]:
    """Leave the work of yesterday and that of today."""
    for day, name in (("yesterday", "20260101-000000-aaaaaaaa"), ("today", "20260102-000000-aaaaaaaa")):
        sitting = Sitting.begin(study)
        sitting.write({"findings": [{"label": day}]}, {})
        sitting.compact()
        sitting.close()
        sitting.folder.rename(study / name)
    older, newer = sittings(study)
    return older, newer


def test_damaged_work_is_kept_said_and_hides_no_older_work(study):
    older, newer = two_sittings(study)
    (newer / journal.BASE).write_bytes(b"{")
    offered = newest_to_offer(study)
    assert offered is not None
    assert offered.path == older
    (note,) = read_sitting(older).notes
    assert "Newer work on this study is damaged" in note.text()
    assert not newer.exists()
    assert (study / f"damaged-{newer.name}" / journal.BASE).read_bytes() == b"{"
    assert newest_work(study).notes == (note,)


def test_more_can_be_found_to_be_damage(study):
    older, _ = two_sittings(study)

    def check(saved):
        if saved.path != older:
            raise damaged(saved.path)

    offered = newest_to_offer(study, check)
    assert offered is not None
    assert offered.path == older


def test_work_of_a_newer_version_is_no_damage_and_keeps_its_place(study):
    older, newer = two_sittings(study)
    told = json.loads((newer / journal.BASE).read_bytes()) | {"version": 99}
    (newer / journal.BASE).write_text(json.dumps(told))
    with pytest.raises(UnreadableInput, match="newer MedAssist"):
        newest_to_offer(study)
    assert sittings(study) == (older, newer)


@pytest.mark.parametrize("told", [b"{bad", b"[1]", b"[" * 100000, b'{"parts": 3}'])
def test_a_line_with_a_right_checksum_that_says_nothing_is_dropped(study, told):
    sitting = Sitting.begin(study)
    sitting.write({"findings": [1]}, {})
    with journal_of(sitting).open("ab") as file:
        file.write(journal._checksum(told) + b" " + told + b"\n")
    found = read_sitting(sitting.folder)
    assert found.parts == {"findings": [1]}
    assert "lost" in found.notes[0].text()


def test_a_sitting_without_work_leaves_nothing(study):
    Sitting.begin(study).close()
    assert not study.exists()


def test_old_sittings_go_and_only_arrays_somebody_names_stay(study):
    names = []
    for value in range(journal.KEPT_SITTINGS + 2):
        sitting = Sitting.begin(study)
        array = np.full((4, 4), value, np.uint8)
        names.append(content_sha256(array))
        sitting.write({"mask": {"sha256": names[-1]}}, {names[-1]: array})
        sitting.close()
        sitting.folder.rename(study / f"2026010{value}-000000-aaaaaaaa")
    journal.clear_out(study)
    assert len(sittings(study)) == journal.KEPT_SITTINGS
    assert {path.stem for path in (study / "arrays").iterdir()} == set(names[2:])


def test_no_array_goes_while_a_window_may_count_on_it(study):
    first = Sitting.begin(study)
    name = first.arrays.put(ARRAY)
    first.write({"mask": {"sha256": name}}, {name: ARRAY})
    second = Sitting.begin(study)
    first.write({"mask": None}, {})
    first.close()
    journal.clear_out(study)
    second.write({"mask": {"sha256": name}}, {name: ARRAY})
    assert np.array_equal(read_sitting(second.folder).arrays.get(name, Room(100)), ARRAY)
    second.write({"mask": None}, {})
    second.close()
    journal.clear_out(study)
    assert not list((study / "arrays").iterdir())


def test_names_of_folders_tell_neither_study_nor_patient(study):
    assert "1.2.3" not in str(study)
    assert "Doe" not in str(study)
    assert study != study_folder("1.2.3", "another")


def test_arrays_come_back_and_are_written_once(tmp_path):
    folder = ArrayFolder(tmp_path)
    name = folder.put(ARRAY)
    before = (tmp_path / f"{name}.npz").stat().st_mtime_ns
    assert folder.put(ARRAY.copy()) == name
    assert (tmp_path / f"{name}.npz").stat().st_mtime_ns == before
    found = folder.get(name, Room(1000))
    assert np.array_equal(found, ARRAY)
    assert not found.flags.writeable
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.npz"]


def npy(array: np.ndarray, pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=pickle)
    return file.getvalue()


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, content)
    return file.getvalue()


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    "content",
    [
        b"no zip", zipped(b""), zipped(b"\x93NUMPY"), zipped(npy(ARRAY)[:-1]), zipped(npy(ARRAY + 1)),
        zipped(npy(np.array([Evil()], object), pickle=True)), zipped(npy(np.array(["text"]))),
        zipped(npy(ARRAY).replace(b"(2, 3, 4)", b"(2, 3, 9)")), zipped(npy(ARRAY).replace(b"(2, 3, 4)", b"(-2,-3,4)")),
        zipped(npy(ARRAY).replace(b"}", b"(")), zipped(npy(ARRAY).replace(b"{", b"\n  ")),
    ],
)  # fmt: skip
def test_an_array_that_is_another_one_is_refused(tmp_path, content, capsys):
    name = content_sha256(ARRAY)
    (tmp_path / f"{name}.npz").write_bytes(content)
    with pytest.raises(UnreadableInput, match="damaged"):
        ArrayFolder(tmp_path).get(name, Room(1000))
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../secret", "a" * 63, "A" * 64, "", "/etc/passwd"])
def test_a_name_of_an_array_leads_nowhere_else(tmp_path, name):
    with pytest.raises(UnreadableInput, match="damaged"):
        ArrayFolder(tmp_path / "arrays").get(name, Room(1000))


def test_an_array_larger_than_the_memory_is_not_made(tmp_path, monkeypatch):
    folder = ArrayFolder(tmp_path)
    name = folder.put(np.zeros(2000, np.uint8))
    monkeypatch.setattr(np, "empty", None)
    with pytest.raises(UnreadableInput, match="more masks and maps than fit"):
        folder.get(name, Room(1999))


MEASURED = (Measurement("1.2", "one", Shape.LENGTH, ((0.0, 0.0, 0.0), (1.0, 1 / 3, 0.0))),)


def test_a_case_file_comes_back(tmp_path):
    encoder = Encoder()
    parts = {"measurements": encoder.part(MEASURED, tuple[Measurement, ...]), "array": encoder.part(ARRAY, np.ndarray)}
    path = tmp_path / "a.medassist"
    write_case_file(path, parts, encoder.arrays, "noon")
    saved = read_case_file(path)
    decoder = Decoder(saved)
    assert saved.saved_at == "noon"
    assert decoder.part("measurements", tuple[Measurement, ...], ()) == MEASURED
    assert np.array_equal(saved.arrays.get(content_sha256(ARRAY), Room(100)), ARRAY)
    assert decoder.part("nothing", int, 7) == 7
    assert [one.name for one in tmp_path.iterdir()] == ["a.medassist"]


def case_with(tmp_path: Path, text: bytes | None) -> Path:
    path = tmp_path / "a.medassist"
    with zipfile.ZipFile(path, "w") as archive:
        if text is not None:
            archive.writestr("work.json", text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no work"), (b"{", "damaged"), (b"[]", "no work"), (b"[" * 100000, "damaged"),
        (b'{"format": "medassist-case", "version": 2, "parts": {}}', "newer MedAssist"),
        (b'{"format": "medassist-case", "version": 1, "parts": []}', "no work"),
    ],
)  # fmt: skip
def test_a_case_file_that_is_none_is_one_sentence(tmp_path, text, said):
    with pytest.raises(UnreadableInput, match=said):
        read_case_file(case_with(tmp_path, text))


def test_a_case_file_that_is_no_zip_or_missing_is_one_sentence(tmp_path):
    (tmp_path / "a.medassist").write_bytes(b"PK\x03\x04 and nothing")
    for name in ("a.medassist", "b.medassist"):
        with pytest.raises(UnreadableInput):
            read_case_file(tmp_path / name)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_case_file_damaged_inside_is_said_to_be_damaged_however_it_is_packed(tmp_path, packing):
    path = tmp_path / "a.medassist"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("work.json", json.dumps({"parts": list(range(5000))}))
    content = bytearray(path.read_bytes())
    content[60:2000] = bytes(1940)
    path.write_bytes(content)
    with pytest.raises(UnreadableInput, match="damaged"):
        read_case_file(path)


def test_parts_that_hold_something_else_are_damage(tmp_path):
    text = json.dumps({"format": "medassist-case", "version": 1, "parts": {"findings": 3}}).encode()
    with pytest.raises(UnreadableInput, match="damaged"):
        Decoder(read_case_file(case_with(tmp_path, text))).part("findings", tuple[str, ...], ())


def test_a_small_file_that_unfolds_to_endless_values_is_not_unfolded(tmp_path, study, monkeypatch):
    from medassist.storage import case_file

    monkeypatch.setattr(case_file, "MOST_VALUES", 1000)
    sitting = Sitting.begin(study)
    sitting.write({"findings": [{}] * 300}, {})
    assert read_sitting(sitting.folder).parts["findings"]
    sitting.write({"findings": [{}] * 300}, {})
    monkeypatch.setattr(case_file.json, "loads", pytest.fail)
    for text in (b"{}," * 501, b"[" * 1001, b"1," * 1001):
        with pytest.raises(UnreadableInput, match="damaged"):
            read_case_file(case_with(tmp_path, text))
    with pytest.raises(UnreadableInput, match="damaged"):
        read_sitting(sitting.folder)


def test_a_text_too_large_is_not_read(tmp_path, monkeypatch):
    from medassist.storage import case_file

    monkeypatch.setattr(case_file, "MOST_TEXT", 10)
    with pytest.raises(UnreadableInput, match="damaged"):
        read_case_file(case_with(tmp_path, b" " * 11))
