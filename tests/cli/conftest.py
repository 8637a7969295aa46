"""Run verbs in this process and see what a shell would see."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest


@dataclass
class Answer:
    """Exit code and both streams of one run."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def medassist(capsys):
    from medassist.cli import main

    def run(*words: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        streams = capsys.readouterr()
        return Answer(int(stop.value.code or 0), streams.out, streams.err)

    return run


@pytest.fixture
def refused(medassist):
    """Run a verb that must fail with one sentence and nothing else; return the sentence."""

    def run(code: int, *words: object) -> str:
        answer = medassist(*words)
        lines = answer.err.strip().splitlines()
        assert answer.code == code, answer.err
        assert len(lines) == 1, answer.err
        assert "Traceback" not in answer.err
        return lines[0]

    return run
