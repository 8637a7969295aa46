from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from bundles import change_json, write_classifier

from medassist import RESEARCH_USE_NOTICE
from medassist.entities.errors import Refused, UnreadableInput, UnwritableOutput
from medassist.entities.instances import Instances
from medassist.entities.prediction import ClassScore, Mask
from medassist.inference.packages import read
from medassist.progress import Progress
from medassist.training.card import rewrite
from medassist.training.evaluate import evaluate
from medassist.training.evaluation import asking
from medassist.training.evaluation.asking import Question, Said, cases
from medassist.training.evaluation.figures import confusion, figures, shares
from medassist.training.evaluation.parts import parts, subgroups
from medassist.training.evaluation.result import ALL, Case, Evaluation, Robustness, Strain, Strained, read_evaluation
from medassist.training.evaluation.writing import prepare, write
from medassist.training.layouts.reading import read_table
from medassist.training.metrics import Measured
from medassist.training.recipe import Label
from medassist.training.table import Row
from medassist.training.train import train

KINDS = ("CXR", "Hand")


def write_router(root):
    root = write_classifier(root)
    labels = [
        {"value": at, "label": name, "title_zh": zh, "threshold": 0.6}
        for at, (name, zh) in enumerate((("CXR", "胸片"), ("Hand", "手")))
    ]
    change_json(root, "metadata", medassist={"exclusive": True, "labels": labels})
    return read(root)


@pytest.fixture
def router(tmp_path):
    return write_router(tmp_path / "router")


@pytest.fixture
def pictures(tmp_path):
    """Twelve pictures of two kinds, each from a stretch of its own."""
    root = tmp_path / "pictures"
    root.mkdir()
    labels = np.arange(12) % 2
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32)).astype(np.uint8)
    np.savez(root / "set.npz", images=images, labels=labels, class_names=np.array(KINDS))
    return root


def scores(*probabilities: float) -> tuple[ClassScore, ...]:
    best = max(probabilities)
    return tuple(
        ClassScore(name, one, 0.6 if one == best else best, exclusive=True)
        for name, one in zip(KINDS, probabilities, strict=True)
    )


def ask_router(package, pictures, answers):
    """Judge answers in the order of the rows, without running anything."""
    table = read_table(pictures)
    question = Question(package, table, tuple(Label(at, one, (one,), (), {}) for at, one in enumerate(KINDS)), "cpu")
    told = iter(answers)
    return cases(question, table.rows, stage="", progress=Progress(), ask=lambda *_: next(told))


def test_exclusive_classes_have_an_accuracy_over_all_and_a_confusion_matrix(router, pictures) -> None:
    right = [Said(scores(0.9, 0.1)), Said(scores(0.2, 0.8))]
    wrong = [Said(scores(0.3, 0.7)), Said(scores(0.45, 0.55), unsure=True)]
    found = ask_router(router, pictures, right * 5 + wrong)
    metrics = figures(router, found, repeats=50)
    assert metrics[ALL]["accuracy"].value == pytest.approx(11 / 12)
    assert confusion(router, found) == ((5, 1), (0, 6))
    assert metrics["Hand"]["sensitivity"].value == 1.0
    assert metrics["Hand"]["sensitivity"].low == pytest.approx(0.025 ** (1 / 6)), "six stretches are not certainty"
    assert metrics["Hand"]["precision"].value == pytest.approx(6 / 7)
    assert shares(router, found, repeats=50)["unsure"].value == pytest.approx(1 / 12)


def test_a_router_is_measured_where_its_kinds_are(router, pictures) -> None:
    evaluation = evaluate(router, pictures, device="cpu")
    content = json.loads(json.dumps(evaluation.as_json(), allow_nan=False))
    assert content["kind"] == "classes"
    assert set(content["labels"]) == {ALL, *KINDS}
    assert {"accuracy", "ece", "brier", "f1"} <= set(content["labels"][ALL])
    assert {"sensitivity", "specificity", "auc"} <= set(content["labels"]["CXR"])
    assert sum(map(sum, content["confusion"])) == content["n"] == 12
    assert content["subjects"] == 12


def test_other_kinds_are_asked_for_refusals(router, pictures) -> None:
    with np.load(pictures / "set.npz") as archive:
        parts_ = dict(archive)
    np.savez(pictures / "set.npz", **{**parts_, "class_names": np.array(["CXR", "Knee"])})
    evaluation = evaluate(router, pictures, device="cpu")
    assert evaluation.kind == "refusals"
    assert set(evaluation.labels["Knee"]) == {"accepted", "unsure", "refused"}
    write(evaluation, router, pictures / "out", "en")
    page = (pictures / "out/evaluation.html").read_text()
    assert "Knee" in page
    assert "only whether it takes them was measured" in page


