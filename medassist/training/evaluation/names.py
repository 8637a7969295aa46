"""What figures are called on a page, and how one is written."""

from __future__ import annotations

from collections.abc import Mapping

from medassist.report.wording import Wording
from medassist.training.metrics import Measured

COLUMNS = {
    "findings": (
        "auc",
        "auprc",
        "sensitivity",
        "specificity",
        "precision",
        "f1",
        "accuracy",
        "brier",
        "ece",
    ),
    "classes": (
        "accuracy",
        "balanced_accuracy",
        "sensitivity",
        "specificity",
        "precision",
        "f1",
        "auc",
        "auprc",
        "brier",
        "ece",
    ),
    "masks": (
        "dice",
        "surface_dice_1mm",
        "hd95_mm",
        "hd95_px",
        "volume_error_ml",
        "volume_bias_ml",
        "area_error_mm2",
        "area_bias_mm2",
    ),
    "objects": ("pq", "aji", "f1_iou50", "dice", "count_error", "count_bias"),
    "refusals": ("accepted", "unsure", "refused"),
}
"""The figures of a table by kind of evaluation, in order."""
THREE_DIGITS = ("dice", "surface_dice_1mm", "pq", "aji", "f1_iou50", "auc", "auprc", "ece", "brier")


def name_of(metric: str, wording: Wording) -> str:
    """Return what a figure is called in a language; the name of the contract for one that has no other."""
    tr = wording.tr
    names = {
        "auc": "AUC",
        "auprc": "AUPRC",
        "ece": tr("Calibration error (ECE)"),
        "brier": tr("Brier score"),
        "f1": "F1",
        "sensitivity": tr("Sensitivity"),
        "specificity": tr("Specificity"),
        "precision": tr("Precision"),
        "accuracy": tr("Accuracy"),
        "balanced_accuracy": tr("Balanced accuracy"),
        "dice": "Dice",
        "surface_dice_1mm": tr("Surface Dice (1 mm)"),
        "hd95_mm": "HD95 (mm)",
        "hd95_px": "HD95 (px)",
        "volume_error_ml": tr("Volume error, absolute (ml)"),
        "volume_bias_ml": tr("Volume error, signed (ml)"),
        "area_error_mm2": tr("Area error, absolute (mm²)"),
        "area_bias_mm2": tr("Area error, signed (mm²)"),
        "pq": tr("Panoptic quality (PQ)"),
        "aji": tr("Aggregated Jaccard index (AJI)"),
        "f1_iou50": tr("F1 (IoU > 0.5)"),
        "count_error": tr("Count error, absolute"),
        "count_bias": tr("Count error, signed"),
        "accepted": tr("accepted"),
        "unsure": tr("unsure"),
        "refused": tr("refused"),
    }
    return names.get(metric, metric)


def change_of(name: str, wording: Wording) -> str:
    """Return what a way to change images is called in a language."""
    tr = wording.tr
    names = {
        "noise": tr("noise"),
        "blur": tr("blur"),
        "gamma": tr("gamma"),
        "resampling": tr("resampling"),
        "jpeg": tr("JPEG"),
        "random": tr("random change"),
        "fgsm": "FGSM",
        "pgd": "PGD",
    }
    return names.get(name, name)


def columns_of(kind: str, labels: Mapping[str, Mapping[str, Measured]]) -> tuple[str, ...]:
    """Return the figures of the table of a kind that at least one label has."""
    return tuple(name for name in COLUMNS[kind] if any(name in metrics for metrics in labels.values()))


def digits_of(metric: str) -> int:
    """Return how many decimals a figure is written with."""
    return 3 if metric in THREE_DIGITS else 2
