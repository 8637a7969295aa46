"""Pages and pictures for people: what they say, what they must never say, and where overlays lie."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import phantoms
import pytest
from report_cases import ANTERIOR, SCORES, make_case

from medassist.entities.explained_region import ExplainedRegion
from medassist.entities.finding import Judgement
from medassist.entities.stamp import Stamp, Standing
from medassist.entities.study import Patient, warned
from medassist.language import set_language
from medassist.progress import Progress
from medassist.report import drawing, fonts, keyimages
from medassist.report.export import export
from medassist.report.keyviews import explanation, key_views, place, title
from medassist.report.page import page
from medassist.report.wording import Wording, date_text, position_text


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    return make_case(tmp_path / "in")


@pytest.fixture
def mr_case(tmp_path):
    phantoms.write_mr_series(tmp_path / "in")
    return make_case(tmp_path / "in")


def html_of(case, folder) -> str:
    export(case, folder, ("html",), progress=Progress())
    return (folder / "report.html").read_text(encoding="utf-8")


def test_html_needs_nothing_else_and_runs_nothing(film_case, tmp_path):
    html = html_of(film_case, tmp_path / "out")
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", html)
    assert 'src="data:image/png;base64,' in html


@pytest.mark.parametrize(
    ("language", "verdict", "part"),
    [
        ("en", "Measured: the map fails. Do not rely on it. Noise nobody", "(part under the crosshair)"),
        ("zh_CN", "已测量：热图未通过检验", "(十字线所在部分)"),
    ],
)
def test_the_verdict_on_a_map_is_read_first_and_its_region_named(mr_case, language, verdict, part):
    view = next(one for one in key_views(mr_case) if one.heatmap is not None)
    text = "Noise nobody would see changes the map (rank correlation {value}, at least {limit})."
    stamp = Stamp(Standing.FAILS, {"repeatability": 0.1}, (warned(text, value="0.10", limit="0.30"),))
    inside = np.ones(mr_case.volume.geometry.shape_zyx, bool)
    region = ExplainedRegion("part under the crosshair", inside, mr_case.volume.geometry)
    shown = replace(view, heatmap=replace(view.heatmap, stamp=stamp, region=region))
    assert explanation(mr_case, shown, Wording(language)).startswith(verdict)
    assert part in title(mr_case, shown, Wording(language))


def test_markup_in_headers_is_text(film_case, tmp_path):
    nasty = Patient(name='<script>alert("x")</script>^<b>Bold', patient_id='"><img src=x onerror=alert(1)>')
    case = replace(film_case, study=replace(film_case.study, patient=nasty))
    html = html_of(case, tmp_path / "out")
    assert "<script" not in html
    assert "<b>Bold" not in html
    assert "&lt;script&gt;" in html
    assert "<img src=x" not in html


def test_scores_stand_beside_their_threshold(film_case, tmp_path):
    html = html_of(film_case, tmp_path / "out")
    assert "0.734" in html
    assert "0.410" in html
    assert "present: reaches the threshold" in html
    assert "no probability of disease" in html
    assert "73" not in re.sub(r"data:[^\"]+|0\.734", "", html).split("<body>")[1].replace(film_case.series.key, "")
    assert "Regions that influenced the score, not lesion outline." in html
    assert "features.denseblock4" in html


def test_volumes_are_millilitres(mr_case, tmp_path):
    assert f"{mr_case.findings[0].volume_ml:.2f} ml" in html_of(mr_case, tmp_path / "out")


def test_status_follows_the_reader(film_case):
    assert page(film_case).is_preliminary
    judged = tuple(replace(one, judgement=Judgement.ACCEPTED, judged_by="Jane Doe") for one in film_case.findings)
    settled = page(replace(film_case, findings=judged, reader="Jane Doe"))
    assert not settled.is_preliminary
    assert "Jane Doe" in settled.status
    assert "unverified" in page(replace(film_case, findings=judged)).status


def test_chinese_report_is_chinese_whatever_the_window_speaks(film_case, tmp_path):
    set_language("en")
    patient = Patient(name="Zhang^XiaoDong=张^小东")
    case = replace(film_case, language="zh_CN", study=replace(film_case.study, patient=patient))
    told = page(case)
    html = html_of(case, tmp_path / "out")
    for text in ("张小东", "胸腔积液", "影响评分的区域，并非病灶轮廓", told.notice, told.status):
        assert text in html
    assert "仅供研究" in told.notice
    assert "Preliminary" not in html
    assert 'lang="zh-CN"' in html


def test_key_picture_shows_the_overlay_where_the_mask_is(mr_case):
    view = key_views(mr_case)[0]
    rgb = keyimages.overlaid(mr_case, view)
    plain = keyimages.overlaid(mr_case, replace(view, mask=None))
    shown = drawing.layout_of(mr_case)
    inside = shown.extract(mr_case.predictions[0].mask.labels_zyx, view.index) > 0
    assert np.array_equal((rgb != plain).any(axis=2), inside)
    assert ANTERIOR in view.segments


def test_heatmap_picture_is_coloured_where_the_map_is_strong(film_case):
    (view,) = key_views(film_case)
    rgb = keyimages.overlaid(film_case, view).astype(int)
    colored = np.ptp(rgb, axis=2) > 8
    values = view.heatmap.values_zyx[view.index]
    assert not colored[values < 0.19 * view.heatmap.maximum].any()
    assert colored[values > 0.5 * view.heatmap.maximum].mean() > 0.9


def test_signed_map_is_drawn_on_both_sides_and_says_which_is_which(film_case):
    (one,) = film_case.heatmaps
    cells, values = (every - every[:, :, ::-1] for every in (one.native_zyx, one.values_zyx))
    signed = replace(one, values_zyx=values, native_zyx=cells, signed=True, against="Nodule")
    case = replace(film_case, heatmaps=(signed,))
    (view,) = key_views(case)
    assert title(case, view, Wording("en")).endswith(", not Nodule")
    told = explanation(case, view, Wording("en"))
    assert f"Smallest value of the map: {signed.minimum:.3g}." in told
    assert "Orange speaks for the target, blue against it." in told
    rgb = keyimages.overlaid(case, view).astype(int)
    warmth = rgb[..., 0] - rgb[..., 2]
    shown = values[view.index] / signed.full_scale
    assert (warmth[shown > 0.5] > 20).all()
    assert (warmth[shown < -0.5] < -20).all()
    assert (shown < -0.5).any()
    bar = np.asarray(keyimages.draw(case, view)).astype(int)
    legend = bar[:, -keyimages.legend_width(view, Wording("en")) :]
    spread = legend[..., 0] - legend[..., 2]
    assert spread.max() > 80, "the scale has its end for"
    assert spread.min() < -80, "the scale has its end against"


def test_the_label_a_map_is_compared_with_has_its_own_name(film_case):
    other = replace(SCORES[0], label="Widened heart", title_zh="心影增宽")
    prediction = replace(film_case.predictions[0], scores=(*film_case.predictions[0].scores, other))
    compared = replace(film_case.heatmaps[0], against="Widened heart")
    case = replace(film_case, predictions=(prediction,), heatmaps=(compared,))
    (view,) = key_views(case)
    assert "心影增宽" in title(case, view, Wording("zh_CN"))
    assert title(case, view, Wording("en")).endswith(", not Widened heart")


def test_key_picture_keeps_square_millimetres(tmp_path):
    phantoms.write_ct_series(tmp_path / "in", rows=40, columns=80, spacing=(0.5, 2.0, 2.5))
    case = make_case(tmp_path / "in")
    picture = drawing.scaled(
        keyimages.overlaid(case, key_views(case)[0]), drawing.layout_of(case), keyimages.LONGEST_SIDE_PX
    )
    assert picture.size == (450, 900)


def test_case_without_overlay_gets_its_middle_slice(mr_case):
    bare = replace(mr_case, predictions=(), heatmaps=(), findings=())
    (view,) = key_views(bare)
    assert view.index == mr_case.volume.geometry.shape_zyx[0] // 2
    assert keyimages.draw(bare, view).width >= keyimages.NARROWEST_PAGE_PX


def test_pictures_speak_english_without_a_chinese_font(film_case, monkeypatch):
    monkeypatch.setattr(keyimages, "speaks_chinese", lambda: False)
    said: list[str] = []
    for room in (keyimages, drawing):
        monkeypatch.setattr(room, "fitted", lambda pen, text, size, room: said.append(text) or text)
    keyimages.draw(replace(film_case, language="zh_CN"), key_views(film_case)[0])
    assert "Grad-CAM for Effusion" in said
    assert "Research use only, not for diagnosis" in said


def test_font_falls_back_to_pillow(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", dict)
    fonts.font.cache_clear()
    assert not fonts.speaks_chinese()
    assert fonts.font(17).getbbox("Series")[2] > 20
    fonts.font.cache_clear()


def test_names_dates_and_places_read_well():
    words = Wording("en")
    assert words.person(Patient(name="Doe^Jane")) == "Doe Jane"
    assert words.person(Patient(name="=张^小东")) == "张 小东"
    assert Wording("zh_CN").person(Patient(name="Zhang^XiaoDong=张^小东=")) == "张小东"
    assert date_text("20260102", "101112") == "2026-01-02 10:11"
    assert date_text("***") == "***"
    assert position_text((12.04, -3.5, -40.0)) == "L 12.0, A 3.5, F 40.0 mm"


def pdf_text(path: Path, order: str = "-layout") -> list[str]:
    """Return the text of every page; Qt writes compatibility characters, so it is normalised."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", order, path, "-"], capture_output=True, text=True, check=True)
    return unicodedata.normalize("NFKC", done.stdout).split("\f")[:-1]


