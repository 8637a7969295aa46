"""Run a snippet in a Python of its own, offscreen, and read what it prints last."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def last_line(code: str) -> str:
    """Return the last line the snippet prints."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)  # noqa: S603
    return done.stdout.splitlines()[-1]


def clocked(code: str) -> float:
    """Return the seconds from starting the process until the snippet calls `shown()`."""
    began = time.time()
    return float(last_line("import time\ndef shown():\n    print(time.time())\n" + code)) - began
