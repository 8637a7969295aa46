"""Decoding in other processes: the same values, nothing left behind, and a codec that crashes costs its file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from phantoms import write_ct_series, write_film
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless
from test_traps_syntaxes import bundled_files

from medassist.entities.errors import Cancelled, UnreadableInput
from medassist.imaging import decode_file as loading_room
from medassist.imaging import decode_pool, decode_process, decode_processes, decoding
from medassist.imaging.codecs import stored_values
from medassist.imaging.decode_processes import Pool
from medassist.imaging.dicom_files import read_with_pixels
from medassist.imaging.load import load
from medassist.imaging.outline import Watch
from medassist.imaging.quiet import quietly
from medassist.imaging.scan import scan
from medassist.progress import Progress

SIDE, SLICES = 256, 10
DEADLINE_SECONDS = 60
MARK = b"-- this frame is not like the others --"

# A worker with a codec of its own: it prints, and does something else with a frame that carries the mark.
ODD_WORKER = f"""
import os, sys, time
sys.path[:] = sys.argv[1:]
from medassist.imaging import codecs, decode_worker
plain = codecs.stored_values
def odd(ds):
    print("a codec with something to say", flush=True)
    os.write(2, b"and more")
    if {MARK!r} in ds.PixelData:
        {{deed}}
    return plain(ds)
