"""Expressions of plain values are worked out as Python would; everything else is refused and never run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from bundles import change_json, compose

from medassist.entities.errors import Refused
from medassist.inference.bundle import build_network, inferer, preprocessing
from medassist.inference.config import component, components, read_config, value_at
from medassist.inference.expressions import Dtype, NotPlainError, evaluate
from medassist.inference.packages import read

VALUES = {"root": "/b", "size": [96, 96, 64], "labels": {"a": 1, "b": 2}, "n": 3, "on": True, "sub#0#x": 5}

PLAIN = {
    "@root + '/models/model.pt'": "/b/models/model.pt",
    "@root+'/a' + '.json'": "/b/a.json",
    "os.path.join(@root, 'models', 'model.pt')": "/b/models/model.pt",
    "@n": 3,
    "not @on": False,
    "(not @on)": False,
    "len(@labels) + @n": 5,
    "len(@size)": 3,
    "@size[0] // 2": 48,
    "@size[-1]": 64,
    "@size[:2]": [96, 96],
    "@labels['b']": 2,
    "@sub#0#x * 2": 10,
    "[1.5, 1.5, 1.5] if @on else [3.0, 3.0, 3.0]": [1.5, 1.5, 1.5],
    "'a' if @n > 4 else 'b'": "b",
    "1.0 - float(80) / float(270)": 1.0 - 80 / 270,
    "((@n - 1) // 2,) * 4": [1, 1, 1, 1],
    "[1] + [2] * 2": [1, 2, 2],
    "1 < @n <= 3 and 'yes' or 'no'": "yes",
    "@n % 2 == 1": True,
    "-@n": -3,
    "np.pi / 8": math.pi / 8,
    "None": None,
    "False": False,
    "torch.float32": Dtype("float32"),
    "numpy.uint8": Dtype("uint8"),
    "monai.utils.CommonKeys.IMAGE": "image",
    "@network_def.to(@device)": "@network_def",
    "@network_def.to('cpu').eval()": NotPlainError,
    "None if @on else __import__('os')": None,
}
CODE = [
    "__import__('os').system('true')",
    "import os",
    "os.path.exists('/')",
    "os.path.join",
    "(lambda x: x)(1)",
    "lambda x: x",
    "[i for i in @size]",
    "{'image': 1}",
    "{**@labels}",
    "@labels.items()",
    "@root.upper()",
    "().__class__.__bases__",
    "@root.__class__",
    "'{0.__class__}'.format(1)",
    "f'{@root}'",
    "'%s' % @root",
    "torch.load('x')",
    "torch.hub.load",
    "monai.utils.set_determinism(seed=1)",
    "getattr(@root, 'x')",
    "print(1)",
    "len(obj=@size)",
    "open('/etc/passwd')",
    "x",
    "2 ** 99999999",
    "1 << 99999999",
    "[0] * 99999999",
    "'a' * 99999999 * 99999999",
    "9999999999 * 9999999999",
    "list('a' * 9999) * 99",
    "1 / 0",
    "@size['a']",
    "@size[99]",
    "(x := 1)",
    "'a' + 1",
    "1 +",
    "b'x'",
    "1j",
    "...",
    "",
    "_reference_0_",
    "'_reference_0_'",
    "\0",
    "(" * 500 + ")" * 500,
    "1+" * 600 + "1",
    "@",
]


def resolve(name: str) -> object:
    if name == "network_def":
        return "the network"
    if name not in VALUES:
        raise AssertionError(name)
    return VALUES[name]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_expressions_have_the_value_python_gives_them(text: str) -> None:
    expected = PLAIN[text]
    if expected is NotPlainError:
        with pytest.raises(NotPlainError):
            evaluate(text, resolve)
    else:
        found = evaluate(text, resolve)
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize("text", CODE)
def test_what_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(NotPlainError):
        evaluate(text, lambda name: VALUES.get(name, "?"))


@pytest.mark.parametrize(
    "name", ["BlendMode", "GridSampleMode", "GridSamplePadMode", "InterpolateMode", "NumpyPadMode", "PytorchPadMode"]
)
def test_constants_of_monai_have_monais_values(name: str) -> None:
    import monai.utils

    for member in getattr(monai.utils, name):
        assert evaluate(f"monai.utils.{name}.{member.name}", resolve) == member.value
    keys = monai.utils.CommonKeys
    for key in ("IMAGE", "LABEL", "PRED"):
        assert evaluate(f"monai.utils.CommonKeys.{key}", resolve) == getattr(keys, key)


def place(root: Path, **keys: object) -> Path:
    change_json(root, "inference", **keys)
    return root / "configs" / "inference.json"


def test_references_go_anywhere_in_the_file(tiny_segmenter: Path) -> None:
    spacing = {"_target_": "Spacingd", "keys": "@names#0", "pixdim": "@sizes::fine"}
    scale = {"_target_": "ScaleIntensityd", "keys": "@#brother", "brother": "$@names[0]", "minv": "%low"}
    crop = {"_target_": "CenterSpatialCropd", "keys": "image", "roi_size": "@###roi"}
    file = place(
        tiny_segmenter,
        names=["image"],
        sizes={"fine": "$[@low + 1] * 3"},
        low=0.5,
        roi=[4, 4, 4],
        first=[spacing, scale],
        last={"_target_": "Compose", "transforms": [crop]},
        preprocessing={"_target_": "Compose", "transforms": "$@first + [@last]"},
    )
    config = read_config(file)
    found = components(config, "preprocessing")
    assert [part.name for part in found] == ["Spacingd", "ScaleIntensityd", "CenterSpatialCropd"]
    assert found[0].arguments == {"keys": "image", "pixdim": [1.5, 1.5, 1.5]}
    assert found[1].argument("minv") == 0.5
    assert value_at(config, "sizes", instead={"low": 1}) == {"fine": [2, 2, 2]}


def test_relative_references_are_monais(tiny_segmenter: Path) -> None:
    from monai.bundle import ConfigParser

    holder = {"a": 1, "b": {"c": "@##a", "d": ["@##c", "$@###a + 1"]}}
    file = place(tiny_segmenter, holder=holder)
    parser = ConfigParser()
    parser.read_config(str(file))
    theirs = parser.get_parsed_content("holder")
    assert value_at(read_config(file), "holder") == theirs == {"a": 1, "b": {"c": 1, "d": [1, 2]}}


@pytest.mark.parametrize(("flag", "left"), [(True, 0), ("True", 0), ("$not @on", 0), (False, 1), ("@on", 1)])
def test_disabled_parts_are_left_out(tiny_segmenter: Path, flag: object, left: int) -> None:
    part = {"_target_": "ScaleIntensityd", "keys": "image", "_disabled_": flag, "_desc_": "$print(1)"}
    config = read_config(place(tiny_segmenter, on=False, preprocessing=compose(part)))
    assert len(components(config, "preprocessing")) == left


def test_a_network_is_found_through_the_ways_the_zoo_writes_it(tiny_segmenter: Path) -> None:
    change_json(
        tiny_segmenter,
        "inference",
        device="$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        trt="$False",
        network_dev="$@network_def.to(@device)",
        network="$mn.trt_wrap(@network_dev, @checkpoint, args=@trt_args) if @trt else @network_dev",
    )
    assert type(build_network(read(tiny_segmenter))).__name__ == "UNet"


def test_a_wrapped_network_is_not_taken_for_the_one_inside(tiny_segmenter: Path) -> None:
    change_json(tiny_segmenter, "inference", network={"_target_": "scripts.Wrapper", "net": "@network_def"})
    with pytest.raises(Refused, match=r"inference\.json, line \d+: network asks for the network scripts\.Wrapper"):
        build_network(read(tiny_segmenter))


def test_placement_is_ours_and_never_evaluated(tiny_segmenter: Path) -> None:
    device = "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"
    change_json(
        tiny_segmenter,
        "inference",
        device=device,
        inferer={"_target_": "SlidingWindowInferer", "roi_size": 8, "device": device, "sw_device": "@device"},
        preprocessing=compose(
            {"_target_": "LoadImaged", "keys": "image", "reader": "$code()", "image_only": False},
            {"_target_": "EnsureTyped", "keys": "image", "device": "@device"},
            {"_target_": "ToTensord", "keys": ["image"], "device": device},
        ),
    )
    package = read(tiny_segmenter)
    assert inferer(package).windows == {"roi_size": 8}
    assert preprocessing(package)("an image") == "an image"


def test_references_cannot_keep_the_reader_busy(tiny_segmenter: Path) -> None:
    chain = {f"a{at + 1}": f"$@a{at} - @a{at}" for at in range(60)}
    lists = {f"b{at + 1}": [f"@b{at}", f"@b{at}"] for at in range(25)}
    config = read_config(place(tiny_segmenter, a0=1, b0=1, **chain, **lists))
    for key in ("a60", "b25"):
        with pytest.raises(Refused, match="not allowed"):
            value_at(config, key)


def as_yaml(root: Path, text: str) -> None:
    (root / "configs" / "inference.json").unlink()
    (root / "configs" / "inference.yaml").write_text(text, encoding="utf-8")


YAML = """---
imports: [$import os]
# a remark
out: 3
network_def: {_target_: UNet, spatial_dims: 3, in_channels: 1, out_channels: '@out', channels: [4, 8], strides: [2],
  num_res_units: 1}
