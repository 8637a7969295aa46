"""What a reader waits for at the viewer, beside pyqtgraph alone, without a screen and on an X server.

Milliseconds are CPU of the process (see `benchmarks.view_scenes`); the start and the first picture are on the wall.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import start
from benchmarks.open_data import write_series

PICTURES = 60
SLICES = 400
SCENES = {
    "repaint": "repaint of 512 x 512, mask and map",
    "scroll": "scroll of three planes",
    "window": "window drag on 2048 x 2048",
}
XVFB = ("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24")
ROOT = Path(__file__).resolve().parents[1]

Figures = Mapping[str, float]


def measure(rounds: int) -> Mapping[str, Figures]:
    """Return the figures of every scene on every platform, ours and bare in turns; `rounds` times as many pictures."""
    rows: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="medassist-view-") as name:
        folder = Path(name) / "ct"
        write_series(folder, SLICES, 512)
        for platform in _platforms():
            for scene, title in SCENES.items():
                for who in ("ours", "bare"):
                    pictures = _told(platform, scene, who, PICTURES * rounds)
                    rows[f"{title} | {who}, {platform}"] = _figures(pictures)
            for who in ("ours", "bare"):
                seconds = [_told(platform, "first", who, 1, folder)[0] for _ in range(min(rounds, 3))]
                rows[f"first picture of {SLICES} slices | {who}, {platform}"] = {"seconds": median(seconds)}
    rows.update(start.measure(rounds))
    return rows


def misses(rows: Mapping[str, Figures]) -> Sequence[str]:
    """Say which of our figures are worse than the reading room demands."""
    return [
        f"{name}: {why}" for name, figures in rows.items() if "bare" not in name for why in _too_slow(name, figures)
    ]


def _too_slow(name: str, figures: Figures) -> Iterator[str]:
    limits = {"median_ms": 5.0, "p99_ms": 16.0} if name.startswith(SCENES["repaint"]) else {"ratio": 1.5}
    if name.startswith("first picture"):
        limits = {"seconds": 1.0}
    for key, most in limits.items():
        if figures.get(key, 0.0) > most:
            yield f"{key} {figures[key]:.3g}, more than {most:g}"
    if "frames/s" in figures and not name.startswith(SCENES["repaint"]) and figures["frames/s"] < 60:
        yield f"{figures['frames/s']:.0f} frames/s, fewer than 60"


def _figures(pictures: Sequence[float]) -> Figures:
    return {
        "median_ms": median(pictures),
        "p99_ms": float(np.percentile(pictures, 99)),
        "frames/s": 1000 * len(pictures) / sum(pictures),
    }


def _platforms() -> list[str]:
    return ["offscreen", *(["xcb"] if shutil.which(XVFB[0]) else [])]


def _told(platform: str, scene: str, who: str, pictures: int, folder: Path | None = None) -> list[float]:
    with tempfile.TemporaryDirectory() as home:
        own = {f"MEDASSIST_{name}": home for name in ("CACHE", "CONFIG", "DATA", "SITE")}
        environment = os.environ | own | {"QT_QPA_PLATFORM": platform, "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-m", "benchmarks.view_scenes", scene, who, str(pictures), str(folder or "")]
        command = [*(XVFB if platform == "xcb" else ()), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)  # noqa: S603
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found
