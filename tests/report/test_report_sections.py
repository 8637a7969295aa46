"""Templates and sections: what is written without a reader, what a reader's words do, and what no template may do."""

from __future__ import annotations

import shutil
from dataclasses import replace

import phantoms
import pytest
from report_cases import make_case

from medassist.entities.draft import Draft, Passage
from medassist.entities.errors import UnreadableInput
from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.prediction import Code
from medassist.language import LANGUAGES
from medassist.locations import resources_dir
from medassist.progress import Progress
from medassist.report import templates
from medassist.report.export import export
from medassist.report.filling import FIELDS, LISTS, check, fill
from medassist.report.page import page
from medassist.report.sections import sections, template_of

LEFT = Code("7771000", "SCT", "Left")


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    return make_case(tmp_path / "in")


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    return make_case(tmp_path / "in")


def judged(case, *verdicts: Judgement):
    given = (*verdicts, *(Judgement.UNREVIEWED,) * (len(case.findings) - len(verdicts)))
    return replace(
        case, findings=tuple(replace(one, judgement=said) for one, said in zip(case.findings, given, strict=True))
    )


def text_of(case, key: str) -> str:
    return next(one.text for one in sections(case) if one.key == key)


@pytest.mark.parametrize("path", sorted((resources_dir() / "reports").glob("*.toml")), ids=lambda path: path.stem)
def test_every_template_that_ships_speaks_every_language_with_the_same_sections(path):
    found = templates.read_file(path)
    assert found.layouts.keys() == LANGUAGES.keys()
    keys = {tuple(section.key for section in one.sections) for one in found.layouts.values()}
    assert len(keys) == 1, "the reader's words would be lost on the way to the other language"
    assert {"findings", "impression"} <= set(*keys)


@pytest.mark.parametrize(
    ("modality", "part", "description", "name"),
    [
        ("DX", "CHEST", "", "chest_film"),
        ("CR", "", "胸部正位", "chest_film"),
        ("CT", "CHEST", "", "chest_ct"),
        ("CT", "ABDOMEN", "Chest and abdomen", "generic"),
        ("MR", "BRAIN", "", "brain_mr"),
        ("MR", "", "MR HEAD W/O", "brain_mr"),
        ("MR", "KNEE", "", "generic"),
        ("CT", "", "HEADREST", "generic"),
        ("", "", "", "generic"),
    ],
)
def test_the_template_follows_modality_and_body_part(film_case, modality, part, description, name):
    series = replace(film_case.series, modality=modality, body_part=part, description="")
    study = replace(film_case.study, description=description)
    assert template_of(replace(film_case, series=series, study=study)).name == name


def test_a_chosen_template_counts_and_one_that_is_gone_gives_way(film_case):
    chosen = replace(film_case, draft=Draft("x", template="brain_mr"))
    assert page(chosen).heading == "Brain MR report with AI assistance"
    assert template_of(replace(film_case, draft=Draft("x", template="gone"))).name == template_of(film_case).name


def test_nothing_is_said_that_no_reader_accepted(film_case):
    assert text_of(film_case, "findings") == "No finding has been accepted by a reader."
    deferred = judged(film_case, Judgement.DEFERRED)
    assert text_of(deferred, "findings").startswith("Left open: Effusion.")
    rejected = judged(film_case, Judgement.REJECTED, Judgement.REJECTED)
    assert "Effusion" not in " ".join(one.text for one in sections(rejected))


def test_what_is_absent_is_said_only_where_a_reader_agreed(film_case):
    both = judged(film_case, Judgement.ACCEPTED, Judgement.ACCEPTED)
    assert text_of(both, "findings").splitlines() == ["Effusion.", "Looked for and not seen: Cardiomegaly."]
    assert text_of(both, "impression") == "Accepted by the reader: Effusion."
    assert "Cardiomegaly" not in text_of(judged(film_case, Judgement.ACCEPTED), "findings")


