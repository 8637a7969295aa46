"""One model package, read from its JSON files; nothing in it is run and torch is not needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medassist.entities.carrier import Carrier
from medassist.entities.errors import Refused
from medassist.entities.prediction import ModelRef, Segment
from medassist.inference.demands import Suitability, read_demands
from medassist.inference.exclusive import read_exclusive
from medassist.inference.explaining import ExplanationSpec, read_explanation
from medassist.inference.flips import Flips, read_flips
from medassist.inference.localizer import Localizer, read_localizer
from medassist.inference.operating import CalibrationSpec, read_spec
from medassist.inference.optimised import Optimised, read_optimised
from medassist.inference.ports import InputSpec, Label, read_input, read_labels
from medassist.inference.schema import Section, inside, read_json
from medassist.inference.separation import TASK as INSTANCES
from medassist.inference.separation import Separation, read_separation
from medassist.inference.trust import trust_of
from medassist.inference.turns import Turn, read_turns
from medassist.inference.weights import Format, format_of, too_large
from medassist.language import tr
from medassist.locations import weights_dir
from medassist.plugins import Availability, needs

PROMPTED = "prompted_segmentation"
"""The task of a model that marks what lies in a box the reader draws."""
TASKS = ("segmentation", "classification", INSTANCES, PROMPTED)
MOST_OF_A_CARD = 2_000_000
METADATA = "configs/metadata.json"
INFERENCE = "configs/inference.json"
CONFIGS = (INFERENCE, "configs/inference.yaml", "configs/inference.yml")


@dataclass(frozen=True)
class Package:
    """One model package.

    Attributes:
        name: folder name; with `version` and `sha256` the identity of the model.
        weights: path of the state dict; `sha256` is what the metadata promises, "" before training ended.
        cards: language ("en", "zh_CN") -> model card.
        availability: why the package cannot be run, when it cannot.
        metadata: the whole metadata.json, for the card.
        trusted: whether the user trusts this very content to run code (see `inference.trust`).
        format: what the weight file is.
        carrier: where weights come from that do not ship with the package, None when they do.
        localizer: how it finds its regions in an image larger than its network takes, None when it does not.
        calibration: where its scores of cases with known truth are, None when it brings none.
        separation: how its maps become objects one by one, None for any other task than "instances".
        flips: mirrored views its network has learned, for test-time augmentation; () where it declares none.
        turns: turned and scaled views its answers are always the mean of, with the plain one; () for none.
        exclusive: whether a classifier's classes exclude each other: the most likely one is called, or none.
        optimised: the quicker form of its network that lies beside its weights, None when it brings none.
        foreign: whether it has no "medassist" section: a bundle of somebody else, read as MONAI would run it.
    """

    root: Path
    name: str
    version: str = ""
    title: str = ""
    title_zh: str = ""
    task: str = ""
    labels: tuple[Label, ...] = ()
    input: InputSpec = field(default_factory=InputSpec)
    suitability: Suitability = field(default_factory=Suitability)
    explanation: ExplanationSpec = field(default_factory=ExplanationSpec)
    weights: Path = Path()
    sha256: str = ""
    cards: dict[str, Path] = field(default_factory=dict, compare=False)
    availability: Availability = field(default_factory=Availability)
    metadata: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    trusted: bool = False
    format: Format = Format.STATE_DICT
    carrier: Carrier | None = None
    foreign: bool = False
    exclusive: bool = False
    localizer: Localizer | None = None
    calibration: CalibrationSpec | None = None
    separation: Separation | None = None
    flips: Flips = ()
    turns: tuple[Turn, ...] = ()
    optimised: Optimised | None = None

    @property
    def marks_voxels(self) -> bool:
        """Whether it answers with a mask of the whole image: of segments, or of objects one by one."""
        return self.task in ("segmentation", INSTANCES)

    @property
    def explainable(self) -> Availability:
        """Whether the layers of the network can be watched, which every explanation needs."""
        return Availability("" if self.format.explainable else "no explanation is possible for TorchScript weights")

    @property
    def ref(self) -> ModelRef:
        """Name, version and hash as results carry them."""
        return ModelRef(self.name, self.version, self.sha256, self.title, self.title_zh)

    @property
    def config(self) -> Path:
        """The file that defines network, preprocessing and inferer."""
        return config_of(self.root)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The labels as segments of a mask."""
        return tuple(label.segment() for label in self.labels)

    def card(self, language: str = "en") -> str:
        """Return the model card as Markdown, in English when there is none in `language`, "" when there is none.

        One of more than 2 MB ends there with a sentence that says so.
        """
        path = self.cards.get(language) or self.cards.get("en")
        return _card_text(path) if path else ""


def config_of(root: Path) -> Path:
    """Return the file that defines network, preprocessing and inferer: JSON, else YAML."""
    return next((root / name for name in CONFIGS if (root / name).is_file()), root / INFERENCE)


