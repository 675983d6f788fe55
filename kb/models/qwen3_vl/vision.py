"""The vision tower: pixels to one row a token, and to the rows that deepen early layers.

The weights are those of transformers' ``Qwen3VLVisionModel``; this forward pass packs any
mix of pictures and clips without padding, and sends bytes, not floats, to the device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from kb.models.qwen3_vl.attention import Layout, attend
from kb.models.qwen3_vl.elementwise import apply_rotary_emb
from kb.models.qwen3_vl.kernels import add_layer_norm, linear_gelu, rotate_heads
from kb.models.qwen3_vl.normalisation import Normalisation
from kb.models.qwen3_vl.transfer import to_device
from kb.pixels import PATCH_PX, Grid

__all__ = ["VisionTower"]

_MERGE = 2  # patches a token, each way
_CHANNELS = 3
_FRAMES_A_STEP = 2
_GREY_LEVELS = 255.0
# Of the largest picture the published towers take 21 MB each.
_MAX_PLACES = 16
# When cuDNN's attention is worth its planning: patches of a picture, pictures of one size.
_MIN_DENSE_PATCHES = 2048
_N_BEFORE_DENSE = 12
_MAX_LENGTHS = 1000

_Place = tuple[Tensor, Tensor, Tensor]


class VisionTower:
    """Pictures and clips to tokens.

    Args:
        module: transformers' ``Qwen3VLVisionModel``, on its device.
        picture: Of the checkpoint's ``preprocessor_config.json``.
        clip: Of its ``video_preprocessor_config.json``.
        flash: Whether `attend` may use FlashAttention.
        kernels: Whether `kb.models.qwen3_vl.kernels` may be used.
        dense: Whether `attend` may use cuDNN.
    """

    def __init__(
        self,
        module: Any,
        picture: Normalisation,
        clip: Normalisation,
        *,
        flash: bool,
        kernels: bool = False,
        dense: bool = False,
    ) -> None:
        config = module.config
        self._module = module
        self._flash = flash
        self._kernels = kernels
        self._dense = dense
        self._n_seen: Counter[int] = Counter()
        self._is_tanh = config.hidden_act == "gelu_pytorch_tanh"
        self._n_heads: int = config.num_heads
        self._dim: int = config.hidden_size
        self._deep: dict[int, int] = {
            layer: place for place, layer in enumerate(config.deepstack_visual_indexes)
        }
        projection = module.patch_embed.proj
        self._dtype: torch.dtype = projection.weight.dtype
        self._device: torch.device = projection.weight.device
        # (dim, channels, frames, patch, patch); a picture is its own second frame, so its
        # weights are the sum over the two.
        weight = projection.weight
        self._clip_weight = weight.flatten(1)
        self._picture_weight = weight.float().sum(2).to(self._dtype).flatten(1)
        self._bias = projection.bias
        self._picture_scale = self._scale(picture)
        self._clip_scale = self._scale(clip)
        self._side = round(config.num_position_embeddings**0.5)
        head_dim = self._dim // self._n_heads
        theta = (getattr(config, "rope_parameters", None) or {}).get("rope_theta", 10_000.0)
        exponents = torch.arange(0, head_dim // 2, 2, dtype=torch.float32) / (head_dim // 2)
        self._frequencies = (1.0 / theta**exponents).to(self._device)
        self._places: dict[tuple[int, int], _Place] = {}

    @torch.inference_mode()
    def forward(
        self, pixels: Sequence[Tensor], grids: Sequence[Grid], clips: Sequence[bool]
    ) -> tuple[Tensor, list[Tensor]]:
        """Tokens of pictures and clips, one after the other.

        Args:
            pixels: uint8 ``(n_frames, height_px, width_px, 3)`` each, on the host.
            grids: Their sizes.
            clips: Whether each is a clip.

        Returns:
            ``(n_tokens, text_dim)``, and as much for each deepened layer.
        """
        rows, cosines, sines = [], [], []
        lengths: list[int] = []
        for one, grid, is_clip in zip(pixels, grids, clips, strict=True):
            embedding, cosine, sine = self._kept_place(grid.n_rows, grid.n_columns)
            rows.append(self._patches(one, grid, is_clip) + embedding.repeat(grid.n_steps, 1))
            cosines += [cosine] * grid.n_steps
            sines += [sine] * grid.n_steps
            lengths += [len(embedding)] * grid.n_steps
        hidden = torch.cat(rows)
        layout = Layout(
            0, tuple(lengths), False, self._device, self._flash, is_dense=self._is_dense(lengths)
        )
        cosine, sine = torch.cat(cosines)[:, None], torch.cat(sines)[:, None]
        deep: list[Tensor] = [hidden] * len(self._deep)
        blocks = self._module.blocks
        normed = blocks[0].norm1(hidden)
        for number, block in enumerate(blocks):
            attended = self._attended(block.attn, normed, cosine, sine, layout)
            hidden, normed = self._add_norm(hidden, attended, block.norm2)
            branch = self._mlp(block.mlp, normed)
            if number + 1 < len(blocks):
                hidden, normed = self._add_norm(hidden, branch, blocks[number + 1].norm1)
            else:
                hidden = branch.add_(hidden)
            if number in self._deep:
                place = self._deep[number]
                deep[place] = self._module.deepstack_merger_list[place](hidden)
        return self._module.merger(hidden), deep

    def _patches(self, pixels: Tensor, grid: Grid, is_clip: bool) -> Tensor:
        """``(n_patches, dim)`` in the order of tokens, the four patches of one together."""
        n_frames = _FRAMES_A_STEP if is_clip else 1
        grey = to_device(pixels, self._device)
        cut = grey.view(
            grid.n_steps, n_frames, grid.n_rows, _MERGE, PATCH_PX, grid.n_columns, _MERGE,
            PATCH_PX, _CHANNELS,
        )  # fmt: skip
        # steps, rows, columns, row in token, column in token, channel, frame, y, x
        flat = cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(
            grid.n_tokens * _MERGE**2, _CHANNELS, -1
        )
        scale, shift = self._clip_scale if is_clip else self._picture_scale
        values = ((flat.float() - shift) / scale).flatten(1).to(self._dtype)
        return F.linear(values, self._clip_weight if is_clip else self._picture_weight, self._bias)

    def _attended(
        self, attention: Any, normed: Tensor, cosine: Tensor, sine: Tensor, layout: Layout
    ) -> Tensor:
        """A block's attention, projected."""
        mixed = attention.qkv(normed).view(len(normed), 3 * self._n_heads, -1)
        n_rotated = 2 * self._n_heads
        if self._kernels:
            rotate_heads(mixed, n_rotated, cosine, sine)
            turned = mixed[:, :n_rotated]
        else:
            turned = apply_rotary_emb(mixed[:, :n_rotated], cosine, sine)
        query, key = turned.chunk(2, dim=1)
        attended = attend(query, key, mixed[:, n_rotated:], layout)
        projected: Tensor = attention.proj(attended.reshape(len(normed), -1))
        return projected

    def _mlp(self, mlp: Any, normed: Tensor) -> Tensor:
        if self._kernels and self._is_tanh:
            inner = linear_gelu(normed, mlp.linear_fc1.weight, mlp.linear_fc1.bias)
        else:
            inner = mlp.act_fn(mlp.linear_fc1(normed))
        result: Tensor = mlp.linear_fc2(inner)
        return result

    def _add_norm(self, hidden: Tensor, branch: Tensor, norm: Any) -> tuple[Tensor, Tensor]:
        """`hidden` and `branch` added, which overwrites one of them, and the sum normalised."""
        if self._kernels:
            return hidden, add_layer_norm(hidden, branch, norm.weight, norm.bias, norm.eps)
        hidden = branch.add_(hidden)
        return hidden, norm(hidden)

    def _is_dense(self, lengths: Sequence[int]) -> bool:
        """Whether cuDNN pays: it plans for each length anew, which takes as long as it gains on
        a dozen pages, and small pictures alone leave the device idle."""
        if not self._dense or min(lengths) < _MIN_DENSE_PATCHES:
            return False
        self._n_seen.update(lengths)
        if len(self._n_seen) > _MAX_LENGTHS:
            self._n_seen.clear()
        return all(self._n_seen[length] > _N_BEFORE_DENSE for length in lengths)

    def _kept_place(self, n_rows: int, n_columns: int) -> _Place:
        """`_place`, kept for the latest sizes. Not an `lru_cache` of the method: that would hold
        the tower, and its weights on the device, until the collector comes by."""
        size = (n_rows, n_columns)
        place = self._places.pop(size, None) or self._place(n_rows, n_columns)
        self._places[size] = place
        if len(self._places) > _MAX_PLACES:
            self._places.pop(next(iter(self._places)), None)
        return place

    def _place(self, n_rows: int, n_columns: int) -> _Place:
        """For one step of so many tokens: the learned position of every patch ``(n, dim)``, and
        cosine and sine of its rotation, float32 ``(n, head_dim)``."""
        rows = torch.arange(n_rows * _MERGE, device=self._device)
        columns = torch.arange(n_columns * _MERGE, device=self._device)
        low_row, high_row, part_row = self._taps(len(rows))
        low_column, high_column, part_column = self._taps(len(columns))
        table = self._module.pos_embed.weight.float().view(self._side, self._side, -1)
        along = torch.lerp(table[low_row], table[high_row], part_row[:, None, None])
        embedding = torch.lerp(along[:, low_column], along[:, high_column], part_column[:, None])
        row = rows[:, None].expand(-1, len(columns))
        column = columns[None].expand(len(rows), -1)
        angles = torch.cat(
            [
                _in_tokens(row)[:, None] * self._frequencies,
                _in_tokens(column)[:, None] * self._frequencies,
            ],
            dim=1,
        ).repeat(1, 2)
        return _in_tokens(embedding).to(self._dtype), angles.cos(), angles.sin()

    def _taps(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """Neighbours in the learned grid of `n` places spread over its whole side, and how far
        each is from the first."""
        at = torch.linspace(0, self._side - 1, n, device=self._device)
        low = at.long()
        return low, (low + 1).clamp(max=self._side - 1), at - low

    def _scale(self, normalisation: Normalisation) -> tuple[Tensor, Tensor]:
        std = torch.tensor(normalisation.std, device=self._device).view(1, -1, 1)
        mean = torch.tensor(normalisation.mean, device=self._device).view(1, -1, 1)
        return std * _GREY_LEVELS, mean * _GREY_LEVELS


def _in_tokens(plane: Tensor) -> Tensor:
    """``(height, width, ...)`` of patches as ``(height * width, ...)``, token by token."""
    height, width, *rest = plane.shape
    cut = plane.reshape(height // _MERGE, _MERGE, width // _MERGE, _MERGE, *rest)
    return cut.transpose(1, 2).reshape(height * width, *rest)