codecs.stored_values = odd
decode_worker.serve()
"""


@pytest.fixture
def pool(monkeypatch):
    """Give the test a pool of its own that has no worker yet."""
    made = Pool(2)
    monkeypatch.setattr(decode_pool, "_pool", made)
    yield made
    made.close()


@pytest.fixture
def odd(monkeypatch):
    """Let new workers do a deed, in Python, with frames that carry the mark."""

    def arm(deed):
        code = ODD_WORKER.format(deed=deed)
        places = [*filter(None, sys.path), str(Path(decoding.__file__).parents[2])]
        monkeypatch.setattr(decode_process, "_command", lambda: [sys.executable, "-c", code, *places])

    return arm


def ready(pool, count=1):
    """Start workers and wait for them, so that small frames go to them as well."""
    pool.start(count)
    with pool._changed:
        assert pool._changed.wait_for(lambda: len(pool._ready) >= count, DEADLINE_SECONDS)


def compressed(folder, syntax=JPEG2000Lossless, marked=()):
    """Write a CT series whose slices differ, compressed, some of them marked; return its values."""
    values = []
    for index, path in enumerate(write_ct_series(folder, slices=SLICES, rows=SIDE, columns=SIDE)):
        dataset = pydicom.dcmread(path)
        values.append(dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept)
        dataset.compress(syntax, generate_instance_uid=False)
        if index in marked:
            (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
            dataset.PixelData = encapsulate([frame + MARK])
        dataset.save_as(path)
    return np.stack(values)


def film(folder, frames=1, promised=None):
    """Write a film of noise above the size that always goes to a worker; return its values (frame, row, column)."""
    path = write_film(folder)
    dataset = pydicom.dcmread(path)
    side = 800 if frames == 1 else SIDE
    values = np.random.default_rng(0).integers(0, 4096, (frames, side, side), np.uint16)
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = side, side, 16, 12, 11
    dataset.PixelData = values.tobytes()
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.compress(JPEG2000Lossless)
    dataset.NumberOfFrames = promised or frames
    dataset.save_as(path)
    return values


def only(folder):
    (series,) = scan(folder).all_series()
    return series


def gone(number):
    """Wait until a process is no more (a zombie is waited for by its parent, which is not this process)."""
    until = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < until:
        try:
            os.kill(number, 0)
            if Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (OSError, IndexError):
            return True
        time.sleep(0.01)
    return False


def test_a_film_is_decoded_by_another_process(tmp_path, pool, monkeypatch):
    values = film(tmp_path)
    monkeypatch.setattr(decoding, "stored_values", lambda ds: pytest.fail("decoded here"))
    assert (load(only(tmp_path)).array_zyx == values).all()
    assert len(pool._ready) == 1


def test_a_small_picture_starts_no_process(tmp_path, pool):
    values = compressed(tmp_path)
    series = only(tmp_path)
    decoded = decoding.decode(pydicom.dcmread(series.frames[0].path), series.frames[0].path)
    assert decoded[0].max() > decoded[0].min()
    assert decoded.shape == (1, *values.shape[1:])
    assert pool._processes == set()
    assert pool._starting == 0


def test_other_syntaxes_stay_in_this_process(tmp_path, pool):
    values = compressed(tmp_path, RLELossless)
    assert (load(only(tmp_path)).array_zyx == values).all()
    assert pool._processes == set()


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("waits", [True, False], ids=["workers ready", "workers starting"])
def test_a_series_keeps_its_values(tmp_path, pool, syntax, waits):
    values = compressed(tmp_path, syntax)
    if waits:
        ready(pool, 2)
    with ThreadPoolExecutor(2) as threads:
        volumes = [threads.submit(load, only(tmp_path)) for _ in range(2)]
    for volume in volumes:
        assert (volume.result().array_zyx == values).all()
    assert len(pool._ready) + pool._starting == 2


def test_frames_of_one_file_keep_their_order(tmp_path, pool):
    values = film(tmp_path, frames=12)
    assert (load(only(tmp_path)).array_zyx == values).all()
    assert len(pool._ready) + pool._starting == 2


def test_frames_of_one_file_are_not_copied(tmp_path, monkeypatch):
    film(tmp_path, frames=12)
    decoded = []

    def kept(*arguments, **options):
        decoded.append(decoding.decode(*arguments, **options))
        return decoded[-1]

    monkeypatch.setattr(loading_room, "decode", kept)
    volume = load(only(tmp_path))
    assert np.shares_memory(volume.array_tzyx, decoded[0])


def test_frames_that_are_missing_are_no_picture(tmp_path, pool):
    values = film(tmp_path, frames=12, promised=14)
    volume = load(only(tmp_path))
    assert volume.lost_slices == (12, 13)
    assert (volume.array_zyx[:12] == values).all()


def test_bundled_files_are_the_same_from_a_worker(pool):
    ready(pool)
    compared = 0
    for path in bundled_files():
        with suppress(UnreadableInput), quietly():
            dataset = read_with_pixels(path)
            if decode_pool.is_for(dataset.file_meta):
                compared += _same_from_a_worker(dataset)
    assert compared > 10


def _same_from_a_worker(dataset):
    """Compare frames decoded here and there, or that neither can be; tell whether there was anything to compare."""
    try:
        here = stored_values(copy(dataset))
    except RuntimeError:
        with pytest.raises(RuntimeError, match="Error"):
            decode_pool.decoded(dataset)
        return False
    there = decode_pool.decoded(dataset)
    assert there.shape == here.shape
    assert there.dtype == here.dtype.newbyteorder("=")
    assert (there == here).all()
    return True


@pytest.mark.parametrize("deed", ["os.abort()", "os._exit(0)", "raise MemoryError", "time.sleep(1e6)"])
def test_a_codec_that_crashes_costs_its_file(tmp_path, pool, odd, monkeypatch, deed):
    monkeypatch.setattr(decode_process, "_FRAME_SECONDS", 5.0)
    odd(deed)
    values = compressed(tmp_path, marked=(3,))
    ready(pool, 2)
    series = only(tmp_path)
    volume = load(series)
    kept = [index for index in range(SLICES) if index != 3]
    assert volume.lost_slices == (3,)
    assert series.frames[3].path.name in str(volume.series.warnings)
    assert (volume.array_zyx[kept] == values[kept]).all()
    ready(pool, 2)  # the lost ones were replaced
    assert len(pool._processes) == 2


def test_a_worker_ended_from_outside_costs_nothing(tmp_path, pool, monkeypatch):
    values = film(tmp_path)
    ready(pool)
    (process,) = pool._ready
    process._process.kill()
    process._process.wait()
    monkeypatch.setattr(decoding, "stored_values", lambda ds: pytest.fail("decoded here"))
    assert (load(only(tmp_path)).array_zyx == values).all()


@pytest.mark.parametrize("command", [["/nowhere/python"], [sys.executable, "-c", "pass"]], ids=["none", "ends"])
def test_without_processes_threads_decode(tmp_path, pool, monkeypatch, command):
    monkeypatch.setattr(decode_process, "_command", lambda: command)
    values = film(tmp_path / "film")
    assert (load(only(tmp_path / "film")).array_zyx == values).all()
    assert pool.most == 0
    values = compressed(tmp_path / "series")
    assert (load(only(tmp_path / "series")).array_zyx == values).all()
    assert pool._processes == set()


def test_cancel_leaves_workers_ready_for_the_next_series(tmp_path, pool):
    values = compressed(tmp_path)
    ready(pool, 2)
    progress = Progress(lambda step: progress.cancel() if step.fraction else None)
    with pytest.raises(Cancelled):
        load(only(tmp_path), progress=progress)
    assert len(pool._idle) == len(pool._ready) == 2
    assert (load(only(tmp_path)).array_zyx == values).all()


def test_cancel_between_the_frames_of_a_file(tmp_path, pool):
    film(tmp_path, frames=12)
    progress = Progress()
    ready(pool)
    ask = pool._ask

    def cancelling(*arguments):
        progress.cancel()
        return ask(*arguments)

    pool._ask = cancelling
    dataset = pydicom.dcmread(only(tmp_path).frames[0].path)
    with pytest.raises(Cancelled):
        decoding.decode(dataset, tmp_path, progress=progress)
    assert len(pool._idle) == len(pool._ready)


def test_workers_without_work_go_and_others_come(tmp_path, pool, monkeypatch):
    values = film(tmp_path)
    monkeypatch.setattr(decode_processes, "_REST_SECONDS", 0.0)
    monkeypatch.setattr(decode_processes, "_TICK_SECONDS", 0.05)
    load(only(tmp_path))
    until = time.monotonic() + DEADLINE_SECONDS
    while pool._processes and time.monotonic() < until:
        time.sleep(0.01)
    assert (pool._processes, pool._ready, pool._idle) == (set(), set(), [])
    monkeypatch.setattr(decode_processes, "_REST_SECONDS", 60.0)
    assert (load(only(tmp_path)).array_zyx == values).all()


def test_workers_import_little():
    code = "import sys; from medassist.imaging import decode_worker, codecs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"PySide6", "torch", "monai", "SimpleITK", "scipy", "highdicom", "skimage", "multiprocessing"}


def test_a_frozen_program_is_its_own_worker(tmp_path, pool, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    executable, flag = decode_process._command()
    assert executable == sys.executable
    monkeypatch.setattr(decode_process, "_command", lambda: [sys.executable, "-m", "medassist", flag])
    monkeypatch.setattr(decoding, "stored_values", lambda ds: pytest.fail("decoded here"))
    values = film(tmp_path)
    assert (load(only(tmp_path)).array_zyx == values).all()


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored by what it starts in the background
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from pathlib import Path
from medassist.imaging import decode_pool
from medassist.imaging.load import load
from medassist.imaging.outline import Watch
from medassist.imaging.scan import scan
(series,) = scan(Path(sys.argv[1])).all_series()
print("read", load(series).array_zyx.sum(), flush=True)
with decode_pool._pool._changed:
    decode_pool._pool._changed.wait_for(lambda: not decode_pool._pool._starting, 60)
print("workers", *(one._process.pid for one in decode_pool._pool._processes), flush=True)
"""


