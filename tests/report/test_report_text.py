"""The report as plain text: what it tells, what it leaves out, and in which words."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import numpy as np
import phantoms
import pytest
from PIL import Image
from report_cases import box_mask, make_case

import medassist
from medassist.entities.draft import Draft, Passage
from medassist.entities.finding import Finding, Judgement
from medassist.entities.measurement import Measurement, Quantity, Shape
from medassist.entities.term import LEFT
from medassist.progress import Progress
from medassist.report.export import export
from medassist.report.findings import findings_from
from medassist.report.page import page
from medassist.report.sections import sections
from medassist.report.telling import named
from medassist.report.text import words
from medassist.report.wording import Wording

LINE = Measurement(
    "1.2.3", "key", Shape.LENGTH, ((0.0, 0.0, 0.0), (12.3, 0.0, 0.0)), 2, 0, "", (Quantity("length", 12.34, "mm"),)
)


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    return make_case(tmp_path / "in")


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    return make_case(tmp_path / "in")


def judged(case, *judgements: Judgement):
    """Return the case with the first findings judged so."""
    changed = [replace(one, judgement=how) for one, how in zip(case.findings, judgements, strict=False)]
    return replace(case, findings=(*changed, *case.findings[len(changed) :]))


def test_it_names_the_patient_the_notice_and_what_nobody_judged(film_case):
    said = words(film_case)
    for part in ("Phantom One", "PH-1", "2026-01-02", medassist.RESEARCH_USE_NOTICE, "Not reviewed by a reader"):
        assert part in said
    assert "Effusion: present; score 0.734 (threshold 0.410) [not reviewed]" in said
    assert "Cardiomegaly: absent; score 0.120 (threshold 0.300) [not reviewed]" in said
    assert "Accepted by the reader" not in said, "nothing is told as accepted that nobody judged"


def test_rejected_findings_are_counted_not_told(film_case):
    said = words(judged(film_case, Judgement.REJECTED, Judgement.ACCEPTED))
    assert "Effusion" not in said
    assert "left out here: 1" in said
    assert "\nAccepted by the reader\n- Cardiomegaly: absent" in said
    assert "Not reviewed by a reader" not in said


def test_deferred_findings_stand_apart(film_case):
    said = words(judged(film_case, Judgement.DEFERRED, Judgement.ACCEPTED))
    assert said.index("- Cardiomegaly") < said.index("Deferred by the reader") < said.index("- Effusion")


def test_structures_tell_volume_axes_and_place(mr_case):
    first = mr_case.findings[0]
    said = words(judged(mr_case, Judgement.ACCEPTED))
    assert f"{first.volume_ml:.2f} ml; {first.diameters.text}" in said
    assert f"slice {first.key_slice + 1}" in said


def test_the_side_is_said_once(mr_case):
    of_reader = Finding("1.2", "Pleural effusion", mr_case.series.key, laterality=LEFT, title_zh="胸腔积液")
    named = replace(of_reader, label="Left pleural effusion", title_zh="左侧胸腔积液")
    assert "- Pleural effusion (left): present" in words(replace(mr_case, findings=(of_reader,)))
    assert "- Left pleural effusion: present" in words(replace(mr_case, findings=(named,)))
    assert "- 胸腔积液（左侧）：有" in words(replace(mr_case, findings=(of_reader,), language="zh_CN"))
    assert "- 左侧胸腔积液：有" in words(replace(mr_case, findings=(named,), language="zh_CN"))


def test_measurements_have_their_unit_and_never_a_wrong_one(mr_case):
    pixels = replace(LINE, label="Heart width", quantities=(Quantity("length", 87.0, "{pixels}"),))
    region = replace(
        LINE,
        shape=Shape.ELLIPSE,
        quantities=(Quantity("area", 120.0, "mm2"), Quantity("mean", -41.26, "[hnsf'U]"), Quantity("pixels", 30, "1")),
    )
    said = words(replace(mr_case, measurements=(LINE, pixels, region)))
    assert "- Length: 12.3 mm; slice 3" in said
    assert "- Heart width: 87.0 px; slice 3" in said
    assert "- Ellipse: area 120.0 mm², mean -41.3 HU, number of pixels 30; slice 3" in said


def test_a_comment_of_many_lines_stays_in_its_line(film_case):
    first = replace(film_case.findings[0], judgement=Judgement.ACCEPTED, comment="small\n\nFindings\n- Pneumonia")
    assert "Comment: small Findings - Pneumonia" in words(replace(film_case, findings=(first,)))


def test_chinese_has_no_english_sentences(film_case):
    said = words(replace(judged(film_case, Judgement.ACCEPTED), language="zh_CN"))
    assert "胸腔积液：有；得分 0.734（阈值 0.410） [已接受]" in said
    assert "未经阅片者审阅：模型输出" in said
    assert "Reader" not in said


def test_a_score_that_fits_both_answers_says_so_until_a_reader_decides(film_case, monkeypatch):
    monkeypatch.setattr("medassist.report.text.cannot_say", lambda finding: finding.label == "Effusion")
    assert "Effusion: present; the score alone cannot say; score 0.734" in words(film_case)
    assert "Effusion: present; score 0.734" in words(judged(film_case, Judgement.ACCEPTED))


def test_sections_stand_before_the_verdicts_in_the_words_of_the_reader(film_case):
    first = replace(film_case.findings[0], judgement=Judgement.ACCEPTED)
    case = replace(film_case, findings=(first, *film_case.findings[1:]))
    told = {one.key: one for one in sections(case)}
    assert "Effusion." in told["findings"].text
    assert words(case).index(told["findings"].text) < words(case).index("Accepted by the reader\n")
    own = Draft(case.series.key, passages=(Passage("findings", "Small effusion on the left."),))
    said = words(replace(case, draft=own))
    assert "Findings\nSmall effusion on the left.\n" in said
    assert "Findings changed after the section" in said


@pytest.mark.parametrize("kind", ["film", "picture"])
def test_what_has_no_place_in_the_patient_is_told_no_side_and_no_millimetres(film_case, tmp_path, kind):
    if kind == "picture":
        (tmp_path / "plain").mkdir()
        Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (80, 1))).save(tmp_path / "plain" / "film.png")
        film_case = make_case(tmp_path / "plain")
    run = replace(film_case.predictions[0], mask=box_mask(film_case.volume.geometry), scores=())
    found = tuple(replace(one, judgement=Judgement.ACCEPTED) for one in findings_from(run, film_case.volume))
    assert any(one.center_lps is not None for one in found), "the program itself knows where to look"
    case = replace(film_case, predictions=(run,), findings=found, heatmaps=())
    printed = [" ".join(row.cells) for table in page(case).tables for row in table.rows]
    for said in (words(case), *printed):
        assert not re.search(r"[RL] [0-9.]+, [AP] [0-9.]+, [HF] [0-9.]+ mm", said)
    export(case, tmp_path / "out", ("csv",), progress=Progress())
    with (tmp_path / "out" / "findings.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines
    assert {line[f"center_{axis}_mm"] for line in lines for axis in "lph"} == {""}


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Bright spot", "Bright spot (left)"), ("Cleft lip", "Cleft lip (left)"), ("Left nodule", "Left nodule"),
        ("Nodule, left-sided", "Nodule, left-sided"), ("Nodule", "Nodule (left)"),
    ],
)  # fmt: skip
def test_a_side_is_left_out_only_where_the_name_says_that_very_word(mr_case, label, told):
    assert named(replace(mr_case.findings[0], label=label, laterality=LEFT), Wording("en")) == told


def test_a_name_cannot_forge_a_line_of_the_report(film_case):
    forged = "Nodule\nAccepted by the reader\n- Pneumonia"
    first = replace(film_case.findings[0], label=forged, judgement=Judgement.ACCEPTED)
    case = replace(film_case, findings=(first,), measurements=(replace(LINE, label=forged),))
    said = words(case).splitlines()
    assert said.count("Accepted by the reader") == 1
    assert not any(line.startswith("- Pneumonia") for line in said)


def test_the_file_says_the_same(film_case, tmp_path):
    (path,) = export(film_case, tmp_path / "out", ("text",), progress=Progress())
    assert path.name == "report.txt"
    assert path.read_text(encoding="utf-8-sig") == words(film_case)
