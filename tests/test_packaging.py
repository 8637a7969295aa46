"""What is packaged, under which licences, and how; the frozen program itself is tried by packaging/try_deb.sh."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "packaging"))

import frozen  # noqa: E402
import licence_rules  # noqa: E402
import make_deb  # noqa: E402
import release_note  # noqa: E402
import sbom  # noqa: E402

import medassist  # noqa: E402


class Fake(Distribution):
    """A distribution in a folder, with the fields of its metadata and one text of a licence, or none."""

    def __init__(self, folder: Path, name: str, text: str = "LICENSE", **fields: object) -> None:
        self._folder, self._name, self._text, self._fields = folder, name, text, fields
        if text:
            (folder / f"{name}-1.dist-info").mkdir(parents=True)
            (folder / f"{name}-1.dist-info" / text).write_text("may be used")

    @property
    def metadata(self) -> Message:
        message = Message()
        message["Name"], message["Version"] = self._name, "1"
        for key, value in self._fields.items():
            for one in value if isinstance(value, list) else [value]:
                message[key.replace("_", "-")] = one
        return message

    @property
    def files(self):
        return [Path(f"{self._name}-1.dist-info") / self._text] if self._text else []

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: object) -> Path:
        return self._folder / str(path)


@pytest.mark.parametrize(
    ("expression", "fit"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-2.0-or-later", False),
        ("AGPL-3.0-or-later", False),
        ("MIT OR GPL-3.0-only", True),  # an alternative
        ("MIT AND GPL-3.0-only", False),  # both hold
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),  # Qt
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),  # libgfortran
        ("GPL-2.0-or-later WITH Bootloader-exception", True),  # PyInstaller's boot loader
        ("GPL-3.0-or-later WITH Autoconf-exception-3.0", False),  # an exception for something else
        ("MIT AND (Apache-2.0 OR AGPL-3.0-only)", True),
        ("MPL-2.0 AND MIT", True),
        ("", False),
        ("see the file", False),
        ("Made-Up-1.0", False),
    ],
)
def test_a_licence_is_fit_or_not(expression: str, fit: bool) -> None:
    assert (licence_rules.objection(expression) == "") is fit


BSD = "License :: OSI Approved :: BSD License"
GPL = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
STRANGE = "License :: Other/Proprietary License"


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({"License_Expression": "MIT", "License": "GPL-3.0-only"}, "MIT"),
        ({"License": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({"License": "Apache License 2.0"}, "Apache-2.0"),
        ({"License": "Copyright 2020\nAll rights reserved", "Classifier": [BSD]}, "BSD-3-Clause"),
        ({"Classifier": [GPL]}, "GPL-3.0-only"),
        ({"Classifier": [BSD, GPL]}, "BSD-3-Clause AND GPL-3.0-only"),
        ({"Classifier": [BSD, STRANGE]}, ""),
        ({"License": "GPLv3"}, ""),
        ({}, ""),
    ],
)
def test_what_a_distribution_says_of_its_licence_is_understood_or_not_guessed(tmp_path, fields, expression) -> None:
    assert licence_rules.expression_of(Fake(tmp_path, "one", **fields)) == expression


def test_a_build_with_a_forbidden_or_unknown_licence_ends_and_names_all_of_them(tmp_path) -> None:
    dists = [
        Fake(tmp_path, "good", License_Expression="MIT"),
        Fake(tmp_path, "viral", License_Expression="GPL-3.0-only"),
        Fake(tmp_path, "silent"),
        Fake(tmp_path, "textless", text="", License_Expression="MIT"),
    ]
    with pytest.raises(SystemExit) as end:
        sbom.write(dists, tmp_path / "out")
    told = str(end.value)
    assert [name for name in ("viral", "silent", "textless") if name not in told] == []
    assert "good" not in told
    assert not (tmp_path / "out" / sbom.NAME).exists()


def test_the_bill_is_valid_and_lists_everything_with_its_texts(tmp_path) -> None:
    dists = [Fake(tmp_path, f"part{number}", License_Expression="MIT OR Apache-2.0") for number in range(3)]
    sbom.write(dists, tmp_path / "out", ["numpy.libs/libgfortran-040039e1.so.5", "x/libqxcb.so"], "1.2.3")
    text = (tmp_path / "out" / sbom.NAME).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    names = {one["name"] for one in told["components"]}
    assert names == {"part0", "part1", "part2", "python", "pyinstaller-bootloader", "libgfortran"}
    assert told["metadata"]["component"]["version"] == "1.2.3"
    assert all(one["licenses"] for one in told["components"])
    for number in range(3):
        assert (tmp_path / "out" / "licences" / f"part{number}" / "LICENSE").read_text() == "may be used"


def test_two_bills_of_the_same_parts_are_alike(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dists = [Fake(tmp_path, "part", License_Expression="MIT")]
    assert sbom.bill(dists, version="1") == sbom.bill(dists, version="1")
    assert sbom.bill(dists, version="1") != sbom.bill(dists, version="2")


def test_everything_the_product_needs_may_be_packaged() -> None:
    needed = frozen.closure("medassist", ["cpu"])
    assert {"torch", "openvino", "pyside6-essentials", "monai"} <= set(needed)
    assert not {"pytest", "ruff", "scikit-learn", "medassist-tests"} & set(needed)
    assert [problem for one in needed.values() if (problem := sbom.problem_of(one))] == []


@pytest.mark.parametrize(
    ("name", "goes_in"),
    [
        ("torch/lib/libtorch_cpu.so", True),
        ("torch/include/ATen/ATen.h", False),
        ("torch/bin/torch_shm_manager", True),  # torch looks for it when it is imported
        ("torch/bin/protoc", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("torch/test/test_aot.bin", False),
        ("torch/testing/_comparison.py", True),
        ("scipy/stats/tests/test_fit.py", False),
        ("numpy/testing/_private/utils.py", True),
        ("openvino/libs/libopenvino_intel_cpu_plugin.so", True),
        ("openvino/libs/libopenvino_pytorch_frontend.so.2641", True),
        ("openvino/libs/libopenvino_ir_frontend.so.2641", True),
        ("openvino/libs/libopenvino_intel_gpu_plugin.so", False),
        ("openvino/libs/libopenvino_onnx_frontend.so.2641", False),
        ("PySide6/Qt/lib/libQt6Widgets.so.6", True),
        ("PySide6/Qt/lib/libQt6Svg.so.6", True),
        ("PySide6/Qt/lib/libQt6WaylandClient.so.6", True),
        ("PySide6/Qt/lib/libQt6Quick.so.6", False),
        ("PySide6/Qt/lib/libQt6QmlModels.so.6", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqoffscreen.so", True),
        ("PySide6/Qt/plugins/platforms/libqeglfs.so", False),
        ("PySide6/Qt/translations/qtbase_zh_CN.qm", True),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("PySide6\\translations\\qtbase_zh_CN.qm", True),
        ("medassist/_models/nuclei_he/test/image.png", True),  # what the doctor runs the model on
        ("medassist/_resources/samples.toml", True),
        ("numpy-2.4.6.dist-info/METADATA", True),
        ("numpy-2.4.6.dist-info/RECORD", False),
        ("skimage/data/astronaut.png", False),
        ("skimage/data/__init__.py", True),
        ("skimage/filters/__init__.pyi", True),  # skimage finds its own functions by it
        ("torch/_C/__init__.pyi", False),
        ("numpy/_core/tests/", True),  # imported by numpy.testing, with the next
        ("numpy/_core/tests/_natype/", True),
        ("numpy/_core/tests/test_api/", False),
    ],
)
def test_what_goes_in_and_what_stays_out(name: str, goes_in: bool) -> None:
    assert (frozen.left_out(name) == "") is goes_in


def test_a_link_goes_with_what_it_leads_to() -> None:
    kept = ("libtorch.so", "torch/lib/libtorch.so", "SYMLINK")
    dangling = ("libopenvino_onnx_frontend.so.1", "openvino/libs/libopenvino_onnx_frontend.so.1", "SYMLINK")
    beside = ("openvino/libs/libopenvino.so", "libopenvino.so.2641", "SYMLINK")
    assert frozen.trimmed([kept, dangling, beside]) == [kept, beside]


def test_only_programs_are_marked_as_such(tmp_path) -> None:
    script, program, library, licence = (tmp_path / name for name in ("run", "medassist", "libx.so.1", "LICENSE"))
    script.write_text("#!/bin/sh\n")
    for path in (program, library):
        path.write_bytes(b"\x7fELF....")
    licence.write_text("may be used")
    for path in (script, program, library, licence):
        path.chmod(0o755)
    make_deb.plain(tmp_path)
    assert [path.stat().st_mode & 0o100 > 0 for path in (script, program, library, licence)] == [
        True,
        True,
        False,
        False,
    ]


def test_what_the_program_does_not_need_stays_out_by_name() -> None:
    out = frozen.strangers(frozen.closure("medassist", ["cpu"]))
    assert {"pytest", "hypothesis", "mypy"} <= set(out)
    assert {"numpy", "torch", "pydicom", "yaml", "medassist", "PySide6"}.isdisjoint(out)


def test_the_reporter_of_openvino_never_goes_in() -> None:
    assert "openvino_telemetry" in frozen.NEVER_IMPORTED


def test_nothing_of_our_own_is_left_out() -> None:
    folders = [ROOT / "medassist", ROOT / "resources", ROOT / "models"]
    names = {
        ROOT / "resources": "medassist/_resources",
        ROOT / "models": "medassist/_models",
        ROOT / "medassist": "medassist",
    }
    ours = [
        f"{names[folder]}/{path.relative_to(folder).as_posix()}"
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert [name for name in ours if frozen.left_out(name)] == []


def test_owners_are_found_by_the_files_of_distributions(tmp_path) -> None:
    one = Fake(tmp_path, "one")
    assert frozen.owners([str(tmp_path / "one-1.dist-info" / "LICENSE"), "/etc/passwd"], [one]) == {"one"}
    assert frozen.owners([], [one]) == set()


@pytest.mark.skipif(
    shutil.which("strip") is None or sys.platform != "linux", reason="needs strip, and libraries of Linux"
)
def test_only_large_libraries_of_torch_lose_their_symbols(tmp_path) -> None:
    import torch

    source = Path(torch.__file__).parent / "lib" / "libtorch_python.so"
    toc = [("torch/lib/libtorch_python.so", str(source), "BINARY"), ("numpy.libs/x.so", str(source), "BINARY")]
    assert frozen.without_symbols(toc, tmp_path, least_bytes=2**40) == toc
    (slim, same) = frozen.without_symbols(toc, tmp_path, least_bytes=1)
    assert same == toc[1]
    assert slim[0] == toc[0][0]
    assert Path(slim[1]).parent == tmp_path
    assert 0 < Path(slim[1]).stat().st_size < source.stat().st_size


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="asks Debian's packages")
def test_a_library_of_the_system_is_told_by_its_package() -> None:
    libc = next(path for path in Path("/lib").rglob("libc.so.6"))
    assert frozen.system_owner(str(libc)) == "libc6"
    assert frozen.system_owner(str(ROOT / "medassist" / "__init__.py")) == ""


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "packaging" / "lock" / name).read_text(encoding="utf-8")
    return {
        canonicalize_name(one): version for one, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", ["linux-cpu.txt", "universal.txt"])
def test_the_lock_pins_all_that_is_declared_with_hashes(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [Requirement(one) for one in (*project["dependencies"], *project["optional-dependencies"]["cpu"])]
    versions = pinned(name)
    for one in declared:
        version = versions[canonicalize_name(one.name)]
        assert one.specifier.contains(version), f"run `make lock`: {one} has {version}"
    blocks = re.split(r"^(?=[\w.-]+==)", (ROOT / "packaging" / "lock" / name).read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(versions)
    assert all("--hash=sha256:" in one for one in blocks)


def test_the_lock_has_the_versions_that_were_tested() -> None:
    tested = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    versions = pinned("linux-cpu.txt")
    for name, version in tested:
        assert versions.get(canonicalize_name(name), version).partition("+")[0] == version, f"run `make lock`: {name}"


def test_version_and_release_note_come_from_one_place_each(monkeypatch) -> None:
    assert make_deb.version() == medassist.__version__
    assert "Unreleased" in make_deb.sections()
    assert make_deb.changes()
    with pytest.raises(SystemExit, match=r"v9\.9\.9"):
        release_note.note("v9.9.9")
    monkeypatch.setattr(release_note, "sections", lambda: {medassist.__version__: "- all of it"})
    assert release_note.note(f"v{medassist.__version__}") == "- all of it"
    monkeypatch.setattr(release_note, "sections", dict)
    with pytest.raises(SystemExit, match="no section"):
        release_note.note()


def test_the_specification_and_the_workflow_are_sound() -> None:
    import yaml

    compile((ROOT / "packaging" / "medassist.spec").read_text(encoding="utf-8"), "medassist.spec", "exec")
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert "NOT RUN HERE" in text.partition("name:")[0], "what nobody ran is told at the top"
    jobs = yaml.safe_load(text)["jobs"]
    assert {"debian", "windows", "macos"} <= set(jobs)
    for script in set(re.findall(r"packaging/[\w/]+\.(?:sh|py|nsi|spec|txt)", text)):
        assert (ROOT / script).is_file(), script


@pytest.fixture
def stand_in(tmp_path) -> Path:
    """A frozen folder with nothing in it that runs."""
    inside = tmp_path / "dist" / "medassist" / "_internal" / "about"
    inside.mkdir(parents=True)
    (inside / "sbom.cdx.json").write_text("{}")
    (inside.parents[1] / "medassist").write_text("#!/bin/sh\nexit 0\n")
    (inside.parents[1] / "medassist").chmod(0o755)
    (tmp_path / "dist" / "depends.json").write_text('["libc6", "libssl3"]')
    return tmp_path / "dist"


def run(*command: object) -> str:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="makes a Debian package")
def test_the_debian_package_of_a_stand_in(stand_in: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for out in ("one", "two"):
        run(sys.executable, ROOT / "packaging" / "make_deb.py", stand_in, tmp_path / out)
    (package,) = (tmp_path / "one").glob("*.deb")
    (other,) = (tmp_path / "two").glob("*.deb")
    assert package.read_bytes() == other.read_bytes(), "two builds of one tree are alike"
    assert package.name == f"medassist_{medassist.__version__}_{run('dpkg', '--print-architecture').strip()}.deb"
    fields = run("dpkg-deb", "--field", package)
    assert "libssl3" in fields
    assert make_deb.of_window() >= {"libxcb-cursor0", "libxcb-icccm4", "libegl1"}
    assert [name for name in make_deb.of_window() if name not in fields] == []
    listed = run("dpkg-deb", "--contents", package)
    assert "./usr/bin/medassist -> /opt/medassist/medassist" in listed
    for name in ("applications/medassist.desktop", "mime/packages/medassist.xml", "man/man1/medassist.1.gz",
                 "icons/hicolor/scalable/apps/medassist.svg", "doc/medassist/copyright"):  # fmt: skip
        assert f"./usr/share/{name}" in listed
    assert len(re.findall(r"hicolor/\d+x\d+/apps/medassist\.png", listed)) == 9
    run("dpkg-deb", "--control", package, tmp_path / "control")
    assert {one.name for one in (tmp_path / "control").iterdir()} == {"control", "md5sums"}, "no script runs as root"
    if shutil.which("lintian"):
        told = subprocess.run(["lintian", "--allow-root", package], capture_output=True, text=True).stdout
        assert not re.findall(r"^[EW]: .*", told, flags=re.MULTILINE), told


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs makensis (apt-get install nsis)")
def test_the_windows_installer_of_a_stand_in(stand_in: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    payload = stand_in / "medassist"
    for name in ("medassist.exe", "MedAssist-window.exe"):
        (payload / name).write_bytes(b"MZ")
    run(sys.executable, ROOT / "packaging" / "make_icons.py", tmp_path / "icons")
    out = tmp_path / "MedAssist.exe"
    icon = tmp_path / "icons" / "medassist.ico"
    run("makensis", "-V2", "-WX", "-DVERSION=1.2.3", f"-DPAYLOAD={payload}", f"-DICON={icon}", f"-DOUT={out}",
        ROOT / "packaging" / "windows" / "medassist.nsi")  # fmt: skip
    assert out.read_bytes()[:2] == b"MZ"


@pytest.mark.parametrize("script", ["freeze.sh", "try_deb.sh", "macos/make_dmg.sh"])
def test_shell_scripts_are_sound(script: str) -> None:
    run("bash", "-n", ROOT / "packaging" / script)
    assert "deb.debian.org" not in (ROOT / "packaging" / script).read_text(), "the mirror is the one apt uses"
