"""Lay pictures of one kind over a common template: same place, size and turn, found anew for every picture."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, grid_sample

SIZE = 32
"""Side of the template in pixels."""
_PLACES = 5
_LARGEST = 0.5
_NUDGE = 0.02


def frame(side: int) -> torch.Tensor:
    """Return (side * side, 3): (column, row, 1) of every pixel of a square that reaches from -1 to 1, row by row."""
    along = (torch.arange(side) + 0.5) * (2.0 / side) - 1.0
    row, column = torch.meshgrid(along, along, indexing="ij")
    return torch.stack([column, row, torch.ones_like(row)], dim=-1).flatten(0, 1)


def warped(picture: torch.Tensor, place: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    """Return (B, C, side, side): `picture` (B, C, X, Y) seen on the template, whose pixels are `axes` (`frame`)."""
    a, d, s, t, r = place.unbind(1)
    return _sampled(picture, torch.stack([a.exp(), -r, s, r, d.exp(), t], dim=1), axes, "border")


def returned(values: torch.Tensor, place: torch.Tensor, axes: torch.Tensor, reach: float) -> torch.Tensor:
    """Return (B, C, side, side): `values`, laid over the middle `reach` of the template, back on the picture.

    The inverse of `warped`; `axes` (`frame`) are the pixels of the answer. Where the template does not reach it is 0.
    """
    a, d, s, t, r = place.unbind(1)
    a, d = a.exp(), d.exp()
    scale = reach * (a * d + r * r)
    back = torch.stack([d, r, -d * s - r * t, -r, a, r * s - a * t], dim=1) / scale[:, None]
    return _sampled(values, back, axes, "zeros")


def _sampled(picture: torch.Tensor, affine: torch.Tensor, axes: torch.Tensor, outside: str) -> torch.Tensor:
    """Sample a picture where `affine` (B, 6), the rows of a 2 x 3 matrix, sends the pixels `axes`."""
    side = math.isqrt(len(axes))
    grid = (axes @ affine.view(-1, 2, 3).transpose(1, 2)).view(-1, side, side, 2)
    return grid_sample(picture, grid, padding_mode=outside, align_corners=False)


class Placing(nn.Module):
    """From pictures (B, 1, X, Y) to their places (B, 5): two log scales, two shifts (half pictures), one turn.

    Minimises the squared difference to a template, both brought to mean 0 and deviation 1 under a soft round window,
    plus `pull` times the squared place: Gauss-Newton steps with the template's own derivatives (Lucas and Kanade, IJCAI
    1981; Baker and Matthews, IJCV 56:221, 2004). The template is the moving average of the training pictures in their
    places, made symmetric along X, where a patient's left and right lie; it is learned while training and fixed after.
    Places have no gradient.
    """

    axes: torch.Tensor
    window: torch.Tensor
    template: torch.Tensor
    step: torch.Tensor
    back: torch.Tensor
    seen: torch.Tensor

    def __init__(self, pull: float = 1.2, steps: int = 8, momentum: float = 0.02) -> None:
        super().__init__()
        self.pull, self.steps, self.momentum = pull, steps, momentum
        axes = frame(SIZE)
        window = torch.exp(-(axes[:, :2] ** 2).sum(1) / 1.2).view(SIZE, SIZE)
        self.register_buffer("axes", axes, persistent=False)
        self.register_buffer("window", window / window.sum())
        self.register_buffer("template", torch.zeros(1, 1, SIZE, SIZE))
        self.register_buffer("step", torch.zeros(_PLACES, SIZE * SIZE))
        self.register_buffer("back", torch.zeros(_PLACES, _PLACES))
        self.register_buffer("seen", torch.zeros(1))

    @torch.no_grad()
    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return the places; in training mode the template learns from these pictures."""
        small = adaptive_avg_pool2d(picture.to(self.template.dtype), SIZE)
        place = small.new_zeros(len(small), _PLACES)
        wanted = self.levelled(self.template)
        for _ in range(self.steps):
            missing = (wanted - self.levelled(warped(small, place, self.axes))).flatten(1)
            place = place + 0.8 * (missing @ self.step.T - place @ self.back.T)
            place = place.clamp(-_LARGEST, _LARGEST)
        if self.training:
            self._learn(warped(small, place, self.axes))
        return place

    def levelled(self, picture: torch.Tensor) -> torch.Tensor:
        """Return pictures (B, C, 32, 32) with mean 0 and deviation 1 under the window."""
        away = picture - (picture * self.window).sum((2, 3), keepdim=True)
        return away / ((away * away * self.window).sum((2, 3), keepdim=True).sqrt() + 1e-3)

    def _learn(self, placed: torch.Tensor) -> None:
        mean = placed.mean(0, keepdim=True)
        share = torch.clamp(1.0 / (self.seen + 1.0), min=self.momentum)
        self.seen += 1.0
        self.template.lerp_((mean + mean.flip(2)) / 2.0, share)
        weights = self.window.flatten()[:, None]
        slopes = torch.stack([self._slope(at) for at in range(_PLACES)], dim=1)
        pull = self.pull * torch.eye(_PLACES).to(slopes)
        normal = slopes.T @ (weights * slopes) + pull
        self.step.copy_(torch.linalg.solve(normal, (weights * slopes).T))
        self.back.copy_(torch.linalg.solve(normal, pull))

    def _slope(self, at: int) -> torch.Tensor:
        """Return (1024,) how the levelled template changes with one part of the place."""
        nudge = self.template.new_zeros(1, _PLACES)
        nudge[0, at] = _NUDGE
        ahead, behind = (self.levelled(warped(self.template, one, self.axes)) for one in (nudge, -nudge))
        return ((ahead - behind) / (2.0 * _NUDGE)).flatten()
