"""Where a NIfTI file says its voxels lie: it may say so twice (qform and sform), or not at all."""

from __future__ import annotations

import struct

import numpy as np

from medassist.entities.geometry import Affine
from medassist.entities.study import Warned, warned

_SAME_MM = 0.1


def place_remarks(header: bytes, size_xyz: tuple[int, ...], name: str) -> tuple[Warned, ...]:
    """Say when a NIfTI-1 file leaves the sides of the patient open; `header` is its first 348 bytes.

    Without a transform, programs differ in which way the axes run; with two that disagree, in which one they take.
    """
    order = "<" if int.from_bytes(header[:4], "little") == 348 else ">"
    has_q, has_s = (code > 0 for code in struct.unpack_from(f"{order}2h", header, 252))
    if not has_q and not has_s:
        return (
            warned(
                "{file} does not say where its voxels lie (no qform, no sform); left and right are a guess.",
                file=name,
            ),
        )
    if not (has_q and has_s):
        return ()
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
    corners[:, :3] *= np.array((*size_xyz, 1, 1)[:3]) - 1
    apart = float(np.abs(corners @ (_qform(header, order) - _sform(header, order)).T).max())
    if apart <= _SAME_MM:
        return ()
    return (
        warned(
            "{file} states two places for its voxels (qform and sform), up to {apart} mm apart; "
            "check left and right before you rely on them.",
            file=name,
            apart=f"{apart:.1f}",
        ),
    )


def _sform(header: bytes, order: str) -> Affine:
    rows = np.array(struct.unpack_from(f"{order}12f", header, 280), dtype=np.float64).reshape(3, 4)
    return np.vstack([rows, [0, 0, 0, 1]])


def _qform(header: bytes, order: str) -> Affine:
    """Return the affine of the quaternion (nifti1.h, method 2)."""
    handedness, *spacing = struct.unpack_from(f"{order}4f", header, 76)
    b, c, d, *origin = struct.unpack_from(f"{order}6f", header, 256)
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing * [1.0, 1.0, -1.0 if handedness < 0 else 1.0]
    affine[:3, 3] = origin
    return affine