@pytest.fixture
def qt():
    pytest.importorskip("PySide6")
    from PySide6.QtCore import qInstallMessageHandler

    from medassist.report import pdf

    said: list[str] = []
    pdf._ensure_application()
    before = qInstallMessageHandler(lambda kind, context, message: said.append(message))
    yield said
    qInstallMessageHandler(before)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_pdf_says_the_same_and_the_notice_on_every_page(film_case, tmp_path, qt, language):
    if language == "zh_CN" and not fonts.speaks_chinese():
        pytest.skip("no font with Chinese characters is installed (fonts-noto-cjk)")
    case = replace(film_case, language=language)
    export(case, tmp_path / "out", ("pdf",), progress=Progress())
    pages = pdf_text(tmp_path / "out" / "report.pdf")
    told = page(case)
    assert len(pages) >= 2
    plain = [re.sub(r"\s", "", text) for text in pages]
    wanted = unicodedata.normalize("NFKC", re.sub(r"\s", "", told.notice))
    assert all(text.count(wanted) >= 2 for text in plain), "top and bottom of every page"
    assert re.sub(r"\s", "", unicodedata.normalize("NFKC", told.status)) in plain[0]
    assert "0.734" in plain[0]
    assert SCORES[0].title_zh in plain[0] or language == "en"
    assert not qt


