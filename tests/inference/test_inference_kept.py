from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import change_json, write_classifier, write_threshold_segmenter

from medassist.entities.prediction import Prediction
from medassist.entities.study import SeriesKind, warned
from medassist.entities.volume import Window
from medassist.inference import kept
from medassist.inference.packages import Package, read
from medassist.inference.predict import predict
from medassist.inference.result_file import Unkept, decode, encode
from medassist.inference.results import forget_results


@pytest.fixture(autouse=True)
def no_remembered_results():
    forget_results()
    yield
    forget_results()


@pytest.fixture
def noise(make_volume):
    values = np.random.default_rng(0).integers(0, 1000, (20, 24, 40)).astype(np.int16)
    return make_volume(values, series_uid="1.2.840.9999", description="DOE^JANE")


@pytest.fixture
def film(make_volume):
    values = np.random.default_rng(1).integers(0, 4000, (1, 60, 50)).astype(np.uint16)
    return make_volume(values, kind=SeriesKind.FILM, modality="CR", windows=(Window(2000, 4000),))


def tomorrow(package: Package, volume, **options) -> Prediction:
    """Run as a new process would: nothing is in memory."""
    forget_results()
    return predict(package, volume, device="cpu", reuse=True, on_disk=True, **options)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "medassist_cache" / "results").glob("*"))


def same(one: Prediction, two: Prediction) -> None:
    assert (one.model, one.scores, one.checks, one.device) == (two.model, two.scores, two.checks, two.device)
    assert [score.curve for score in one.scores] == [score.curve for score in two.scores]
    if one.mask is not None:
        assert two.mask is not None
        assert np.array_equal(one.mask.labels_zyx, two.mask.labels_zyx)
        assert one.mask.segments == two.mask.segments
        assert one.mask.geometry.same_grid(two.mask.geometry)


