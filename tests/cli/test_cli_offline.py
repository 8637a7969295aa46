"""No verb needs a network: a run in a namespace without an interface, where any connection fails at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "resources" / "samples" / "RG1_J2KR.dcm"
ALONE = ("unshare", "--map-root-user", "--net")
CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=20)"


def alone(*command: object) -> subprocess.CompletedProcess[str]:
    words = [*ALONE, *(str(one) for one in command)]
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


@pytest.fixture(autouse=True)
def namespaces():
    if shutil.which("unshare") is None or alone("true").returncode != 0:
        pytest.skip("this system gives no network namespace to its users")


def test_the_namespace_has_no_way_out() -> None:
    assert "Network is unreachable" in alone(sys.executable, "-c", CONNECT).stderr


@pytest.mark.slow
def test_a_film_is_analysed_without_a_network(tmp_path) -> None:
    done = alone(sys.executable, "-m", "medassist", "analyze", SAMPLE, "-m", "chest_xray_findings", "-o", tmp_path,
                 "--explain", "gradcam")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert told["classes"]
    assert told["explanations"]
    assert (tmp_path / "report.html").is_file()