network: $@network_def.to(@device)
pixdim: &fine [1, 1, 1.5]
preprocessing:
  _target_: Compose
  transforms:
  - {_target_: Spacingd, keys: image, pixdim: *fine, mode: bilinear}
  - _target_: CastToTyped
    keys: image
    dtype: $torch.float32
inferer: {_target_: SlidingWindowInferer, roi_size: [16, 16, 16]}
"""


def test_yaml_is_read_like_json(tiny_segmenter: Path) -> None:
    as_yaml(tiny_segmenter, YAML)
    package = read(tiny_segmenter)
    build_network(package)
    preprocessing(package)
    assert inferer(package).windows == {"roi_size": [16, 16, 16]}
    assert component(read_config(package.config), "network").argument("out_channels") == 3


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.mkdir ['{canary}']",
        "!!python/name:os.system",
        "a: &x [*x]",
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "a: &a {" + ", ".join(f"k{at}: 1" for at in range(9000)) + "}\nb: {<<: [" + ", ".join(["*a"] * 20_000) + "]}",
        "a: &a {<<: *a}",
        "a: 2020-01-01",
        "a: !!binary aGVsbG8=",
        "a: [",
        "a: " + "[" * 3000,
        "a: '" + "x" * 200_001 + "'",
        "- 1",
        "\x00",
    ],
    ids=[
        "object",
        "name",
        "circle",
        "bomb",
        "merges",
        "merged circle",
        "date",
        "bytes",
        "broken",
        "deep",
        "large",
        "list",
        "zero",
    ],
)
def test_hostile_yaml_is_refused(tiny_segmenter: Path, tmp_path: Path, text: str) -> None:
    canary = tmp_path / "canary"
    as_yaml(tiny_segmenter, text.replace("{canary}", str(canary)))
    with pytest.raises(Refused, match=r"inference\.yaml|must be an object") as caught:
        build_network(read(tiny_segmenter))
    assert caught.value.exit_code == 4
    assert not canary.exists()


def test_a_line_of_yaml_is_named(tiny_segmenter: Path) -> None:
    as_yaml(tiny_segmenter, YAML.replace("pixdim: *fine", "pixdim: '$list(map(int, @pixdim))'"))
    with pytest.raises(Refused, match=r"inference\.yaml, line 12: preprocessing\.transforms\[0\]\.pixdim holds \$list"):
        preprocessing(read(tiny_segmenter))
