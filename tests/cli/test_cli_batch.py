"""`explain`: exit codes, what is said where, and the languages of the page."""

from __future__ import annotations

import pytest
from bundles import write_classifier
from phantoms import write_film
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless


@pytest.fixture
def classifier(tmp_path):
    return write_classifier(tmp_path / "tiny_classifier")


def test_folder_is_explained_and_json_is_the_summary(medassist, classifier, tmp_path):
    write_film(tmp_path / "films" / "one")
    words = ("explain", tmp_path / "films", "-m", classifier, "--methods", "gradcam,saliency", "-o", tmp_path / "out")
    answer = medassist(*words, "--no-stamp", "--json")
    assert answer.code == 0, answer.err
    assert [one["column"] for one in answer.json["methods"]] == ["gradcam", "saliency"]
    assert answer.json["rows"][0]["maps"]["gradcam"]["standing"] == ""
    assert {"index.html", "stamps.csv", "summary.json", "cases.csv"} <= {
        one.name for one in (tmp_path / "out").iterdir()
    }


def test_a_bad_image_costs_only_itself_and_is_named(medassist, classifier, tmp_path):
    write_film(tmp_path / "films" / "good")
    bad = write_film(tmp_path / "films" / "spoilt")
    ds = dcmread(bad)
    ds.compress(JPEGLSLossless)
    ds.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + b"no picture" * 50])
    ds.save_as(bad)
    (tmp_path / "films" / "notes.txt").write_text("no image")
    words = ("explain", tmp_path / "films", "-m", classifier, "--methods", "gradcam", "--no-stamp", "--json")
    answer = medassist(*words, "-o", tmp_path / "out")
    assert answer.code == 3, answer.err
    left_out, named = answer.err.strip().splitlines()
    assert "notes.txt" in left_out
    assert "spoilt" in named
    assert sorted(len(row["maps"]) for row in answer.json["rows"]) == [0, 1]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "cannot be decoded" in page
    assert "spoilt" not in page


def test_an_unsuited_image_is_refused_unless_a_reason_is_given(medassist, classifier, tmp_path):
    write_film(tmp_path / "hand", BodyPartExamined="HAND")
    words = ("explain", tmp_path / "hand", "-m", classifier, "--methods", "gradcam", "--no-stamp")
    answer = medassist(*words, "-o", tmp_path / "out")
    assert answer.code == 4
    assert "HAND" in answer.err
    assert medassist(*words, "-o", tmp_path / "other", "--override", "a test").code == 0


def test_page_speaks_chinese(medassist, classifier, tmp_path):
    write_film(tmp_path / "films")
    words = ("explain", tmp_path / "films", "-m", classifier, "--no-stamp", "--language", "zh_CN")
    assert medassist(*words, "-o", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "仅供研究使用" in page
    assert "逐例" in page
    assert 'lang="zh-CN"' in page


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ("--methods", "nonsense")),
        (2, ("--target", "nonsense")),
        (2, ("--reference", "boxes.txt")),
        (3, ("--reference", "missing.csv")),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(refused, classifier, tmp_path, code, words):
    write_film(tmp_path / "films")
    refused(code, "explain", tmp_path / "films", "-m", classifier, "-o", tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


def test_nothing_to_explain_is_unreadable(refused, classifier, tmp_path):
    refused(3, "explain", tmp_path / "nowhere", "-m", classifier, "-o", tmp_path / "out")


def test_an_interrupt_has_its_own_code(medassist, classifier, tmp_path, monkeypatch):
    from medassist.session.batch import run

    def interrupted(*_rest, **_named):
        raise KeyboardInterrupt

    write_film(tmp_path / "films")
    monkeypatch.setattr(run, "explain_case", interrupted)
    assert medassist("explain", tmp_path / "films", "-m", classifier, "-o", tmp_path / "out").code == 130
    assert (tmp_path / "out" / "index.html").exists()
