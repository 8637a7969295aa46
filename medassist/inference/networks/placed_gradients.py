"""A classifier for few pictures of one kind: edges by direction, laid over a template, weighed linearly."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, dropout, pad

from medassist.inference.networks.placing import SIZE, Placing, frame, returned, warped

DIRECTIONS = 9
CELLS = 8
"""Cells along a side of the template; blocks of 2 x 2 of them overlap."""
_BLOCKS = CELLS - 1
_PARTS = 4 * DIRECTIONS
_THUMB = 16
_CLIP = 0.2
_SPREAD = 10.0
_MOMENTUM = 0.02


class PlacedGradients(nn.Module):
    """From pictures (B, 1, X, Y) to logits (B, out_channels).

    Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) in 8 x 8 cells of the template, whose places
    `Placing` finds, with one weight for each direction, cell and label: a linear model, so that what every part of the
    picture adds to a logit is known exactly. `evidence` is the layer to explain: (B, out_channels, 16, 16) over the
    picture as it came, and a logit is the mean of its map plus a constant. It says how far the picture differs from the
    mean training picture in favour of the label. `likeness` is the layer to know the kind of picture by: the placed
    picture at 16 x 16. X must be the patient's left-right axis.
    """

    axes: torch.Tensor
    mean: torch.Tensor

    def __init__(self, out_channels: int, dropout_prob: float = 0.5, pull: float = 1.2) -> None:
        super().__init__()
        self.dropout_prob = dropout_prob
        self.placing = Placing(pull)
        self.weight = nn.Parameter(torch.zeros(out_channels, _PARTS, _BLOCKS, _BLOCKS))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("mean", torch.zeros(1, _PARTS, _BLOCKS, _BLOCKS))
        self.register_buffer("axes", frame(_THUMB), persistent=False)
        self.likeness = nn.Identity()
        self.evidence = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, out_channels)."""
        place = self.placing(x)
        self.likeness(self._thumb(x, place))
        blocks = _blocks(warped(adaptive_avg_pool2d(_edges(x), SIZE), place, self.placing.axes))
        if self.training:
            self._learn(blocks)
        away = dropout(_SPREAD * (blocks - self.mean), self.dropout_prob, self.training)
        told = (away[:, None] * self.weight).sum(2)
        spread = CELLS**2 * returned(told, place, self.axes, _BLOCKS / CELLS)
        left = told.sum((2, 3), keepdim=True) - spread.mean((2, 3), keepdim=True)
        logits: torch.Tensor = self.evidence(spread + left).mean((2, 3)) + self.bias
        return logits

    def _thumb(self, x: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        small = self.placing.levelled(warped(adaptive_avg_pool2d(x, SIZE), place, self.placing.axes))
        return avg_pool2d(small, SIZE // _THUMB).flatten(1)[:, :, None, None]

    @torch.no_grad()
    def _learn(self, blocks: torch.Tensor) -> None:
        share = torch.clamp(1.0 / self.placing.seen, min=_MOMENTUM)
        self.mean.lerp_(blocks.mean(0, keepdim=True), share)


def _edges(x: torch.Tensor) -> torch.Tensor:
    """Return (B, 9, X, Y): the strength of edges, shared softly between nine directions of half a turn."""
    down = pad(x[:, :, 2:] - x[:, :, :-2], (0, 0, 1, 1), "replicate")
    along = pad(x[..., 2:] - x[..., :-2], (1, 1, 0, 0), "replicate")
    strength = torch.sqrt(down**2 + along**2 + 1e-4)
    angles = torch.arange(DIRECTIONS, device=x.device) * (2.0 * math.pi / DIRECTIONS)
    cosine = ((down**2 - along**2) / strength**2) * angles.cos()[None, :, None, None]
    sine = (2.0 * down * along / strength**2) * angles.sin()[None, :, None, None]
    near = (cosine + sine).clamp_min(0.0)
    return strength * near * near * near


def _blocks(edges: torch.Tensor) -> torch.Tensor:
    """Return (B, 36, 7, 7): blocks of 2 x 2 cells, of unit length, clipped and of unit length again."""
    cells = avg_pool2d(edges, SIZE // CELLS)
    corners = [cells[:, :, a : a + _BLOCKS, b : b + _BLOCKS] for a in (0, 1) for b in (0, 1)]
    blocks = torch.cat(corners, dim=1)
    return _unit(_unit(blocks).clamp_max(_CLIP))


def _unit(blocks: torch.Tensor) -> torch.Tensor:
    return blocks / torch.sqrt((blocks * blocks).sum(1, keepdim=True) + 1e-3)
