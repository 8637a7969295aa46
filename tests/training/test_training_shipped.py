"""The shipped models on the development data: small spot checks; `medassist evaluate` measures them in full."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from medassist.entities.errors import Refused
from medassist.entities.geometry import Geometry
from medassist.imaging.load import load
from medassist.imaging.scan import scan
from medassist.inference.packages import Package, read
from medassist.inference.predict import predict
from medassist.locations import shipped_models_dir
from medassist.progress import Progress
from medassist.training.baselines.nuclei import Settings, nuclei
from medassist.training.evaluate import evaluate
from medassist.training.instance_metrics import instance_metrics
from medassist.training.layouts.reading import image_of, mask_of, read_table
from medassist.training.mask_metrics import mask_metrics
from medassist.training.record import read_record

MODELS = ("hippocampus_mr", "chest_xray_findings", "nuclei_he", "modality_router")


def shipped(name: str) -> Package:
    return read(shipped_models_dir() / name)


@pytest.mark.parametrize("name", MODELS)
def test_package_is_whole(name) -> None:
    package = shipped(name)
    assert package.availability.ok
    assert package.weights.stat().st_size < 20_000_000
    assert set(package.cards) == {"en", "zh_CN"}
    assert (package.root / "LICENSE").is_file()
    assert read_record(package).subjects
    assert all(label.code is not None and label.title_zh for label in package.labels)


@pytest.mark.parametrize("name", MODELS)
def test_layer_of_the_explanation_exists(name) -> None:
    from medassist.inference.bundle import build_network

    package = shipped(name)
    assert package.explanation.layer in dict(build_network(package).named_modules())


@pytest.mark.parametrize("name", MODELS)
def test_codes_are_in_the_dictionary_or_private(name) -> None:
    from pydicom.sr._concepts_dict import concepts

    known = {(scheme, value) for scheme, names in concepts.items() for found in names.values() for value in found}
    for label in shipped(name).labels:
        for code in (label.code, label.category, label.modifier):
            assert code is None or code.scheme == "99MEDASSIST" or (code.scheme, code.value) in known, code
            assert code is None or len(code.value) <= 16


@pytest.mark.parametrize(
    ("name", "folder"), [(MODELS[0], "hippocampus"), (MODELS[1], "chest_xray_nih"), (MODELS[2], "nuclei_he")]
)
def test_training_people_are_refused(name, folder, shared_data) -> None:
    with pytest.raises(Refused, match="took part"):
        evaluate(shipped(name), shared_data(folder), folds=[0])


def test_hippocampus_of_unseen_people(shared_data) -> None:
    """Two volumes of the test fold; turning a volume round in space must turn its mask and change nothing else."""
    package = shipped("hippocampus_mr")
    table = read_table(shared_data("hippocampus"), "volume_pairs")
    rows = [row for row in table.rows if row.fold in read_record(package).test_folds]
    for row in rows[:2]:
        volume = image_of(table, row)
        truth = mask_of(table, row, volume)
        mask = predict(package, volume, device="cpu").mask
        assert mask is not None
        for value in (1, 2):
            assert mask_metrics(mask.labels_zyx == value, truth == value, (1.0, 1.0, 1.0))["dice"] > 0.8
    affine = np.array(volume.geometry.affine_lps)
    affine[:3, 3] = volume.geometry.to_world([volume.array_zyx.shape[2] - 1, volume.array_zyx.shape[1] - 1, 0])
    affine[:3, :2] *= -1
    turned = dataclasses.replace(
        volume,
        array_tzyx=volume.array_tzyx[:, :, ::-1, ::-1].copy(),
        geometry=Geometry(affine, volume.geometry.shape_zyx),
    )
    other = predict(package, turned, device="cpu").mask
    assert other is not None
    assert np.mean(other.labels_zyx[:, ::-1, ::-1] != mask.labels_zyx) < 1e-4


@pytest.mark.parametrize("name", ["11_HCropVolume", "13_HCropVolume", "14_HCropVolume"])
def test_dicom_crops_have_two_parts_in_the_right_order(name, shared_data) -> None:
    series = scan(shared_data(f"hippocampus/dicom_crops/{name}"), progress=Progress()).all_series()[0]
    mask = predict(shipped("hippocampus_mr"), load(series, progress=Progress()), device="cpu").mask
    assert mask is not None
    assert all(0.5 < mask.volume_ml(segment) < 3.0 for segment in mask.segments)
    centres = [mask.geometry.to_world(np.argwhere(mask.labels_zyx == value).mean(axis=0)[::-1]) for value in (1, 2)]
    assert centres[0][1] < centres[1][1] - 10.0, "anterior must lie in front (LPS y grows backwards)"


def test_chest_film_of_the_samples_gets_scores() -> None:
    from medassist.locations import resources_dir

    series = scan(resources_dir() / "samples/RG1_J2KR.dcm", progress=Progress()).all_series()[0]
    scores = predict(shipped("chest_xray_findings"), load(series, progress=Progress()), device="cpu").scores
    assert [score.label for score in scores] == [label.label for label in shipped("chest_xray_findings").labels]
    assert all(0.0 < score.probability < 1.0 for score in scores)


def test_nuclei_are_outlined_better_than_by_the_classical_method(shared_data) -> None:
    """Tiles the model has learned from, so no test of how good it is; a mirrored picture has its nuclei mirrored."""
    package = shipped("nuclei_he")
    table = read_table(shared_data("nuclei_he"), "picture_pairs")
    model, classical = [], []
    for row in [one for one in table.rows if one.columns["subset"] == "white"][:3]:
        volume = image_of(table, row)
        truth = mask_of(table, row, volume)
        objects = predict(package, volume, device="cpu").instances
        assert objects is not None
        model.append(instance_metrics(objects.labels_zyx, truth)["pq"])
        classical.append(instance_metrics(nuclei(volume.array_zyx[0], Settings()), truth[0])["pq"])
    assert np.mean(model) > np.mean(classical) + 0.2
    turned = dataclasses.replace(volume, array_tzyx=volume.array_tzyx[:, :, :, ::-1].copy())
    mirrored = predict(package, turned, device="cpu").instances
    assert mirrored is not None
    agreement = instance_metrics(mirrored.labels_zyx[:, :, ::-1].copy(), objects.labels_zyx)
    assert agreement["f1_iou50"] > 0.85
