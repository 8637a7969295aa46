"""Make `.venv` ready for `make run` and `make test`; needs nothing but Python's standard library.

    python3 packaging/bootstrap.py [--extra test]

Installs missing system libraries with apt when it may, chooses the build of torch that fits this machine, and
installs MedAssist with the pinned versions of constraints.txt. A second run with nothing changed returns at once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = ROOT / "constraints.txt"
LIBRARIES = ROOT / "packaging" / "debian-libraries.txt"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def say(text: str) -> None:
    """Print one line of what is going on."""
    print(f"medassist: {text}", flush=True)  # noqa: T201 - this script talks to a terminal


def fail(text: str) -> SystemExit:
    """Return the exit that ends the set-up with one sentence."""
    return SystemExit(f"medassist: {text}")


def run(command: Sequence[str | Path], *, quiet: bool = False) -> bool:
    """Run a command and tell whether it succeeded."""
    stream = subprocess.DEVNULL if quiet else None
    done = subprocess.run([str(word) for word in command], check=False, stdout=stream, stderr=stream)  # noqa: S603
    return done.returncode == 0


def pip(*words: str | Path) -> list[str | Path]:
    """Return a pip command of the virtual environment."""
    return [PYTHON, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]


def missing_libraries() -> list[str]:
    """Return the Debian packages of `debian-libraries.txt` that are not installed (none elsewhere)."""
    if shutil.which("dpkg-query") is None:
        return []
    lines = LIBRARIES.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    status = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *wanted]
    answer = subprocess.run(status, capture_output=True, text=True, check=False).stdout  # noqa: S603
    present = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in present]


def install_libraries() -> None:
    """Install missing system libraries, or print the exact line to type and go on."""
    missing = missing_libraries()
    if not missing:
        return
    line = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    sudo = [] if root else ["sudo", "--non-interactive"]
    if root or (shutil.which("sudo") and run(["sudo", "--non-interactive", "true"], quiet=True)):
        say(f"installing {len(missing)} system libraries with apt")
        os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
        if run([*sudo, "apt-get", "update", "--quiet=2"]) and run([*sudo, *line, "--quiet=2"]):
            return
        say("apt could not install them; the window may not start.")
    say(f"system libraries are missing. Type:\n    sudo apt-get update && sudo {' '.join(line)}")


def make_environment() -> None:
    """Create `.venv` with the Python that runs this script."""
    if PYTHON.exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise fail("Python's venv module is incomplete. Type: sudo apt-get install --yes python3-venv")
    say(f"creating {VENV.name} with Python {sys.version.split()[0]}")
    if not run([sys.executable, "-m", "venv", VENV]):
        raise fail(f"could not create {VENV}; see the lines above.")


def pinned_torch() -> str:
    """Return the requirement of constraints.txt for torch, e.g. "torch==2.13.0"."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line.strip() for line in lines if line.startswith("torch=="))


def torch_build() -> str | None:
    """Return the version of torch that is installed in `.venv`, with its build tag."""
    code = "from importlib.metadata import version; print(version('torch'))"
    answer = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or None


def has_nvidia_driver() -> bool:
    """Tell whether an NVIDIA driver is installed, so that a CUDA build is of use."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def local_cpu_wheel(requirement: str) -> bool:
    """Install a CPU wheel from pip's own find-links folders when they hold one."""
    offer = pip("install", "--no-index", "--no-deps", "--dry-run", "--report", "-", requirement)
    answer = subprocess.run([str(word) for word in offer], capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode != 0:
        return False
    found = [item["metadata"]["version"] for item in json.loads(answer.stdout)["install"]]
    return any("+cpu" in version for version in found) and run(pip("install", "--no-index", "--no-deps", requirement))


def pytorch_cpu_index(requirement: str) -> bool:
    """Install the CPU build from PyTorch's own index when it answers within five seconds."""
    try:
        urllib.request.urlopen(f"{TORCH_CPU_INDEX}/torch/", timeout=5).close()  # noqa: S310 - a constant https address
    except OSError as problem:
        say(f"PyTorch's CPU index did not answer within 5 s ({problem}).")
        return False
    return run(pip("install", "--no-deps", "--index-url", TORCH_CPU_INDEX, requirement))


def may_download_cuda() -> bool:
    """Ask before several gigabytes of CUDA are fetched for a machine that cannot use them."""
    if os.environ.get("MEDASSIST_ALLOW_CUDA") == "1":
        return True
    if not sys.stdin.isatty():
        return False
    return input("medassist: only the CUDA build of torch (several GB) can be had. Download it? [y/N] ").lower() == "y"


def install_torch() -> None:
    """Install the build of torch that fits this machine and say which one and why."""
    requirement = pinned_torch()
    if torch_build() is not None:
        return
    plain_build_is_cpu = sys.platform != "linux"
    if has_nvidia_driver() or plain_build_is_cpu:
        say(
            f"{requirement}: the registry's build ({'NVIDIA driver found' if not plain_build_is_cpu else sys.platform})"
        )
    elif local_cpu_wheel(requirement):
        say(f"{requirement}: CPU build from a local wheel (no NVIDIA driver found)")
    elif pytorch_cpu_index(requirement):
        say(f"{requirement}: CPU build from PyTorch's own index (no NVIDIA driver found)")
    elif may_download_cuda():
        say(f"{requirement}: the registry's build with CUDA, as you allowed")
    else:
        raise fail(
            "no CPU build of torch can be had: no local wheel, and PyTorch's index does not answer. Put a wheel into a "
            "folder named by PIP_FIND_LINKS, or set MEDASSIST_ALLOW_CUDA=1 to fetch the CUDA build (several GB)."
        )


def fingerprint(extra: str) -> str:
    """Return what the installation depends on, as a hash."""
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*parts, extra.encode(), sys.version.encode()])).hexdigest()


def install(extra: str) -> None:
    """Install MedAssist, editable, with `extra` and the pinned versions."""
    stamp = VENV / f"medassist-{extra or 'run'}.stamp"
    wanted = fingerprint(extra)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    make_environment()
    install_libraries()
    install_torch()
    say("installing MedAssist and what it needs (the first time takes a few minutes)")
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    if not run(pip("install", "--constraint", CONSTRAINTS, "--editable", target)):
        raise fail("pip could not install everything; its message above names the package.")
    say(f"ready: torch {torch_build()}, {VENV.name}")
    stamp.write_text(wanted)


def main() -> None:
    """Run the set-up."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this script meets whatever Python the machine has
        raise fail(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", default="", help="optional dependencies of pyproject.toml, e.g. test")
    install(parser.parse_args().extra)


if __name__ == "__main__":
    main()