def test_an_answer_of_an_earlier_process_is_given_again(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    first, again = tomorrow(package, noise), tomorrow(package, noise)
    assert (first.manifest.from_cache, again.manifest.from_cache) == (False, True)
    same(first, again)
    assert replace(again.manifest, from_cache=False) == first.manifest
    assert again.manifest.computed_s == first.timings_s
    assert "taken from the cache" in str(again.notes[-1])
    assert again.notes[:-1] == first.notes


def test_scores_come_back_with_all_that_gives_them_meaning(tmp_path: Path, film) -> None:
    package = read(write_classifier(tmp_path / "chest"))
    first, again = tomorrow(package, film), tomorrow(package, film)
    assert again.manifest.from_cache
    assert first.scores
    same(first, again)


def test_a_map_of_uncertainty_comes_back_on_its_grids(tmp_path: Path, noise) -> None:
    package = read(write_threshold_segmenter(tmp_path / "p", 500.0))
    plain = tomorrow(package, noise)
    first, again = (tomorrow(package, noise, uncertainty=True) for _ in range(2))
    assert plain.uncertainty is None
    assert not first.manifest.from_cache
    assert again.manifest.from_cache
    assert first.uncertainty is not None
    assert again.uncertainty is not None
    assert np.array_equal(first.uncertainty.values_zyx, again.uncertainty.values_zyx)
    assert first.uncertainty.native_geometry.same_grid(again.uncertainty.native_geometry)
    assert again.uncertainty.kind is first.uncertainty.kind


def test_nothing_is_written_unless_asked(tiny_segmenter: Path, tmp_path: Path, noise) -> None:
    package = read(tiny_segmenter)
    predict(package, noise, device="cpu", reuse=True)
    predict(package, noise, device="cpu", on_disk=True)  # a fresh run
    assert files(tmp_path) == []


def test_a_file_tells_nobody_who_it_was(tiny_segmenter: Path, tmp_path: Path, noise) -> None:
    tomorrow(read(tiny_segmenter), noise)
    (file,) = files(tmp_path)
    with np.load(file, allow_pickle=False) as parts:
        told = parts["told"].tobytes() + file.name.encode()
    for secret in (b"DOE", b"1.2.840.9999", b"1.2.3", str(noise.series.key).encode() + b'"'):
        assert secret not in told


@pytest.mark.parametrize("damage", [b"", b"PK", b"no file of numbers"])
def test_a_damaged_file_is_computed_again(tiny_segmenter: Path, tmp_path: Path, noise, caplog, damage) -> None:
    package = read(tiny_segmenter)
    first = tomorrow(package, noise)
    (file,) = files(tmp_path)
    file.write_bytes(damage)
    again = tomorrow(package, noise)
    assert not again.manifest.from_cache
    assert "computed again" in caplog.text
    same(first, again)
    assert tomorrow(package, noise).manifest.from_cache  # it was written anew


@pytest.mark.parametrize("what", ["other grid", "pickle", "no labels", "other type"])
def test_a_file_that_does_not_fit_is_not_used(tiny_segmenter: Path, noise, make_volume, what) -> None:
    package = read(tiny_segmenter)
    content = encode(predict(package, noise, device="cpu"))
    assert decode(content, package, noise).mask is not None
    import io

    with np.load(io.BytesIO(content)) as parts:
        arrays = dict(parts)
    arrays["labels"] = {
        "other grid": arrays["labels"][:-1],
        "pickle": np.array([{"a": 1}], dtype=object),
        "no labels": arrays["labels"],
        "other type": arrays["labels"].astype(np.int64),
    }[what]
    if what == "no labels":
        del arrays["labels"]
    file = io.BytesIO()
    np.savez(file, **arrays)
    with pytest.raises(Unkept):
        decode(file.getvalue(), package, noise)


def test_the_oldest_give_way(tiny_segmenter: Path, tmp_path: Path, noise, monkeypatch) -> None:
    package = read(tiny_segmenter)
    volumes = [replace(noise, array_tzyx=noise.array_tzyx + at) for at in range(4)]
    for volume in volumes[:3]:
        tomorrow(package, volume)
    for at, file in enumerate(sorted(files(tmp_path), key=lambda one: one.stat().st_mtime_ns)):
        os.utime(file, (1000 + at, 1000 + at))
    assert tomorrow(package, volumes[0]).manifest.from_cache  # asked for: now the newest
    monkeypatch.setattr(kept, "MOST_BYTES", int(3.2 * files(tmp_path)[0].stat().st_size))
    tomorrow(package, volumes[3])
    assert [tomorrow(package, one).manifest.from_cache for one in (volumes[0], volumes[2], volumes[3])] == [True] * 3
    assert not tomorrow(package, volumes[1]).manifest.from_cache


def test_a_full_disk_costs_nothing(tiny_segmenter: Path, tmp_path: Path, noise, monkeypatch, caplog) -> None:
    def full(*_words, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "encode", full)
    assert tomorrow(read(tiny_segmenter), noise).mask is not None
    assert "could not be kept" in caplog.text
    assert files(tmp_path) == []


def test_another_program_package_or_library_is_another_answer(tiny_segmenter: Path, noise, monkeypatch) -> None:
    tomorrow(read(tiny_segmenter), noise)
    for name in ("_program", "_libraries"):
        with monkeypatch.context() as patch:
            patch.setattr(kept, name, lambda: "another")
            assert not tomorrow(read(tiny_segmenter), noise).manifest.from_cache
    with monkeypatch.context() as patch:
        patch.setattr(kept, "__version__", "9.9")
        assert not tomorrow(read(tiny_segmenter), noise).manifest.from_cache
    change_json(tiny_segmenter, "metadata", version="7.0.0")
    assert not tomorrow(read(tiny_segmenter), noise).manifest.from_cache


def test_a_package_with_code_of_its_own_is_run_each_time(tiny_segmenter: Path, tmp_path: Path, noise) -> None:
    tomorrow(replace(read(tiny_segmenter), trusted=True), noise)
    assert files(tmp_path) == []


def test_an_answer_of_a_device_that_is_gone_is_computed_again(tiny_segmenter: Path, noise, monkeypatch) -> None:
    package = read(tiny_segmenter)
    monkeypatch.setattr(kept, "encode", lambda answer, notes: encode(replace(answer, device="cuda:7"), notes))
    tomorrow(package, noise)
    assert not tomorrow(package, noise).manifest.from_cache


def test_notes_of_the_series_are_not_kept_and_come_anew(tiny_segmenter: Path, noise) -> None:
    package = read(tiny_segmenter)
    own, series = (
        warned("{count} windows", count=3),
        warned("Only the first of {count} time points: {which}", which="x"),
    )
    answer = replace(predict(package, noise, device="cpu"), notes=(own, series))
    assert decode(encode(answer, (series,)), package, noise).notes == (own,)
    with pytest.raises(Unkept):
        encode(replace(answer, notes=(warned("{what}", what=object()),)))


def test_a_new_process_answers_without_torch(tiny_segmenter: Path, tmp_path: Path) -> None:
    from phantoms import write_mr_series

    write_mr_series(tmp_path / "mr", slices=8)
    code = (
        "import sys; from medassist.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "import json, pathlib; told = json.loads(pathlib.Path(sys.argv[6], 'result.json').read_text())\n"
        "print(told['run']['from_cache'], [one for one in ('torch', 'monai') if one in sys.modules])"
    )
    words = ["analyze", tmp_path / "mr", "-m", tiny_segmenter, "-o", tmp_path / "out", "--explain", "none"]
    found = [
        subprocess.run([sys.executable, "-c", code, *map(str, (*words, *more))], capture_output=True, text=True)
        for more in ((), (), ("--fresh",))
    ]
    assert [one.stdout.strip().splitlines()[-1] for one in found if one.returncode == 0] == [
        "False ['torch', 'monai']",
        "True []",
        "False ['torch', 'monai']",
    ], found


def test_the_setting_switches_it_off(tiny_segmenter: Path, tmp_path: Path, noise, make_study) -> None:
    from medassist.progress import Progress
    from medassist.session.jobs import run_model
    from medassist.session.remembered import is_known
    from medassist.storage import settings

    package = read(tiny_segmenter)
    settings.write("remember_results", False)
    run_model(make_study(), noise, package, device="cpu", progress=Progress())
    assert files(tmp_path) == []
    settings.write("remember_results", True)
    forget_results()
    assert not is_known(package, noise, device="cpu")
    run_model(make_study(), noise, package, device="cpu", progress=Progress())
    assert len(files(tmp_path)) == 1
    assert is_known(package, noise, device="cpu")
