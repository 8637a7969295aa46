"""Whether every compressed transfer syntax can be read here: each decodes a tiny frame."""

from __future__ import annotations

from collections.abc import Iterator

from medassist.entities.study import warned
from medassist.session.checking.line import MISSING, OK, Line, named, plain

NAMES = {
    "JPEG Lossless, Non-Hierarchical (Process 14)": "JPEG Lossless",
    "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])": "JPEG Lossless SV1",
    "JPEG-LS Lossless Image Compression": "JPEG-LS",
    "JPEG-LS Lossy (Near-Lossless) Image Compression": "JPEG-LS near-lossless",
    "JPEG 2000 Image Compression (Lossless Only)": "JPEG 2000 lossless",
    "JPEG 2000 Image Compression": "JPEG 2000",
    "High-Throughput JPEG 2000 Image Compression (Lossless Only)": "HTJ2K lossless",
    "High-Throughput JPEG 2000 Image Compression": "HTJ2K",
}


def codecs() -> Iterator[Line]:
    """Decode a frame of every syntax and compare its values."""
    from medassist.imaging.codec_trial import SAMPLES, failure

    for sample in SAMPLES:
        title = named("codec", NAMES.get(sample.syntax.name, sample.syntax.name))
        reason = failure(sample)
        if reason:
            advice = warned("Install MedAssist again: pictures of this kind cannot be opened.")
            yield Line(title, MISSING, plain(reason), advice)
        else:
            yield Line(title, OK, warned("a frame is decoded and right"))
