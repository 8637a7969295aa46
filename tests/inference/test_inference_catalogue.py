"""Where models come from: shipped, the user's, Python packages; what is broken stays listed with its reason."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from bundles import write_segmenter

from medassist.entities.errors import Refused
from medassist.inference import catalogue
from medassist.inference.catalogue import Origin, find, names, origin, packages
from medassist.locations import user_models_dir

FOLDER = ""


def folder() -> str:
    return FOLDER


def broken() -> Path:
    raise OSError("no such disk")


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch):
    def install(**points: str) -> None:
        found = tuple(EntryPoint(name, value, catalogue.ENTRY_POINTS) for name, value in points.items())
        monkeypatch.setattr(catalogue, "entry_points", lambda *, group: found if group else ())

    return install


def test_a_python_package_offers_a_model_under_its_own_name(offer, tiny_segmenter, monkeypatch) -> None:
    monkeypatch.setattr("test_inference_catalogue.FOLDER", str(tiny_segmenter))
    offer(by_function="test_inference_catalogue:folder", by_value="test_inference_catalogue:FOLDER")
    for name in ("by_function", "by_value"):
        package = find(name)
        assert package.name == package.ref.name == name
        assert package.root == tiny_segmenter
        assert origin(package) is Origin.PYTHON
    assert {"by_function", "by_value"} <= {one.name for one in packages()}


@pytest.mark.parametrize("value", ["no_such_module:x", "test_inference_catalogue:broken", "pathlib:Path"])
def test_a_broken_offer_stays_listed_with_its_reason(offer, value) -> None:
    offer(theirs=value)
    (listed,) = [one for one in packages() if one.name == "theirs"]
    assert listed.availability.reason
    with pytest.raises(Refused):
        find("theirs")


def test_the_users_own_come_before_those_of_python_packages(offer, tiny_segmenter, monkeypatch) -> None:
    monkeypatch.setattr("test_inference_catalogue.FOLDER", str(tiny_segmenter))
    offer(mine="test_inference_catalogue:FOLDER", hippocampus_mr="test_inference_catalogue:FOLDER")
    root = write_segmenter(user_models_dir() / "mine")
    assert find("mine").root == root
    assert names()["mine"] is Origin.USER
    assert names()["hippocampus_mr"] is Origin.SHIPPED
    assert origin(find("hippocampus_mr")) is Origin.SHIPPED
    assert origin(find(tiny_segmenter)) is Origin.FOLDER


def test_the_group_is_asked_of_the_installed_packages() -> None:
    assert catalogue.entry_points is importlib.metadata.entry_points


def test_hidden_folders_are_no_models(tmp_path) -> None:
    write_segmenter(user_models_dir() / ".half")
    assert ".half" not in {one.name for one in packages()}
    assert ".half" not in names()
