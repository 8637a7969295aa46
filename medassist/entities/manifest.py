"""How a result was computed: enough to compute it again, and to tell why another run may differ in the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medassist.entities.study import Warned


@dataclass(frozen=True)
class RunManifest:
    """What ran, and how.

    Attributes:
        backend: "torch" or "openvino"; `precision` is "f32", "bf16", "f16" or "int8".
        parity: largest difference to torch in f32 on a window of noise, or, of a package's own program, on the real
            windows it was measured on, as a share of the largest logit; None for the reference itself.
        window: voxels of a window as the network's axes run (x first), () when it took the image whole.
        windows: how many there were; `batch` of them ran at once.
        flips: mirrored views averaged with the image as it is, as axes of the network (x first); () for none.
        steps: what was changed because memory ran out, in order; empty when nothing was.
        input_sha256: of the pixels and their grid, "" when they were not needed to know the result again.
        forecast_bytes: memory that was expected to be needed, None when it could not be told.
        free_bytes: memory that was free on the device before the run, None when it could not be told.
        from_cache: whether the result was computed earlier and only read again.
        computed: local ISO time at which it was computed; `computed_s` are the seconds that took, by stage.
    """

    backend: str = ""
    precision: str = ""
    parity: float | None = None
    window: tuple[int, ...] = ()
    windows: int = 1
    batch: int = 1
    flips: tuple[tuple[int, ...], ...] = ()
    steps: tuple[Warned, ...] = ()
    input_sha256: str = ""
    forecast_bytes: int | None = None
    free_bytes: int | None = None
    from_cache: bool = False
    computed: str = ""
    computed_s: Mapping[str, float] = field(default_factory=dict)