def test_pdf_may_be_written_by_a_worker(film_case, tmp_path, qt):
    failed: list[BaseException] = []

    def work() -> None:
        try:
            export(film_case, tmp_path / "out", ("pdf",), progress=Progress())
        except BaseException as problem:
            failed.append(problem)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(60)
    assert not failed
    assert not qt
    assert any("present: reaches the threshold" in text for text in pdf_text(tmp_path / "out" / "report.pdf"))


def test_importing_the_room_loads_no_qt_and_nothing_slow():
    code = (
        "import sys, medassist.report.export\n"
        "print(*[n for n in ('PySide6', 'torch', 'highdicom', 'SimpleITK', 'jinja2', 'PIL') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_key_picture_names_slice_and_position(tmp_path):
    phantoms.write_ct_series(tmp_path / "in")
    case = make_case(tmp_path / "in")
    words = Wording("en")
    first, last = key_views(case)[:2]
    assert place(case, first, words) == "Series 1 CT phantom · slice 2 of 8 · F 7.5 mm"
    assert place(case, last, words) == "Series 1 CT phantom · slice 6 of 8 · H 2.5 mm"


def test_every_page_says_whose_it_is_and_headings_stay_with_their_tables(mr_case, tmp_path, qt):
    """40 findings, on many pages; the name is long and the words need room."""
    one = mr_case.findings[0]
    many = tuple(replace(one, tracking_uid=f"9.{n}", label=f"Lesion {n} " + "w" * 90, title_zh="") for n in range(40))
    patient = replace(mr_case.study.patient, name="Featherstonehaugh^Wilhelmina", patient_id="PID-77")
    case = replace(mr_case, findings=many, study=replace(mr_case.study, patient=patient))
    export(case, tmp_path / "out", ("pdf",), progress=Progress())
    # in the order of drawing: Qt draws a line of the page before under the header, clipped away
    pages = pdf_text(tmp_path / "out" / "report.pdf", "-raw")
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert "Featherstonehaugh Wilhelmina · Patient ID: PID-77 · born 1970-01-01" in text
        assert text.count("Research use only, not for diagnosis") >= 2
        assert f"{number} / {len(pages)}" in text
        last = [line for line in text.splitlines() if line.strip()][-1]
        assert last.strip() not in ("Models", "Suitability of the input", "Key pictures")
    headed = [text for text in pages if re.search(r"Structure\s+Measured", text)]
    assert len(headed) > 1, "the names of the columns stand on every page"
    told = "".join(pages)
    assert all(re.search(rf"Lesion {n}\b", told) for n in range(40)), "a finding was cut off"


def test_the_preview_shows_the_pages_of_the_pdf(mr_case, tmp_path, qt):
    from PySide6.QtGui import QImage

    from medassist.report import pdf

    export(mr_case, tmp_path / "out", ("pdf",), progress=Progress())
    told = page(mr_case)
    pictures = {one.file_name: QImage(str(tmp_path / "out" / one.file_name)) for one in told.pictures}
    shown = pdf.preview(told, pictures, 600, Progress())
    assert len(shown) == len(pdf_text(tmp_path / "out" / "report.pdf"))
    for one in shown:
        pixels = np.frombuffer(one.constBits(), np.uint8).reshape(one.height(), one.width(), 4)[..., :3]
        assert one.width() == 600
        assert (pixels < 128).any(axis=2).sum() > 500, "an empty page"
        assert (pixels[: one.height() // 20] > 250).all(), "the margin"
    assert qt == []


def test_a_name_cannot_leave_the_string_of_the_printed_margin(film_case, tmp_path):
    """Browsers print whose it is on every page: the name stands in a style sheet, where other signs are dangerous."""
    nasty = Patient(name='"; } body { display: none } a{b:"\\', patient_id="</style><script>\n")
    case = replace(film_case, study=replace(film_case.study, patient=nasty))
    sheet = html_of(case, tmp_path / "out").split("<style>")[1].split("</style>")[0]
    strings = re.findall(r'content: "([^"]*)"; font', sheet)
    assert len(strings) == 3
    for text in strings:
        assert re.fullmatch(r"(\\[0-9a-f]{6})+", text)
    told = "".join(chr(int(one, 16)) for one in strings[0].split("\\")[1:])
    assert told.startswith('"; } body { display: none }')
    assert "display: none" not in sheet
