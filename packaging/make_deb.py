"""Make the Debian package of a frozen folder: `make_deb.py DIST OUT` (`make deb` freezes first).

DIST holds `medassist/`, as `medassist.spec` leaves it, and `depends.json`, the packages its system libraries belong to.
The program goes to /opt/medassist; nothing is written outside the package, so that removal leaves nothing behind.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from textwrap import fill

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / "packaging" / "deb"
LIBRARIES = ROOT / "packaging" / "debian-libraries.txt"
MAINTAINER = "The MedAssist developers <developers@medassist.invalid>"
LARGEST = 10


def version() -> str:
    """Return the version of the program, from the one place that has it."""
    text = (ROOT / "medassist" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    assert found is not None  # noqa: S101 - our own file
    return found[1]


def sections() -> dict[str, str]:
    """Return the text of every section of CHANGELOG.md, by version; that of what comes next is "Unreleased"."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.findall(r"^## \[?([\w.-]+)\]?[^\n]*\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return {name: body.strip() for name, body in found}


def changes() -> str:
    """Return what the package tells as its changes: this version's section, before a release that of the next one."""
    return sections().get(version()) or sections().get("Unreleased", "")


def debian_changes(name: str) -> str:
    """Return the changes in the form Debian's tools read."""
    entries = re.split(r"\n(?=- |###)", changes())
    lines = "\n".join(fill(one.strip(), 76, initial_indent="  ", subsequent_indent="    ") for one in entries)
    day = format_datetime(datetime.fromtimestamp(epoch(), UTC))
    return f"{name} ({version()}) unstable; urgency=medium\n\n{lines}\n\n -- {MAINTAINER}  {day}\n"


def epoch() -> int:
    """Return the time all files get (SOURCE_DATE_EPOCH, else the last commit): two builds of one tree are alike."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is None:
        command = ["git", "log", "-1", "--format=%ct"]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return int(told)


def lay_out(dist: Path, root: Path, suffix: str) -> None:
    """Put everything where the package has it, but for the control files."""
    name = f"medassist{suffix}"
    shutil.copytree(dist / "medassist", root / "opt" / "medassist", symlinks=True)
    place(root / "usr/bin/medassist").symlink_to("/opt/medassist/medassist")
    copy(PARTS / "medassist.desktop", root / "usr/share/applications/medassist.desktop")
    copy(PARTS / "medassist.xml", root / "usr/share/mime/packages/medassist.xml")
    copy(ROOT / "packaging/icons/medassist.svg", root / "usr/share/icons/hicolor/scalable/apps/medassist.svg")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, ROOT / "packaging" / "make_icons.py", folder]
        subprocess.run(command, check=True)  # noqa: S603
        for picture in Path(folder).glob("medassist-*.png"):
            size = picture.stem.rpartition("-")[2]
            copy(picture, root / f"usr/share/icons/hicolor/{size}x{size}/apps/medassist.png")
    day = datetime.fromtimestamp(epoch(), UTC)
    manual = (PARTS / "medassist.1").read_text().replace("@VERSION@", version()).replace("@DATE@", f"{day:%Y-%m-%d}")
    write(root / "usr/share/man/man1/medassist.1.gz", gzip.compress(manual.encode(), mtime=0))
    copy(PARTS / "copyright", root / f"usr/share/doc/{name}/copyright")
    write(root / f"usr/share/doc/{name}/changelog.gz", gzip.compress(debian_changes(name).encode(), 9, mtime=0))
    overrides = (PARTS / "overrides").read_text().replace("@SUFFIX@", suffix)
    write(root / f"usr/share/lintian/overrides/{name}", overrides.encode())


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    place(path).write_bytes(content)


def copy(source: Path, path: Path) -> None:
    """Copy a file and make the folders above it."""
    shutil.copyfile(source, place(path))


def place(path: Path) -> Path:
    """Return the path after making the folder it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def plain(root: Path) -> None:
    """Give every file of the package the same owner's rights and time, whoever builds it."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            run = path.is_dir() or (path.stat().st_mode & 0o100 and is_program(path))
            path.chmod(0o755 if run else 0o644)
        os.utime(path, (epoch(), epoch()), follow_symlinks=False)


def is_program(path: Path) -> bool:
    """Return whether a file can be run: wheels mark libraries and even licences so."""
    with path.open("rb") as file:
        begins = file.read(4)
    return begins[:2] == b"#!" or (begins == b"\x7fELF" and ".so" not in path.name)


def control(root: Path, depends: list[str], suffix: str) -> None:
    """Write DEBIAN/control and the check sums."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    command = ["dpkg", "--print-architecture"]
    architecture = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    values = {
        "SUFFIX": suffix,
        "VERSION": version(),
        "MAINTAINER": MAINTAINER,
        "SIZE_KIB": str(size // 1024 + 1),
        "ARCHITECTURE": architecture.stdout.strip(),
        "DEPENDS": ", ".join(sorted({*depends, *of_window(), "shared-mime-info"})),
    }
    text = (PARTS / "control.in").read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    write(root / "DEBIAN/control", text.encode())
    command = ["md5sum", *(path.relative_to(root) for path in files)]
    sums = subprocess.run(command, cwd=root, capture_output=True, check=True)  # noqa: S603
    write(root / "DEBIAN/md5sums", sums.stdout)


def of_window() -> set[str]:
    """Return what Qt opens at run time, beside what it is linked to; fonts are recommended, not needed."""
    lines = LIBRARIES.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", "fonts-"))}


def largest(folder: Path) -> Iterator[str]:
    """Yield one line for each of the largest parts of the payload, MB as installed."""
    inside = folder / "_internal" if (folder / "_internal").is_dir() else folder
    sizes = {one.name: weight(one) for one in inside.iterdir()}
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])[:LARGEST]:
        yield f"{size / 1e6:8.1f} MB  {name}"
    yield f"{sum(sizes.values()) / 1e6:8.1f} MB  all {len(sizes)} parts"


def weight(part: Path) -> int:
    """Return the size of a file, or of all files of a folder, in bytes."""
    files = (path for path in (part, *part.rglob("*")) if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def main() -> None:
    """Make the package; print its largest parts and its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--suffix", default="", help='"-cuda" for the flavour with CUDA')
    parser.add_argument("--compress", default="xz", choices=("xz", "zstd"), help="zstd is quicker, and larger")
    given = parser.parse_args()
    depends = json.loads((given.dist / "depends.json").read_text())
    with tempfile.TemporaryDirectory(dir=given.dist) as folder:
        root = Path(folder) / "root"
        lay_out(given.dist, root, given.suffix)
        plain(root)
        control(root, depends, given.suffix)
        plain(root / "DEBIAN")
        given.out.mkdir(parents=True, exist_ok=True)
        command = ["dpkg-deb", "--root-owner-group", f"-Z{given.compress}", "--build", root, given.out]
        subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch())})  # noqa: S603
    for line in largest(given.dist / "medassist"):
        print(line)  # noqa: T201 - this script talks to a terminal
    for package in sorted(given.out.glob(f"medassist{given.suffix}_*.deb")):
        print(f"{package.stat().st_size / 1e6:8.1f} MB  {package}")  # noqa: T201


if __name__ == "__main__":
    main()
