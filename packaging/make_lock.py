"""Write the pinned versions and hashes that packages are built from: `pip install uv`, then run this.

    python packaging/make_lock.py [--find-links FOLDER]

Versions are those of constraints.txt. `linux-cpu.txt` takes torch's CPU build from PyTorch's index, or from a folder
that holds it; `universal.txt` takes torch from the registry, which is CUDA on Linux and the CPU on Windows and macOS;
`build.txt` is what builds.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "packaging" / "lock"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PYTHON = "3.11"
HEAD = "# Written by packaging/make_lock.py; do not edit.\n"


def compiled(*words: str) -> str:
    """Return what uv resolves (CalledProcessError when it cannot)."""
    tool = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    command = [tool, "pip", "compile", "--constraint", "constraints.txt", "--generate-hashes",
               "--no-header", "--no-annotate", "--python-version", PYTHON, *words]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)
    return HEAD + done.stdout


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--find-links", help="a folder with the CPU build of torch; without it PyTorch's index is asked"
    )
    folder = parser.parse_args().find_links
    cpu = ["--find-links", folder] if folder else ["--extra-index-url", TORCH_CPU_INDEX]
    linux = ("--python-platform", "x86_64-manylinux_2_36")
    LOCKS.mkdir(exist_ok=True)
    wanted = {
        "linux-cpu.txt": ("pyproject.toml", "--extra", "cpu", *linux, *cpu, "--index-strategy", "unsafe-best-match"),
        "universal.txt": ("pyproject.toml", "--extra", "cpu", "--universal"),
        "build.txt": ("--group", "package", "--universal"),
    }
    for name, words in wanted.items():
        (LOCKS / name).write_text(compiled(*words), encoding="utf-8")


if __name__ == "__main__":
    main()
