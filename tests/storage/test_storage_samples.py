"""Samples: shipped ones need no network; fetched ones are hashed before opening and never built."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest

from medassist.entities.errors import Cancelled, Refused, UnreadableInput, UsageError
from medassist.locations import resources_dir
from medassist.progress import Progress
from medassist.storage import samples as room
from medassist.storage.package_index import Places
from medassist.storage.samples import get, samples
from medassist.storage.settings import DECLARED

SETUP_PY = "open({marker!r}, 'w').write('built')\nfrom setuptools import setup\nsetup()\n"


def no_places() -> Places:
    raise AssertionError("asked for an index")


def tar_of(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A find-links folder with one source archive that would leave a mark when built, and a manifest for it."""
    links, resources, marker = tmp_path / "links", tmp_path / "resources", tmp_path / "built"
    links.mkdir()
    resources.mkdir()
    files = {
        "demo-1.0/setup.py": SETUP_PY.format(marker=str(marker)).encode(),
        "demo-1.0/data/ct/1.dcm": b"one",
        "demo-1.0/data/ct/2.dcm": b"two",
        "demo-1.0/film.dcm": b"film",
    }
    sha256 = tar_of(links / "demo-1.0.tar.gz", files)

    def manifest(sha256=sha256):
        (resources / "samples.toml").write_text(
            f'[[archive]]\npackage="demo"\nversion="1.0"\nfile="demo-1.0.tar.gz"\nsha256="{sha256}"\n'
            'licence="MIT"\nattribution="nobody"\n'
            '[[archive.sample]]\nname="CT"\ntitle="a CT"\nmembers=["demo-1.0/data/"]\n'
            '[[archive.sample]]\nname="film"\ntitle="a film"\nmembers=["demo-1.0/film.dcm"]\n'
        )

    manifest()
    monkeypatch.setattr(room, "resources_dir", lambda: resources)
    return Places(links=(str(links),), indexes=()), manifest, marker, links


def test_shipped_samples_need_no_index_and_are_small():
    shipped = [one for one in samples() if one.shipped]
    assert [one.name for one in shipped] == ["RG1", "RG3"]
    for one in shipped:
        assert get(one.name, progress=Progress(), places=no_places) == resources_dir() / "samples" / one.shipped
    folder = resources_dir() / "samples"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 6_000_000
    assert "MIT" in (folder / "LICENSE").read_text()
    assert all(one.shipped in (folder / "README.md").read_text() for one in shipped)


@pytest.mark.parametrize("name", ["RG1", "RG3"])
def test_shipped_pixels_equal_the_uncompressed_originals(name):
    pydicom = pytest.importorskip("pydicom")
    originals = pytest.importorskip("data_store").__path__[0]
    shipped = pydicom.dcmread(get(name, progress=Progress(), places=no_places))
    original = pydicom.dcmread(f"{originals}/data/{name}_UNCR.dcm")
    assert shipped.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.90"  # JPEG 2000, lossless only
    np.testing.assert_array_equal(shipped.pixel_array, original.pixel_array)


def test_every_sample_names_version_hash_and_licence():
    assert {"RG1", "RG3", "RG1_UNCR", "RG3_UNCR", "RIDER"} <= {one.name for one in samples()}
    for one in samples():
        assert one.version in one.archive
        assert len(bytes.fromhex(one.sha256)) == 32
        assert one.licence in ("MIT", "CC BY 4.0")
        assert one.attribution


def test_unknown_sample_is_named():
    with pytest.raises(UsageError, match="RIDER"):
        get("nothing", progress=Progress(), places=no_places)


def test_source_archive_is_fetched_unpacked_never_built_and_works_offline(index):
    places, _, marker, _ = index
    folder = get("ct", progress=Progress(), places=lambda: places)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.dcm")) == ["ct/1.dcm", "ct/2.dcm"]
    assert not list(folder.rglob("setup.py"))
    assert not marker.exists()
    assert get("CT", progress=Progress(), places=no_places) == folder
    # the second sample of the same archive needs no network either
    assert get("film", progress=Progress(), places=no_places).read_bytes() == b"film"


