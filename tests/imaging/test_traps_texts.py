"""Trap 42 of ../shared/notes, section 8: character sets, declared, undeclared and declared wrongly."""

from __future__ import annotations

import pytest
from phantoms import write_ct_series

from medassist.imaging.headers import read_headers
from medassist.imaging.load import load
from medassist.imaging.scan import scan

NAME = "Wang^XiaoDong=王^小东"
RARE = "Qian^Jia=𠮷^乗"
"""In GB18030 the given name ends in 0x5C, the backslash that separates values, and the family name has four bytes."""


def write(folder, charset, name, description=b"CT phantom"):
    """Write one slice with these raw bytes as name and description; `charset` None leaves it undeclared."""
    values = [value + b" " * (len(value) % 2) for value in (name, description)]
    marks = [mark * len(value) for mark, value in zip("NQ", values, strict=True)]
    (path,) = write_ct_series(
        folder, slices=1, PatientName=marks[0], SeriesDescription=marks[1], SpecificCharacterSet=charset
    )
    raw = path.read_bytes()
    for mark, value in zip(marks, values, strict=True):
        assert raw.count(mark.encode()) == 1
        raw = raw.replace(mark.encode(), value)
    path.write_bytes(raw)
    return path


def opened(path):
    found = scan(path)
    (study,), (series,) = found.studies, found.all_series()
    return study.patient.name, series, " ".join(warning.text() for warning in series.warnings)


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("GB18030", "gb18030", NAME),
        ("GB18030", "gb18030", RARE),
        ("GBK", "gbk", NAME),
        ("ISO_IR 192", "utf-8", RARE),
        ("ISO_IR 100", "latin-1", "Müller^Jürgen"),
        ("", "ascii", "Wang^XiaoDong"),
    ],
)
def test_trap_42_character_sets(tmp_path, charset, codec, name):
    path = write(
        tmp_path, charset, name.encode(codec), "肺窗".encode(codec) if codec.startswith("g") else b"CT phantom"
    )
    found, series, said = opened(path)
    assert found == name
    assert series.description == ("肺窗" if codec.startswith("g") else "CT phantom")
    assert "texts" not in said
    assert load(series).array_tzyx.max() > 0


def test_iso_2022_ir_58_leaves_no_escape_sequences(tmp_path):
    escape = b"\x1b$)A"
    name = b"Zhang^XiaoDong=" + escape + "张".encode("gb2312") + b"^" + escape + "小东".encode("gb2312") + b"="
    path = write(tmp_path, ["", "ISO 2022 IR 58"], name)
    found, _, said = opened(path)
    assert found == "Zhang^XiaoDong=张^小东"
    assert "texts" not in said


@pytest.mark.parametrize(("codec", "told"), [("gb18030", "GB18030"), ("utf-8", "UTF-8")])
@pytest.mark.parametrize("charset", [None, "", "ISO_IR 6", "ISO_IR 58", "CHINESE"])
def test_undeclared_texts_are_read_and_said(tmp_path, charset, codec, told):
    path = write(tmp_path, charset, NAME.encode(codec), "胸部平扫".encode(codec))
    found, series, said = opened(path)
    assert (found, series.description) == (NAME, "胸部平扫")
    assert f"read as {told}: {NAME}" in said
    (header,) = read_headers(series)
    assert (str(header.PatientName), header.SpecificCharacterSet) == (NAME, "ISO_IR 192")


@pytest.mark.parametrize(
    ("charset", "codec", "told"),
    [("ISO_IR 100", "gb18030", "GB18030"), ("ISO_IR 100", "utf-8", "UTF-8"), ("GB18030", "utf-8", "UTF-8")],
)
def test_wrong_declaration_gets_an_offer(tmp_path, charset, codec, told):
    _, _, said = opened(write(tmp_path, charset, "王^小东".encode(codec)))
    assert f"declares its texts as {charset}, but they look like {told}: 王^小东" in said


@pytest.mark.parametrize("chosen", ["GB18030", "UTF-8"])
def test_the_offer_can_be_taken(tmp_path, chosen):
    codec = chosen.lower()
    path = write(tmp_path, "ISO_IR 100", "王^小东".encode(codec), "肺窗".encode(codec))
    found = scan(path, charset=chosen)
    (study,), (series,) = found.studies, found.all_series()
    assert (study.patient.name, series.description, series.charset) == ("王^小东", "肺窗", chosen)
    assert not [one for one in series.warnings if "texts" in one.text()]
    (header,) = read_headers(series)
    assert (str(header.PatientName), header.SpecificCharacterSet) == ("王^小东", "ISO_IR 192")


def test_texts_that_are_no_utf_8_are_read_as_gb18030(tmp_path):
    found, _, said = opened(write(tmp_path, "ISO_IR 192", NAME.encode("gb18030")))
    assert found == NAME
    assert "read as GB18030" in said


def test_undeclared_latin_names_are_no_chinese(tmp_path):
    for codec, number in (("utf-8", 1), ("latin-1", 2)):
        found, _, _ = opened(write(tmp_path / str(number), None, "Müller^Jörg".encode(codec)))
        assert found == "Müller^Jörg"


@pytest.mark.parametrize("folder", ["胸部 CT", "王^小东 𠮷"])
def test_chinese_paths(tmp_path, folder):
    write_ct_series(tmp_path / folder, slices=2)
    (series,) = scan(tmp_path / folder).all_series()
    assert load(series).geometry.shape_zyx == (2, 64, 64)
