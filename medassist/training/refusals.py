"""Which pictures a model takes and which it refuses: rates by kind of picture, on a folder that names the kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Verdict
from medassist.entities.study import Study
from medassist.entities.volume import Volume
from medassist.inference.kind import kind_check
from medassist.inference.likeness import likeness
from medassist.inference.packages import Package
from medassist.inference.suitability import check
from medassist.progress import Progress
from medassist.training.layouts.layout import picture_volume
from medassist.training.metrics import Measured, bootstrap, never_certain

REPEATS = 1000
STRETCH = 200
"""Pictures up to this far apart in their source may be slices of one patient; they are drawn together."""
STAGE = "Checking pictures"
NOT_A_PICTURE_SET = "{path} holds no pictures with their kinds: {reason}."


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures (number, row, column) uint8, the kind of each, which of them may be related, and folds where told."""

    images: NDArray[np.uint8]
    kinds: tuple[str, ...]
    groups: tuple[str, ...]
    folds: NDArray[np.int64] | None = None


def picture_file(data: Path) -> Path | None:
    """Return the one .npz of a folder without `index.csv`, None for any other folder."""
    found = sorted(data.glob("*.npz")) if data.is_dir() and not (data / "index.csv").exists() else []
    return found[0] if len(found) == 1 else None


def read_pictures(path: Path) -> PictureSet:
    """Read `images`, `labels` and `class_names`, and `source_index` where it is told (UnreadableInput)."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"].astype(int)
            names = [str(name) for name in archive["class_names"]]
            order = archive["source_index"].astype(int) if "source_index" in archive else None
            folds = archive["fold"].astype(np.int64) if "fold" in archive else None
    except (OSError, ValueError, KeyError) as error:
        raise UnreadableInput(NOT_A_PICTURE_SET, path=path, reason=error) from error
    lengths = {len(one) for one in (images, labels, order) if one is not None}
    if images.ndim != 3 or images.dtype != np.uint8 or len(lengths) > 1:
        raise UnreadableInput(NOT_A_PICTURE_SET, path=path, reason=f"{images.dtype} {images.shape}")
    if not len(labels) or labels.min() < 0 or labels.max() >= len(names):
        raise UnreadableInput(NOT_A_PICTURE_SET, path=path, reason="labels")
    kinds = tuple(names[label] for label in labels)
    return PictureSet(images, kinds, _groups(kinds, order), folds)


def _groups(kinds: Sequence[str], order: NDArray[np.int64] | None) -> tuple[str, ...]:
    """Return the stretch each picture lies in; where no order is told each is for itself, and no stretch of others."""
    if order is None:
        return tuple(f"picture {at}" for at in range(len(kinds)))
    return tuple(f"{kind} {at // STRETCH}" for kind, at in zip(kinds, order, strict=True))


def refusal_rates(
    package: Package, pictures: PictureSet, *, device: str, progress: Progress
) -> dict[str, Mapping[str, Measured]]:
    """Return kind -> {"accepted", "refused", "unsure"}: shares that sum to 1, with 95 % intervals by stretch.

    A picture is refused when a row of the suitability table is red, and counts as unsure when the features are amber;
    what a picture without a header cannot tell does not make it unsure.
    """
    told = progress.over(range(len(pictures.images)), STAGE)
    verdicts = [_verdict(package, picture_volume(pictures.images[at], str(at)), device) for at in told]
    rates: dict[str, Mapping[str, Measured]] = {}
    for kind in dict.fromkeys(pictures.kinds):
        rows = [at for at, one in enumerate(pictures.kinds) if one == kind]
        rates[kind] = _rates([verdicts[at] for at in rows], [pictures.groups[at] for at in rows])
    return rates


def _verdict(package: Package, volume: Volume, device: str) -> Verdict:
    if any(row.verdict is Verdict.FAIL for row in check(package, Study(""), volume)):
        return Verdict.FAIL
    kind = kind_check(package, volume)
    if kind is not None and kind.verdict is Verdict.FAIL:
        return Verdict.FAIL
    row = likeness(package, volume, device=device)
    return Verdict.PASS if row is None else row.verdict


def _rates(verdicts: list[Verdict], groups: list[str]) -> Mapping[str, Measured]:
    named = {"accepted": Verdict.PASS, "unsure": Verdict.UNKNOWN, "refused": Verdict.FAIL}
    hits = {name: np.array([one is verdict for one in verdicts]) for name, verdict in named.items()}
    found = bootstrap(
        lambda rows: {name: float(each[rows].mean()) for name, each in hits.items()}, groups, repeats=REPEATS
    )
    return {name: never_certain(one, len(set(groups))) for name, one in found.items()}