def test_a_row_of_no_class_is_named(router, films) -> None:
    table = read_table(films)
    question = Question(router, table, tuple(Label(at, one, (one,), (), {}) for at, one in enumerate(KINDS)), "cpu")
    with pytest.raises(UnreadableInput, match="row 0 belongs to 0 classes"):
        cases(question, table.rows[:1], stage="", progress=Progress(), ask=lambda *_: Said(scores(0.9, 0.1)))


def test_objects_are_held_against_the_true_ones(tmp_path) -> None:
    from PIL import Image

    truth = np.zeros((16, 20), np.uint16)
    truth[2:6, 2:6], truth[8:12, 8:12] = 1, 2
    for folder, array in (("images", np.zeros((16, 20, 3), np.uint8)), ("labels", truth)):
        (tmp_path / folder).mkdir()
        Image.fromarray(array).save(tmp_path / folder / "tile.png")
    (tmp_path / "index.csv").write_text("id,subset,field\ntile,pink,field_01\n")
    package = replace(write_router(tmp_path / "p"), task="instances", exclusive=False)
    package = replace(package, labels=package.labels[:1])
    question = Question(package, read_table(tmp_path), (), "cpu")
    found = np.where(truth == 1, 1, 0).astype(np.int32)[None]

    def answer(question, row, volume):
        grid = volume.geometry
        return Said(mask=Mask((found > 0).astype(np.uint8), grid, package.segments, instances=Instances(found, grid)))

    rows = question.table.rows
    judged = cases(question, rows, stage="", progress=Progress(), ask=answer)
    metrics = figures(package, judged, repeats=10)["CXR"]
    assert metrics["pq"].value == pytest.approx(1 / 1.5)
    assert metrics["aji"].value == 0.5
    assert (metrics["count_error"].value, metrics["count_bias"].value) == (1.0, -1.0)
    part = subgroups(package, rows, judged, repeats=10, progress=Progress())["subset=pink"].labels["CXR"]
    assert (part["pq"].low, part["pq"].high) == (0.0, 1.0), "one field tells nothing of the spread"
    assert "count_error" not in part


def test_parts_are_named_by_what_a_table_tells() -> None:
    rows = [
        Row(
            str(at), f"p{at}", None, {"sex": "FM"[at % 2], "age": str(30 + 10 * at), "source": "ab"[at % 2], "site": ""}
        )
        for at in range(4)
    ]
    found = parts(rows)
    assert found["source=a"] == [0, 2]
    assert {"sex=F", "sex=M", "age=0-39", "age=40-59", "age=60-120"} <= set(found)
    assert not [name for name in found if name.startswith("site")]
    many = [Row(str(at), f"p{at}", None, {"source": f"file{at}"}) for at in range(30)]
    assert parts(many) == {}


