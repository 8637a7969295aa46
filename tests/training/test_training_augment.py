"""Random pictures depend on seed, epoch and case alone, and are drawn without MONAI's history."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor, get_track_meta

from medassist.entities.errors import UsageError
from medassist.training.augment import build_augmentation

STEPS = (
    {"_target_": "RandAffined", "keys": ["image"], "prob": 1.0, "rotate_range": [0.3], "padding_mode": "border"},
    {"_target_": "RandGaussianNoised", "keys": ["image"], "prob": 1.0},
)


def drawn(seed: int, epoch: int, case: int) -> torch.Tensor:
    sample = {"image": torch.arange(64.0).reshape(1, 8, 8)}
    return build_augmentation(STEPS)(sample, seed, epoch, case)["image"]


def test_the_same_numbers_draw_the_same_picture_and_others_another() -> None:
    assert torch.equal(drawn(1, 2, 3), drawn(1, 2, 3))
    assert not any(torch.equal(drawn(1, 2, 3), drawn(*other)) for other in ((0, 2, 3), (1, 0, 3), (1, 2, 0)))


def test_no_history_is_kept_and_monai_is_left_as_it_was() -> None:
    before = get_track_meta()
    assert not isinstance(drawn(1, 2, 3), MetaTensor)
    assert get_track_meta() is before
    with pytest.raises(RuntimeError):
        build_augmentation(STEPS)({"image": torch.zeros(1, 1, 2, 3, 4, 5)}, 0, 0, 0)
    assert get_track_meta() is before


def test_what_is_not_random_is_refused() -> None:
    with pytest.raises(UsageError, match="Resized is no random dictionary transform"):
        build_augmentation([{"_target_": "Resized", "keys": ["image"]}])
