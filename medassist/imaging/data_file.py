"""Where a MetaImage or NRRD header says its voxels are: a header from elsewhere must not open any file of this machine.

ITK follows such a header to /etc/passwd or /dev/zero and shows what it finds as a picture (measured with 2.5.7).
"""

from __future__ import annotations

import re
from pathlib import Path

from medassist.entities.errors import UnreadableInput

_HEADER_BYTES = 1 << 16
_NAMED = re.compile(rb"^\s*(?:ElementDataFile\s*=|data ?file:)[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_OUTSIDE = re.compile(r"(?:^|\s)(?:[\\/]|[A-Za-z]:)|(?:^|[\\/\s])\.\.(?:[\\/\s]|$)")


def check_data_file(path: Path) -> None:
    """Refuse a header that names voxels by an absolute path, or outside of its own folder (UnreadableInput)."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    for named in _NAMED.finditer(start):
        line = named[1].decode("latin-1").strip()
        # After LIST, the header ends with one name per line.
        names = start[named.end() :].decode("latin-1") if line.upper().startswith("LIST") else line
        outside = next((name for name in names.splitlines() if _OUTSIDE.search(name)), None)
        if outside is not None:
            raise UnreadableInput(
                "{path} names data outside its folder ({name}), which were not opened.", path=path, name=outside
            )
        if line.upper() == "LOCAL":  # the voxels follow
            return
