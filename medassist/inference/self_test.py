"""Whether an installed model still does what it did: read it, build it, run it on its own test image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from medassist.entities.errors import MedAssistError, Refused
from medassist.entities.geometry import Geometry
from medassist.entities.prediction import Check, Prediction, Verdict
from medassist.entities.prompt import Box
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume, Window
from medassist.inference.added import check_unchanged
from medassist.inference.bundle import inferer
from medassist.inference.explaining import read_measured
from medassist.inference.packages import PROMPTED, Package
from medassist.inference.predict import predict
from medassist.inference.schema import as_section, inside, read_json
from medassist.inference.verify import check_parts
from medassist.progress import Progress

READ, BUILT, EXPLAINED, RUN = "format", "parts and weights", "explanations", "test run"
SIDE_3D, SIDE_2D = 64, 256
TOLERANCE = 0.02
OBJECTS = "objects"
"""The name of the count of objects in the answer of a model that tells them apart."""
LEAST_DICE = 0.9
"""What any model that outlines reaches on a bright disc; measured 0.98."""
GONE = "on an image made here: the package names a test image and does not bring it"


def examine(package: Package, *, progress: Progress) -> tuple[Check, ...]:
    """Return the checks of one package: its format, parts and weights, what was measured of its maps, a run on the CPU.

    The run is on the package's own test image, whose answer must be the stored one; without one, on an image of the
    demanded size made here, where only the shape of the answer can be checked. Ends at the first failure.
    """
    if not package.task:
        return (Check(READ, "", package.availability.reason, Verdict.FAIL),)
    checks = [Check(READ, "", "", Verdict.PASS)]
    if package.carrier is not None and not package.weights.is_file():
        return (*checks, Check(BUILT, "", package.availability.reason, Verdict.UNKNOWN))
    measured = ((EXPLAINED, _measured),) if package.explanation.measured is not None else ()
    for name, step in ((BUILT, _build), *measured, (RUN, _run)):
        progress.step("Checking the model")
        try:
            found = step(package, progress)
            checks.append(Check(name, "", found, Verdict.UNKNOWN if found == GONE else Verdict.PASS))
        except MedAssistError as problem:
            return (*checks, Check(name, "", problem.sentence(), Verdict.FAIL))
    return tuple(checks)


def _build(package: Package, _progress: Progress) -> str:
    unchanged = check_unchanged(package)
    check_parts(package, keep=True)
    return "unchanged since it was added" if unchanged else ""


def _measured(package: Package, _progress: Progress) -> str:
    """Refuse figures of maps that were measured on other weights, or that are not those the package promises."""
    read_measured(package.explanation, package.sha256, package.name)
    return "measured on these weights"


def _run(package: Package, progress: Progress) -> str:
    if package.task == PROMPTED:
        return _outline(package, progress)
    test = as_section(package.root / "configs/metadata.json", "medassist", package.metadata.get("medassist", {}))
    own = test.section("self_test", optional=True)
    if not own.data:
        predict(package, synthetic(package), device="cpu", progress=progress)
        return "on an image made here: the package has no test image of its own"
    image = inside(package.root, own.file, own.place("image"), own.text("image"))
    expected = inside(package.root, own.file, own.place("expected"), own.text("expected"))
    if not image.exists():  # trained anew, and not drawn yet
        predict(package, synthetic(package), device="cpu", progress=progress)
        return GONE
    compare(predict(package, opened(image, progress), device="cpu", progress=progress), expected)
    return "on its own test image, with the expected answer"


def _outline(package: Package, progress: Progress) -> str:
    """Ask for a bright disc on a dark ground, which any such model marks (Refused when it does not)."""
    from medassist.inference.interactive.outline import embed, outline
    from medassist.inference.interactive.picture import Grey

    rows, columns = np.ogrid[:SIDE_2D, :SIDE_2D]
    disc = (rows - 120) ** 2 + (columns - 140) ** 2 < 40**2
    values = np.where(disc, 200, 40)[None].astype(np.int16)
    series = Series("test image", SeriesKind.FILM, (), shape_zyx=values.shape)
    volume = Volume(series, values[None], Geometry(np.eye(4), values.shape), windows=(Window(127.5, 255.0),))
    embedding = embed(package, volume, 0, Grey(volume.windows[0]), device="cpu", progress=progress)
    marked = outline(embedding, Box(97, 77, 183, 163, 0), progress=progress)
    if 2 * np.count_nonzero(marked & disc) < LEAST_DICE * (np.count_nonzero(marked) + np.count_nonzero(disc)):
        raise Refused("The model {model} does not mark a bright disc in a box around it.", model=package.name)
    return "marks a disc drawn here in a box around it"


def usual_image(package: Package, progress: Progress) -> Volume:
    """Return the package's own test image, or an image of the demanded size made here."""
    test = as_section(package.root / "configs/metadata.json", "medassist", package.metadata.get("medassist", {}))
    own = test.section("self_test", optional=True)
    image = inside(package.root, own.file, own.place("image"), own.text("image")) if own.data else None
    return opened(image, progress) if image is not None and image.exists() else synthetic(package)


