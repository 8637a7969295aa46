"""A training recipe: one TOML file that says everything about how a model is made."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from medassist.entities.errors import MedAssistError, UsageError
from medassist.inference.demands import POOLS
from medassist.plugins import needs
from medassist.training.defaults import with_defaults
from medassist.training.recipe_keys import Reader, Table

LAYOUTS = {
    "segmentation": ("volume_pairs", "picture_pairs", "files"),
    "classification": ("films_npz", "files", "pictures_npz"),
    "exclusive_classification": ("films_npz", "files", "pictures_npz"),
    "instances": ("picture_pairs", "files"),
    "anomaly": ("films_npz", "files", "pictures_npz"),
}
"""Which layouts of a training folder bring what a task learns from."""
TASKS = tuple(LAYOUTS)
SCORING = ("classification", "exclusive_classification", "anomaly")
"""Tasks whose outputs are one score per label."""
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Split:
    """Which folds learn, choose and test; `validation_share` takes subjects out of the training folds."""

    train_folds: tuple[int, ...]
    validation_folds: tuple[int, ...]
    validation_share: float
    test_folds: tuple[int, ...]


@dataclass(frozen=True)
class Optimiser:
    """AdamW with linear warm-up and `cycles` cosines to zero (`rates.share_of_rate`), stepped per batch."""

    learning_rate: float
    weight_decay: float
    warmup_epochs: float
    cycles: int = 1


@dataclass(frozen=True)
class Schedule:
    """How long and with what numbers the loop runs.

    `ema_decay` 0 switches the moving average off; `patience` 0 switches early stopping off and takes the
    last epoch; otherwise the best epoch on the validation subjects is kept.
    """

    epochs: int
    batch_size: int
    seed: int
    precision: str
    ema_decay: float
    patience: int
    validate_every: int
    gradient_clip: float


@dataclass(frozen=True)
class Label:
    """One output. For a mask `value` is its voxel value, for a classifier the output index.

    A film is positive when it carries any of `members`, or, when `unless` is given, none of `unless`. A label
    that is not `offered` is learned and measured with the others, but the package does not speak of it.
    `metadata` goes into metadata.json as it stands (codes, colours, titles).
    """

    value: int
    label: str
    members: tuple[str, ...]
    unless: tuple[str, ...]
    metadata: Table
    offered: bool = True


@dataclass(frozen=True)
class Initial:
    """Weights to begin with: a file, or a model package, and the SHA-256 of the file ("" while it is not there)."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class EnsembleOf:
    """How many networks, alike but for the seed, answer as one, and the layer that each of them ends with."""

    members: int
    last: str


@dataclass(frozen=True)
class Recipe:
    """Everything about one training; tables that MONAI understands are kept as they were written.

    `balance` names columns no label may depend on in training; with `cross_fit` thresholds and calibration
    come from models that each leave one training fold out, instead of from validation rows. `embedding` names the
    layer and pooling by which the package knows its kind of image; {} for none. A folder that names no folds gets
    `drawn_folds` of them, by subject; 0 refuses such a folder. Learning begins at the weights `initial` where there are
    any; `search` says what a search may vary. With an `ensemble` several networks are trained for one package.
    """

    path: Path
    text: str
    name: str
    version: str
    task: str
    layout: str
    split: Split
    network: Table
    preprocessing: tuple[Table, ...]
    augmentation: tuple[Table, ...]
    inferer: Table
    postprocessing: tuple[Table, ...]
    loss: Table
    balance: tuple[str, ...]
    cross_fit: bool
    optimiser: Optimiser
    schedule: Schedule
    labels: tuple[Label, ...]
    package: Table
    card: Table
    embedding: Table
    drawn_folds: int = 0
    initial: Initial | None = None
    search: Table = field(default_factory=dict)
    ensemble: EnsembleOf | None = None

    @property
    def offered(self) -> tuple[Label, ...]:
        """The labels the package speaks of."""
        return tuple(label for label in self.labels if label.offered)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the weights; titles, codes and the card's text do not."""
        labels = [(label.value, label.members, label.unless) for label in self.labels]
        parts = (self.task, self.layout, asdict(self.split), self.network, self.preprocessing, self.augmentation)
        optimiser = asdict(self.optimiser)
        cycles = optimiser.pop("cycles")
        rest = (self.loss, self.balance, optimiser, asdict(self.schedule), labels)
        # What came later counts only where it is used, so that a checkpoint of before still fits its recipe.
        initial = self.initial.sha256 if self.initial else ""
        later: dict[str, object] = {"drawn_folds": self.drawn_folds, "initial": initial}
        later |= {"cycles": cycles} if cycles > 1 else {}
        later |= {} if self.ensemble is None else {"members": self.ensemble.members}
        used = [{key: value for key, value in later.items() if value}] if any(later.values()) else []
        return hashlib.sha256(json.dumps([*parts, *rest, *used], sort_keys=True).encode()).hexdigest()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe (UsageError names the file and the key that is missing or wrong)."""
    try:
        return recipe_of(path, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError("The recipe {path} cannot be read: {reason}.", path=path, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise UsageError("The recipe {path} is no valid TOML: {reason}.", path=path, reason=error) from error


def recipe_of(path: Path, text: str) -> Recipe:
    """Read a recipe from its text; `path` is where its errors point and its own paths begin (UsageError)."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("The recipe {path} is no valid TOML: {reason}.", path=path, reason=error) from error
    whole = with_defaults(told)
    return _recipe(path, text if whole == told else _written(path, whole), Reader(path, whole))


