"""Print the release note of this version: its section of CHANGELOG.md (SystemExit when there is none).

    python packaging/release_note.py [TAG]

With a tag ("v0.2.0") it must be the version of medassist/__init__.py: a release never carries another number than the
program tells.
"""

from __future__ import annotations

import sys

from make_deb import sections, version


def note(tag: str = "") -> str:
    """Return the section of this version (SystemExit says what does not agree)."""
    here = version()
    if tag and tag != f"v{here}":
        raise SystemExit(f"the tag {tag} is not v{here}, the version in medassist/__init__.py")
    text = sections().get(here, "")
    if not text:
        raise SystemExit(f"CHANGELOG.md has no section for {here}")
    return text


if __name__ == "__main__":
    print(note(*sys.argv[1:2]))  # noqa: T201 - this script talks to a terminal