def read(root: Path) -> Package:
    """Read the package in folder `root` (Refused naming file and key when it breaks the format)."""
    root = Path(root)
    for path in (root / METADATA, config_of(root)):
        if not path.resolve().is_relative_to(root.resolve()):
            raise Refused("{file} is a link that leads outside the package.", file=path)
    whole = read_json(root / METADATA)
    if "medassist" not in whole.data and "network_data_format" in whole.data:
        return _foreign(root, whole)
    own = whole.section("medassist")
    weights = own.section("weights")
    task = own.choice("task", TASKS)
    sha256, carrier = _sha256(weights), _carrier(weights)
    place = root if carrier is None else weights_dir() / (sha256 or "unknown")
    path = inside(place, weights.file, weights.place("file"), weights.text("file"))
    form, trusted = format_of(path), trust_of(root) is not None
    seen, labels = read_input(own.section("input")), read_labels(own, task)
    return Package(
        root=root,
        name=root.resolve().name,
        version=whole.text("version"),
        title=own.section("title").text("en"),
        title_zh=own.section("title").text("zh_CN", ""),
        task=task,
        labels=labels,
        exclusive=read_exclusive(own, task, labels),
        localizer=read_localizer(root, own),
        calibration=read_spec(own, root),
        input=seen,
        separation=read_separation(own, task, seen),
        flips=read_flips(own, seen.dimensions),
        turns=read_turns(own, seen.dimensions, task),
        optimised=read_optimised(own, root),
        suitability=read_demands(own.section("suitability", optional=True), root),
        explanation=read_explanation(own.section("explanation", optional=True), root),
        weights=path,
        sha256=sha256,
        cards=_cards(root),
        availability=_availability(path, sha256, form, trusted=trusted, fetched=carrier is not None),
        metadata=dict(whole.data),
        trusted=trusted,
        format=form,
        carrier=carrier,
    )


def _foreign(root: Path, whole: Section) -> Package:
    """Read a bundle of somebody else by MONAI's own metadata."""
    from medassist.inference.metadata import describe

    told = describe(root, whole, config_of(root))
    form, trusted = format_of(told.weights), trust_of(root) is not None
    title = whole.data.get("name") or whole.data.get("task") or root.resolve().name
    return Package(
        root=root,
        name=root.resolve().name,
        version=str(whole.data.get("version", "")),
        title=str(title),
        task=told.task,
        labels=told.labels,
        input=told.input,
        suitability=told.suitability,
        weights=told.weights,
        sha256=told.sha256,
        cards=_cards(root),
        availability=_availability(told.weights, told.sha256, form, trusted=trusted, fetched=False),
        metadata=dict(whole.data),
        trusted=trusted,
        format=form,
        foreign=True,
    )


def broken(root: Path, reason: str) -> Package:
    """Return a package that can only be listed, with the reason."""
    return Package(root=root, name=root.resolve().name, title=root.name, availability=Availability(reason))


def _availability(weights: Path, sha256: str, form: Format, *, trusted: bool, fetched: bool) -> Availability:
    if fetched and not weights.is_file():
        return Availability(
            "its weights have to be fetched once: `medassist models add` with its name, or with the file from a stick"
        )
    if not weights.is_file():
        return Availability("its weights are missing")
    if too_large(weights):
        return Availability("its weights are larger than 20 GB, or than the memory that is free")
    if not sha256:
        return Availability("its metadata has no SHA-256 of the weights")
    if form.runs_code and not trusted:
        return Availability("its weights are a program, which can run code, and you have not said that you trust it")
    return needs(("torch", "monai", *(("safetensors",) if form is Format.SAFETENSORS else ())))


def _carrier(weights: Section) -> Carrier | None:
    if "carrier" not in weights.data:
        return None
    carrier = weights.section("carrier")
    return Carrier(
        package=carrier.text("package"),
        version=carrier.text("version"),
        file=carrier.text("file"),
        sha256=_sha256(carrier),
        member=carrier.text("member"),
        licence=carrier.text("licence"),
    )


def _sha256(weights: Section) -> str:
    value = weights.text("sha256").lower()
    if value and not re.fullmatch(r"[0-9a-f]{64}", value):
        raise Refused(
            "{file}: the key {key} must be 64 hexadecimal digits.", file=weights.file, key=weights.place("sha256")
        )
    return value


def _card_text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_OF_A_CARD + 1)
    text = content[:MOST_OF_A_CARD].decode(encoding="utf-8", errors="replace")
    whole = len(content) <= MOST_OF_A_CARD
    return text if whole else f"{text}\n\n{tr('The card is longer than 2 MB and was cut off here.')}\n"


def _cards(root: Path) -> dict[str, Path]:
    names = {"en": "docs/README.md", "zh_CN": "docs/README.zh-CN.md"}
    return {
        language: root / name
        for language, name in names.items()
        if (root / name).is_file() and (root / name).resolve().is_relative_to(root.resolve())
    }
