"""The doctor finds what does not work, says what to do, and is not stopped by what it finds."""

from __future__ import annotations

import errno
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from pydicom.uid import JPEGLSLossless

from medassist.imaging import codec_trial
from medassist.inference import trial
from medassist.inference.devices import Device
from medassist.language import localized, set_language
from medassist.locations import site_file
from medassist.plugins import Availability
from medassist.progress import Progress
from medassist.session import doctor
from medassist.session.checking import codecs, computing, display, installed, machine
from medassist.session.checking.line import MISSING, NOTE, OK, Line, named, plain
from medassist.session.state import Session


@pytest.mark.parametrize(
    ("built", "capability", "runs"),
    [
        (["sm_80", "sm_90"], (9, 0), True),
        (["sm_80"], (8, 6), True),  # the same major version
        (["sm_86"], (8, 0), False),  # older than built for
        (["sm_80", "sm_90"], (12, 0), False),  # a GPU newer than the build
        (["sm_90", "compute_90"], (12, 0), True),  # compiled on the spot
        (["compute_90"], (8, 9), False),
        (["sm_90a"], (9, 0), True),
        (["sm_120a"], (12, 1), False),
        (["sm_75"], (6, 1), False),  # a GPU too old
        (["sm_100"], (10, 3), True),
        ([], (9, 0), False),
        (["gfx90a"], (9, 0), False),
    ],
)
def test_a_build_of_torch_knows_a_gpu_or_not(built, capability, runs: bool) -> None:
    assert trial.knows(built, capability) is runs


@pytest.fixture
def gpu(monkeypatch):
    """A machine with one GPU of compute capability 12.0, and torch built for what `built` says."""

    def there(built: list[str]) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _name: (12, 0))
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built)
        device = Device("cuda:0", "NVIDIA Fake", free_bytes=8 * 2**30)
        monkeypatch.setattr(computing, "available", lambda: (device, Device("cpu", "CPU, 2 cores")))

    return there


def lines_of(check) -> dict[str, Line]:
    return {line.check: line for line in check}


def test_a_gpu_the_build_does_not_know_is_told_with_what_to_do(gpu) -> None:
    gpu(["sm_80", "sm_90"])
    found = lines_of(computing.devices())
    line = found["device cuda:0"]
    assert line.verdict == NOTE, "the CPU does the work"
    assert "sm_80 sm_90" in line.found
    assert "12.0" in line.found
    assert line.remedy
    assert found["device cpu"].verdict == OK


def test_a_gpu_that_computes_is_told_with_its_capability(gpu, monkeypatch) -> None:
    gpu(["sm_120"])
    monkeypatch.setattr(trial, "_multiplied", lambda name, most_s: 12345.0)
    found = lines_of(computing.devices())["device cuda:0"]
    assert found.verdict == OK
    assert found.found == "NVIDIA Fake, compute capability 12.0, 8.0 GiB of memory free, 12345 GFLOP/s"


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (RuntimeError("CUDA error: no kernel image is available\nmore"), "no kernel image is available"),
        (ArithmeticError("the product of two matrices is wrong"), "is wrong"),
    ],
)
def test_a_device_that_fails_is_told_in_one_line(gpu, monkeypatch, problem, word: str) -> None:
    def fail(_name: str, _most_s: float) -> float:
        raise problem

    gpu(["sm_120"])
    monkeypatch.setattr(trial, "_multiplied", fail)
    found = lines_of(computing.devices())
    assert word in found["device cuda:0"].found
    assert "\n" not in found["device cuda:0"].found
    assert (found["device cuda:0"].verdict, found["device cpu"].verdict) == (NOTE, MISSING)


def test_wrong_numbers_are_found_out(monkeypatch) -> None:
    assert trial.trial("cpu", 0.0).reason == ""
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda one, _other: one * 2)
    monkeypatch.setattr(torch, "equal", lambda one, other: bool((one == other).all()))
    real = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda one, *how: real(one, *how) + (how == ("cpu", torch.float32)))
    assert "wrong" in trial.trial("cpu", 0.0).reason


def test_an_nvidia_card_without_a_driver_is_seen_on_the_bus(tmp_path, monkeypatch) -> None:
    for number, (vendor, kind) in enumerate([("0x8086", "0x030000"), ("0x10de", "0x040300"), ("0x10de", "0x030200")]):
        card = tmp_path / str(number)
        card.mkdir()
        (card / "vendor").write_text(f"{vendor}\n")
        (card / "class").write_text(f"{kind}\n")
    assert trial.nvidia_seen(tmp_path)
    (tmp_path / "2" / "vendor").write_text("0x8086\n")
    assert not trial.nvidia_seen(tmp_path), "a sound device of NVIDIA is no GPU"
    assert not trial.nvidia_seen(tmp_path / "none")
    monkeypatch.setattr(trial, "nvidia_seen", lambda: True)
    absent = Device("cuda:0", "NVIDIA CUDA", Availability("no NVIDIA GPU with a working driver was found"))
    monkeypatch.setattr(computing, "available", lambda: (absent,))
    assert "driver" in lines_of(computing.devices())["device cuda:0"].remedy


def test_openvino_that_does_not_start_is_a_note(monkeypatch) -> None:
    monkeypatch.setattr(trial, "openvino_devices", lambda: 1 / 0)
    (line,) = computing.openvino()
    assert line.verdict == NOTE
    assert "ZeroDivisionError" in line.found


def test_an_installed_package_does_not_send_people_to_pip(monkeypatch) -> None:
    monkeypatch.setattr(computing, "needs", lambda modules: Availability("needs more"))
    assert "pip install 'medassist[train]'" in next(computing.training()).remedy
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert "this package comes without it" in next(computing.training()).remedy


