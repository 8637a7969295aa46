"""LiteMedSAM: from the embedding of a picture and a box to a mask. Imported inside functions only.

Architecture: Kirillov et al., Segment Anything, ICCV 2023 (prompt encoder and mask decoder), and Ma et al., Segment
anything in medical images, Nature Communications 15:654 (2024), in its light form (bowang-lab/MedSAM, branch
LiteMedSAM, Apache-2.0). Written anew for boxes and one mask; the attention of the decoder is MONAI's. The modules carry
the names of the published weights, and every tensor of those has its place here, so that they load strictly.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from monai.networks.nets.vista3d import MLP, TwoWayTransformer
from torch import Tensor, nn

from medassist.inference.interactive.tiny_vit import ChannelNorm, TinyViT

PICTURE = 256
"""Rows and columns of the picture the encoder takes."""
CELLS = 64
CHANNELS = 256
MASK_TOKENS = 4
POINT_KINDS = 4
BOX_CORNERS = (2, 3)
"""Which of the four kinds of points stand for the first and the last corner of a box."""


class _PointPlaces(nn.Module):
    """Random Fourier features of a place (x, y) in 0..1."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, CHANNELS // 2))

    def forward(self, places: Tensor) -> Tensor:
        """Encode (..., 2) as (..., 256)."""
        angles = 2 * math.pi * (2 * places - 1) @ self.positional_encoding_gaussian_matrix
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class _PromptEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pe_layer = _PointPlaces()
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, CHANNELS) for _ in range(POINT_KINDS))
        self.no_mask_embed = nn.Embedding(1, CHANNELS)
        # Prompts by points and by masks are not asked for; their weights keep their places.
        self.not_a_point_embed = nn.Embedding(1, CHANNELS)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2), ChannelNorm(4), nn.GELU(), nn.Conv2d(4, 16, 2, 2), ChannelNorm(16), nn.GELU(),
            nn.Conv2d(16, CHANNELS, 1),
        )  # fmt: skip

    def box(self, box_xyxy: Tensor) -> Tensor:
        """Encode a box (4,), in pixels of the picture with edges at whole numbers, as two tokens (1, 2, 256)."""
        corners = self.pe_layer(box_xyxy.view(2, 2) / PICTURE)
        kinds = torch.stack([self.point_embeddings.get_parameter(f"{kind}.weight")[0] for kind in BOX_CORNERS])
        tokens: Tensor = (corners + kinds)[None]
        return tokens

    def everywhere(self) -> Tensor:
        """Encode the centre of every cell: (1, 256, 64, 64)."""
        centers = (torch.arange(CELLS, device=self.no_mask_embed.weight.device) + 0.5) / CELLS
        y, x = torch.meshgrid(centers, centers, indexing="ij")
        places: Tensor = self.pe_layer(torch.stack([x, y], dim=-1))
        return places.movedim(-1, 0)[None]


class _MaskDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(depth=2, embedding_dim=CHANNELS, num_heads=8, mlp_dim=2048)
        self.iou_token, self.mask_tokens = nn.Embedding(1, CHANNELS), nn.Embedding(MASK_TOKENS, CHANNELS)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(CHANNELS, CHANNELS // 4, 2, 2), ChannelNorm(CHANNELS // 4), nn.GELU(),
            nn.ConvTranspose2d(CHANNELS // 4, CHANNELS // 8, 2, 2), nn.GELU(),
        )  # fmt: skip
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(CHANNELS, CHANNELS, CHANNELS // 8, 3) for _ in range(MASK_TOKENS)
        )
        self.iou_prediction_head = MLP(CHANNELS, CHANNELS, MASK_TOKENS, 3)

    def forward(self, cells: Tensor, places: Tensor, prompt: Tensor) -> Tensor:
        """Return the logits of the first mask, the one for an unambiguous prompt: (1, 1, 256, 256)."""
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight])[None]
        tokens, attended = self.transformer(cells, places, torch.cat([own, prompt], dim=1))
        picture = self.output_upscaling(attended.transpose(1, 2).reshape(cells.shape))
        weights = self.output_hypernetworks_mlps[0](tokens[:, 1])
        return torch.einsum("bc,bcyx->byx", weights, picture)[:, None]


class LiteMedSam(nn.Module):
    """Encoder and decoder, apart: a picture is embedded once and asked with many boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.image_encoder, self.prompt_encoder, self.mask_decoder = TinyViT(), _PromptEncoder(), _MaskDecoder()
        self.register_load_state_dict_pre_hook(_name_as_here)  # type: ignore[no-untyped-call]

    def embed(self, picture: Tensor) -> Tensor:
        """Embed a picture (1, 3, 256, 256) with values in 0..1, zeros where it ends, as (1, 256, 64, 64)."""
        embedding: Tensor = self.image_encoder(picture)
        return embedding

    def forward(self, embedding: Tensor, box_xyxy: Tensor) -> Tensor:
        """Return mask logits (1, 1, 256, 256), above zero inside; the box is (4,) in pixels, edges at whole numbers."""
        cells = embedding + self.prompt_encoder.no_mask_embed.weight.view(1, -1, 1, 1)
        logits: Tensor = self.mask_decoder(cells, self.prompt_encoder.everywhere(), self.prompt_encoder.box(box_xyxy))
        return logits


def _name_as_here(_module: nn.Module, state: dict[str, Any], prefix: str, *_rest: object) -> None:
    """Give published weights the names of MONAI's attention, which calls two layers differently."""
    for key in [one for one in state if one.startswith(f"{prefix}mask_decoder.") and ".mlp.lin" in one]:
        state[key.replace(".mlp.lin1.", ".mlp.linear1.").replace(".mlp.lin2.", ".mlp.linear2.")] = state.pop(key)