def script(tmp_path, folder, end=""):
    """Start a script without a main guard that loads a folder; return it with the numbers of its workers."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT + textwrap.dedent(end))
    command = [sys.executable, "-W", "error", str(path), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(decoding.__file__).parents[2])}
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, process_group=0
    )
    assert started.stdout.readline().startswith("read")
    return started, [int(number) for number in started.stdout.readline().split()[1:]]


def test_a_script_without_a_guard_leaves_nothing_behind(tmp_path):
    film(tmp_path / "film")
    started, workers = script(tmp_path, tmp_path / "film")
    rest, complaints = started.communicate()
    assert (rest, complaints, started.returncode) == ("", "", 0)
    assert len(workers) == 1
    assert all(gone(number) for number in workers)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no signals of this kind here")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_a_program_that_is_ended_takes_its_workers_with_it(tmp_path, ending):
    film(tmp_path / "film")
    started, workers = script(tmp_path, tmp_path / "film", "while True: load(series)\n")
    os.killpg(started.pid, ending)
    _, complaints = started.communicate(timeout=DEADLINE_SECONDS)
    assert started.returncode != 0
    assert "resource_tracker" not in complaints
    assert "ResourceWarning" not in complaints
    assert len(workers) == 1
    assert all(gone(number) for number in workers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_workers_of_its_own(tmp_path):
    film(tmp_path / "film")
    end = """
    import os, warnings
    warnings.simplefilter("ignore")
    whole = load(series).array_zyx.sum()
    child = os.fork()
    if not child:
        same = load(series).array_zyx.sum() == whole
        decode_pool._pool.close()
        os._exit(0 if same else 3)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), load(series).array_zyx.sum() == whole)
    """
    started, workers = script(tmp_path, tmp_path / "film", end)
    rest, complaints = started.communicate(timeout=DEADLINE_SECONDS)
    assert (rest.strip(), complaints) == ("0 True", "")
    assert all(gone(number) for number in workers)


def test_frames_of_one_file_are_shown_as_they_are_decoded(tmp_path, pool):
    values = film(tmp_path, frames=12)
    ready(pool, 1)
    series, shown = only(tmp_path), {}

    def arrived(slices, make):
        shown.update({index: make(index) for index in slices if index not in shown})

    whole = load(series, watch=Watch(7, arrived))
    assert (whole.array_zyx == values).all()
    assert sorted(shown) == list(range(12))
    assert next(iter(shown)) == 7
    assert set(list(shown)[:5]) <= {4, 5, 6, 7, 8, 9, 10}, "those near the first one come before the others"
    for index, one in shown.items():
        assert (one.array_zyx[0] == values[index]).all()


def test_who_looks_on_may_stop_the_frames_of_one_file(tmp_path, pool):
    film(tmp_path, frames=12)
    progress, seen = Progress(), []

    def stop(slices, _make):
        seen.extend(slices)
        progress.cancel()

    with pytest.raises(Cancelled):
        load(only(tmp_path), progress=progress, watch=Watch(3, stop))
    assert len(seen) < 12


def test_missing_frames_are_never_shown(tmp_path, pool):
    film(tmp_path, frames=12, promised=14)
    shown = []
    whole = load(only(tmp_path), watch=Watch(13, lambda slices, _make: shown.extend(slices)))
    assert whole.lost_slices == (12, 13)
    assert set(shown) == set(range(12))