def findings_evaluation(package) -> Evaluation:
    random = np.random.default_rng(0)
    found = tuple(
        Case(
            f"p{at}",
            {
                label.label: {
                    "truth": float(at % 2),
                    "score": float(np.clip(0.3 * (at % 2) + random.random() * 0.7, 0, 1)),
                }
                for label in package.labels
            },
        )
        for at in range(40)
    )
    clean = Measured(0.8, 0.7, 0.9, 40)
    strain = Strain("noise", "exponent", tuple(Strained(one, clean, 0.0) for one in (1.0, 2.0)))
    return Evaluation(
        package.ref,
        40,
        40,
        figures(package, found, repeats=20),
        kind="findings",
        cases=found,
        robustness=Robustness("auc", clean, (strain,), clean, (replace(strain, name="fgsm"),)),
        audit={"Effusion": {"verdict": "alarm", "reasons": ["File <b>size</b>."], "reasons_zh_CN": ["文件大小"]}},
    )


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_page_needs_nothing_else_and_escapes_what_it_says(tmp_path, language) -> None:
    package = read(write_classifier(tmp_path / "p"))
    evaluation = findings_evaluation(package)
    written = write(evaluation, package, tmp_path / "out", language)
    names = {path.name for path in written}
    assert names == {
        "evaluation.json", "evaluation.html", "roc.png", "precision-recall.png", "reliability.png", "robustness.png"
    }  # fmt: skip
    page = (tmp_path / "out/evaluation.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert f"{evaluation.labels['Effusion']['auc'].value:.3f}" in page
    if language == "en":
        assert "File &lt;b&gt;size&lt;/b&gt;." in page
        assert RESEARCH_USE_NOTICE in page
    else:
        assert "文件大小" in page
        assert "胸腔积液" in page
        assert 'lang="zh-CN"' in page


def test_pictures_of_masks_objects_and_classes_are_drawn(tmp_path) -> None:
    package = write_router(tmp_path / "p")
    one = {
        label: {"dice": 0.9, "hd95_mm": 1.0, "volume_bias_ml": -0.1, "pq": 0.6, "count_bias": 3.0} for label in KINDS
    }
    found = tuple(Case(f"p{at}", one) for at in range(6))
    for kind in ("masks", "objects"):
        evaluation = Evaluation(package.ref, 6, 6, {}, kind=kind, cases=found)
        assert (tmp_path / kind / "cases.png") in write(evaluation, package, tmp_path / kind, "en")
    judged = tuple(
        Case(f"p{at}", {ALL: {"truth": at % 2, "answer": 0.0}, **{k: {"truth": at % 2, "score": 0.5} for k in KINDS}})
        for at in range(6)
    )
    evaluation = Evaluation(
        package.ref, 6, 6, figures(package, judged, repeats=5), kind="classes", cases=judged,
        confusion=confusion(package, judged),
    )  # fmt: skip
    assert (tmp_path / "c/confusion.png") in write(evaluation, package, tmp_path / "c", "en")


def test_a_folder_that_cannot_be_written_is_named(tmp_path) -> None:
    package = read(write_classifier(tmp_path / "p"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnwritableOutput, match="file"):
        write(findings_evaluation(package), package, tmp_path / "file", "en")


def test_figures_are_read_again_for_the_same_weights_only(tmp_path) -> None:
    package = read(write_classifier(tmp_path / "p"))
    evaluation = findings_evaluation(package)
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(evaluation.as_json()))
    again = read_evaluation(path, package.ref)
    assert again is not None
    assert again.labels["Effusion"]["auc"].value == pytest.approx(evaluation.labels["Effusion"]["auc"].value, abs=1e-6)
    assert again.audit["Effusion"]["verdict"] == "alarm"
    assert read_evaluation(path, replace(package.ref, sha256="0" * 64)) is None
    assert read_evaluation(tmp_path / "none.json", package.ref) is None


def test_the_labels_of_a_classifier_are_audited(films, tmp_path) -> None:
    """Bright films are told by their brightness alone: an alarm, in both languages."""
    root = write_classifier(tmp_path / "p")
    change_json(root, "metadata", medassist={"labels": [{"value": 0, "label": "Bright", "threshold": 0.5}]})
    text = (films / "index.csv").read_text().splitlines()
    (films / "index.csv").write_text("\n".join(line.rpartition(",")[0] for line in text) + "\n")
    evaluation = evaluate(read(root), films, device="cpu", audit=True)
    assert evaluation.n == 40
    found = evaluation.as_json()["audit"]["Bright"]
    assert found["verdict"] == "alarm"
    assert len(found["reasons"]) == len(found["reasons_zh_CN"]) > 0
    assert found["reasons"] != found["reasons_zh_CN"]
    assert evaluate(read(root), films, device="cpu").audit == {}


def test_nuclei_are_measured_by_subset(shared_data) -> None:
    """Three pictures of the data set against themselves, so that the road from file to figure is seen."""
    root = shared_data("nuclei_he")
    table = read_table(root)
    rows = [next(row for row in table.rows if row.columns["subset"] == name) for name in ("white", "pink")]
    for row in rows:
        volume = asking.image_of(table, row)
        truth = asking.mask_of(table, row, volume)
        assert truth.shape == (1, 256, 320)
        assert len(np.unique(truth)) - 1 == int(row.columns["n_nuclei"])


def test_cards_are_written_again_from_what_lies_in_the_bundle(films, classifier_recipe, tmp_path) -> None:
    """A verdict that was written into the figures comes into both cards, and figures of other weights do not."""
    out = train(classifier_recipe(("epochs = 4", "epochs = 1")), films, tmp_path / "out")
    english, chinese = out / "docs/README.md", out / "docs/README.zh-CN.md"
    content = json.loads((out / "docs/evaluation.json").read_text())
    assert content["audit"]["Bright"]["verdict"] == "alarm"
    assert "| Bright | **alarm** |" in english.read_text()
    assert "| Bright | **警报** |" in chinese.read_text()
    before = english.read_text(), chinese.read_text()
    english.write_text("")
    assert rewrite(out) == (english, chinese)
    assert (english.read_text(), chinese.read_text()) == before
    content["model"]["sha256"] = "0" * 64
    (out / "docs/evaluation.json").write_text(json.dumps(content))
    rewrite(out)
    assert "Nothing was measured" in english.read_text()


def test_missing_libraries_of_the_pictures_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("medassist.plugins._is_there", lambda name: name != "matplotlib")
    with pytest.raises(Refused, match="matplotlib"):
        prepare(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folds_nobody_left_out_are_refused(films, tmp_path) -> None:
    package = read(write_classifier(tmp_path / "p"))
    with pytest.raises(Refused, match="does not say which folds"):
        evaluate(package, films, device="cpu")
