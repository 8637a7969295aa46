"""What a public bundle wants and MedAssist does not give is named: file, line, place and expression; nothing is run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zoo
import zoo_layouts as layouts

from medassist.entities.errors import Refused
from medassist.inference.packages import read
from medassist.inference.verify import check_parts


def refusal(root: Path) -> str:
    with pytest.raises(Refused) as caught:
        check_parts(read(root))
    assert caught.value.exit_code == 4
    assert not (root / "canary").exists()
    return caught.value.sentence()


def changed(tmp_path: Path, **config: Any) -> Path:
    """Write the spleen layout and then change its configuration: its weights are not what is refused."""
    root = zoo.write(layouts.spleen_ct(), tmp_path / "bundle")
    file = root / "configs" / "inference.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config, indent=4), encoding="utf-8")
    return root


def line_of(root: Path, text: str) -> str:
    lines = (root / "configs" / "inference.json").read_text(encoding="utf-8").splitlines()
    return f"inference.json, line {next(number for number, line in enumerate(lines, 1) if text in line)}: "


def with_step(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {name: zoo.compose(*zoo.LOAD, *steps) if name == "preprocessing" else zoo.compose(zoo.SOFTMAX, *steps)}


LAMBDA = zoo.transform("Lambdad", "image", func="$lambda x: x * 2")
AFTER = zoo.transform("Lambdad", "pred", func="$lambda x: x[1:]")
ARCH = {
    "arch_ckpt": "$torch.load(@arch_ckpt_path, map_location=torch.device('cuda'))",
    "dints_space": {
        "_target_": "monai.networks.nets.TopologyInstance",
        "arch_code": ["$@arch_ckpt['arch_code_a']", "$@arch_ckpt['arch_code_c']"],
    },
    "network_def": {"_target_": "monai.networks.nets.DiNTS", "dints_space": "@dints_space", "in_channels": 1},
}
WANTED = {
    "a lambda before": (with_step("preprocessing", LAMBDA), "Lambdad", "preprocessing.transforms[2]"),
    "a lambda after": (with_step("postprocessing", AFTER), "Lambdad", "postprocessing.transforms[1]"),
    "a scripted transform": (
        with_step("preprocessing", zoo.transform("scripts.my_transforms.ConcatImages")),
        "scripts.my_transforms.ConcatImages",
        "preprocessing.transforms[2]",
    ),
    "a transform of training": (
        with_step("preprocessing", zoo.transform("RandCropByPosNegLabeld", "image", label_key="label")),
        "RandCropByPosNegLabeld",
        "preprocessing.transforms[2]",
    ),
    "guidance beside the image": (
        {
            "deepedit": [zoo.transform("AddGuidanceSignalDeepEditd", "image", guidance="guidance")],
            "before": list(zoo.LOAD),
            "preprocessing": {"_target_": "Compose", "transforms": "$@before + @deepedit"},
        },
        "AddGuidanceSignalDeepEditd",
        "preprocessing.transforms[2]",
    ),
    "a scripted network": (
        {"network_def": {"_target_": "scripts.networks.unest.UNesT", "in_channels": 1, "out_channels": 4}},
        "scripts.networks.unest.UNesT",
        "network_def",
    ),
    "torchvision": (
        {"network_def": {"_target_": "TorchVisionFCModel", "model_name": "inception_v3", "num_classes": 4}},
        "needs torchvision, which MedAssist does not carry",
        "network_def",
    ),
    "an architecture from a file": (ARCH, "its architecture is found by a search", "network_def"),
    "two maps": ({"network_def": {"_target_": "HoVerNet", "mode": "fast"}}, "it answers several maps", "network_def"),
    "weights from the internet": (
        {"network_def": {"_target_": "DenseNet121", "spatial_dims": 3, "pretrained": True}},
        "weights from the internet",
        "network_def",
    ),
    "a scripted inferer": (
        {"inferer": {"_target_": "scripts.detection_inferer.RetinaNetInferer", "detector": "@detector"}},
        "scripts.detection_inferer.RetinaNetInferer",
        "inferer",
    ),
    "an activation of its own": (
        with_step("postprocessing", zoo.transform("Activationsd", "pred", other="$torch.relu")),
        "$torch.relu",
        "postprocessing.transforms[1].other",
    ),
    "a function to select": (
        with_step("preprocessing", zoo.transform("CropForegroundd", source_key="image", select_fn="$lambda x: x > 0")),
        "$lambda x: x > 0",
        "preprocessing.transforms[2].select_fn",
    ),
    "several series by name": (
        {"preprocessing": zoo.compose(zoo.transform("LoadImaged", ["artery", "vein", "excret"]))},
        "reads several images (artery, vein, excret)",
        "preprocessing.transforms[0]",
    ),
    "the system": (
        with_step("preprocessing", zoo.transform("ScaleIntensityd", minv="$__import__('os').system('true')")),
        "$__import__('os').system('true')",
        "preprocessing.transforms[2].minv",
    ),
}


@pytest.mark.parametrize("name", WANTED)
def test_what_is_not_allowed_is_named_with_its_line_and_place(tmp_path: Path, name: str) -> None:
    config, told, place = WANTED[name]
    root = changed(tmp_path, **config)
    sentence = refusal(root)
    assert "inference.json, line " in sentence
    assert "line ?" not in sentence
    assert told in sentence
    assert f"{place} " in sentence


def test_the_line_is_the_one_of_the_expression(tmp_path: Path) -> None:
    root = changed(tmp_path, **with_step("postprocessing", AFTER))
    assert line_of(root, '"Lambdad"') in refusal(root)
    root = changed(tmp_path, inferer=zoo.transform("SlidingWindowInferer") | {"roi_size": "$tuple(os.environ)"})
    assert "roi_size" in refusal(root)


TASKS = {
    "detection": ({"type": "object", "format": "dict", "num_channels": 1, "spatial_shape": ["n", "n", "n"]}, {}),
    "landmarks": ({"type": "tuples", "format": "points", "num_channels": 2, "spatial_shape": [2, 10]}, {}),
    "registration": ({"type": "image", "format": "magnitude", "num_channels": 1, "spatial_shape": [64, 64]}, {}),
    "generation": (
        {"type": "image", "format": "magnitude", "num_channels": 1, "spatial_shape": [64, 64]},
        {"type": "tuples", "format": "latent", "num_channels": 0, "spatial_shape": [64]},
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_other_tasks_are_refused_with_their_name(tmp_path: Path, task: str) -> None:
    output, given = TASKS[task]
    layout = layouts.spleen_ct()
    inputs = given or layout.inputs
    root = zoo.write(
        replace(layout, inputs=inputs, outputs=output, metadata={"task": f"Some {task}"}), tmp_path / "bundle"
    )
    with pytest.raises(Refused, match=r"metadata\.json") as caught:
        read(root)
    assert caught.value.exit_code == 4
    if not given:
        assert f"this package's task is Some {task} " in caught.value.sentence()
        assert "MedAssist runs segmentation and classification" in caught.value.sentence()


def test_a_format_that_says_classes_needs_no_shape_of_a_vector(tmp_path: Path) -> None:
    layout = layouts.endoscopic_inbody()
    output = {**layout.outputs, "type": "image", "format": "classification", "spatial_shape": [64, 64]}
    assert read(zoo.write(replace(layout, outputs=output), tmp_path / "bundle")).task == "classification"


def test_more_inputs_than_an_image_are_refused(tmp_path: Path) -> None:
    root = zoo.write(layouts.spleen_ct(), tmp_path / "bundle")
    file = root / "configs" / "metadata.json"
    about = json.loads(file.read_text())
    about["network_data_format"]["inputs"]["guidance"] = {"type": "points"}
    file.write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(Refused, match="takes image, guidance, and MedAssist gives one image"):
        read(root)


@pytest.mark.parametrize("count", [0, 300, 10**9])
def test_a_mask_of_more_labels_than_it_can_hold_is_refused(tmp_path: Path, count: int) -> None:
    layout = layouts.spleen_ct()
    root = zoo.write(replace(layout, outputs=layout.outputs | {"num_channels": count}), tmp_path / "bundle")
    with pytest.raises(Refused, match=r"outputs\.pred\.num_channels must be a number from 1 to 256\."):
        read(root)


def test_names_of_labels_are_made_fit_for_reports(tmp_path: Path) -> None:
    names = ["background", "a\\b^c\n\x1b[2J\x00\ud800 脾", "x" * 1_000_000, " \n"]
    layout = layouts.spleen_ct()
    root = zoo.write(replace(layout, outputs=zoo.outputs(names, [32, 32, 32])), tmp_path / "bundle")
    assert [label.label for label in read(root).labels] == ["a/b^c [2J 脾", "x" * 64, "Channel 3"]


@pytest.mark.timeout(60)
def test_a_hundred_thousand_labels_are_read(tmp_path: Path) -> None:
    names = ["the same"] * 99_990 + [f"label {at}" for at in range(10)]
    layout = replace(layouts.classification_template(), outputs=zoo.scores(names))
    labels = read(zoo.write(layout, tmp_path / "bundle")).labels
    assert (labels[0].label, labels[-1].label, len({label.label for label in labels})) == (
        "the same (0)",
        "label 9",
        100_000,
    )


@pytest.mark.parametrize(
    "path",
    ["../model.pt", "/etc/passwd", "$@bundle_root + '/../../other.pt'", "$os.path.join(@bundle_root, '..', 'x')"],
)
def test_weights_outside_of_the_bundle_are_refused(tmp_path: Path, path: str) -> None:
    root = changed(tmp_path, checkpointloader={"_target_": "CheckpointLoader", "load_path": path})
    with pytest.raises(Refused, match=r"checkpointloader\.load_path points outside the package"):
        read(root)


def test_a_path_that_is_code_is_not_run_and_the_usual_place_is_taken(tmp_path: Path) -> None:
    code = f"$__import__('pathlib').Path('{tmp_path / 'bundle' / 'canary'}').touch() or 'models/model.pt'"
    root = changed(tmp_path, handlers=[{"_target_": "CheckpointLoader", "load_path": code}], checkpointloader={})
    assert read(root).weights == root / "models" / "model.pt"
    assert not (root / "canary").exists()


def test_what_metadata_tells_is_taken_and_the_rest_is_missing(tmp_path: Path) -> None:
    from medassist.inference.missing import missing

    package = read(zoo.write(layouts.spleen_ct(), tmp_path / "bundle"))
    assert (package.foreign, package.task, package.version) == (True, "segmentation", "0.3.1")
    assert (package.input.dimensions, package.input.channels, package.input.values) == (3, 1, "modality")
    assert package.suitability.modality == ("CT",)
    assert [(label.value, label.label) for label in package.labels] == [(1, "spleen")]
    assert len(package.sha256) == 64
    assert package.availability.ok
    said = " ".join(missing(package))
    for word in ("SHA-256", "codes", "layer to explain"):
        assert word in said


def test_changed_weights_are_another_model(tmp_path: Path) -> None:
    import torch

    root = zoo.write(layouts.spleen_ct(), tmp_path / "bundle")
    before = read(root)
    torch.save({"weight": torch.zeros(1)}, root / "models" / "model.pt")
    assert read(root).sha256 != before.sha256
    with pytest.raises(Refused, match="is not the file its metadata promises"):
        check_parts(before)