@pytest.mark.parametrize("sample", codec_trial.SAMPLES, ids=lambda sample: sample.syntax.keyword)
def test_every_codec_decodes_its_frame_and_damage_is_found(sample) -> None:
    assert codec_trial.failure(sample) == ""
    halved = sample.encoded[: len(sample.encoded) // 10 * 5]
    assert codec_trial.failure(type(sample)(sample.syntax, halved, sample.bits, sample.most_error))


def test_a_codec_that_decodes_wrong_values_is_missing(monkeypatch) -> None:
    decode = codec_trial.decode

    def wrong(ds, path):
        return decode(ds, path) + (ds.file_meta.TransferSyntaxUID == JPEGLSLossless)

    monkeypatch.setattr(codec_trial, "decode", wrong)
    bad = [line for line in codecs.codecs() if line.verdict != OK]
    assert [(line.check, line.verdict) for line in bad] == [("codec JPEG-LS", MISSING)]
    assert bad[0].remedy


def test_a_decoder_that_cannot_be_loaded_is_missing(monkeypatch) -> None:
    def fail(_ds, _path):
        raise ImportError("libjpeg.so is gone")

    monkeypatch.setattr(codec_trial, "decode", fail)
    assert {line.verdict for line in codecs.codecs()} == {MISSING}


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is asked on Linux alone")


@linux
def test_a_display_nobody_answers_on_is_missing(monkeypatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    found = lines_of(display.display())
    assert found["display"].verdict == MISSING
    assert ":987" in found["display"].found


@linux
def test_without_a_display_windows_are_pictures(monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    found = lines_of(display.display())
    assert (found["display"].verdict, found["display plug-in"].verdict) == (NOTE, OK)


def test_a_plugin_that_cannot_be_loaded_names_the_library(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(display, "_plugin_folders", lambda: [tmp_path])
    assert display._plugin(plain("display plug-in"), "xcb").verdict == MISSING
    (tmp_path / "libqxcb.so").write_bytes(b"no library")
    line = display._plugin(plain("display plug-in"), "xcb")
    assert line.verdict == MISSING
    assert line.remedy


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("libxcb-cursor.so.0: cannot open shared object file: No such file or directory", "libxcb-cursor0"),
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "libegl1"),
        ("/x/libqxcb.so: invalid ELF header", "system library"),
        ("libstrange.so.3: cannot open", "system library"),
    ],
)
def test_a_missing_library_is_told_by_its_package(error: str, word: str) -> None:
    assert word in display.remedy_for(error).text()


def test_every_library_of_the_window_has_a_package_the_set_up_installs() -> None:
    lines = (Path(__file__).parents[2] / "packaging" / "debian-libraries.txt").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    assert listed - set(display.DEBIAN_PACKAGES.values()) == {"fonts-noto-cjk"}


def test_no_chinese_font_matters_to_those_who_read_chinese(monkeypatch) -> None:
    monkeypatch.setattr(display, "chinese_font", lambda: None)
    assert next(display.fonts()).verdict == NOTE
    set_language("zh_CN")
    assert next(display.fonts()).verdict == MISSING


def test_a_folder_that_cannot_be_written_is_missing_and_nothing_is_left(tmp_path, monkeypatch) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert {line.verdict for line in machine.folders()} <= {OK, NOTE}
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDASSIST_DATA", str(tmp_path / "file" / "data"))
    assert lines_of(machine.folders())["data folder"].verdict == MISSING

    def read_only(**_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    for line in machine.folders():
        assert line.verdict == MISSING
        assert "Read-only file system" in line.found
        assert line.remedy


def test_little_disk_and_little_memory_are_notes(monkeypatch) -> None:
    monkeypatch.setattr(machine, "ENOUGH_DISK_BYTES", 2**80)
    assert {line.verdict for line in machine.folders()} == {NOTE}
    monkeypatch.setattr(machine, "physical_bytes", lambda: 2 * 10**9)
    assert next(machine.memory()).verdict == NOTE
    monkeypatch.setattr(machine, "physical_bytes", lambda: 0)
    assert list(machine.memory()) == [], "a system that does not tell is not guessed at"


def test_the_site_and_what_it_names_are_told(tmp_path) -> None:
    (line,) = installed.set_up()
    assert (line.verdict, str(site_file()) in line.found) == (OK, True)
    site_file().write_text(f"model_folders = ['{tmp_path / 'gone'}']\nwrong = 1\n")
    lines = list(installed.set_up())
    assert {line.verdict for line in lines} == {NOTE}
    assert [word for word in ("wrong", "gone") if not any(word in line.found for line in lines)] == []
    assert all(line.remedy for line in lines)


def test_a_check_that_fails_itself_costs_only_itself(monkeypatch) -> None:
    def broken():
        yield Line(plain("first"), OK, plain(""))
        raise RuntimeError("half {an} installation")

    monkeypatch.setattr(computing, "libraries", broken)
    for module, name in ((installed, "models"), (computing, "devices")):
        monkeypatch.setattr(module, name, lambda *_given: iter(()))
    offered = []
    lines = doctor.examine(progress=Progress(taker=offered.append))
    told = lines_of(lines)
    assert told["first"].verdict == OK
    assert "half {an} installation" in told["libraries"].found
    assert told["samples"].verdict == OK
    assert doctor.worst(lines) == MISSING
    assert offered[-1](Session()).system == lines


def test_lines_speak_the_language() -> None:
    set_language("zh_CN")
    assert localized(named("model", "tiny")) == "模型 tiny"
    assert localized(plain("a {b}")) == "a {b}"
    (line,) = computing.training()
    assert localized(line.title) == "训练"
