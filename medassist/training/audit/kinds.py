"""Whether the classes of a folder are kinds of picture: such classes differ in everything, and are meant to."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MODALITIES = """
ct cbct mr mri pet us ultrasound xr xray cr dx cxr mg mammography spect scintigraphy angiography xa histology
"""
_PARTS = """
abdomen abdominal ankle arm body brain breast cardiac chest elbow eye face fetal foot forearm hand head heart hip kidney
knee leg liver lumbar lung neck pelvis prostate retina shoulder skull spine thorax whole wrist
"""
MODALITIES, PARTS = frozenset(_MODALITIES.split()), frozenset(_PARTS.split())


def are_kinds_of_picture(labels: Sequence[str]) -> bool:
    """Tell whether every label is made of nothing but modalities and parts of the body, and some differ in modality.

    "AbdomenCT" and "Hand" are; one label such as "Pneumonia" or "chest normal" makes the set an ordinary one.
    """
    words = [_words(label) for label in labels]
    if len(labels) < 2 or not all(word and word <= MODALITIES | PARTS for word in words):
        return False
    return len({frozenset(word & MODALITIES) for word in words}) > 1


def _words(label: str) -> frozenset[str]:
    """Return the words of a label: "BreastMRI" is breast and mri, "chest_x-ray" chest and xray."""
    joined = re.sub(r"(?i)x[-_ ]?ray", " xray ", label)
    return frozenset(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", joined))
