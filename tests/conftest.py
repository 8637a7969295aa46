"""Fixtures every room may use. Data of `../shared/data` is optional: tests that need it skip with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from medassist.language import current_language, set_language

# The same examples in every run: a green commit stays green. `make test PYTEST_ADDOPTS=--hypothesis-profile=explore`
# draws new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("repeatable")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """Return a path under ../shared/data, or skip the test with the reason."""
    path = SHARED_DATA / relative
    if not path.exists():
        pytest.skip(f"development data not present: ../shared/data/{relative}")
    return path


@pytest.fixture
def shared_data():
    return shared


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep every test out of the user's own settings, data and cache; speak English."""
    for variable in ("MEDASSIST_DATA", "MEDASSIST_CACHE", "MEDASSIST_CONFIG", "MEDASSIST_SITE"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    before = current_language()
    set_language("en")
    yield
    set_language(before)
