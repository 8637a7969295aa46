"""Fixtures every room may use. Data of `../shared/data` is optional: tests that need it skip with the reason."""

from __future__ import annotations

import os

# Before numpy or torch is imported. Sums come out the same on every machine, and two processes of tests do not fight
# over two cores; the processes that tests start inherit it.
os.environ.update(
    OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="1"
)

import random
import sys
from pathlib import Path

import numpy as np
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
def same_numbers():
    """Let every test draw the same numbers, whichever tests ran before it in its process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - what libraries draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep every test out of the user's own settings, data and cache; speak English."""
    for variable in ("MEDASSIST_DATA", "MEDASSIST_CACHE", "MEDASSIST_CONFIG", "MEDASSIST_SITE"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    before = current_language()
    set_language("en")
    yield
    set_language(before)
