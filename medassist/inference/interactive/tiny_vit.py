"""The image encoder of LiteMedSAM: a TinyViT with stride-1 patches, for inference. Imported inside functions only.

Architecture: Wu et al., TinyViT: Fast Pretraining Distillation for Small Vision Transformers, ECCV 2022; the strides
are those of LiteMedSAM (bowang-lab/MedSAM, branch LiteMedSAM, Apache-2.0). Written anew; the names of the modules are
those of the published weights, so that these load strictly. All tensors are (batch, channel, row, column).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

STAGE_CHANNELS = (64, 128, 160, 320)
STAGE_HEADS = (2, 4, 5, 10)
STAGE_WINDOWS = (7, 7, 14, 7)
STAGE_DEPTHS = (2, 2, 6, 2)
STAGE_STRIDES = (2, 2, 1)
"""How much the step after each of the first three stages shrinks the picture: 256 pixels become 64 cells."""
EXPANSION = 4
OUTPUT_CHANNELS = 256


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of (batch, channel, row, column)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every pixel over its channels."""
        normed = F.layer_norm(x.movedim(1, -1), self.weight.shape, self.weight, self.bias, eps=1e-6)
        return normed.movedim(-1, 1)


def _conv_bn(inside: int, outside: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a convolution without bias, called c, and its batch normalisation, called bn."""
    both = nn.Sequential()
    both.add_module("c", nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False))
    both.add_module("bn", nn.BatchNorm2d(outside))
    return both


class _PatchEmbedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        width = STAGE_CHANNELS[0]
        self.seq = nn.Sequential(_conv_bn(3, width // 2), nn.GELU(), _conv_bn(width // 2, width))

    def forward(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.seq(x)
        return embedded


class _InvertedBottleneck(nn.Module):
    """Widen, filter every channel by itself, narrow, add (MobileNetV2's block)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = EXPANSION * channels
        self.conv1, self.conv2 = _conv_bn(channels, wide), _conv_bn(wide, wide, 3, groups=wide)
        self.conv3 = _conv_bn(wide, channels)

    def forward(self, x: Tensor) -> Tensor:
        wide = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(wide))


class _Merging(nn.Module):
    """Go over to the next stage: more channels and, with stride 2, a quarter of the cells."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv_bn(inside, outside)
        self.conv2 = _conv_bn(outside, outside, 3, stride, groups=outside)
        self.conv3 = _conv_bn(outside, outside)

    def forward(self, x: Tensor) -> Tensor:
        merged: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return merged


class _WindowAttention(nn.Module):
    """Self-attention within one window, with a learned bias per head and distance (rows, columns)."""

    bias_of_pair: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv, self.proj = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        cell = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        distance = (cell[:, :, None] - cell[:, None, :]).abs()
        # the first cell of a window sees every distance in the order of the cells
        self.register_buffer("bias_of_pair", distance[0] * window + distance[1], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within (windows, cells, channels)."""
        windows, cells, channels = x.shape
        # per head, query, key and value lie side by side
        parts = self.qkv(self.norm(x)).view(windows, cells, self.heads, -1).transpose(1, 2)
        query, key, value = parts.chunk(3, dim=-1)
        bias = self.attention_biases[:, self.bias_of_pair]
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed: Tensor = self.proj(attended.transpose(1, 2).reshape(windows, cells, channels))
        return mixed


class _Mlp(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fc1, self.fc2 = nn.Linear(channels, EXPANSION * channels), nn.Linear(EXPANSION * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return mixed


class _WindowBlock(nn.Module):
    """Attention in windows, a local convolution, an MLP."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn, self.mlp = _WindowAttention(channels, heads, window), _Mlp(channels)
        self.local_conv = _conv_bn(channels, channels, 3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.local_conv(x + self._attend(x))
        mixed: Tensor = x + self.mlp(x.movedim(1, -1)).movedim(-1, 1)
        return mixed

    def _attend(self, x: Tensor) -> Tensor:
        """Cut into windows, zeros behind the last full one, attend, and put together again."""
        batch, channels, rows, columns = x.shape
        size = self.window
        padded = F.pad(x, (0, -columns % size, 0, -rows % size))
        down, right = padded.shape[2] // size, padded.shape[3] // size
        cut = padded.view(batch, channels, down, size, right, size).permute(0, 2, 4, 3, 5, 1)
        attended: Tensor = self.attn(cut.reshape(-1, size * size, channels))
        whole = attended.view(batch, down, right, size, size, channels).permute(0, 5, 1, 3, 2, 4)
        return whole.reshape(padded.shape)[:, :, :rows, :columns]


class _Stage(nn.Module):
    def __init__(self, number: int) -> None:
        super().__init__()
        channels, depth = STAGE_CHANNELS[number], STAGE_DEPTHS[number]
        self.blocks = nn.ModuleList(
            _WindowBlock(channels, STAGE_HEADS[number], STAGE_WINDOWS[number])
            if number
            else _InvertedBottleneck(channels)
            for _ in range(depth)
        )
        last = number == len(STAGE_DEPTHS) - 1
        self.downsample = None if last else _Merging(channels, STAGE_CHANNELS[number + 1], STAGE_STRIDES[number])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class TinyViT(nn.Module):
    """From a picture (1, 3, 256, 256) with values in 0..1 to its embedding (1, 256, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = _PatchEmbedding()
        self.layers = nn.ModuleList(_Stage(number) for number in range(len(STAGE_DEPTHS)))
        self.neck = nn.Sequential(
            nn.Conv2d(STAGE_CHANNELS[-1], OUTPUT_CHANNELS, 1, bias=False),
            ChannelNorm(OUTPUT_CHANNELS),
            nn.Conv2d(OUTPUT_CHANNELS, OUTPUT_CHANNELS, 3, padding=1, bias=False),
            ChannelNorm(OUTPUT_CHANNELS),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Embed a picture."""
        x = self.patch_embed(x)
        for stage in self.layers:
            x = stage(x)
        embedding: Tensor = self.neck(x)
        return embedding
