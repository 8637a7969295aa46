"""What must be marked on the picture itself: pixels that were compressed with loss, and pictures of either side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from medassist.imaging import tags
from medassist.imaging.frames import Frame
from medassist.imaging.header_file import HeaderFile
from medassist.imaging.quick_header import QuickHeader

LOSSY_SYNTAXES = (
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    *(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109)),  # MPEG-2, MPEG-4, HEVC
)
"""What never keeps every bit; JPEG-LS near-lossless and JPEG 2000 may, so only their header tells."""


def files_of(frames: Sequence[Frame], header_of: Mapping[Path, HeaderFile]) -> list[HeaderFile]:
    """Return the files of frames, each once."""
    return [header_of[path] for path in dict.fromkeys(frame.path for frame in frames)]


def lossy_ratio(files: Sequence[HeaderFile]) -> float | None:
    """Return how much smaller the pixels were made with loss, at most; 0 where nobody says, None without loss.

    (0028,2110) stays "01" for good once pixels were compressed so (PS3.3 C.7.6.1.1.5), also after they were unpacked.
    """
    found = [_ratio(file) for file in files if _is_lossy(file)]
    return max(found) if found else None


def _is_lossy(file: HeaderFile) -> bool:
    header = file.header
    syntax = header.syntax if isinstance(header, QuickHeader) else header.file_meta.get("TransferSyntaxUID", "")
    return file.text("LossyImageCompression") == "01" or str(syntax) in LOSSY_SYNTAXES


def _ratio(file: HeaderFile) -> float:
    """Return the ratio of all steps: each successive one is told, and they multiply."""
    whole = 1.0
    for text in tags.texts((file.header,), "LossyImageCompressionRatio"):
        try:
            step = float(text)
        except ValueError:
            return 0.0
        whole *= step if 1.0 <= step < 1e6 else 1.0
    return whole if whole > 1.0 else 0.0


def side_of(file: HeaderFile) -> str:
    """Return the side a picture is of: "L", "R", "B", "" where the header does not tell."""
    return file.text("ImageLaterality") or file.text("Laterality")


def sides_of(frames: Sequence[Frame], header_of: Mapping[Path, HeaderFile]) -> tuple[str, ...]:
    """Return the side of every frame where they are not all of the same, () where they are."""
    told = {path: side_of(header_of[path]) for path in dict.fromkeys(frame.path for frame in frames)}
    return tuple(told[frame.path] for frame in frames) if len(set(told.values())) > 1 else ()


def shared_texts(files: Sequence[HeaderFile], keyword: str) -> tuple[str, ...]:
    """Return the values of an attribute where all files say the same, () where they do not."""
    told = {tags.texts((file.header,), keyword) for file in files}
    return told.pop() if len(told) == 1 else ()