def test_findings_bring_side_size_and_place(mr_case):
    first = replace(mr_case.findings[0], laterality=LEFT, judgement=Judgement.EDITED)
    case = replace(mr_case, findings=(first, *mr_case.findings[1:]))
    said = text_of(case, "findings")
    assert said.startswith("Anterior hippocampus (left): ")
    assert f"{first.volume_ml:.3g} ml" in said or f"{first.volume_ml:.2f} ml" in said
    assert first.diameters.text in said
    assert "Posterior" not in said
    twice = replace(first, label="Left hippocampus")
    assert text_of(replace(case, findings=(twice,)), "findings").startswith("Left hippocampus: ")


def test_measurements_have_their_unit_and_are_told_once(mr_case):
    drawn = Measurement("2.1", mr_case.series.key, Shape.LENGTH, ((0, 0, 0), (1, 0, 0)), 3, label="Cyst",
                        quantities=(Quantity("length", 12.34, "mm"),), by="Dr. Roe")  # fmt: skip
    case = replace(mr_case, measurements=(drawn,))
    assert "Measurements: Cyst 12.3 mm (slice 4)." in text_of(case, "findings")
    pixels = replace(drawn, quantities=(Quantity("length", 12.34, "{pixels}"),))
    assert "12.3 px" in text_of(replace(case, measurements=(pixels,)), "findings")
    own = Finding("3.1", "Cyst", mr_case.series.key, measurement_uid="2.1", judgement=Judgement.ACCEPTED, by="Dr. Roe")
    said = text_of(replace(case, findings=(own,)), "findings")
    assert said.count("12.3 mm") == 1


def test_the_readers_words_stay_and_say_when_findings_changed(film_case):
    before = next(one for one in sections(film_case) if one.key == "findings")
    words = Passage("findings", "Clear lungs.", before.generated, "en", "Dr. Roe", "2026-11-20T18:00:00+00:00")
    case = replace(film_case, draft=Draft("x", passages=(words,)))
    (now,) = (one for one in sections(case) if one.key == "findings")
    assert (now.text, now.outdated, now.foreign) == ("Clear lungs.", False, False)
    assert "Written by Dr. Roe, 2026-11-20 18:00" in [one.remark for one in page(case).sections]
    later = judged(case, Judgement.ACCEPTED)
    (now,) = (one for one in sections(later) if one.key == "findings")
    assert (now.text, now.outdated) == ("Clear lungs.", True)
    assert "Findings changed after the section Findings was written." in page(later).notes
    chinese = replace(case, language="zh_CN")
    (now,) = (one for one in sections(chinese) if one.key == "findings")
    assert (now.text, now.outdated, now.foreign) == ("Clear lungs.", False, True)


def test_a_section_the_reader_emptied_stays_empty(film_case):
    case = replace(film_case, draft=Draft("x", passages=(Passage("impression", "", "whatever"),)))
    assert "Impression of the reader" not in [one.heading for one in page(case).sections]
    assert "Impression of the reader" in [one.heading for one in page(film_case).sections]


def test_chinese_sections_do_not_diagnose(film_case):
    case = replace(judged(film_case, Judgement.ACCEPTED, Judgement.ACCEPTED), language="zh_CN")
    told = page(case)
    headings = [one.heading for one in told.sections]
    assert headings[-2:] == ["检查所见", "阅片意见（供临床参考，非诊断结论）"]
    words = "".join(line for one in told.sections for line in one.lines)
    assert "胸腔积液" in words
    assert "诊断" not in words
    assert "Effusion" not in words


def test_words_and_labels_cannot_become_markup_or_code(film_case, tmp_path):
    nasty = "<script>alert(1)</script>{{ 7 * 7 }}{% for x in findings %}"
    findings = (replace(film_case.findings[0], label=nasty, title_zh="", judgement=Judgement.ACCEPTED),)
    draft = Draft("x", passages=(Passage("question", nasty, ""),))
    case = replace(film_case, findings=findings, draft=draft)
    export(case, tmp_path / "out", ("html",), progress=Progress())
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}{% for x in findings %}") >= 3


