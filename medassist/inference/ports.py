"""What goes into the network of a package and what its outputs mean, read from its metadata."""

from __future__ import annotations

from dataclasses import dataclass

from medassist.entities.errors import Refused
from medassist.entities.prediction import Code, Segment
from medassist.inference.schema import Section, plain_label
from medassist.inference.separation import TASK as INSTANCES


@dataclass(frozen=True)
class Label:
    """What one output of the network means.

    `value` is the mask value of a segmenter, or the output index of a classifier; `channel` is the channel of a
    segmenter where it is not `value`. The probability of a classifier's label is sigmoid(slope * logit + intercept).
    """

    value: int
    label: str
    title_zh: str = ""
    code: Code | None = None
    category: Code | None = None
    modifier: Code | None = None
    color: tuple[int, int, int] = (255, 200, 0)
    threshold: float = 0.5
    calibrated: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    operating_point: str = ""
    channel: int | None = None

    @property
    def output(self) -> int:
        """Index of its channel in the network's output."""
        return self.value if self.channel is None else self.channel

    def segment(self) -> Segment:
        """Return the label as a segment of a mask."""
        return Segment(self.value, self.label, self.code, self.color, self.title_zh, self.category, self.modifier)


@dataclass(frozen=True)
class InputSpec:
    """What the network is fed with.

    `values` is "modality" (HU, MR units) or "display" (0..255 as a reader sees the film); `channels` is 1
    for grey values and 3 for RGB. `series` names the channels where each is a series of its own (T1, T2, …).
    """

    dimensions: int = 3
    values: str = "modality"
    channels: int = 1
    series: tuple[str, ...] = ()


def read_input(section: Section) -> InputSpec:
    """Return what the section "input" says (Refused naming file and key)."""
    dimensions, channels = section.integer("dimensions"), section.integer("channels", 1)
    for key, value, allowed in (("dimensions", dimensions, (2, 3)), ("channels", channels, (1, 3))):
        if value not in allowed:
            raise Refused(
                "{file}: the key {key} must be one of {choices}.",
                file=section.file,
                key=section.place(key),
                choices=", ".join(map(str, allowed)),
            )
    return InputSpec(dimensions, section.choice("values", ("modality", "display"), "modality"), channels)


def read_labels(own: Section, task: str) -> tuple[Label, ...]:
    """Return the labels of a package for a task (Refused naming file and key)."""
    labels = tuple(_label(section, task) for section in own.sections("labels"))
    lowest, highest = (0, 100_000) if task == "classification" else (1, 1) if task == INSTANCES else (1, 255)
    values = [label.value for label in labels]
    if len(set(values)) < len(values) or min(values) < lowest or max(values) > highest:
        raise Refused(
            "{file}: the values under {key} must differ and lie between {lowest} and {highest}.",
            file=own.file,
            key=own.place("labels"),
            lowest=lowest,
            highest=highest,
        )
    return labels


def _label(section: Section, task: str) -> Label:
    calibrated = section.flag("calibrated", False)
    calibration = section.section("calibration", optional=not calibrated)
    return Label(
        value=section.integer("value"),
        label=plain_label(section.text("label")),
        title_zh=plain_label(section.text("title_zh", "")),
        code=_code(section, "code"),
        category=_code(section, "category"),
        modifier=_code(section, "modifier"),
        color=_color(section),
        threshold=_threshold(section) if task == "classification" else 0.5,
        calibrated=calibrated,
        slope=calibration.number("slope", None if calibrated else 1.0),
        intercept=calibration.number("intercept", 0.0),
        operating_point=section.text("operating_point", ""),
    )


def _threshold(section: Section) -> float:
    value = section.number("threshold")
    if not 0.0 < value < 1.0:
        raise Refused(
            "{file}: the key {key} must lie between 0 and 1.", file=section.file, key=section.place("threshold")
        )
    return value


def _code(section: Section, key: str) -> Code | None:
    if key not in section.data:
        return None
    value = section.texts(key)
    if len(value) != 3:
        raise Refused(
            "{file}: the key {key} must be [value, scheme, meaning].", file=section.file, key=section.place(key)
        )
    return Code(*value)


def _color(section: Section) -> tuple[int, int, int]:
    value = section.items("color", (255, 200, 0))
    if len(value) != 3 or not all(type(item) is int and 0 <= item <= 255 for item in value):
        raise Refused(
            "{file}: the key {key} must be three numbers from 0 to 255.", file=section.file, key=section.place("color")
        )
    return value[0], value[1], value[2]
