"""The house rules, as failing tests: floors, types, style, start-up imports and translations."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "medassist"
HEAVY = ("torch", "monai", "captum", "SimpleITK")


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["lint-imports", "--no-cache"]],
    ids=" ".join,
)
def test_checker_is_satisfied(command: list[str]) -> None:
    tool = Path(sys.executable).parent / command[0]
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["medassist.cli", "medassist.app"])
def test_start_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def _first_literal(call: ast.Call) -> str | None:
    if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
        return call.args[0].value
    return None


def _speaks(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    return name in {"tr", "warned", "UsageError", "UnreadableInput", "Refused", "UnwritableOutput", "MedAssistError"}


def spoken_texts() -> dict[str, str]:
    """Return every literal a person can see, with the file that says it."""
    texts: dict[str, str] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and _speaks(node)):
                continue
            remedies = [word.value for word in node.keywords if word.arg == "remedy"]
            spoken = [_first_literal(node), *(one.value for one in remedies if isinstance(one, ast.Constant))]
            texts.update({text: str(path.relative_to(ROOT)) for text in spoken if text})
    return texts


def test_every_text_is_translated() -> None:
    table: dict[str, str] = {}
    for path in (ROOT / "resources" / "translations" / "zh_CN").glob("*.json"):
        table.update(json.loads(path.read_text(encoding="utf-8")))
    missing = [f"{place}: {text}" for text, place in spoken_texts().items() if not table.get(text)]
    assert not missing, "\n".join(["without a Chinese text:", *missing])


def test_translations_keep_their_values() -> None:
    from string import Formatter

    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for path in (ROOT / "resources" / "translations" / "zh_CN").glob("*.json"):
        for english, chinese in json.loads(path.read_text(encoding="utf-8")).items():
            assert fields(chinese) == fields(english), f"{path.name}: {english}"


def test_one_text_has_one_translation() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for path in sorted((ROOT / "resources" / "translations" / "zh_CN").glob("*.json")):
        for english, chinese in json.loads(path.read_text(encoding="utf-8")).items():
            other = seen.setdefault(english, (chinese, path.name))
            assert other[0] == chinese, f"{english!r} differs in {path.name} and {other[1]}"


def test_no_file_carries_development_data() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    sizes = {name: os.path.getsize(ROOT / name) for name in tracked if name and (ROOT / name).is_file()}  # noqa: PTH202
    assert not [name for name, size in sizes.items() if size > 20 * 2**20]
