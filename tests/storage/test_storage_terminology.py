"""Terms: typed words get codes, every code is one of DICOM, and a reader's own table adds to them or is refused."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from pydicom.sr._concepts_dict import concepts

from medassist.entities.prediction import Code
from medassist.entities.term import LEFT, RIGHT, Named
from medassist.inference.catalogue import packages
from medassist.locations import resources_dir, shipped_models_dir
from medassist.storage import terminology
from medassist.storage.term_file import terms_of

ALLOWED = {
    ("393564001", "SCT"),  # Glioma
    ("302820008", "SCT"),  # Intracranial meningioma
    ("254956000", "SCT"),  # Pituitary adenoma
    ("233604007", "SCT"),  # Pneumonia
    ("95436008", "SCT"),  # Lung consolidation
    ("46621007", "SCT"),  # Atelectasis
    ("427359005", "SCT"),  # Solitary nodule of lung
    ("CARDIOMEGALY", "99MEDASSIST"),  # its SNOMED CT code has two meanings in the dictionary
}
"""Codes that the dictionary of pydicom lacks, each named in the notes on DICOM and reports, section 3."""

OWN = """
category = ["49755003", "SCT", "Morphologically Abnormal Structure"]
terms = [
  { label = "Steatosis", zh = "脂肪变性", code = ["S1", "99SITE", "Steatosis"] },
  { label = "Nodule", zh = "结节", code = ["N1", "99SITE", "Nodule of ours"] },
]
"""


def shipped():
    return [one for path in sorted((resources_dir() / "terminology").glob("*.toml")) for one in terms_of(path, 10**6)]


def named(label: str) -> Named:
    found = terminology.read().named(label)
    assert found is not None, label
    return found


def meanings() -> dict[tuple[str, str], set[str]]:
    known: dict[tuple[str, str], set[str]] = {}
    for scheme, words in concepts.items():
        for values in words.values():
            for value, (meaning, _groups) in values.items():
                known.setdefault((value, scheme), set()).add(meaning)
    return known


def write_own(text: str) -> None:
    terminology.user_file().parent.mkdir(parents=True, exist_ok=True)
    terminology.user_file().write_text(text, encoding="utf-8")


def test_every_code_is_in_the_dictionary_of_dicom_or_named_as_an_exception():
    known = meanings()
    coded = [code for one in shipped() for code in (one.code, one.category)] + [LEFT, RIGHT]
    unknown = {(code.value, code.scheme) for code in coded if (code.value, code.scheme) not in known}
    assert unknown == ALLOWED
    wrong = [code for code in coded if (code.value, code.scheme) in known
             and code.meaning not in known[code.value, code.scheme]]  # fmt: skip
    assert wrong == []


def test_no_word_means_two_things():
    words = Counter(terminology.plain(word) for one in shipped() for word in {one.label, one.title_zh, *one.also})
    assert [word for word, count in words.items() if count > 1] == []
    assert all(one.title_zh for one in shipped())


def test_a_finding_with_sides_lies_in_a_structure_that_has_them():
    terms = {one.label: one for one in shipped()}
    for one in terms.values():
        if one.site:
            assert terms[one.site].category.value == "91723000", one.label
            assert terms[one.site].sides or not one.sides, one.label


def test_shipped_models_agree_with_the_table():
    compared = []
    for path in shipped_models_dir().glob("*/configs/metadata.json"):
        for label in json.loads(path.read_text(encoding="utf-8"))["medassist"]["labels"]:
            for name in (label["label"], label.get("title_zh", "")):
                found = terminology.read().named(name)
                if found is not None:
                    compared.append(name)
                    assert list(vars(found.term.code).values()) == label["code"], (path, name)
                    assert list(vars(found.term.category).values()) == label["category"], (path, name)
    assert {"Pleural effusion", "胸腔积液", "Cardiomegaly", "心影增大", "Nucleus", "细胞核"} <= set(compared)
    hippocampus = named("Hippocampus").term.code
    assert any(hippocampus == one.code for package in packages() for one in package.labels)


@pytest.mark.parametrize(
    ("typed", "code", "side"),
    [
        ("pleural effusion", "60046008", None),
        (" Pleural  EFFUSION ", "60046008", None),
        ("pleural_effusion", "60046008", None),
        ("胸腔积液", "60046008", None),
        ("左侧胸腔积液", "60046008", LEFT),
        ("右 胸水", "60046008", RIGHT),
        ("Left pleural effusion", "60046008", LEFT),
        ("pleural effusion, right", "60046008", RIGHT),
        ("ground-glass opacity", "112120", None),
        ("Ground glass opacity", "112120", None),
        ("左肺上叶", "45653009", LEFT),
        ("右肺中叶", "72481006", None),
        ("左侧脑室", "66720007", LEFT),
        ("右侧侧脑室", "66720007", RIGHT),
        ("脑室", "35764002", None),
        ("左心室", "87878005", None),
        ("right kidney", "64033007", RIGHT),
    ],
)
def test_words_of_both_languages_get_their_code_and_side(typed, code, side):
    found = named(typed)
    assert (found.term.code.value, found.laterality) == (code, side)


@pytest.mark.parametrize(
    "typed", ["", "left", "左", "Region", "left liver", "右纵隔", "a nodule", "nodules?", "肺炎待排", "no pneumothorax"]
)
def test_what_is_no_term_gets_no_code(typed):
    assert terminology.read().named(typed) is None


def test_a_finding_knows_what_it_lies_in_and_a_title_tells_its_side():
    found = named("left lung nodule")
    assert (found.site, found.title_zh) == (Code("39607008", "SCT", "Lung"), "左侧肺结节")
    assert named("nodule").site is None


def test_a_table_of_ones_own_adds_and_overrides():
    assert named("nodule").term.code.scheme == "SCT"
    write_own(OWN)
    assert named("脂肪变性").term.code == Code("S1", "99SITE", "Steatosis")
    assert named("结节").term.code.value == "N1"
    assert named("mass").term.code.value == "4147007"
    assert terminology.read().problems == ()
    terminology.user_file().unlink()
    assert named("nodule").term.code.scheme == "SCT"


ROW = 'label = "X", zh = "某", code = ["1", "99X", "x"], category = ["2", "99X", "y"]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("terms = [", "is no file of terms"),
        ("terms = 3", "must hold a list"),
        ("words = []", "must hold a list"),
        ("terms = [3]", "terms of terms[1]"),
        (f"terms = [{{ {ROW} }}, {{ {ROW.replace(', category', ', category_')} }}]", "category_ of X"),
        (f"terms = [{{ {ROW[: ROW.index(', category')]} }}]", "category of X"),
        (f"terms = [{{ {ROW.replace('99X', '9' * 17, 1)} }}]", "code of X"),
        (f"terms = [{{ {ROW.replace(', code', ', code_')} }}]", "code_ of X"),
        (f"terms = [{{ {ROW}, sides = true }}]", "site of X"),
        (f"terms = [{{ {ROW}, sides = 1 }}]", "sides of X"),
        (f"terms = [{{ {ROW}, also = 'x' }}]", "also of X"),
        (f"terms = [{{ {ROW}, site = 'Nowhere' }}]", "lies in Nowhere"),
        (f"terms = [{{ {ROW.replace('某', chr(92) * 2)} }}]", "zh of X"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_as_a_whole(text, said):
    before = terminology.read().terms
    write_own(text)
    found = terminology.read()
    assert found.terms == before
    (problem,) = found.problems
    assert said in problem.text()
    assert str(terminology.user_file()) in problem.text()


def test_an_enormous_table_and_a_folder_are_not_read():
    write_own("#" * (terminology.MAX_BYTES + 1))
    assert "at most" in terminology.read().problems[0].text()
    terminology.user_file().unlink()
    terminology.user_file().mkdir()
    assert "at most" in terminology.read().problems[0].text()
