"""Probes kept as counter-evidence are told in every report, and that the image behind them was modified."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import phantoms
import pytest
from report_cases import MODEL, make_case

from medassist.entities.geometry import Geometry
from medassist.entities.probe import MILLILITRES, Area, Means, Place, Probe, Reading
from medassist.entities.study import warned
from medassist.progress import Progress
from medassist.report import sr
from medassist.report.export import export
from medassist.report.page import page
from medassist.report.probes import sentences
from medassist.report.result_json import result

GRID = Geometry(np.diag([1.0, 1.0, 3.0, 1.0]), (5, 20, 20))


def make_probe(label="Effusion", **fields):
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[1:3, 4:7, 6:10] = True
    told = {
        "readings": (Reading("Effusion", 0.71, 0.42), Reading("Nodule", 0.2, 0.2)),
        "controls": (0.01, -0.02, 0.03, 0.06, -0.03),
        "edge_mm": 3.5,
        **fields,
    }
    return Probe(MODEL, "series-1", label, Area.of(mask, GRID), Place.BOX, Means.MEAN, **told)


@pytest.fixture
def film_case(tmp_path):
    phantoms.write_film(tmp_path / "in")
    case = make_case(tmp_path / "in")
    claim = case.findings[0]
    kept = replace(make_probe(claim.label), kept_by="Jane Doe", kept_at="2026-11-20T09:00:00+08:00")
    kept = replace(kept, notes=(warned("Only {count} other places had room for the same change.", count=5),))
    return replace(case, findings=(replace(claim, counter_evidence=(kept,)), *case.findings[1:]))


def test_reports_tell_the_probe_and_that_the_image_was_modified(film_case, tmp_path):
    (row, *_) = next(table.rows for table in page(film_case).tables if table.rows and "Effusion" in table.rows[0].cells)
    assert "Probe on a modified image: the drawn box was replaced by the mean around it" in row.remark
    assert "The score of Effusion went from 0.71 to 0.42." in row.remark
    assert "The same change at 5 other places moves it by 0.030 (0.010 to 0.060)." in row.remark
    assert "That is clearly less than here." in row.remark
    assert "Only 5 other places" in row.remark
    assert "Kept as counter-evidence by Jane Doe, 2026-11-20 09:00." in row.remark
    chinese = page(replace(film_case, language="zh_CN"))
    remarks = " ".join(row.remark for table in chinese.tables for row in table.rows)
    assert "胸腔积液" in remarks
    assert "反证" in remarks
    assert "Probe" not in remarks
    told = result(film_case)["classes"]
    (evidence,) = told[0]["counter_evidence"]
    assert evidence["image"] == "modified for a probe"
    assert (evidence["before"], evidence["after"], evidence["stands_out"]) == (0.71, 0.42, True)
    assert evidence["region"]["voxels"] == 24
    assert told[1]["counter_evidence"] == []
    (tmp_path / "sr").mkdir()
    (path,) = sr.write(film_case, tmp_path / "sr")
    group = hd.sr.srread(path).content.get_image_measurement_groups()[0]
    comments = [item.TextValue for item in group[0].ContentSequence if item.ValueType == "TEXT"]
    assert any("modified image" in text and "0.71 to 0.42" in text for text in comments)
    files = export(film_case, tmp_path / "out", ("html",), progress=Progress())
    html = next(one for one in files if one.name == "report.html")
    assert "went from 0.71 to 0.42" in html.read_text(encoding="utf-8")


def test_of_a_segmenter_millilitres_and_slices_are_told():
    probe = make_probe(unit=MILLILITRES, readings=(Reading("Effusion", 12.5, 9.0),), controls=(0.5, 3.9, 1.0))
    text = " ".join(one.text() for one in sentences(probe))
    assert "What the model marks elsewhere as Effusion went from 12.5 ml to 9 ml." in text
    assert "It covers the slices 2 to 3." in text
    assert "Elsewhere it moves as much" in text


def test_just_more_than_elsewhere_is_not_said_to_stand_out():
    probe = make_probe(readings=(Reading("Effusion", 0.5, 0.438),))
    assert probe.exceeds
    assert not probe.stands_out
    assert "only just more: by chance that is so once in 6." in " ".join(one.text() for one in sentences(probe))
    assert make_probe(controls=()).stands_out is None