@pytest.mark.parametrize(
    "text",
    [
        "{{ findings.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ findings['__class__'] }}",
        "{{ cycler }}",
        "{{ range(10) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 }}",
        "{{ 'a' ~ 'b' }}",
        "{% for a in findings %}{% for b in findings %}x{% endfor %}{% endfor %}",
        "{% for a in modality %}x{% endfor %}",
        "{% for a in findings|join('x') %}x{% endfor %}",
        "{% set x = findings %}",
        "{% include 'report.html.j2' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% macro a() %}{% endmacro %}",
        "{{ findings|map('upper')|list }}",
        "{{ findings|join('x')|join('y') }}",
        "{{ findings|join('" + "x" * 100 + "') }}",
        "{{ findings|attr('__class__') }}",
        "{{ patient }}",
        "{{ unknown",
        "{{ " + "(" * 5000 + "findings" + ")" * 5000 + " }}",
        "x" * 9000,
    ],
)
def test_templates_ask_and_choose_and_nothing_else(text):
    assert check(text) is not None
    with pytest.raises(ValueError, match=r".+"):
        fill(text, dict.fromkeys(FIELDS, ""))


def test_fields_are_text_whatever_they_hold():
    fields = {**dict.fromkeys(FIELDS, ""), **dict.fromkeys(LISTS, ()), "findings": ["{{ 1 }}", "b"]}
    assert fill("{% for one in findings %}{{ one }}, {% endfor %}", fields) == "{{ 1 }}, b,"
    assert fill("{% if not absent %}none{% endif %}\n\n\n{{ findings|length }}", fields) == "none\n2"


def test_own_templates_take_the_place_of_shipped_ones_and_broken_ones_are_named(film_case, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDASSIST_CONFIG", str(tmp_path))
    own = tmp_path / "reports"
    own.mkdir()
    (own / "generic.toml").write_text(
        '[en]\nname = "Ours"\ntitle = "Our report"\n[[en.sections]]\nkey = "findings"\ntitle = "Seen"\n'
        "text = \"{{ impression|join(', ') }}\"\n",
        encoding="utf-8",
    )
    (own / "bad.toml").write_text(
        '[en]\nname = "B"\ntitle = "B"\n[[en.sections]]\nkey = "a"\ntitle = "A"\ntext = "{{ a.b }}"\n'
    )
    (own / "worse.toml").write_bytes(b"\xff\xfe not toml")
    found = templates.read()
    assert found.named["generic"].own
    assert sorted(found.named) == ["brain_mr", "chest_ct", "chest_film", "generic"]
    problems = [one.text() for one in found.problems]
    assert any("bad.toml" in one and "not allowed" in one for one in problems)
    assert any("worse.toml" in one for one in problems)
    knee = replace(film_case, series=replace(film_case.series, body_part="KNEE"), language="zh_CN")
    assert page(knee).heading == "Our report", "a template without Chinese is used in the language it has"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[en]\n",
        'extra = 1\n[en]\nname = "B"\ntitle = "B"\n[[en.sections]]\nkey = "a"\ntitle = "A"\n',
        '[en]\nname = "B"\ntitle = "B"\n[[en.sections]]\nkey = "../a"\ntitle = "A"\n',
        '[en]\nname = "B"\ntitle = "B"\n' + '[[en.sections]]\nkey = "a"\ntitle = "A"\n' * 2,
        'modalities = "CT"\n[en]\nname = "B"\ntitle = "B"\n[[en.sections]]\nkey = "a"\ntitle = "A"\n',
        "# " + "x" * templates.MAX_BYTES,
    ],
)
def test_what_is_no_template_is_refused_by_its_name(tmp_path, text):
    path = tmp_path / "one.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableInput, match=r"one\.toml"):
        templates.read_file(path)


def test_the_users_folder_may_hold_a_copy_of_a_shipped_template(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDASSIST_CONFIG", str(tmp_path))
    (tmp_path / "reports").mkdir()
    shutil.copy(resources_dir() / "reports" / "chest_ct.toml", tmp_path / "reports" / "mine.toml")
    assert not templates.read().problems