def test_wrong_hash_is_refused_before_anything_is_unpacked(index, tmp_path):
    places, manifest, _, _ = index
    manifest(sha256="0" * 64)
    with pytest.raises(Refused, match="SHA-256"):
        get("CT", progress=Progress(), places=lambda: places)
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".dcm"] == []


def test_damaged_copy_in_the_cache_is_fetched_again(index):
    places, _, _, _ = index
    get("film", progress=Progress(), places=lambda: places)
    sample = room.find("CT")
    kept = room.cache_dir() / "downloads" / sample.sha256 / sample.archive
    kept.write_bytes(b"damaged")
    assert get("CT", progress=Progress(), places=lambda: places).is_dir()


def test_no_index_is_one_sentence_with_a_remedy(index):
    with pytest.raises(UnreadableInput, match=r"pip is set up to use no index.*pip config set") as caught:
        get("CT", progress=Progress(), places=lambda: Places(indexes=()))
    assert "\n" not in caught.value.sentence()


def test_cancel_leaves_no_half_sample(index):
    places, _, _, _ = index
    progress = Progress(lambda step: progress.cancel() if step.stage == "Unpacking the sample" else None)
    with pytest.raises(Cancelled):
        get("CT", progress=progress, places=lambda: places)
    assert not room.find("CT").is_here()
    assert get("CT", progress=Progress(), places=no_places).is_dir()


@pytest.mark.parametrize("member", ["demo/data/../../evil.dcm", "demo/data//etc/x.dcm", "demo/data/C:/x.dcm"])
def test_paths_out_of_the_folder_are_refused(tmp_path, member):
    tar_of(tmp_path / "evil.tar.gz", {"demo/data/good.dcm": b"x", member: b"x"})
    with pytest.raises(Refused, match="outside"):
        room.unpack(tmp_path / "evil.tar.gz", ("demo/data/",), tmp_path / "out", progress=Progress())
    assert not (tmp_path / "out").exists()


def test_links_in_an_archive_are_not_followed(tmp_path):
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        info = tarfile.TarInfo("demo/data/passwd")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(UnreadableInput, match="lacks"):
        room.unpack(tmp_path / "links.tar", ("demo/data/",), tmp_path / "out", progress=Progress())


def test_wheel_members_are_read_without_installing(tmp_path):
    with zipfile.ZipFile(tmp_path / "demo-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("demo/film.dcm", b"film")
        wheel.writestr("demo/__init__.py", b"raise SystemExit")
    written = room.unpack(
        tmp_path / "demo-1.0-py3-none-any.whl", ("demo/film.dcm",), tmp_path / "out", progress=Progress()
    )
    assert written == (tmp_path / "out" / "film.dcm",)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.dcm"]


def test_too_large_and_damaged_archives_are_refused(tmp_path, monkeypatch):
    archive = tmp_path / "big.tar.gz"
    tar_of(archive, {"a/1": b"12345", "a/2": b"12345"})
    monkeypatch.setattr("medassist.storage.archives.MAX_BYTES", 9)
    with pytest.raises(Refused, match="more than a sample may have"):
        room.unpack(archive, ("a/",), tmp_path / "out", progress=Progress())
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(UnreadableInput, match="damaged"):
        room.unpack(archive, ("a/",), tmp_path / "out", progress=Progress())


def test_titles_and_settings_have_chinese_texts():
    tables = (resources_dir() / "translations" / "zh_CN").glob("*.json")
    known = {text for table in tables for text in json.loads(table.read_text(encoding="utf-8"))}
    texts = [one.title for one in samples()] + [one.text for one in DECLARED]
    assert [text for text in texts if text not in known] == []
