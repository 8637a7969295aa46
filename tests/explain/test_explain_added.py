"""Methods of other Python packages: found by their entry point, named when they do not fit, kept from doing harm."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from bundles import write_segmenter  # noqa: E402

from medassist.entities.errors import Refused, UsageError  # noqa: E402
from medassist.entities.geometry import Geometry  # noqa: E402
from medassist.entities.prediction import Mask  # noqa: E402
from medassist.entities.study import Series, SeriesKind  # noqa: E402
from medassist.entities.volume import Volume  # noqa: E402
from medassist.explain import added  # noqa: E402
from medassist.explain.guarded import Guarded  # noqa: E402
from medassist.explain.methods import METHODS, explain, find, methods  # noqa: E402
from medassist.inference.network import forget_networks, load_network  # noqa: E402
from medassist.inference.packages import read  # noqa: E402
from medassist.progress import Progress  # noqa: E402
from medassist.session.batch.asked import methods_of  # noqa: E402
from medassist.session.doctor import examine  # noqa: E402

CODE = '''
import numpy as np
from medassist.entities.errors import UsageError
from medassist.explain.protocol import Attribution, Layout, Setting
from medassist.plugins import Availability


class Plain:
    """Answers the image itself, and leaves everything behind that one can leave behind."""

    settings, reads_layer, remark = (Setting("power", "Power", 1.0, 0.5, 2.0, whole=False),), False, "Shows the image."

    def __init__(self, name="imagemap", answers=True):
        self.name, self.answers = name, answers

    def title(self, task):
        return "Image map" if self.name == "imagemap" else self.name

    def applies_to(self, task):
        return True

    def availability(self):
        return Availability()

    def passes(self, question):
        return 1.0

    def attribute(self, question, *, progress):
        module = question.network.module
        progress.step("Working")
        for part in module.modules():
            part.register_forward_hook(lambda *_: None)
        for one in module.parameters():
            one.grad = one.detach().clone()
            one.data.mul_(0.5)
        module.train()
        if not self.answers:
            raise KeyError("lost")
        if self.name == "misused":
            raise UsageError("There is no such thing.")
        values = question.inputs[0, 0].numpy().astype(np.float32)
        if self.name == "flatmap":
            values = values[0]
        quality = {"completeness_gap": np.inf} if self.name == "nonumber" else {"share": np.float32(0.5)}
        return Attribution(values, Layout.of_input(3), np.zeros((3, *values.shape), np.float32), quality=quality)


def flat():
    return None


good, broken, wrongname = Plain(), Plain("failing", answers=False), Plain("another")
flatmap, gradcam = Plain("flatmap"), Plain("gradcam")
nonumber, misused = Plain("nonumber"), Plain("misused")
halfway = type("Halfway", (), {"title": lambda self, task: "Half"})
'''
POINTS = """[medassist.explainers]
imagemap = helpful_maps:good
failing = helpful_maps:broken
flatmap = helpful_maps:flatmap
gradcam = helpful_maps:gradcam
nonumber = helpful_maps:nonumber
misused = helpful_maps:misused
wrongname = helpful_maps:wrongname
halfway = helpful_maps:halfway
absent = no_such_module:x
Bad Name = helpful_maps:good
leaving = leaves_at_once:x
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a Python package with eleven methods, one of which is as it should be."""
    site = tmp_path / "site"
    about = site / "helpful_maps-1.2.dist-info"
    about.mkdir(parents=True)
    (site / "helpful_maps.py").write_text(CODE)
    (site / "leaves_at_once.py").write_text("import sys\nsys.exit(3)\n")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: helpful-maps\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    added._loaded.cache_clear()
    yield site
    added._loaded.cache_clear()
    sys.modules.pop("helpful_maps", None)
    sys.modules.pop("leaves_at_once", None)


@pytest.fixture
def case(tmp_path):
    forget_networks()
    package = read(write_segmenter(tmp_path / "tiny"))
    array = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    series = Series("1.2", SeriesKind.VOLUME, (), modality="MR", shape_zyx=array.shape)
    volume = Volume(series, array[None], Geometry(np.eye(4), array.shape, "1.2.3"))
    part = package.segments[0]
    mask = Mask(np.full(array.shape, part.value, np.uint8), volume.geometry, package.segments)
    yield package, volume, part.label, mask
    forget_networks()


def test_a_method_of_another_package_is_used_like_any_other(installed, case):
    package, volume, target, mask = case
    found = explain(package, volume, target, method="Image map", settings={"power": 2.0}, mask=mask)
    assert found.method == "Image map"
    assert found.notes[0] == "Shows the image."
    values = volume.array_zyx
    np.testing.assert_allclose(found.values_zyx, (values - values.mean()) / values.std(), atol=1e-4)
    with pytest.raises(UsageError, match=r"between 0\.5 and 2"):
        explain(package, volume, target, method="imagemap", settings={"power": 9.0}, mask=mask)


@pytest.mark.parametrize("method", ["imagemap", "failing"])
def test_it_leaves_nothing_behind(installed, case, method):
    package, volume, target, mask = case
    module = load_network(package, "cpu").module
    before = {name: one.clone() for name, one in module.state_dict().items()}
    fails = pytest.raises(Refused, match=r"helpful-maps 1\.2, failed: KeyError")
    with fails if method == "failing" else contextlib.nullcontext():
        explain(package, volume, target, method=method, mask=mask, device="cpu")
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())
    assert not any(part._forward_hooks or part.training for part in module.modules())
    assert all(one.grad is None for one in module.parameters())


def test_what_is_no_map_of_the_image_is_refused(installed, case):
    package, volume, target, mask = case
    for method in ("flatmap", "nonumber"):
        with pytest.raises(Refused, match="gave no map of the image"):
            explain(package, volume, target, method=method, mask=mask)


def test_an_error_of_its_own_is_no_fault_of_the_reader_and_ends_no_batch(installed, case):
    package, volume, target, mask = case
    with pytest.raises(Refused, match="failed: UsageError: There is no such thing"):
        explain(package, volume, target, method="misused", mask=mask)


def test_all_methods_are_also_those_of_other_packages(installed, case):
    assert "imagemap" in [one.name for one in methods_of("all", case[0])]


def test_one_that_fails_when_asked_whether_it_can_run_cannot():
    own = types.SimpleNamespace(availability=lambda: 1 / 0)
    assert "ZeroDivisionError" in Guarded(own, "helpful-maps 1.2").availability().reason


def test_what_cannot_be_used_is_listed_with_its_reason(installed):
    listed = {one.name: one for one in methods()}
    reasons = {
        "absent": "No module named 'no_such_module'",
        "leaving": "SystemExit",
        "wrongname": "its name is not what it should be",
        "halfway": "it has no applies_to",
        "Bad Name": "small letters",
    }
    for name, reason in reasons.items():
        assert reason in listed[name].availability().reason
        assert listed[name].applies_to("segmentation")
        with pytest.raises(Refused, match="cannot be used"):
            find(name, "classification")
    assert listed["imagemap"].availability().ok


def test_built_in_methods_win_and_it_is_said(installed):
    assert find("gradcam", "classification") in METHODS
    assert [one.name for one in methods()].count("gradcam") == 1
    told = {line.check: line for line in examine(progress=Progress()) if line.check.startswith("explainer")}
    assert "built-in method has that name" in told["explainer gradcam"].found
    assert told["explainer gradcam"].verdict == "note"
    assert (told["explainer imagemap"].verdict, told["explainer imagemap"].found) == ("ok", "helpful-maps 1.2")
    assert "no_such_module" in told["explainer absent"].found
    assert "helpful-maps 1.2" in told["explainer absent"].found


def test_nothing_is_imported_before_explanations_are_used(installed):
    code = (
        "import sys, medassist.explain.methods as m; from medassist.ui.method_form import MethodForm;"
        "print('helpful_maps' in sys.modules); m.methods(); print('helpful_maps' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r}); {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.split() == ["False", "True"]


def test_without_other_packages_there_are_the_built_in_ones():
    added._loaded.cache_clear()
    assert methods() == METHODS