def opened(image: Path, progress: Progress) -> Volume:
    """Read the one series of a test image (UnreadableInput when there is none)."""
    from medassist.imaging.load import load
    from medassist.imaging.scan import scan

    return load(scan(image, progress=progress).all_series()[0], progress=progress)


def answer(prediction: Prediction) -> dict[str, float]:
    """Return what is compared: voxels of every segment and how many objects, or the probability of every label."""
    if prediction.mask is not None:
        mask, objects = prediction.mask, prediction.instances
        count = {} if objects is None else {OBJECTS: float(objects.count)}
        return {segment.label: float(mask.voxels(segment)) for segment in mask.segments} | count
    return {score.label: score.probability for score in prediction.scores}


def store_answer(package: Package, image: Path, expected: Path) -> None:
    """Write what a model says of its test image, as `compare` reads it (OSError)."""
    prediction = predict(package, opened(image, Progress()), device="cpu")
    digits = 0 if prediction.mask is not None else 4
    said = {label: round(value, digits) for label, value in answer(prediction).items()}
    expected.write_text(json.dumps({"answer": said, "tolerance": TOLERANCE}, indent=1) + "\n", encoding="utf-8")


def compare(prediction: Prediction, expected: Path) -> None:
    """Refuse an answer that is not the stored one.

    Voxel counts may differ by `tolerance` of the stored count, probabilities by `tolerance`: other processors round
    differently.
    """
    stored = read_json(expected)
    values, found = stored.section("answer"), answer(prediction)
    share = stored.number("tolerance", TOLERANCE)
    for label in values.data:
        wanted = values.number(label)
        allowed = share * (max(wanted, 1.0) if prediction.mask is not None else 1.0)
        if label not in found or abs(found[label] - wanted) > allowed:
            raise Refused(
                "On its own test image the model {model} gives {found} for {label}; {expected} was expected.",
                model=prediction.model.name,
                label=label,
                found=f"{found[label]:.4g}" if label in found else "nothing",
                expected=f"{wanted:.4g}",
            )


def synthetic(package: Package) -> Volume:
    """Return an image of the demanded size: a bright body with noise, the same every time, of no patient."""
    shape, spacing = _size(package), _spacing(package)
    axes = np.meshgrid(*(np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1) for count in shape), indexing="ij")
    body = np.exp(-3.0 * sum(axis**2 for axis in axes))
    noise = np.random.default_rng(0).random(shape)
    values = (200.0 * body + 50.0 * noise).astype(np.uint8)
    color = package.input.channels == 3
    array = np.repeat(values[..., None], 3, axis=-1) if color else values.astype(np.int16)
    geometry = Geometry(np.diag([spacing, spacing, spacing, 1.0]), shape, "")
    kind = SeriesKind.VOLUME if package.input.dimensions == 3 else SeriesKind.FILM
    series = Series("test image", kind, (), shape_zyx=shape)
    return Volume(series, array[None], geometry, windows=(Window(127.5, 255.0),))


def _size(package: Package) -> tuple[int, int, int]:
    """Return (slices, rows, columns) of one window, or of a usual image where the package has none."""
    sizes = (inferer(package).windows or {}).get("roi_size", 0)
    axes = package.input.dimensions
    usual = SIDE_3D if axes == 3 else SIDE_2D
    per_axis = sizes if isinstance(sizes, list) else [sizes] * axes
    x, y, *rest = (size if isinstance(size, int) and size > 0 else usual for size in per_axis)
    return (rest[0] if rest else 1, y, x)


def _spacing(package: Package) -> float:
    span = package.suitability.spacing_mm
    return float(sum(span) / 2.0) if span else 1.0
