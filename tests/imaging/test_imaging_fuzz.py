"""A short budget of the fuzzer; `python tests/imaging/fuzz.py --n 2000` runs the long one."""

from __future__ import annotations

import sys

import fuzz
import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory limits of Linux")


def test_corrupted_copies_give_a_result_or_a_sentence():
    tally, broken = fuzz.run(60, seed=20261120)
    assert not broken
    assert sum(times for answer, times in tally.items() if answer.startswith("ok: 1")) >= 10
    assert sum(times for answer, times in tally.items() if answer.startswith("refused")) >= 20


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("raise ValueError('no sentence')", "BROKEN"),
        ("import os; os._exit(7)", "CRASH"),
        ("import time; time.sleep(60)", "HANG"),
        (
            "import time; began = time.process_time(); any(time.process_time() - began > 1.5 for _ in iter(int, 1))",
            "SLOW",
        ),
        ("bytearray(3 << 30)", "MEMORY"),
    ],
)
def test_the_fuzzer_sees_what_it_looks_for(tmp_path, monkeypatch, body, word):
    program = tmp_path / "worker.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(fuzz.HERE)!r})\n"
        "import fuzz; fuzz.LIMIT_S = 1.0\nfrom medassist.entities.errors import UnreadableInput\n"
        "def scan(path):\n"
        "    try:\n"
        f"        {body}\n"
        "    except MemoryError as problem:\n"
        "        raise UnreadableInput('{path} is damaged.', path=path) from problem\n"
        "fuzz.work(scan)\n",
        encoding="utf-8",
    )
    if word == "HANG":
        monkeypatch.setattr(fuzz, "SILENCE_S", 1.0)
    worker = fuzz.Worker(command=(sys.executable, str(program)))
    assert worker.ask(tmp_path / "any.dcm").startswith(word)
    worker.close()
