"""`info --json` on a folder with images and everything that refers to them: nothing is dropped silently."""

from __future__ import annotations

import json

import pytest
from derived_objects import write_key_objects, write_pdf, write_rtstruct, write_seg, write_sr
from phantoms import write_ct_series

from medassist.cli import main


def test_mixed_folder_lists_everything_with_kind_relation_and_warning(tmp_path, capsys) -> None:
    images = write_ct_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", images)
    write_rtstruct(tmp_path / "rt.dcm", images)
    write_sr(tmp_path / "sr.dcm", images)
    write_key_objects(tmp_path / "ko.dcm", images)
    write_pdf(tmp_path / "report.dcm", images)
    write_seg(tmp_path / "lost.dcm", images, series_uid="1.2.999.1")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty.dcm").write_bytes(b"")
    with pytest.raises(SystemExit) as ended:
        main(["info", str(tmp_path), "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    series = [one for study in told["studies"] for one in study["series"]]
    ct = next(one for one in series if one["kind"] == "volume")
    kinds = {one["kind"] for one in series}
    assert kinds == {"volume", "segmentation", "contours", "structured report", "key objects", "PDF document"}
    for one in series:
        lost = one["refers_to"] == ["1.2.999.1"]
        if one["kind"] not in ("volume", "PDF document") and not lost:
            assert one["refers_to"] == [ct["series_uid"]], one["kind"]
            assert one["shown_with"] == [ct["key"]]
            assert one["warnings"] == []
    lost = next(one for one in series if one["refers_to"] == ["1.2.999.1"])
    assert lost["warnings"] == ["The images it refers to are not here: series 1.2.999.1."]
    pdf = next(one for one in series if one["kind"] == "PDF document")
    assert pdf["warnings"] == ["It does not say which images it belongs to."]
    listed = sum(one["files"] for one in series) + len(told["skipped"])
    assert listed == sum(path.is_file() for path in tmp_path.rglob("*"))