def _written(path: Path, whole: Table) -> str:
    """Return a recipe with its defaults as the text that goes into the package (UsageError without tomlkit)."""
    availability = needs(("tomlkit",))
    if not availability.ok:
        raise UsageError(
            "The recipe {path} leaves its network to MedAssist, which {reason}.",
            remedy="pip install 'medassist[train]' brings it.",
            path=path,
            reason=availability.reason,
        )
    import tomlkit

    return f"# Written by medassist train: what the recipe did not say is filled in.\n{tomlkit.dumps(whole)}"


def _recipe(path: Path, text: str, top: Reader) -> Recipe:
    task = top.choice("task", TASKS)
    data = top.sub("data")
    return Recipe(
        path=path,
        text=text,
        name=top.get("name", str),
        version=top.get("version", str),
        task=task,
        layout=data.choice("layout", LAYOUTS[task]),
        split=_split(data),
        network=_targeted(top.sub("network")),
        preprocessing=tuple(_targeted(Reader(path, each, "preprocessing")) for each in top.tables("preprocessing")),
        augmentation=tuple(_targeted(Reader(path, each, "augmentation")) for each in top.tables("augmentation", [])),
        inferer=_targeted(top.sub("inferer")),
        postprocessing=tuple(
            _targeted(Reader(path, each, "postprocessing")) for each in top.tables("postprocessing", [])
        ),
        loss=top.sub("loss", {}).table,
        balance=tuple(data.get("balance", list, [])),
        cross_fit=data.get("cross_fit", bool, False),
        optimiser=_optimiser(top.sub("optimiser")),
        schedule=_schedule(top.sub("schedule")),
        labels=_labels(path, task, top.tables("labels")),
        package=top.sub("package").table,
        card=top.sub("card").table,
        embedding=_embedding(top.sub("embedding", {})),
        drawn_folds=data.count("folds", 0, 100, 0),
        initial=_initial(top.sub("initial", {})),
        search=top.sub("search", {}).table,
        ensemble=_ensemble(top.sub("ensemble", {})),
    )


def _ensemble(reader: Reader) -> EnsembleOf | None:
    return EnsembleOf(reader.count("members", 2, 16), reader.get("last", str)) if reader.table else None


def _initial(reader: Reader) -> Initial | None:
    """Read where learning begins; a package stands for its weights. The file counts as it is now, not by its name."""
    if not reader.table:
        return None
    path = reader.path.parent / reader.get("weights", str)
    path = path / "models/model.pt" if path.is_dir() else path
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return Initial(path, found)


def _embedding(reader: Reader) -> Table:
    """Read which layer tells images of the right kind from others; {} when the recipe does not say."""
    if reader.table:
        reader.get("layer", str)
        reader.choice("pool", POOLS, "mean")
    return reader.table


def _targeted(reader: Reader) -> Table:
    reader.get("_target_", str)
    return reader.table


def _split(data: Reader) -> Split:
    folds = {
        key: tuple(data.get(key, list, [] if key == "validation_folds" else None))
        for key in ("train_folds", "validation_folds", "test_folds")
    }
    every = [fold for group in folds.values() for fold in group]
    if len(set(every)) != len(every):
        raise MedAssistError("The recipe {path} puts one fold into two parts of the split.", path=data.path)
    return Split(validation_share=data.number("validation_share", 0.0, 0.5, 0.0), **folds)


def _optimiser(reader: Reader) -> Optimiser:
    return Optimiser(
        learning_rate=reader.number("learning_rate", 1e-8, 1.0),
        weight_decay=reader.number("weight_decay", 0.0, 1.0, 0.0),
        warmup_epochs=reader.number("warmup_epochs", 0.0, 1000.0, 0.0),
        cycles=reader.count("cycles", 1, 1000, 1),
    )


def _schedule(reader: Reader) -> Schedule:
    return Schedule(
        epochs=reader.count("epochs", 1, 100_000),
        batch_size=reader.count("batch_size", 1, 4096),
        seed=reader.count("seed", 0, 2**31 - 1, 0),
        precision=reader.choice("precision", PRECISIONS, "float32"),
        ema_decay=reader.number("ema_decay", 0.0, 0.99999, 0.0),
        patience=reader.count("patience", 0, 100_000, 0),
        validate_every=reader.count("validate_every", 1, 100_000, 1),
        gradient_clip=reader.number("gradient_clip", 0.0, 1e6, 0.0),
    )


def _labels(path: Path, task: str, tables: tuple[Table, ...]) -> tuple[Label, ...]:
    labels = []
    for index, table in enumerate(tables):
        reader = Reader(path, table, f"labels[{index}]")
        known = {"value", "label", "members", "unless", "offered"}
        members = tuple(reader.get("members", list, []))
        unless = tuple(reader.get("unless", list, []))
        if task in SCORING and not members and not unless:
            raise UsageError("The recipe {path} lacks the key {key}.", path=path, key=f"labels[{index}].members")
        value = index if task in SCORING else reader.count("value", 1, 255)
        rest = {key: value for key, value in table.items() if key not in known}
        offered = reader.get("offered", bool, True)
        labels.append(Label(value, reader.get("label", str), members, unless, rest, offered))
    if not labels:
        raise UsageError("The recipe {path} lacks the key {key}.", path=path, key="labels")
    return tuple(labels)
