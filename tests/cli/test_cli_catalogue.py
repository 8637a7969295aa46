"""`models add`, `remove`, `trust`, `check`: whole or nothing, and nothing of a package runs unless it is trusted."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
import torch
from bundles import change_json, sign, write_classifier, write_segmenter
from phantoms import write_mr_series

from medassist.inference.network import forget_networks
from medassist.locations import data_dir, shipped_models_dir, user_models_dir
from medassist.storage.audit import audit_file, verify


@pytest.fixture(autouse=True)
def no_cached_networks():
    forget_networks()
    yield
    forget_networks()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_segmenter(tmp_path / "tiny_segmenter")


def zipped(root: Path, *, top: str = "", archive: Path | None = None, **extra: bytes) -> Path:
    """Pack a bundle, under the folder `top` when given; `extra` are further members by name."""
    archive = archive or root.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                file.write(path, f"{top}{path.relative_to(root).as_posix()}")
        for name, content in extra.items():
            file.writestr(name, content)
    return archive


def nothing_left() -> bool:
    """Tell whether neither a model nor a folder on the way is there."""
    here = list(user_models_dir().iterdir()) if user_models_dir().is_dir() else []
    return not here and not list(data_dir().glob(".models-*"))


@pytest.mark.parametrize("top", ["", "tiny_segmenter/", "outer/tiny_segmenter/"])
def test_a_zip_is_added_listed_checked_and_removed(medassist, bundle, top) -> None:
    answer = medassist("models", "add", zipped(bundle, top=top))
    assert answer.code == 0, answer.err
    assert "tiny_segmenter 0.1.0" in answer.out
    assert (user_models_dir() / "tiny_segmenter" / "configs" / "metadata.json").is_file()
    (listed,) = [one for one in medassist("models", "--json").json["models"] if one["name"] == "tiny_segmenter"]
    assert listed["available"]
    assert listed["origin"] == "added by the user"
    assert listed["sha256"] in answer.out
    assert medassist("models", "check", "tiny_segmenter").code == 0
    assert medassist("models", "remove", "tiny_segmenter").code == 0
    assert nothing_left()


def test_a_folder_is_copied_and_may_be_called_otherwise(medassist, bundle) -> None:
    answer = medassist("models", "add", bundle, "--name", "mine", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["name"] == "mine"
    shutil.rmtree(bundle)
    assert medassist("models", "check", "mine").code == 0


def test_what_a_package_lacks_is_said(medassist, tmp_path) -> None:
    package = write_classifier(tmp_path / "bare")
    (package / "LICENSE").write_text("\n# Some licence\n")
    change_json(package, "metadata", intended_use="Tests.")
    answer = medassist("models", "add", package)
    assert "Some licence" in answer.out
    assert "no operating point" in answer.out
    assert "no test image" in answer.out
    assert "no intended use" not in answer.out


def test_a_model_that_changed_since_it_was_added_is_noticed(medassist, bundle) -> None:
    medassist("models", "add", bundle)
    assert "unchanged since it was added" in medassist("models", "check", "tiny_segmenter").out
    card = user_models_dir() / "tiny_segmenter" / "docs" / "README.md"
    card.write_text(card.read_text() + "!")
    answer = medassist("models", "check", "tiny_segmenter", "--json")
    assert answer.code == 4
    assert "changed since it was added" in answer.json["models"][0]["reason"]


def test_a_name_in_use_is_refused(medassist, refused, bundle) -> None:
    assert medassist("models", "add", bundle).code == 0
    before = sorted(user_models_dir().rglob("*"))
    assert "models remove tiny_segmenter" in refused(4, "models", "add", bundle)
    assert "tiny_segmenter" in refused(4, "models", "add", bundle, "--name", "Tiny_Segmenter")
    assert sorted(user_models_dir().rglob("*")) == before


def test_shipped_models_are_neither_shadowed_nor_removed(refused, bundle) -> None:
    assert "hippocampus_mr" in refused(4, "models", "add", bundle, "--name", "hippocampus_mr")
    assert "MedAssist" in refused(4, "models", "remove", "hippocampus_mr")
    assert (shipped_models_dir() / "hippocampus_mr" / "configs" / "metadata.json").is_file()
    assert nothing_left()


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "a b", "x" * 100])
def test_an_unfit_name_is_bad_usage(refused, bundle, name) -> None:
    refused(2, "models", "add", bundle, "--name", name)
    assert nothing_left()


def test_removing_needs_a_name_that_exists(refused) -> None:
    refused(2, "models", "remove", "nobody")
    refused(2, "models", "remove")
    refused(2, "models", "remove", "../models")


def test_a_broken_model_can_be_removed(medassist, bundle) -> None:
    medassist("models", "add", bundle)
    (user_models_dir() / "tiny_segmenter" / "configs" / "metadata.json").write_text("{")
    assert medassist("models", "remove", "tiny_segmenter").code == 0
    assert nothing_left()


def test_what_is_no_package_is_unreadable(refused, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("readme.txt", "hello")
    for path in ("empty", "text.zip", "other.zip", "nowhere"):
        refused(3, "models", "add", tmp_path / path)
    assert nothing_left()


# ---- attacks


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.canary),)


def expression(root: Path, canary: Path) -> None:
    code = f"$__import__('os').system('touch {canary}')"
    change_json(root, "inference", network_def={"_target_": "UNet", "spatial_dims": code})


def expression_in_a_transform(root: Path, canary: Path) -> None:
    code = f"$__import__('os').system('touch {canary}')"
    change_json(root, "inference", preprocessing={"_target_": "Compose", "transforms": [code]})


def evil_pickle(root: Path, canary: Path) -> None:
    torch.save({"weight": Evil(canary)}, root / "models" / "model.pt")
    sign(root)


def evil_bare_pickle(root: Path, canary: Path) -> None:
    (root / "models" / "model.pt").write_bytes(pickle.dumps(Evil(canary)))
    sign(root)


def weights_outside(root: Path, canary: Path) -> None:
    change_json(root, "metadata", medassist={"weights": {"file": "../../outside.pt", "sha256": "0" * 64}})


def wrong_hash(root: Path, canary: Path) -> None:
    change_json(root, "metadata", medassist={"weights": {"file": "models/model.pt", "sha256": "0" * 64}})


def system_as_network(root: Path, canary: Path) -> None:
    change_json(root, "inference", network_def={"_target_": "os.system", "command": f"touch {canary}"})


def evil_script(root: Path, canary: Path) -> None:
    (root / "scripts").mkdir()
    (root / "scripts" / "__init__.py").write_text(f"open({str(canary)!r}, 'w')\n")
    change_json(root, "inference", imports=["$import scripts"], network_def={"_target_": "scripts.Net"})


HARMFUL = (
    expression,
    expression_in_a_transform,
    evil_pickle,
    evil_bare_pickle,
    weights_outside,
    wrong_hash,
    system_as_network,
    evil_script,
)


@pytest.mark.parametrize("packed", [True, False], ids=["zip", "folder"])
@pytest.mark.parametrize("harm", HARMFUL, ids=lambda one: one.__name__)
def test_a_harmful_package_is_refused_and_leaves_nothing(refused, bundle, tmp_path, harm, packed) -> None:
    canary = tmp_path / "canary"
    harm(bundle, canary)
    source = zipped(bundle, top="tiny_segmenter/") if packed else bundle
    sentence = refused(4, "models", "add", source)
    assert str(source) in sentence
    assert ".models-" not in sentence
    assert not canary.exists()
    assert nothing_left()


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/evil", "C:\\evil", "C:/evil", "..\\evil", "a\\..\\..\\evil", "con", "a/NUL.txt"],
)
def test_a_member_that_leads_out_is_refused(refused, bundle, tmp_path, name) -> None:
    archive = zipped(bundle)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(member(name), b"evil")
    assert "written outside" in refused(4, "models", "add", archive)
    assert not [one for one in tmp_path.rglob("*") if "evil" in one.name]
    assert nothing_left()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(refused, bundle, kind) -> None:
    archive = zipped(bundle)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(member("models/link", kind | 0o777), b"/etc/passwd")
    assert "a link or device" in refused(4, "models", "add", archive)
    assert nothing_left()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_folder_with_a_link_is_refused(refused, bundle, tmp_path) -> None:
    (tmp_path / "secret").write_text("mine")
    (bundle / "docs" / "link").symlink_to(tmp_path / "secret")
    assert "a link or device" in refused(4, "models", "add", bundle)
    assert nothing_left()


def test_a_bomb_is_refused(refused, bundle, tmp_path) -> None:
    archive = zipped(bundle, **{"docs/bomb": b"\0" * 60_000_000})
    assert archive.stat().st_size < 500_000
    assert "would unpack to more" in refused(4, "models", "add", archive)
    assert nothing_left()


def test_a_bomb_that_lies_about_its_size_is_refused(refused, bundle) -> None:
    archive = zipped(bundle, **{"docs/bomb": b"\0" * 60_000_000})
    content = bytearray(archive.read_bytes())
    true, small = (60_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert content.count(true) == 2
    archive.write_bytes(content.replace(true, small))
    assert "announces" in refused(4, "models", "add", archive)
    assert nothing_left()


def test_too_many_files_are_refused(refused, bundle) -> None:
    archive = zipped(bundle, **{f"docs/{number}": b"" for number in range(5_001)})
    assert "would unpack to more" in refused(4, "models", "add", archive)
    assert nothing_left()


def test_two_members_of_one_name_are_refused(refused, bundle) -> None:
    archive = zipped(bundle)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("Models/MODEL.pt", b"other")
    assert "twice" in refused(4, "models", "add", archive)
    assert nothing_left()


def test_an_encrypted_zip_is_refused(refused, bundle) -> None:
    archive = zipped(bundle)
    content = bytearray(archive.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    archive.write_bytes(content)
    assert "encrypted" in refused(4, "models", "add", archive)
    assert nothing_left()


def test_a_damaged_zip_is_refused(refused, bundle) -> None:
    archive = zipped(bundle)
    content = archive.read_bytes()
    at = content.index(b"model.pt") + 4000
    archive.write_bytes(content[:at] + b"\xff" * 64 + content[at + 64 :])
    assert "announces" in refused(4, "models", "add", archive)
    assert nothing_left()
    archive.write_bytes(content[: len(content) // 2])
    refused(3, "models", "add", archive)


# ---- trust


def scripted(root: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Conv3d(1, 3, 1)), root / "models" / "model.pt")
    sign(root)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_program_is_added_only_when_it_is_trusted(medassist, refused, bundle) -> None:
    scripted(bundle)
    archive = zipped(bundle)
    sentence = refused(4, "models", "add", archive)
    assert f"medassist models trust {archive}" in sentence
    assert nothing_left()
    assert medassist("models", "trust", archive).code == 0
    added = medassist("models", "add", archive, "--name", "mine", "--json")
    assert added.code == 0, added.err
    assert added.json["trusted"]["by"]
    assert not added.json["explainable"]
    assert medassist("models", "check", "mine").code == 0
    card = user_models_dir() / "mine" / "docs" / "README.md"
    card.write_text(card.read_text() + "!")
    (listed,) = [one for one in medassist("models", "--json").json["models"] if one["name"] == "mine"]
    assert listed["trusted"] is None
    assert not listed["available"]
    assert "trust" in listed["reason"]
    assert medassist("models", "check", "mine").code == 4


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_trusted_torchscript_is_run_and_says_that_it_has_no_explanation(medassist, refused, bundle, tmp_path) -> None:
    scripted(bundle)
    medassist("models", "trust", bundle)
    write_mr_series(tmp_path / "mr", slices=8)
    answer = medassist("analyze", tmp_path / "mr", "-m", bundle, "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["explanations"] == []
    assert "no explanation is possible" in answer.err
    words = ("analyze", tmp_path / "mr", "-m", bundle, "-o", tmp_path / "other", "--explain", "gradcam")
    assert "no explanation is possible" in refused(4, *words)


def test_what_cannot_be_read_yet_can_be_trusted(medassist, bundle) -> None:
    change_json(bundle, "metadata", medassist={"task": "divination"})
    assert medassist("models", "trust", zipped(bundle)).code == 0
    assert medassist("models", "trust", bundle, "--revoke").code == 0


def test_trust_is_taken_back(medassist, refused, bundle) -> None:
    assert medassist("models", "trust", bundle, "--json").json["action"] == "trust model"
    assert "Trusted to run code" in medassist("models", "card", bundle).out
    assert medassist("models", "trust", bundle, "--revoke").code == 0
    assert "Trusted to run code" not in medassist("models", "card", bundle).out
    refused(2, "models", "trust", bundle, "--revoke")


def test_trust_in_what_has_changed_since_is_taken_back_by_name(medassist, bundle) -> None:
    medassist("models", "add", bundle)
    medassist("models", "trust", "tiny_segmenter")
    (user_models_dir() / "tiny_segmenter" / "more").write_text("")
    assert medassist("models", "trust", "tiny_segmenter", "--revoke").code == 0


def test_what_is_done_to_models_is_audited(medassist, bundle) -> None:
    trusted = medassist("models", "trust", bundle, "--json").json
    medassist("models", "add", bundle)
    medassist("models", "remove", "tiny_segmenter")
    medassist("models", "trust", bundle, "--revoke")
    lines = [json.loads(line) for line in audit_file().read_text().splitlines()]
    assert [line["action"] for line in lines] == ["trust model", "add model", "remove model", "revoke trust"]
    assert lines[0]["details"]["package_sha256"] == trusted["package_sha256"]
    assert verify().intact


def test_options_of_other_actions_are_bad_usage(refused, bundle) -> None:
    assert "--name" in refused(2, "models", "remove", "x", "--name", "y")
    assert "--revoke" in refused(2, "models", "add", bundle, "--revoke")


def test_check_tells_how_much_memory_a_run_needs(medassist, bundle) -> None:
    told = medassist("models", "check", bundle, "--json").json["models"][0]["memory"]
    assert told["expected_mb"] >= 1
    assert told["device"] == "cpu" or told["device"].startswith(("cuda", "mps"))
    assert f"{told['expected_mb']} MB of memory on" in medassist("models", "check", bundle).out


def test_a_run_that_may_not_fit_is_announced(medassist, bundle, tmp_path, monkeypatch) -> None:
    from medassist.inference import expected

    write_mr_series(tmp_path / "mr", slices=8)
    words = ("analyze", tmp_path / "mr", "-m", bundle, "-o", tmp_path / "out", "--explain", "none", "--fresh")
    assert "expected to need" not in medassist(*words).err  # piped, and nothing to fear
    monkeypatch.setattr(expected, "free_bytes", lambda _device: 1)
    assert "only 0 MB are free" in medassist(*words).err
